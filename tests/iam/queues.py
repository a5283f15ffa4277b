"""Access to the stack's queues that leaves the messages of other tests in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Longer than this test runs.
VISIBILITY_TIMEOUT_SECONDS = 3600


@contextmanager
def preserved(sqs: Any, queues: list[str]) -> Iterator[None]:
    """Hide the messages that the queues hold. At the end, delete all new messages and show the hidden ones again."""
    hidden = [(queue, handle) for queue in queues for handle, _ in _receive(sqs, queue)]
    try:
        yield
    finally:
        for queue in queues:
            receive_all(sqs, queue)
        for queue, handle in hidden:
            sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)


def receive_all(sqs: Any, queue: str) -> list[str]:
    """Receive and delete all visible messages of a queue. Returns their bodies."""
    bodies = []
    for handle, body in _receive(sqs, queue):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
        bodies.append(body)
    return bodies


def _receive(sqs: Any, queue: str) -> Iterator[tuple[str, str]]:
    request = {
        "QueueUrl": queue,
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": 0,
        "VisibilityTimeout": VISIBILITY_TIMEOUT_SECONDS,
    }
    while messages := sqs.receive_message(**request).get("Messages"):
        yield from ((message["ReceiptHandle"], message["Body"]) for message in messages)
