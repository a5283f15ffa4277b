"""The permissions that the local AWS does not enforce, each with the reason, and a check that the reasons are true.

The check takes all of these permissions away. Each use of them on AWS must then still work here, or never happen.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from botocore.exceptions import ClientError

import queues
from harness import Harness
from roles import Permission, Roles
from settings import STACK

SCHEDULER = "SchedulerRole"

# The queue for failed invocations, by the scheduled function; the queue by its name in the template.
FAILURE_QUEUES = {"sweep": "SweepFailures", "weekly-report": "WeeklyReportFailures"}

SCHEDULED = {*FAILURE_QUEUES, "relay"}

# The function that gets messages of a queue, and the queue.
RELAY, RELAY_QUEUE = "relay", "RelayQueue"
RELAY_FAILURES = "RelayFailures"

# The local AWS checks its schedules every ten seconds, and retries a failed invocation twice.
TIMEOUT_SECONDS = 40

# Not a payload of any function: every function fails and logs an error.
INVALID_PAYLOAD = "not a payload"


def reasons(roles: Roles) -> dict[Permission, str]:
    return {permission: why for permission in roles.permissions() if (why := _reason(roles, permission))}


def _reason(roles: Roles, permission: Permission) -> str | None:
    """Why the local AWS does not enforce the permission. None if it does, or if the resource is another than usual."""
    owner = permission.owner
    match permission.action, permission.resource:
        case "logs:CreateLogStream" | "logs:PutLogEvents", group if group == roles.log_group(owner):
            return "the local AWS writes logs without checking the role"
        case "xray:PutTraceSegments" | "xray:PutTelemetryRecords", "*":
            return "the local AWS has no X-Ray"
        case "sqs:SendMessage", queue if queue == FAILURE_QUEUES.get(owner):
            return "the local AWS stores failed invocations without checking the role"
        case "sqs:ReceiveMessage" | "sqs:DeleteMessage" | "sqs:GetQueueAttributes", queue if (
            owner == RELAY and queue == RELAY_QUEUE
        ):
            return "the local AWS takes messages from queues for functions without checking the role"
        case "lambda:InvokeFunction", function if owner == SCHEDULER and roles.functions.get(function) in SCHEDULED:
            return "the local scheduler invokes functions without checking the role"
        case "sqs:SendMessage", queue if owner == SCHEDULER and queue in FAILURE_QUEUES.values():
            return "the local scheduler has no dead-letter queues"
    return None


def faults(harness: Harness, roles: Roles) -> list[str]:
    """The reasons that are not true."""
    # The check for dead letters needs this permission: even with it, none are sent.
    removed = [it for it in reasons(roles) if (it.owner, it.action) != (SCHEDULER, "sqs:SendMessage")]
    with roles.without(*removed):
        return [
            *_traces(harness),
            *_logs(harness, roles),
            *_failures_and_firings(harness, roles),
            *_messages(harness, roles),
        ]


def _traces(harness: Harness) -> Iterator[str]:
    try:
        harness.stack.service("xray").put_trace_segments(TraceSegmentDocuments=["{}"])
        yield "the local AWS has X-Ray"
    except ClientError:
        pass  # though the caller is root, who may do everything


def _logs(harness: Harness, roles: Roles) -> Iterator[str]:
    for function in roles.functions.values():
        began = time.time()
        _invoke(harness, function, "RequestResponse", INVALID_PAYLOAD)
        if not any(line.startswith("{") for line in harness.log(function, began)):
            yield f"the log of {function} has no line of its own"


def _failures_and_firings(harness: Harness, roles: Roles) -> Iterator[str]:
    """Invoke functions with a payload that fails, directly and by schedules, and schedules without a function."""
    began = time.time()
    invoked, scheduled, undeliverable = harness.unique_name(), harness.unique_name(), harness.unique_name()
    arns = {name: roles.arn(logical_id) for logical_id, name in roles.functions.items() if name in FAILURE_QUEUES}
    targets = [(arn, FAILURE_QUEUES[name], scheduled) for name, arn in arns.items()]
    [relay] = [roles.arn(logical_id) for logical_id, name in roles.functions.items() if name == RELAY]
    targets.append((relay, RELAY_FAILURES, scheduled))
    targets += [(f"{arn}-that-is-not-there", FAILURE_QUEUES[name], undeliverable) for name, arn in arns.items()]
    for name in FAILURE_QUEUES:
        _invoke(harness, name, "Event", invoked)
    with _schedules(harness, roles, targets):
        for name in SCHEDULED:
            if not _becomes_true(partial(_has_logged, harness, name, began, scheduled)):
                yield f"the scheduler does not invoke {name}"
        for name, queue in FAILURE_QUEUES.items():
            messages: list[str] = []
            if not _becomes_true(partial(_has_message, harness, roles.physical(queue), invoked, messages)):
                yield f"{queue} does not get failed invocations of {name}"
            if _contains(messages, undeliverable):
                yield f"the scheduler sent a dead letter to {queue}"


def _messages(harness: Harness, roles: Roles) -> Iterator[str]:
    """Send a message that the relay cannot read to its queue."""
    began = time.time()
    sent = harness.sqs.send_message(QueueUrl=roles.physical(RELAY_QUEUE), MessageBody=INVALID_PAYLOAD)
    if not _becomes_true(partial(_has_logged, harness, RELAY, began, sent["MessageId"])):
        yield f"{RELAY} does not get the messages of {RELAY_QUEUE}"


def _has_logged(harness: Harness, function: str, began: float, mark: str) -> bool:
    return _contains(harness.log(function, began), mark)


def _has_message(harness: Harness, queue: str, mark: str, messages: list[str]) -> bool:
    messages += queues.receive_all(harness.sqs, queue)
    return _contains(messages, mark)


def _invoke(harness: Harness, function: str, invocation_type: str, payload: str) -> None:
    request = {
        "FunctionName": f"{STACK}-{function}",
        "InvocationType": invocation_type,
        "Payload": json.dumps(payload).encode(),
    }
    harness.stack.service("lambda").invoke(**request)


def _contains(lines: list[str], mark: str) -> bool:
    return any(mark in line for line in lines)


def _becomes_true(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + TIMEOUT_SECONDS
    while not (done := condition()) and time.monotonic() < end:
        time.sleep(0.2)
    return done


@contextmanager
def _schedules(harness: Harness, roles: Roles, targets: list[tuple[str, str, str]]) -> Iterator[None]:
    """Schedules in the past, which invoke each target (ARN, dead-letter queue, payload) once and soon."""
    scheduler, role = harness.stack.service("scheduler"), roles.all[SCHEDULER]
    names = []
    try:
        for arn, queue, payload in targets:
            names.append(harness.unique_name())
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
