"""The other half of the sample week: the responses of the worker and the responders to its events."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from types import ModuleType

import credentials
import sample_week
from client import Item, Stack
from sample_week import Event, Step
from settings import ROOT, UserError


@dataclass(frozen=True)
class PlannedResponse:
    """The response of a responder to the event of this type, some minutes after it."""

    event_type: str
    minutes: int
    verb: str  # a key of VERBS
    by: str
    note: str = ""

    @property
    def is_approval(self) -> bool:
        """Whether it decides on an action, and not on an incident."""
        return self.verb in ("approve", "deny")


VERBS = {
    "acknowledge": "acknowledged",
    "resolve": "resolved",
    "approve": "approved the action for",
    "deny": "denied the action for",
}
RESPONSES = (
    PlannedResponse("ledger_sync_outage", 9, "acknowledge", "first-line", "failing over now"),
    PlannedResponse("duplicate_charges_detected", 40, "acknowledge", "second-line"),
    PlannedResponse("payment_webhook_dropped", 67, "acknowledge", "second-line"),
    PlannedResponse("invoices_blocked", 5, "acknowledge", "first-line"),
    PlannedResponse("payment_webhook_dropped", 100, "resolve", "second-line", "sent by hand"),
    PlannedResponse("permission_scope_widened", 20, "approve", "first-line"),
    PlannedResponse("permission_boundary_breached", 4, "acknowledge", "first-line"),
    PlannedResponse("permission_boundary_breached", 6, "approve", "first-line"),
    PlannedResponse("permission_token_overbroad", 50, "deny", "second-line"),  # the tokens have been revoked by then
)
RESPONDERS = ("first-line", "second-line")
WORKER_DELAY = timedelta(minutes=2)
# AGE sweeps every minute, ten thousand times a week. The replay sweeps only when something may be due after a severe
# event or an approval: dispatch of an approved action, e-mails, timeouts, verification, resolution.
SWEEP_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 7, 35, 70, 25 * 60))
SEVERE = ("HIGH", "CRITICAL")


class Team:
    """The worker and the responders of the sample week."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._now = datetime.now(UTC)  # in the sample week
        self._worker = _load_worker().Worker(stack.values, now=lambda: self._now)
        self._tokens = {name: credentials.create(stack, name, "responder") for name in RESPONDERS}
        self.requests_handled = 0
        self.response_log: list[str] = []  # the responses of the responders, a line each

    def steps(self, events: list[Event]) -> list[Step]:
        times = {event["eventType"]: sample_week.event_time(event) for event in events}
        responses = [(times[it.event_type] + timedelta(minutes=it.minutes), it) for it in RESPONSES]
        approvals = [at for at, response in responses if response.verb == "approve"]
        groups = sample_week.group_by_hour(events)
        severe = [sample_week.event_time(group[-1]) for group in groups if _is_severe(group)]
        attended = severe[:-1]  # on the last evening no worker runs and nobody responds
        worked = [at + WORKER_DELAY for at in attended + approvals]
        return [
            *(Step(at, _function_of(response), partial(self._respond, at, response)) for at, response in responses),
            *(Step(at, "actions", partial(self._work, at)) for at in worked),
            *(Step(at + delay, "sweep", self.sweep) for at in severe + approvals for delay in SWEEP_DELAYS),
        ]

    def sweep(self) -> None:
        response = self._stack.service("lambda").invoke(FunctionName=self._stack["SWEEP_FUNCTION"], Payload=b"{}")
        if "FunctionError" in response:
            raise UserError(f"the sweep failed: {response['Payload'].read().decode()}")

    def _work(self, at: datetime) -> None:
        self._now = at
        while count := self._worker.poll(wait_seconds=0):
            self.requests_handled += count

    def _respond(self, at: datetime, response: PlannedResponse) -> None:
        if response.is_approval:
            self._decide(response)
        else:
            self._update_incident(response)
        note = f": {response.note}" if response.note else ""
        self.response_log.append(f"{at:%a %H:%M}  {response.by} {VERBS[response.verb]} {response.event_type}{note}")

    def _decide(self, response: PlannedResponse) -> None:
        """Approve or deny an action by the digest that the list shows, which names exactly this action."""
        item = _newest(response, self._stack.list_all("actions", "status=pending_approval"))
        path = f"/api/governance/events/{item['eventId']}/actions/{item['action']}/approval"
        self._stack.post(path, {"decision": response.verb, "digest": item["digest"]}, self._tokens[response.by])

    def _update_incident(self, response: PlannedResponse) -> None:
        incident = _newest(response, self._stack.list_all("incidents", "limit=200"))["id"]
        command = "ack" if response.verb == "acknowledge" else response.verb
        note = ["--note", response.note] if response.note else []
        result = credentials.agectl(self._stack, "incident", command, incident, *note, token=self._tokens[response.by])
        if result.returncode != 0:
            raise UserError(f"agectl incident {command} {incident} failed: {result.stderr.strip()}")


def _is_severe(group: list[Event]) -> bool:
    return any(event["severity"] in SEVERE for event in group)


def _function_of(response: PlannedResponse) -> str:
    return "actions" if response.is_approval else "incidents"


def _newest(response: PlannedResponse, items: list[Item]) -> Item:
    """The newest action or incident of the type that the response is about."""
    item = next((item for item in items if item["eventType"] == response.event_type), None)
    if item is None:
        raise UserError(f"{response.by} finds nothing to {response.verb} for {response.event_type}")
    return item


def _load_worker() -> ModuleType:
    file = ROOT / "examples" / "worker.py"
    spec = importlib.util.spec_from_file_location("worker", file)
    if spec is None or spec.loader is None:
        raise UserError(f"{file.relative_to(ROOT)} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
