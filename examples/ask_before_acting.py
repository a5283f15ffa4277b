"""An engine that asks AGE before it pays a refund, waits for an approval if it needs one, and then acts.

    AGE_API_URL=https://… AGE_TOKEN=… python examples/ask_before_acting.py AMOUNT

AGE_TOKEN is a credential of role engine that is bound to one engine. The requests are those of the OpenID AuthZEN
Authorization API 1.0, so any client of that standard can send them.

Four rules keep the guard closed:

- Act only if `decision` is true. Every other answer, and no answer, means no.
- Give each request an X-Request-ID of its own, and keep it for retries: a repeat gets the recorded answer.
- Send the same request again once it is approved, with `context.decisionId`. An approval permits one operation.
- Name the decision in the event that reports the operation, so that people find one by the other.
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


class Guard:
    """Asks AGE, as the engine of the credential."""

    def __init__(self, api_url: str, token: str) -> None:
        self._api_url, self._token = api_url, token
        self._http = urllib3.PoolManager(retries=RETRIES, timeout=10)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to an access evaluation: `decision`, and why in `context`."""
        headers = {"X-Request-ID": str(uuid.uuid4())}
        answer: dict[str, Any] = self._call("POST", "/access/v1/evaluation", headers, request)
        return answer

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
        response = self._http.request(method, self._api_url + path, json=body, headers=headers)
        if response.status not in (200, 201):
            problem = response.data.decode(errors="replace")
            raise UndecidedError(f"{method} {path} answered {response.status}: {problem}")
        return json.loads(response.data)


def refund(guard: Guard, invoice: str, amount: float) -> bool:
    """Pay a refund, if AGE allows it. Returns whether it was paid."""
    request: dict[str, Any] = {
        "subject": {"type": "job", "id": "nightly-refunds"},
        "action": {"name": "refund"},
        "resource": {"type": "invoice", "id": invoice},
        "context": {"amount": amount},
    }
    answer = guard.ask(request)
    if answer["context"]["verdict"] == "needs_approval":
        decision = answer["context"]["id"]
        print(f"waiting for an approval: {_reasons(answer)}", flush=True)
        print(f"the operation was {guard.wait_for_approval(decision)}", flush=True)
        request["context"]["decisionId"] = decision
        answer = guard.ask(request)
    if not answer["decision"]:
        print(f"not paid: {_reasons(answer)}")
        return False
    # Put the real operation here.
    print(f"paid {amount} for invoice {invoice}: {_reasons(answer)}")
    details = {"invoice": invoice, "amount": amount, "decision": answer["context"]["id"]}
    guard.report({"engine": "billing", "eventType": "refund_paid", "severity": "LOW", "details": details})
    return True


def _reasons(answer: dict[str, Any]) -> str:
    return "; ".join(reason["message"] for reason in answer["context"]["reasons"])


def main() -> int:
    guard = Guard(os.environ["AGE_API_URL"], os.environ["AGE_TOKEN"])
    try:
        return 0 if refund(guard, "4711", float(sys.argv[1])) else 1
    except (UndecidedError, urllib3.exceptions.HTTPError) as error:
        print(f"not paid, because AGE did not decide: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
