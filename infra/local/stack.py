"""AGE's stack on the local AWS: python stack.py up | down | weekly | env | logs | exec -- COMMAND…"""

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
import leaks
import server
from client import Stack, env_file
from deploy import check_binaries, deploy
from settings import Refused, end_tidily, port, run, state_dir


def up(wanted: int | None = None) -> Stack:
    """Start what does not run yet, deploy what changed, and return when the API answers."""
    check_binaries()
    credentials.check_agectl()
    earlier = Stack.earlier() if server.running() else {}
    running = server.running()
    at = running or wanted or port()
    if running is None:
        server.start(at)
    elif os.environ.get("AGE_PORT") and running != port():
        raise Refused(f"the local AWS already runs on port {running}: `make down` stops it")
    else:
        print(f"The local AWS already runs on port {running}: only what changed is deployed.")
    try:
        stack = deploy(at)
        credentials.issue(stack, earlier)
        _await_api(stack)
    except BaseException:
        if running is None:
            server.stop()  # a stack that half exists would only confuse the next `up`
        raise
    stack.save()
    return stack


def down() -> bool:
    env_file().unlink(missing_ok=True)
    stopped = server.stop()
    shutil.rmtree(state_dir() / "tmp", ignore_errors=True)
    return stopped


def weekly(stack: Stack) -> Any:
    """Fire the weekly function with what the schedule would send now."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = stack.service("lambda").invoke(
        FunctionName=stack["WEEKLY_FUNCTION"], Payload=json.dumps({"scheduledTime": now}).encode()
    )
    payload = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise WeeklyFailed(f"the weekly function failed: {json.dumps(payload)}")
    return payload


class WeeklyFailed(Exception):
    """The function ran and said no."""


def _await_api(stack: Stack) -> None:
    end = time.monotonic() + 30
    while (answer := stack.call("GET", "/api/governance/stats")).status != 200 and time.monotonic() < end:
        time.sleep(0.5)
    if answer.status != 200:
        raise Refused(f"the API does not answer: GET /api/governance/stats gave {answer.status} {answer.text}")


def _up(_: list[str]) -> int:
    stack = up()
    print(f"AGE answers at {stack['AGE_API_URL']}   (names and addresses: {env_file()})")
    return 0


def _down(_: list[str]) -> int:
    print("The local AWS is stopped." if down() else "The local AWS was not running.")
    return 0


def _weekly(_: list[str]) -> int:
    try:
        print(json.dumps(weekly(Stack.load()), indent=2))
    except WeeklyFailed as failed:
        print(f"age: {failed}", file=sys.stderr)
        return 1
    return 0


def _env(_: list[str]) -> int:
    Stack.load()
    print(env_file().read_text(), end="")
    return 0


def _logs(names: list[str]) -> int:
    """What the functions logged: all of them, or those named."""
    logs = Stack.load().service("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]:
        name = group["logGroupName"].removeprefix("/aws/lambda/age-")
        if not names or name in names:
            for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]:
                print(f"{name}: {event['message'].rstrip()}")
    return 0


def _exec(arguments: list[str]) -> int:
    """Run a command beside a fresh stack of its own, which ends with it."""
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        raise Refused("exec needs a command: stack.py exec -- COMMAND…")
    if shutil.which(command[0]) is None:
        raise Refused(f"{command[0]}: no such command")
    end_tidily()
    down()  # what a killed run may have left
    try:
        stack = up(wanted=port() if os.environ.get("AGE_PORT") else server.free_port())
        code = subprocess.run(command, env=os.environ | {"AGE_STACK_ENV": str(env_file())}, check=False).returncode
        print(f"No secret and no details in {leaks.check(stack)} lines of logs.")
        return code
    finally:
        down()


COMMANDS = {"up": _up, "down": _down, "weekly": _weekly, "env": _env, "logs": _logs, "exec": _exec}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        raise Refused(f"usage: stack.py {' | '.join(COMMANDS)}")
    return COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    run(main)
