"""What the local AWS cannot show, because it does not ask the role: each with its reason, and that is tried, not believed.

All of these are taken away at once. What AWS needs them for is then done all the same, or it is never done here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from botocore.exceptions import ClientError

import queues
from roles import Permission, Roles
from settings import STACK
from world import World

SCHEDULER = "SchedulerRole"

# A function that schedules fire → the queue for what it fails at, by its name in the template.
FAILURES = {"sweep": "SweepFailures", "weekly-report": "WeeklyReportFailures"}

# The local AWS looks at its schedules every ten seconds, and calls the weekly report three times before it gives up.
FIRED_WITHIN_SECONDS = 40

# Neither a request nor a firing: every function fails at it, and logs that.
NOTHING = "nothing that anybody understands"


def reasons(roles: Roles) -> dict[Permission, str]:
    return {permission: why for permission in roles.permissions() if (why := _reason(roles, permission))}


def _reason(roles: Roles, permission: Permission) -> str | None:
    """None also where something is allowed on another resource than the one that AWS does this for."""
    owner = permission.owner
    match permission.action, permission.resource:
        case "logs:CreateLogStream" | "logs:PutLogEvents", group if group == roles.log_group(owner):
            return "the local AWS writes logs without asking the role"
        case "xray:PutTraceSegments" | "xray:PutTelemetryRecords", "*":
            return "the local AWS has no X-Ray"
        case "sqs:SendMessage", queue if queue == FAILURES.get(owner):
            return "the local AWS keeps failures without asking the role"
        case "lambda:InvokeFunction", function if owner == SCHEDULER and roles.functions.get(function) in FAILURES:
            return "the local schedules fire without asking the role"
        case "sqs:SendMessage", queue if owner == SCHEDULER and queue in FAILURES.values():
            return "the local schedules have no dead letters"
    return None


def faults(world: World, roles: Roles) -> list[str]:
    """Which of the reasons do not hold."""
    # Dead letters are not even sent with the permission.
    taken = [it for it in reasons(roles) if (it.owner, it.action) != (SCHEDULER, "sqs:SendMessage")]
    with roles.without(*taken):
        return [*_traces(world), *_logs(world, roles), *_failures_and_firings(world, roles)]


def _traces(world: World) -> Iterator[str]:
    try:
        world.stack.service("xray").put_trace_segments(TraceSegmentDocuments=["{}"])
        yield "the local AWS has an X-Ray"
    except ClientError:
        pass  # and that to its root, who may do everything


def _logs(world: World, roles: Roles) -> Iterator[str]:
    for function in roles.functions.values():
        began = time.time()
        _invoke(world, function, "RequestResponse", NOTHING)
        if not any(line.startswith("{") for line in world.log(function, began)):
            yield f"the log of {function} has nothing that it says itself"


def _failures_and_firings(world: World, roles: Roles) -> Iterator[str]:
    """Functions fail, once called and left to themselves, and once fired by a schedule; other schedules have no function."""
    began, called, fired, dead = time.time(), world.fresh(), world.fresh(), world.fresh()
    arns = {name: roles.arn(logical_id) for logical_id, name in roles.functions.items() if name in FAILURES}
    targets = [(arn, FAILURES[name], fired) for name, arn in arns.items()]
    targets += [(f"{arn}-that-is-not-there", FAILURES[name], dead) for name, arn in arns.items()]
    for name in FAILURES:
        _invoke(world, name, "Event", called)
    with _schedules(world, roles, targets):
        for name in FAILURES:
            if not _within(partial(_is_fired, world, name, began, fired)):
                yield f"{name} is not fired"
        for name, queue in FAILURES.items():
            letters: list[str] = []
            if not _within(partial(_is_kept, world, roles.physical(queue), called, letters)):
                yield f"what {name} fails at is not kept"
            if _said(dead, letters):
                yield f"a schedule has sent a dead letter to {queue}"


def _is_fired(world: World, function: str, began: float, mark: str) -> bool:
    return _said(mark, world.log(function, began))


def _is_kept(world: World, queue: str, mark: str, letters: list[str]) -> bool:
    letters += queues.take(world.sqs, queue)
    return _said(mark, letters)


def _invoke(world: World, function: str, how: str, payload: str) -> None:
    request = {"FunctionName": f"{STACK}-{function}", "InvocationType": how, "Payload": json.dumps(payload).encode()}
    world.stack.service("lambda").invoke(**request)


def _said(mark: str, lines: list[str]) -> bool:
    return any(mark in line for line in lines)


def _within(happens: Callable[[], bool]) -> bool:
    end = time.monotonic() + FIRED_WITHIN_SECONDS
    while not (done := happens()) and time.monotonic() < end:
        time.sleep(0.2)
    return done


@contextmanager
def _schedules(world: World, roles: Roles, targets: list[tuple[str, str, str]]) -> Iterator[None]:
    """Fire each target with its payload, once and soon."""
    scheduler, role = world.stack.service("scheduler"), roles.all[SCHEDULER]
    names = []
    try:
        for arn, queue, payload in targets:
            names.append(world.fresh())
            scheduler.create_schedule(
                Name=names[-1],
                ScheduleExpression="at(2020-01-01T00:00:00)",
                FlexibleTimeWindow={"Mode": "OFF"},
                Target={
                    "Arn": arn,
                    "RoleArn": role.arn,
                    "Input": json.dumps(payload),
                    "DeadLetterConfig": {"Arn": roles.arn(queue)},
                    "RetryPolicy": {"MaximumRetryAttempts": 0},
                },
            )
        yield
    finally:
        for name in names:
            scheduler.delete_schedule(Name=name)
