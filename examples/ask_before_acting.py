"""An engine that asks AGE before it pays a refund, waits for an approval if it needs one, and then acts.

    AGE_API_URL=https://… AGE_TOKEN=… python examples/ask_before_acting.py AMOUNT

AGE_TOKEN is a credential of role engine that is bound to one engine. The requests are those of the OpenID AuthZEN
Authorization API 1.0, so any client of that standard can send them.

Five rules keep the guard closed:

- Act only if `decision` is true. Every other answer, and no answer, means no.
- Give each request an X-Request-ID of its own, and keep it for retries: a repeat gets the recorded answer.
- Send the same request again once it is approved, with `context.decisionId`. An approval permits one operation.
- Name the decision in the event that reports the operation. AGE notifies people of one without the other.
- Read when the engine starts what it does while AGE cannot be asked. Without an entry, an operation does not run.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from typing import Any

import urllib3

POLL_SECONDS = 2
# Retries a POST, which urllib3 does not by default. The X-Request-ID makes that safe.
RETRIES = urllib3.Retry(
    total=5, allowed_methods={"GET", "POST"}, status_forcelist={429, 503}, backoff_factor=0.5, raise_on_status=False
)


class UndecidedError(Exception):
    """AGE did not decide. The engine does not act."""


class UnavailableError(UndecidedError):
    """AGE cannot be asked. The policy says what the engine does."""


class Guard:
    """Asks AGE, as the engine of the credential."""

    def __init__(self, api_url: str, token: str) -> None:
        self._api_url, self._token = api_url, token
        self._http = urllib3.PoolManager(retries=RETRIES, timeout=10)
        rules: dict[str, Any] = self._call("GET", "/api/governance/decisions/rules", {})
        self._on_unavailable: dict[str, str] = rules["onUnavailable"]

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to an access evaluation: `decision`, and why in `context`."""
        headers = {"X-Request-ID": str(uuid.uuid4())}
        answer: dict[str, Any] = self._call("POST", "/access/v1/evaluation", headers, request)
        return answer

    def runs_unasked(self, action: str) -> bool:
        """Return whether the engine runs an operation while AGE cannot be asked."""
        return self._on_unavailable.get(action) == "allow"

    def wait_for_approval(self, decision: str) -> str:
        """Wait until a responder has decided, or nobody did in time. Returns the status of the approval."""
        while True:
            status: str = self._call("GET", f"/api/governance/decisions/{decision}", {})["approval"]["status"]
            if status != "pending":
                return status
            time.sleep(POLL_SECONDS)

    def report(self, event: dict[str, Any]) -> None:
        """Report what the engine did."""
        self._call("POST", "/api/governance/event", {"Idempotency-Key": str(uuid.uuid4())}, event)

    def _call(self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", **headers}
        try:
            response = self._http.request(method, self._api_url + path, json=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(str(error)) from error
        if response.status not in (200, 201):
            problem = f"{method} {path} answered {response.status}: {response.data.decode(errors='replace')}"
            raise UnavailableError(problem) if response.status in (429, 503) else UndecidedError(problem)
        return json.loads(response.data)


def refund(guard: Guard, invoice: str, amount: float) -> bool:
    """Pay a refund, if AGE allows it. Returns whether it was paid."""
    request: dict[str, Any] = {
        "subject": {"type": "job", "id": "nightly-refunds"},
        "action": {"name": "refund"},
        "resource": {"type": "invoice", "id": invoice},
        "context": {"amount": amount},
    }
    try:
        answer = guard.ask(request)
    except UnavailableError:
        if not guard.runs_unasked("refund"):
            raise
        pay(guard, invoice, amount, None)
        return True
    if answer["context"]["verdict"] == "needs_approval":
        decision = answer["context"]["id"]
        print(f"waiting for an approval: {_reasons(answer)}", flush=True)
        print(f"the operation was {guard.wait_for_approval(decision)}", flush=True)
        request["context"]["decisionId"] = decision
        answer = guard.ask(request)
    if not answer["decision"]:
        print(f"not paid: {_reasons(answer)}")
        return False
    pay(guard, invoice, amount, answer)
    return True


def pay(guard: Guard, invoice: str, amount: float, answer: dict[str, Any] | None) -> None:
    """Pay a refund that AGE allowed by `answer`, or that runs without one, and report it."""
    # Put the real operation here.
    reasons = _reasons(answer) if answer else "AGE cannot be asked, and the policy says what to do then"
    print(f"paid {amount} for invoice {invoice}: {reasons}")
    event: dict[str, Any] = {"engine": "billing", "eventType": "refund_paid", "severity": "LOW"}
    event["details"] = {"invoice": invoice, "amount": amount}
    if answer:
        event["decisionId"] = answer["context"]["id"]
    guard.report(event)


def _reasons(answer: dict[str, Any]) -> str:
    return "; ".join(reason["message"] for reason in answer["context"]["reasons"])


def main() -> int:
    try:
        guard = Guard(os.environ["AGE_API_URL"], os.environ["AGE_TOKEN"])
        return 0 if refund(guard, "4711", float(sys.argv[1])) else 1
    except UndecidedError as error:
        print(f"not paid, because AGE did not decide: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
