"""A worker as an engine would run one: it takes the actions meant for it from a queue, does them, and says what came of it.

    make up
    .venv/bin/python examples/worker.py

It reads .local/stack.env. On AWS, subscribe your own queue to the actions topic with a filter policy, such as
{"engine": ["billing"]}, and call your API with its credentials; the loop stays the same.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

Order = dict[str, Any]
Outcome = tuple[str, str]  # "succeeded" or "failed", and a word about it


def pretend(order: Order) -> Outcome:
    """The place for the real remedy. This one fails where the ledger is gone, and where webhooks are gone for good."""
    if order["details"].get("minutesDown", 0) > 30:
        return "failed", "the ledger does not answer"
    if "dropped" in order["details"]:
        return "failed", "nothing is left to sync from"
    return "succeeded", f"attempt {order['attempt']}"


def work(stack: dict[str, str], do: Callable[[Order], Outcome], wait_seconds: int) -> int:
    """Do what the queue holds; returns how many orders that were. An order stays in the queue until AGE has the outcome."""
    queue = _queue(stack)
    messages = queue.receive_message(
        QueueUrl=stack["ACTIONS_QUEUE_URL"], MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds
    ).get("Messages", [])
    for message in messages:
        order = json.loads(json.loads(message["Body"])["Message"])
        outcome, detail = do(order)
        token = stack[f"AGE_TOKEN_{order['engine'].upper()}"]  # an engine speaks for itself only
        _tell(stack, token, order["outcomePath"], {"outcome": outcome, "detail": detail})
        queue.delete_message(QueueUrl=stack["ACTIONS_QUEUE_URL"], ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


def _queue(stack: dict[str, str]) -> Any:
    return boto3.client(
        "sqs",
        endpoint_url=stack["AWS_ENDPOINT_URL"],
        region_name=stack["AWS_REGION"],
        aws_access_key_id=stack["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=stack["AWS_SECRET_ACCESS_KEY"],
    )


def _tell(stack: dict[str, str], token: str, path: str, body: dict[str, str]) -> None:
    host = stack["AGE_API_URL"].removeprefix("http://")
    connection = http.client.HTTPConnection("127.0.0.1", int(host.rsplit(":", 1)[1]), timeout=60)
    try:
        headers = {"Host": host, "Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        answer = response.read().decode()
    finally:
        connection.close()
    # 409: the outcome comes too late, or another delivery of the same order was quicker. Nothing is left to do.
    if response.status not in (200, 409):
        raise RuntimeError(f"POST {path} was answered {response.status}: {answer}")


def main() -> None:
    lines = Path(".local/stack.env").read_text().splitlines()
    stack = dict(line.split("=", 1) for line in lines)
    print("Waiting for actions; Ctrl-C ends it.")
    try:
        while True:
            if done := work(stack, pretend, wait_seconds=10):
                print(f"{done} done")
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
