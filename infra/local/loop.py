"""The closed loop of the main job: what a worker and people do about the sample week, and what came of it."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import ModuleType
from typing import Any
from urllib.parse import quote

import credentials
import week
from client import Stack
from settings import ROOT, Refused
from week import Event, Step

Item = dict[str, Any]


@dataclass(frozen=True)
class Act:
    """What somebody does about an event of this type, so many minutes after it."""

    event_type: str
    minutes: int
    verb: str  # one of VERBS
    by: str
    note: str = ""


# How the diary says it.
VERBS = {
    "acknowledge": "acknowledges",
    "resolve": "resolves",
    "approve": "approves the remedy of",
    "deny": "denies the remedy of",
}
PEOPLE = (
    Act("ledger_sync_outage", 9, "acknowledge", "first-line", "failing over now"),
    Act("duplicate_charges_detected", 40, "acknowledge", "second-line"),
    Act("payment_webhook_dropped", 67, "acknowledge", "second-line"),
    Act("invoices_blocked", 5, "acknowledge", "first-line"),
    Act("payment_webhook_dropped", 100, "resolve", "second-line", "sent by hand"),
    Act("permission_scope_widened", 20, "approve", "first-line"),
    Act("permission_boundary_breached", 4, "acknowledge", "first-line"),
    Act("permission_boundary_breached", 6, "approve", "first-line"),
    Act("permission_token_overbroad", 50, "deny", "second-line"),  # the tokens have been revoked by then
)
# Who responds.
DESKS = ("first-line", "second-line")
# The worker takes so long.
ANSWERS = timedelta(minutes=2)
# AGE sweeps every minute, ten thousand times a week. Here it does when something may be due after a severe event or an
# approval: what was approved, the next e-mail, what nobody answered or acknowledged, what has helped, what is over.
SWEEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 7, 35, 70, 25 * 60))
SEVERE = ("HIGH", "CRITICAL")

# In the order of an action's life, with what a person would want to know of each.
STATUSES = {
    "awaiting_approval": "wait for an approval",
    "pending": "not handed over yet",
    "dispatched": "handed over",
    "succeeded": "done; watched for an hour whether the trouble comes again",
    "verified": "done, and it helped",
    "ineffective": "done, and it did not help",
    "failed": "failed, says the worker",
    "timed_out": "nobody answered",
    "denied": "a responder said no",
    "expired": "nobody approved in time",
    "suppressed": "not repeated: one was not finished, or had not helped",
    "dead": "could not be handed over",
}


class Team:
    """The worker and the people of the sample week."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.worker = stack, _worker()
        self.tokens = {desk: credentials.create(stack, desk, "responder") for desk in DESKS}
        self.done = 0  # by the worker
        self.diary: list[str] = []  # of the people

    def steps(self, events: list[Event]) -> list[Step]:
        happened = {event["eventType"]: week.moment(event) for event in events}
        acts = [(happened[act.event_type] + timedelta(minutes=act.minutes), act) for act in PEOPLE]
        approved = [at for at, act in acts if act.verb == "approve"]
        severe = [week.moment(stretch[-1]) for stretch in week.stretches(events) if _is_severe(stretch)]
        attended = severe[:-1]  # on the last evening nobody is there, no worker either
        return [
            *(Step(at, _desk(act), partial(self._act, at, act)) for at, act in acts),
            *(Step(at + ANSWERS, "actions", self._work) for at in attended + approved),
            *(Step(at + later, "sweep", self.sweep) for at in severe + approved for later in SWEEPS),
        ]

    def sweep(self) -> None:
        answer = self.stack.service("lambda").invoke(FunctionName=self.stack["SWEEP_FUNCTION"], Payload=b"{}")
        if "FunctionError" in answer:
            raise Refused(f"the sweep failed: {answer['Payload'].read().decode()}")

    def _work(self) -> None:
        while some := self.worker.work(self.stack.values, self.worker.pretend, wait_seconds=0):
            self.done += some

    def _act(self, at: datetime, act: Act) -> None:
        if act.verb in ("approve", "deny"):
            self._decide(act)
        else:
            self._mark(act)
        note = f": {act.note}" if act.note else ""
        self.diary.append(f"{at:%a %H:%M}  {act.by} {VERBS[act.verb]} {act.event_type}{note}")

    def _decide(self, act: Act) -> None:
        """By the digest that the list shows: it binds the decision to exactly this action."""
        item = _of(act, actions(self.stack, "status=awaiting_approval"))
        path = f"/api/governance/events/{item['eventId']}/actions/{item['action']}/approval"
        _post(self.stack, path, {"decision": act.verb, "digest": item["digest"]}, self.tokens[act.by])

    def _mark(self, act: Act) -> None:
        incident = _of(act, incidents(self.stack))["id"]
        command = "ack" if act.verb == "acknowledge" else act.verb
        note = ["--note", act.note] if act.note else []
        done = credentials.agectl(self.stack, command, incident, *note, token=self.tokens[act.by])
        if done.returncode != 0:
            raise Refused(f"agectl {command} {incident}: {done.stderr.strip()}")


def get(stack: Stack, path: str) -> Any:
    answer = stack.call("GET", path)
    if answer.status != 200:
        raise Refused(f"GET {path} was answered {answer.status}: {answer.text}")
    return answer.json()


def listed(stack: Stack, name: str, query: str) -> list[Item]:
    """All pages of a list."""
    path = f"/api/governance/{name}?{query}"
    page = get(stack, path)
    items: list[Item] = page[name]
    while "nextCursor" in page:
        page = get(stack, f"{path}&cursor={quote(page['nextCursor'])}")
        items += page[name]
    return items


def actions(stack: Stack, query: str = "limit=200") -> list[Item]:
    return listed(stack, "actions", query)


def incidents(stack: Stack) -> list[Item]:
    return listed(stack, "incidents", "limit=200")


def summary(items: list[Item]) -> str:
    """What became of the actions, a line for each status; messages to people are counted apart."""
    counts = Counter(item["status"] for item in items if item["action"] != "notify_admin")
    told = sum(item["action"] == "notify_admin" for item in items)
    lines = [f"  {status:<18}{counts[status]:>4}   {words}" for status, words in STATUSES.items() if counts[status]]
    return "\n".join([*lines, f"  {'notify_admin':<18}{told:>4}   people told, by the e-mails about an incident"])


def _is_severe(stretch: list[Event]) -> bool:
    return any(event["severity"] in SEVERE for event in stretch)


def _desk(act: Act) -> str:
    return "actions" if act.verb in ("approve", "deny") else "incidents"


def _of(act: Act, items: list[Item]) -> Item:
    """What somebody acts on: the newest of its type."""
    item = next((item for item in items if item["eventType"] == act.event_type), None)
    if item is None:
        raise Refused(f"there is nothing that {act.by} could {act.verb} about {act.event_type}")
    return item


def _post(stack: Stack, path: str, body: Item, token: str) -> None:
    answer = stack.call("POST", path, json.dumps(body).encode(), {"content-type": "application/json"}, token)
    if answer.status != 200:
        raise Refused(f"POST {path} was answered {answer.status}: {answer.text}")


def _worker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("worker", ROOT / "examples" / "worker.py")
    if spec is None or spec.loader is None:
        raise Refused("examples/worker.py is missing")
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    return worker
