"""Replays the sample week of examples/week.ndjson on the running stack.

AGE dates an event by the moment at which it accepts the event, so a replayed week would all happen in this minute. On
the local AWS the functions therefore read CLOCK_OFFSET_SECONDS: the replay moves each function's clock to the time at
which it is about to act.
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
from settings import ROOT, STACK, UserError

FILE = ROOT / "examples" / "week.ndjson"
# Those whose work depends on the time, and those that cache the counters of days that they believe to be over: with a
# new clock, a function has a new environment with an empty cache.
FUNCTIONS = ("log-event", "actions", "incidents", "sweep", "get-stats", "dashboard")
Event = dict[str, Any]
SetClock = Callable[[str, datetime], None]  # of the function of this name, to this time


@dataclass(frozen=True)
class Step:
    """Something that happens in the week."""

    at: datetime
    function: str  # the one that handles it
    do: Callable[[], None]


def load(today: date) -> list[Event]:
    """The sample's events, moved so that its Monday is the first of the seven whole days before today."""
    events = [json.loads(line) for line in FILE.read_text().splitlines()]
    shift = datetime.combine(today - timedelta(days=7), time(), UTC) - start(events)
    return [event | {"sourceTime": (event_time(event) + shift).strftime("%Y-%m-%dT%H:%M:%SZ")} for event in events]


def start(events: list[Event]) -> datetime:
    """Midnight of the week's first day."""
    return event_time(events[0]).replace(hour=0, minute=0, second=0)


def event_time(event: Event) -> datetime:
    return datetime.fromisoformat(event["sourceTime"])


def group_by_hour(events: list[Event]) -> list[list[Event]]:
    """Events that are sent at once. A CRITICAL event ends its group: AGE notifies people of it at its own time."""
    groups: list[list[Event]] = []
    for event in events:
        last = groups[-1][-1] if groups else None
        if last is None or last["severity"] == "CRITICAL" or last["sourceTime"][:13] != event["sourceTime"][:13]:
            groups.append([])
        groups[-1].append(event)
    return groups


def send_steps(stack: Stack, events: list[Event], on_accepted: Callable[[Event], None]) -> list[Step]:
    """Steps that send the events, each group at the time of its last event and by the engines that the events name."""

    def send(group: list[Event]) -> None:
        for engine, some in groupby(group, key=itemgetter("engine")):
            events_of_engine = list(some)
            _import(stack, engine, events_of_engine)
            for event in events_of_engine:
                on_accepted(event)

    return [Step(event_time(group[-1]), "log-event", partial(send, group)) for group in group_by_hour(events)]


def run(steps: Iterable[Step], set_clock: SetClock, begins: datetime) -> None:
    """Run the steps of the week that begins then, ordered by time. No clock is ever ahead of the step that runs."""
    ends = begins + timedelta(days=7)
    for function in FUNCTIONS:
        set_clock(function, begins)
    for step in sorted(steps, key=lambda step: step.at):
        if step.at < ends:
            set_clock(step.function, step.at)
            step.do()
    for function in FUNCTIONS:
        set_clock(function, ends)


@contextmanager
def shifted_clocks(stack: Stack) -> Iterator[SetClock]:
    """Yields a function that sets the functions' clocks, and stops the sweep's schedule. The end undoes both."""
    functions = stack.service("lambda")

    def variables(function: str) -> dict[str, str]:
        configuration = functions.get_function_configuration(FunctionName=f"{STACK}-{function}")
        return dict(configuration["Environment"]["Variables"])

    original = {function: variables(function) for function in FUNCTIONS}

    def configure(function: str, extra: dict[str, str]) -> None:
        environment = {"Variables": original[function] | extra}
        functions.update_function_configuration(FunctionName=f"{STACK}-{function}", Environment=environment)

    def set_clock(function: str, to: datetime) -> None:
        offset = math.ceil((to - datetime.now(UTC)).total_seconds())
        configure(function, {"CLOCK_OFFSET_SECONDS": str(offset)})

    try:
        _set_sweep_schedule(stack, "DISABLED")
        yield set_clock
    finally:
        for function in FUNCTIONS:
            configure(function, {})
        _set_sweep_schedule(stack, "ENABLED")


def _set_sweep_schedule(stack: Stack, state: str) -> None:
    scheduler, name = stack.service("scheduler"), f"{STACK}-sweep"
    schedule = scheduler.get_schedule(Name=name)
    unchanged = {key: schedule[key] for key in ("ScheduleExpression", "FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(Name=name, State=state, **unchanged)


def _import(stack: Stack, engine: str, events: list[Event]) -> None:
    lines = "".join(f"{json.dumps(event)}\n" for event in events)
    token = stack[f"AGE_TOKEN_{engine.upper()}"]
    result = credentials.agectl(stack, "event", "import", "-", "--concurrency", "1", token=token, stdin=lines)
    if result.returncode != 0:
        raise UserError(f"AGE did not accept all events of {engine} in {FILE.name}: {result.stderr.strip()}")
