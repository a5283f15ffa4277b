"""The logs of the functions on the running stack, in the order of time."""

from __future__ import annotations

import argparse
import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from client import Stack
from settings import STACK, UserError

PREFIX = f"/aws/lambda/{STACK}-"
FOLLOW_SECONDS = 1.0
# Lines of an invocation are stored shortly after their timestamp, so each read begins before the last one.
OVERLAP_MS = 10_000


@dataclass(frozen=True)
class Line:
    at_ms: int
    function: str
    message: str

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC)
        return f"{at:%H:%M:%S}.{self.at_ms % 1000:03} {self.function}: {self.message}"


def read(stack: Stack, functions: list[str], since_ms: int = 0) -> Iterator[Line]:
    """The lines of these functions (of all, if none is named) since a time, oldest first."""
    logs = stack.service("logs")
    groups = [group.removeprefix(PREFIX) for group in _groups(logs)]
    if unknown := [name for name in functions if name not in groups]:
        raise UserError(f"no function is called {unknown[0]}: choose from {', '.join(sorted(groups))}")
    # By time alone: lines of one millisecond keep their order.
    return heapq.merge(*(_lines(logs, name, since_ms) for name in functions or groups), key=lambda line: line.at_ms)


def main(arguments: list[str]) -> int:
    """Print the log of the running stack."""
    parser = argparse.ArgumentParser(prog="stack.py logs", description=main.__doc__)
    parser.add_argument("--follow", action="store_true", help="go on with new lines until Ctrl-C")
    parser.add_argument(
        "--function",
        action="append",
        default=[],
        metavar="NAME",
        help="only this function, such as log-event (repeatable)",
    )
    parser.add_argument("--request", metavar="ID", help="only lines with this request id")
    options = parser.parse_args(arguments)
    stack = Stack.load()
    since_ms, seen = 0, set[Line]()
    while True:
        started_ms = int(time.time() * 1000)
        lines = list(read(stack, options.function, since_ms))
        for line in lines:
            if line not in seen and (options.request is None or options.request in line.message):
                print(line, flush=True)
        if not options.follow:
            return 0
        since_ms, seen = started_ms - OVERLAP_MS, set(lines)
        time.sleep(FOLLOW_SECONDS)


def _groups(logs: Any) -> Iterator[str]:
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=PREFIX):
        yield from (group["logGroupName"] for group in page["logGroups"])


def _lines(logs: Any, function: str, since_ms: int) -> Iterator[Line]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=PREFIX + function, startTime=since_ms)
    for page in pages:
        for event in page["events"]:
            yield Line(event["timestamp"], function, event["message"].rstrip())
