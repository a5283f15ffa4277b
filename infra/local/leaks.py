"""Looks for what must not be there in all that the functions of a run have logged: tokens, secrets, details of events."""

from __future__ import annotations

import re
from collections.abc import Iterator

from client import Stack
from settings import Refused

TOKEN = re.compile(r"agov1\.[a-z0-9_-]+\.[A-Za-z0-9_-]{43}")
# What the end-to-end tests put into details and notes.
PRIVATE = "not-for-any-log"


def check(stack: Stack) -> int:
    """How many lines were looked at."""
    secrets = {value.rsplit(".", 1)[1] for value in stack.values.values() if TOKEN.fullmatch(value)}
    number = 0
    for number, (group, line) in enumerate(_lines(stack), start=1):
        if TOKEN.search(line) or PRIVATE in line or any(secret in line for secret in secrets):
            raise Refused(f"{group} has logged what it must not: {TOKEN.sub('agov1.…', line)[:200]}")
    if number == 0 or not secrets:
        raise Refused("there was no log to look for secrets in, or no secret to look for")
    return number


def _lines(stack: Stack) -> Iterator[tuple[str, str]]:
    logs = stack.service("logs")
    for groups in logs.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            name = group["logGroupName"]
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                yield from ((name, event["message"]) for event in page["events"])
