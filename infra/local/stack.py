"""AGE's stack on the local AWS.

python stack.py up | down | weekly | env
python stack.py logs [--follow] [--function NAME]... [--request ID]
python stack.py exec -- COMMAND...
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import credentials
import logs
import secret_scan
import server
from client import Stack, env_file
from deploy import check_binaries, deploy
from settings import UserError, api_port, aws_port, exit_on_signals, run, state_dir

READY_SECONDS = 30


class WeeklyReportError(Exception):
    """The function weekly-report ran and failed."""


def up(port: int | None = None, forwarder_port: int | None = None) -> Stack:
    """Start what does not run yet, deploy what changed, and return when the API answers."""
    check_binaries()
    credentials.check_agectl()
    running_port = server.running()
    known = Stack.load().values if running_port and env_file().exists() else {}
    port = running_port or port or aws_port()
    if running_port is None:
        server.stop()  # a forwarder may be left if ministack was killed
        server.start_aws(port)
    elif os.environ.get("AGE_PORT") and running_port != aws_port():
        raise UserError(f"the local AWS already runs on port {running_port}: stop it with `make down`")
    else:
        print(f"The local AWS already runs on port {running_port}: only what changed is deployed.")
    try:
        forwarder_port = server.start_forwarder(forwarder_port or api_port(port), port)
        stack = deploy(port, f"http://127.0.0.1:{forwarder_port}")
        credentials.issue(stack, known)
        _wait_for_api(stack)
    except BaseException:
        if running_port is None:
            server.stop()  # a half-deployed stack would confuse the next `up`
        raise
    stack.save()
    return stack


def down() -> bool:
    """Stop everything. False if the local AWS did not run."""
    env_file().unlink(missing_ok=True)
    was_running = server.stop()
    shutil.rmtree(state_dir() / "tmp", ignore_errors=True)
    return was_running


def weekly(stack: Stack) -> Any:
    """Invoke the function weekly-report as its schedule would do now. Returns the function's response."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    response = stack.service("lambda").invoke(
        FunctionName=stack["WEEKLY_FUNCTION"], Payload=json.dumps({"scheduledTime": now}).encode()
    )
    payload = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        raise WeeklyReportError(f"the function weekly-report failed: {json.dumps(payload)}")
    return payload


def _wait_for_api(stack: Stack) -> None:
    path = "/api/governance/stats"
    end = time.monotonic() + READY_SECONDS
    while (response := stack.call("GET", path)).status != 200 and time.monotonic() < end:
        time.sleep(0.5)
    if response.status != 200:
        raise UserError(f"the API is not ready: GET {path} answered {response.status}: {response.text}")


def _up(_: list[str]) -> int:
    stack = up()
    print(f"AGE answers at {stack['AGE_API_URL']}   (addresses, names and tokens: {env_file()})")
    return 0


def _down(_: list[str]) -> int:
    print("The local AWS is stopped." if down() else "The local AWS was not running.")
    return 0


def _weekly(_: list[str]) -> int:
    try:
        print(json.dumps(weekly(Stack.load()), indent=2))
    except WeeklyReportError as error:
        print(f"age: {error}", file=sys.stderr)
        return 1
    return 0


def _env(_: list[str]) -> int:
    Stack.load()
    print(env_file().read_text(), end="")
    return 0


def _exec(arguments: list[str]) -> int:
    """Run a command with a fresh stack of its own, stop the stack, and return the command's exit code."""
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        raise UserError("exec needs a command: stack.py exec -- COMMAND...")
    if shutil.which(command[0]) is None:
        raise UserError(f"{command[0]}: command not found")
    exit_on_signals()
    down()  # a run that was killed may have left a stack
    free_port, free_api_port = server.free_ports(2)
    try:
        stack = up(
            aws_port() if os.environ.get("AGE_PORT") else free_port,
            None if os.environ.get("AGE_PORT") or os.environ.get("AGE_API_PORT") else free_api_port,
        )
        code = subprocess.run(command, env=os.environ | {"AGE_STACK_ENV": str(env_file())}, check=False).returncode
        print(f"Searched {secret_scan.check(stack)} log lines: no secret and no details of events.")
        return code
    finally:
        down()


COMMANDS = {"up": _up, "down": _down, "weekly": _weekly, "env": _env, "logs": logs.main, "exec": _exec}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        raise UserError(f"usage: stack.py {' | '.join(COMMANDS)}")
    return COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    run(main)
