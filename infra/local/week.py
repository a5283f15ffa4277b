"""The sample week: read from examples/week.ndjson and lived through again on the running stack.

AGE counts an event at the moment it accepts it, so a replayed week would all land in this minute. On the local AWS the
functions therefore heed CLOCK_OFFSET_SECONDS: the replay moves log-event's clock to each hour of the week in turn.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from client import Stack
from settings import ROOT, STACK, Refused

WEEK = ROOT / "examples" / "week.ndjson"
FUNCTION = f"{STACK}-log-event"
Event = dict[str, Any]


def load(today: date) -> list[Event]:
    """The sample's events, its Monday moved to the first of the seven whole days before today."""
    events = [json.loads(line) for line in WEEK.read_text().splitlines()]
    shift = datetime.combine(today - timedelta(days=7), time(), UTC) - _midnight(_time(events[0]))
    return [event | {"sourceTime": (_time(event) + shift).strftime("%Y-%m-%dT%H:%M:%SZ")} for event in events]


def replay(stack: Stack, events: list[Event], accepted: Callable[[Event], None]) -> None:
    """Post every event in its hour, none before it happened; `accepted` is told of each."""
    with _clock(stack) as set_clock:
        for _, hour in groupby(enumerate(events, start=1), key=lambda numbered: numbered[1]["sourceTime"][:13]):
            numbered = list(hour)
            set_clock(_time(numbered[-1][1]))
            for number, event in numbered:
                _post(stack, number, event)
                accepted(event)


def _post(stack: Stack, number: int, event: Event) -> None:
    headers = {"content-type": "application/json", "idempotency-key": f"sample-week-{number}"}
    answer = stack.call("POST", "/api/governance/event", json.dumps(event).encode(), headers)
    if answer.status != 201:
        raise Refused(f"line {number} of {WEEK.name} was answered {answer.status}, not 201: {answer.text}")


@contextmanager
def _clock(stack: Stack) -> Iterator[Callable[[datetime], None]]:
    """A way to set log-event's clock; the real time comes back at the end."""
    functions = stack.service("lambda")
    real = functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]

    def configure(extra: dict[str, str]) -> None:
        functions.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": real | extra})

    def set_clock(moment: datetime) -> None:
        offset = math.ceil((moment - datetime.now(UTC)).total_seconds())
        configure({"CLOCK_OFFSET_SECONDS": str(offset)})

    try:
        yield set_clock
    finally:
        configure({})


def _time(event: Event) -> datetime:
    return datetime.fromisoformat(event["sourceTime"].replace("Z", "+00:00"))


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0)
