"""Who may call the local AGE: an admin, made as an operator makes the first one, and what the admin makes with agectl."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path

from client import Stack
from settings import POLICY, ROOT, Refused

ADMIN_TOKEN = "AGE_ADMIN_TOKEN"
AGECTL = ROOT / "target" / "debug" / "agectl"


def issue(stack: Stack, earlier: dict[str, str]) -> None:
    """Put tokens into the stack's names: those of `earlier`, if it had some, else new ones."""
    names = {ADMIN_TOKEN: None} | {f"AGE_TOKEN_{engine.upper()}": engine for engine in engines()}
    stack.values |= {name: earlier[name] for name in names if name in earlier}
    for name, engine in names.items():
        if name not in stack.values:
            stack.values[name] = _first_admin(stack) if engine is None else create(stack, engine, "engine", engine)


def engines() -> list[str]:
    return list(tomllib.loads(POLICY.read_text())["engines"])


def create(stack: Stack, kid: str, role: str, engine: str | None = None) -> str:
    """A new credential's token; of one that is there already, whose token nobody has any more, a new one."""
    options = ["--role", role, *(["--engine", engine] if engine else [])]
    made = agectl(stack, "credential", "create", kid, *options)
    if made.returncode == 1:
        made = agectl(stack, "credential", "rotate", kid, "--overlap", "0s")
    if made.returncode != 0:
        raise Refused(f"no credential for {kid}: {made.stderr.strip()}")
    return made.stdout.strip()


def agectl(stack: Stack, *arguments: str, token: str | None = None, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"AGE_API_URL": stack["AGE_API_URL"], "AGE_TOKEN": token or stack[ADMIN_TOKEN]}
    command = [str(AGECTL), *arguments]
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)


def check_agectl() -> None:
    if not AGECTL.is_file():
        raise Refused(f"there is no {_shown(AGECTL)}: `make agectl` makes it")


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _first_admin(stack: Stack) -> str:
    functions = stack.service("lambda")
    for kid in ("local-admin", f"local-admin-{os.getpid()}"):  # of the first, the token may be lost with its stack.env
        answer = functions.invoke(FunctionName=stack["FIRST_ADMIN_FUNCTION"], Payload=json.dumps({"kid": kid}).encode())
        made = json.loads(answer["Payload"].read())
        if "FunctionError" not in answer:
            token: str = made["token"]
            return token
    raise Refused(f"no first admin: {json.dumps(made)}")
