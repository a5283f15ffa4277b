"""The sample week: read from examples/week.ndjson and lived through again on the running stack.

AGE goes by the moment at which it accepts an event, so a replayed week would all happen in this minute. On the local AWS
the functions therefore heed CLOCK_OFFSET_SECONDS: each one's clock is moved to the moment at which it is about to act.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

import credentials
from client import Stack
from settings import ROOT, STACK, Refused

WEEK = ROOT / "examples" / "week.ndjson"
FUNCTIONS = ("log-event", "actions", "incidents", "sweep")  # those that go by the clock as they act
Event = dict[str, Any]
Move = Callable[[str, datetime], None]


@dataclass(frozen=True)
class Step:
    """Something that is done in the week."""

    at: datetime
    function: str  # the one that acts then
    do: Callable[[], None]


def load(today: date) -> list[Event]:
    """The sample's events, its Monday moved to the first of the seven whole days before today."""
    events = [json.loads(line) for line in WEEK.read_text().splitlines()]
    shift = datetime.combine(today - timedelta(days=7), time(), UTC) - begin(events)
    return [event | {"sourceTime": (moment(event) + shift).strftime("%Y-%m-%dT%H:%M:%SZ")} for event in events]


def begin(events: list[Event]) -> datetime:
    return moment(events[0]).replace(hour=0, minute=0, second=0)


def moment(event: Event) -> datetime:
    return datetime.fromisoformat(event["sourceTime"].replace("Z", "+00:00"))


def stretches(events: list[Event]) -> list[list[Event]]:
    """An hour's events each, but none goes on after a CRITICAL one: people are told of that in its own minute."""
    found: list[list[Event]] = []
    for event in events:
        before = found[-1][-1] if found else None
        if before is None or before["severity"] == "CRITICAL" or before["sourceTime"][:13] != event["sourceTime"][:13]:
            found.append([])
        found[-1].append(event)
    return found


def replay(stack: Stack, events: list[Event], accepted: Callable[[Event], None]) -> list[Step]:
    """Every event is sent with its stretch by its engine, none before it happened; `accepted` is told of each."""

    def post(stretch: list[Event]) -> None:
        for engine, some in groupby(stretch, key=itemgetter("engine")):
            sent = list(some)
            _import(stack, engine, sent)
            for event in sent:
                accepted(event)

    return [Step(moment(stretch[-1]), "log-event", partial(post, stretch)) for stretch in stretches(events)]


def live(steps: Iterable[Step], move: Move, begins: datetime) -> None:
    """Do all that is done in the week that begins then, in its order. No clock is ever ahead of what has been done."""
    ends = begins + timedelta(days=7)
    for function in FUNCTIONS:
        move(function, begins)
    for step in sorted(steps, key=lambda step: step.at):
        if step.at < ends:
            move(step.function, step.at)
            step.do()
    for function in FUNCTIONS:
        move(function, ends)


@contextmanager
def clocks(stack: Stack) -> Iterator[Move]:
    """A way to move the functions' clocks. The real time comes back at the end, and the sweep's schedule, which rests."""
    functions = stack.service("lambda")

    def variables(function: str) -> dict[str, str]:
        return functions.get_function_configuration(FunctionName=f"{STACK}-{function}")["Environment"]["Variables"]

    real = {function: variables(function) for function in FUNCTIONS}

    def configure(function: str, extra: dict[str, str]) -> None:
        functions.update_function_configuration(
            FunctionName=f"{STACK}-{function}", Environment={"Variables": real[function] | extra}
        )

    def move(function: str, to: datetime) -> None:
        offset = math.ceil((to - datetime.now(UTC)).total_seconds())
        configure(function, {"CLOCK_OFFSET_SECONDS": str(offset)})

    try:
        _schedule_sweep(stack, "DISABLED")
        yield move
    finally:
        for function in FUNCTIONS:
            configure(function, {})
        _schedule_sweep(stack, "ENABLED")


def _schedule_sweep(stack: Stack, state: str) -> None:
    scheduler, name = stack.service("scheduler"), f"{STACK}-sweep"
    schedule = scheduler.get_schedule(Name=name)
    kept = {key: schedule[key] for key in ("ScheduleExpression", "FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(Name=name, State=state, **kept)


def _import(stack: Stack, engine: str, events: list[Event]) -> None:
    lines = "".join(f"{json.dumps(event)}\n" for event in events)
    token = stack[f"AGE_TOKEN_{engine.upper()}"]
    sent = credentials.agectl(stack, "event", "import", "-", "--concurrency", "1", token=token, stdin=lines)
    if sent.returncode != 0:
        raise Refused(f"events of {engine} in {WEEK.name} were not taken: {sent.stderr.strip()}")
