"""A worker: it receives an engine's action requests from a queue, carries them out, and reports each outcome to AGE.

    make up
    .venv/bin/python examples/worker.py

On the local stack it works for all engines, and reads addresses and tokens from `stack.env`. On AWS, subscribe a queue
of your own to the topic of actions, with a filter policy such as {"engine": ["billing"]}, and give the worker its
queue's URL, your API's URL and a credential of your engine. The rest stays the same.

A worker keeps four rules:

- Carry out each `id` once: SNS and SQS deliver at least once.
- Do not begin after the `deadline`: AGE has then recorded the action as timed out, and may have notified people.
- Delete the message only when AGE has the outcome. Until then, SQS delivers it again.
- Retry when AGE is busy (429, 503), as late as `Retry-After` says. The same outcome may be reported twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict, cast

import boto3
import urllib3

ROOT = Path(__file__).resolve().parents[1]
POLL_SECONDS = 10
# Retries a POST, which urllib3 does not by default, and waits as long as the header Retry-After of the response says.
RETRIES = urllib3.Retry(
    total=5, allowed_methods={"POST"}, status_forcelist={429, 503}, backoff_factor=0.5, raise_on_status=False
)


class ActionRequest(TypedDict):
    """The request of AGE to an engine, as it is in the message."""

    schemaVersion: int  # changes only if a field changes or goes
    type: str  # action_request
    id: str  # the same in every delivery of this request
    action: str  # such as billing_sync_repair
    engine: str  # the engine whose worker carries it out
    eventType: str
    severity: str
    eventId: str  # the event that the action is for
    details: dict[str, Any]  # of that event
    occurredAt: str
    attempt: int
    deadline: str  # RFC 3339; later outcomes are rejected with 409
    policyHash: str
    outcomePath: str  # where to report the outcome


class Outcome(NamedTuple):
    outcome: Literal["succeeded", "failed"]
    detail: str  # for people: the work that was done, or why it failed


class OutcomeRejectedError(Exception):
    """AGE did not accept an outcome."""


def simulate(request: ActionRequest) -> Outcome:
    """Put the real remediation here. This one only pretends, and fails for two events of the sample week."""
    if request["details"].get("minutesDown", 0) > 30:
        return Outcome("failed", "the ledger does not answer")
    if "dropped" in request["details"]:
        return Outcome("failed", "nothing is left to sync from")
    return Outcome("succeeded", f"attempt {request['attempt']}")


class Worker:
    def __init__(
        self,
        stack: dict[str, str],
        carry_out: Callable[[ActionRequest], Outcome] = simulate,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`stack` holds the values of stack.env. `now` is the clock that deadlines are compared with."""
        self._stack, self._carry_out, self._now = stack, carry_out, now
        self._http = urllib3.PoolManager(retries=RETRIES, timeout=60)
        self._queue = boto3.client(
            "sqs",
            endpoint_url=stack["AWS_ENDPOINT_URL"],
            region_name=stack["AWS_REGION"],
            aws_access_key_id=stack["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=stack["AWS_SECRET_ACCESS_KEY"],
        )
        # The outcomes by the requests' ids. In production, store them where a restarted worker finds them, in the same
        # transaction as the work itself if that is possible.
        self._outcomes: dict[str, Outcome] = {}

    def poll(self, wait_seconds: int = POLL_SECONDS) -> int:
        """Wait for a message and handle it. Returns how many there were: 0 or 1."""
        # One at a time: a slow action must not use up the time for which SQS hides the other messages.
        url = self._stack["ACTIONS_QUEUE_URL"]
        received = self._queue.receive_message(QueueUrl=url, MaxNumberOfMessages=1, WaitTimeSeconds=wait_seconds)
        messages = received.get("Messages", [])
        for message in messages:
            self.handle(action_request(message["Body"]))
            self._queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(messages)

    def close(self) -> None:
        """Close the connections."""
        self._http.clear()
        self._queue.close()

    def handle(self, request: ActionRequest) -> None:
        """Carry the request out, unless that has been done or is too late, and report the outcome."""
        if request["id"] not in self._outcomes:
            if self._now() >= datetime.fromisoformat(request["deadline"]):
                return
            self._outcomes[request["id"]] = self._carry_out(request)
        self._report(request, self._outcomes[request["id"]])

    def _report(self, request: ActionRequest, outcome: Outcome) -> None:
        # An engine reports only for what it carries out: its own actions, and MAOS every MAOS_auto_fix.
        engine = "maos" if request["action"] == "MAOS_auto_fix" else request["engine"]
        token = self._stack[f"AGE_TOKEN_{engine.upper()}"]
        response = self._http.request(
            "POST",
            self._stack["AGE_API_URL"] + request["outcomePath"],
            json=outcome._asdict(),
            headers={"Authorization": f"Bearer {token}"},
        )
        # 200: AGE has the outcome, from now or from an earlier report of the same.
        # 409: AGE has recorded another outcome: `timed_out`, because this report comes after the deadline, or that of
        #      another worker. The recorded outcome is final, so the message can be deleted.
        if response.status not in (200, 409):
            problem = response.data.decode(errors="replace")
            raise OutcomeRejectedError(f"POST {request['outcomePath']} answered {response.status}: {problem}")


def action_request(body: str) -> ActionRequest:
    """Take the request out of a message's body.

    SNS wraps what it sends to a queue in a JSON envelope, in which `Message` is the published text, here JSON again. A
    subscription with RawMessageDelivery has no envelope.
    """
    envelope = json.loads(body)
    return cast(ActionRequest, json.loads(envelope["Message"]) if "Message" in envelope else envelope)


def main() -> None:
    file = ROOT / (os.environ.get("AGE_STATE_DIR") or ".local") / "stack.env"
    stack = dict(line.split("=", 1) for line in file.read_text().splitlines())
    worker, handled = Worker(stack), 0
    print("Waiting for action requests. Ctrl-C stops the worker.")
    try:
        while True:
            try:
                handled += worker.poll()
            except (OutcomeRejectedError, urllib3.exceptions.HTTPError) as error:
                # The message stays in the queue, and comes again when SQS no longer hides it.
                print(f"worker: {error}")
            else:
                print(f"\r{handled} handled", end="", flush=True)
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
