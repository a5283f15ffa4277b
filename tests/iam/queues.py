"""The stack's queues: what others left in them stays theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Longer than this test runs.
HIDDEN_SECONDS = 3600


@contextmanager
def untouched(sqs: Any, queues: list[str]) -> Iterator[None]:
    """Hides what the queues hold. In the end what came meanwhile is gone, and the rest is there again."""
    hidden = [(queue, handle) for queue in queues for handle, _ in _receive(sqs, queue)]
    try:
        yield
    finally:
        for queue in queues:
            take(sqs, queue)
        for queue, handle in hidden:
            sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)


def take(sqs: Any, queue: str) -> list[str]:
    """Takes out all messages that a queue shows."""
    bodies = []
    for handle, body in _receive(sqs, queue):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
        bodies.append(body)
    return bodies


def _receive(sqs: Any, queue: str) -> Iterator[tuple[str, str]]:
    request = {"QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0, "VisibilityTimeout": HIDDEN_SECONDS}
    while messages := sqs.receive_message(**request).get("Messages"):
        yield from ((message["ReceiptHandle"], message["Body"]) for message in messages)
