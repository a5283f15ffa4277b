"""Credentials of the local stack: the first admin, made as an operator makes it, and the others, made with agectl."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

from client import Stack
from settings import POLICY, ROOT, UserError

ADMIN_TOKEN = "AGE_ADMIN_TOKEN"
AGECTL = ROOT / "target" / "debug" / "agectl"
LIVE_ADMINS = re.compile("live admins exist: ([^;]+);")
EXIT_REJECTED = 1  # agectl's exit code when AGE rejects the request


def issue(stack: Stack, known: dict[str, str]) -> None:
    """Add a token for the admin and one for each engine to the stack's values: the `known` ones, else new ones."""
    engines_by_name = {f"AGE_TOKEN_{engine.upper()}": engine for engine in engines()}
    stack.values[ADMIN_TOKEN] = known.get(ADMIN_TOKEN) or _create_first_admin(stack)
    for name, engine in engines_by_name.items():
        stack.values[name] = known.get(name) or create(stack, engine, "engine", engine)


def engines() -> list[str]:
    return list(tomllib.loads(POLICY.read_text())["engines"])


def create(stack: Stack, kid: str, role: str, engine: str | None = None) -> str:
    """Create a credential and return its token. If it exists, rotate it: its token is not stored anywhere."""
    options = ["--role", role, *(["--engine", engine] if engine else [])]
    result = agectl(stack, "credential", "create", kid, *options)
    if result.returncode == EXIT_REJECTED:
        result = agectl(stack, "credential", "rotate", kid, "--overlap", "0s")
    if result.returncode != 0:
        raise UserError(f"cannot create the credential {kid}: {result.stderr.strip()}")
    return result.stdout.strip()


def agectl(
    stack: Stack, *arguments: str, token: str | None = None, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run agectl with this token, or else with the admin's."""
    environment = os.environ | {"AGE_API_URL": stack["AGE_API_URL"], "AGE_TOKEN": token or stack[ADMIN_TOKEN]}
    command = [str(AGECTL), *arguments]
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)


def check_agectl() -> None:
    if not AGECTL.is_file():
        raise UserError(f"{_relative(AGECTL)} is missing: build it with `make agectl`")


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _create_first_admin(stack: Stack) -> str:
    payload = _invoke_first_admin(stack, {"kid": "local-admin"})
    if "token" not in payload:
        # An admin is live or was: its token was lost together with its stack.env.
        lost = LIVE_ADMINS.search(payload["errorMessage"])
        revoked = lost[1].split(", ") if lost else []
        payload = _invoke_first_admin(stack, {"kid": f"local-admin-{os.getpid()}", "revoke": revoked})
    if "token" not in payload:
        raise UserError(f"cannot create the first admin: {json.dumps(payload)}")
    return payload["token"]


def _invoke_first_admin(stack: Stack, request: dict[str, str | list[str]]) -> dict[str, str]:
    functions = stack.service("lambda")
    response = functions.invoke(FunctionName=stack["FIRST_ADMIN_FUNCTION"], Payload=json.dumps(request).encode())
    payload: dict[str, str] = json.loads(response["Payload"].read())
    return payload
