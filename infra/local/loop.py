"""The closed loop of the main job: a worker does what AGE asks for, an admin approves, and the table says what came of it."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from types import ModuleType
from typing import Any

from client import Stack
from settings import ROOT, Refused

Item = dict[str, Any]

# In the order of an action's life, with what a person would want to know of each.
STATUSES = {
    "awaiting_approval": "wait for an admin",
    "pending": "not handed over yet",
    "dispatched": "handed over",
    "succeeded": "done; watched for an hour whether the trouble comes again",
    "verified": "done, and it helped",
    "ineffective": "done, and it did not help",
    "failed": "failed, says the worker",
    "timed_out": "nobody answered",
    "denied": "an admin said no",
    "expired": "nobody approved in time",
    "suppressed": "not repeated: an earlier one was not finished, or had not helped",
    "dead": "could not be handed over",
}


def work(stack: Stack) -> int:
    """Let the example's worker do all that was asked for."""
    worker, done = _worker(), 0
    while some := worker.work(stack.values, worker.pretend, wait_seconds=1):
        done += some
    return done


def approve_one(stack: Stack) -> Item:
    """Report trouble that only an admin may mend, approve its action by the digest that was shown, and sweep as the schedule
    would. It is reported now, not in the sample week: an approval is good for a day."""
    created = _post(stack, "/api/governance/event", {
        "engine": "compliance", "eventType": "permission_drift_detected", "severity": "HIGH", "details": {"grants": 3},
    })
    item: Item = created["actions"][0]
    path = f"/api/governance/events/{item['eventId']}/actions/{item['action']}/approval"
    _post(stack, path, {"decision": "approve", "digest": item["digest"], "by": "admin on duty"})
    stack.service("lambda").invoke(FunctionName=stack["SWEEP_FUNCTION"], Payload=b"{}")
    return item


def _post(stack: Stack, path: str, body: Item) -> Item:
    answer = stack.call("POST", path, json.dumps(body).encode(), {"content-type": "application/json"})
    if answer.status not in (200, 201):
        raise Refused(f"POST {path} was answered {answer.status}: {answer.text}")
    return answer.json()


def actions(stack: Stack, query: str = "limit=200") -> list[Item]:
    found: list[Item] = []
    cursor = ""
    while True:
        answer = stack.call("GET", f"/api/governance/actions?{query}{cursor}")
        if answer.status != 200:
            raise Refused(f"GET /api/governance/actions was answered {answer.status}: {answer.text}")
        page = answer.json()
        found += page["actions"]
        if "nextCursor" not in page:
            return found
        cursor = f"&cursor={page['nextCursor']}"


def summary(items: list[Item]) -> str:
    """What became of the actions, a line for each status; messages to people are counted apart."""
    counts = Counter(item["status"] for item in items if item["action"] != "notify_admin")
    told = sum(item["action"] == "notify_admin" for item in items)
    lines = [f"  {status:<18}{counts[status]:>4}   {words}" for status, words in STATUSES.items() if counts[status]]
    return "\n".join([*lines, f"  {'notify_admin':<18}{told:>4}   messages to people"])


def _worker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("worker", ROOT / "examples" / "worker.py")
    if spec is None or spec.loader is None:
        raise Refused("examples/worker.py is missing")
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    return worker
