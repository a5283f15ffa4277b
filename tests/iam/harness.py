"""The running stack as the scenarios use it: calls, invocations, faults, and the clean-up after them."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

import credentials
import queues
from client import Response, Stack
from faulty_proxy import FaultyProxy
from sample_week import SetClock
from settings import STACK

Item = dict[str, Any]

API = "/api/governance"
SIGN_IN = "/dashboard/sign-in"
NAME = "least_privilege"
QUEUES = ("ACTIONS_QUEUE_URL", "NOTIFICATIONS_QUEUE_URL", "SECOND_LINE_QUEUE_URL", "REPORTS_QUEUE_URL")

# IAM's error message.
DENIED = re.compile(r"is not authorized to perform: (\S+)")

# Rows of the incidents table that hold AGE's own state.
EMAIL_RATE_LIMITERS = ("email_rate_limiter", "email_rate_limiter#billing", "email_rate_limiter#qa")
HEALTH = {"fingerprint": {"S": "age"}, "opened_at": {"S": "health"}}
# How long the e-mail rate limiters reject e-mails. AGE ignores a row that would reject them for a minute or more.
EMAILS_FULL_FOR = timedelta(seconds=55)


class ScenarioError(Exception):
    """A scenario had another result than it should have."""


def form_field(page: str, field: str = "csrf") -> str:
    """The value of a hidden field in the forms of a page."""
    found = re.search(rf'name="{field}" value="([^"]+)"', page)
    return found[1] if found else ""


def expect(subject: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise ScenarioError(f"{subject} is {actual} instead of {expected}")


@contextmanager
def opened(stack: Stack, set_clock: SetClock, failures: list[str]) -> Iterator[Harness]:
    """The harness. `failures` are queues that its scenarios may fill, besides those of the topics."""
    harness = Harness(stack, set_clock)
    with queues.preserved(harness.sqs, [*(stack[name] for name in QUEUES), *failures]):
        try:
            harness.activate_policies()  # a report reads the history of a policy that has changed
            harness.sweep()  # stores whether notifications would reach anybody
            yield harness
        finally:
            harness.restore()


class Harness:
    def __init__(self, stack: Stack, set_clock: SetClock) -> None:
        self.stack, self._set_clock = stack, set_clock
        self._functions, self._logs = stack.service("lambda"), stack.service("logs")
        self._db, self.sqs = stack.service("dynamodb"), stack.service("sqs")
        self._started = datetime.now(UTC)
        self._run, self._count = f"{int(self._started.timestamp()):x}", count(1)
        self._real: dict[str, dict[str, str]] = {}  # the environment variables of reconfigured functions, as they were
        self._sweep_delay: int | None = None
        self._session = ""  # the cookie of the dashboard's session
        self._events: list[Item] = []
        self._credentials: list[str] = []
        self._channels: list[str] = []
        self._pending: list[Item] = []  # decisions whose operations need approval
        self._denials: list[str] = []  # errors that a proxy passed on
        self._all_engines_reported = False

    # ---- Calls of the API and the dashboard ----

    def get(self, path: str, *names: str) -> Any:
        return self._call("GET", path, names)

    def post(self, path: str, *names: str, body: Item | list[Item] | None = None, status: int = 200) -> Any:
        return self._call("POST", path, names, body, status)

    def page(self, path: str, form: dict[str, str] | None = None) -> str:
        """Get a page of the dashboard as the admin, or post a form to it."""
        answer = self._browse(path, self._session, form)
        if form is None and answer.status == 303:  # to the page for signing in
            self._session = self._sign_in()
            answer = self._browse(path, self._session)
        status = 200 if form is None else 303
        if answer.status != status:
            raise ScenarioError(f"/{path.split('/')[1]}… answered {answer.status} instead of {status}")
        return answer.text

    def _sign_in(self) -> str:
        """Sign in as the admin. Returns the session's cookie."""
        page = self._browse(SIGN_IN)
        form = {"csrf": form_field(page.text), "token": self.stack["AGE_ADMIN_TOKEN"]}
        answer = self._browse(SIGN_IN, "; ".join(page.cookies), form)
        if answer.status != 303:
            raise ScenarioError(f"signing in answered {answer.status} instead of 303")
        return "; ".join(answer.cookies)

    def _browse(self, path: str, cookies: str = "", form: dict[str, str] | None = None) -> Response:
        headers = {"cookie": cookies}
        if form is None:
            return self.stack.call("GET", path, None, headers)
        headers["content-type"] = "application/x-www-form-urlencoded"
        return self.stack.call("POST", path, urlencode(form).encode(), headers)

    def report(
        self, severity: str, engine: str, prefix: str = "", key: str | None = None, decision: str | None = None
    ) -> Item:
        """Report an event of a type of its own, which may name a decision."""
        event = {"engine": engine, "eventType": prefix + self.unique_name(), "severity": severity}
        return self._report(event | ({"decisionId": decision} if decision else {}), 201, key)

    def activate_policies(self) -> None:
        """Activate a new policy version, and then the one that was active before."""
        recommendation = f"{{count}} CRITICAL events ({datetime.now(UTC).isoformat()})"
        with self.activated({"critical_recommendation": recommendation}) as active:
            pass
        newest = self.get("/policies/activations?limit=1")["activations"][0]
        expect("the newest activation", newest["hash"], active)

    @contextmanager
    def activated(self, changes: Item) -> Iterator[str]:
        """Activate a policy version with these changes, until the end. Yields the hash of the version before."""
        active = self.get("/policies/active")
        stored = self.post("/policies", body=active["document"] | changes, status=201)
        self._activate(stored["hash"], active["hash"])
        try:
            yield active["hash"]
        finally:
            self._activate(active["hash"], stored["hash"])

    def _activate(self, version: str, expected: str) -> None:
        body = {"expectedActive": expected, "reason": "least privilege"}
        self.post("/policies/{}/activate", version, body=body)

    def evaluate(self, operation: str, context: Item | None = None) -> Item:
        """Ask, as the engine billing, whether its operation of this name may run. Returns the answer."""
        request = {
            "subject": {"type": "engine", "id": "billing"},
            "action": {"name": operation},
            "resource": {"type": "invoice", "id": "4711"},
            "context": context or {},
        }
        sent, headers = json.dumps(request).encode(), {"content-type": "application/json"}
        answer = self.stack.call("POST", "/access/v1/evaluation", sent, headers, self.stack["AGE_TOKEN_BILLING"])
        if answer.status != 200:
            raise ScenarioError(f"the evaluation answered {answer.status} instead of 200")
        evaluation: Item = answer.json()
        if "approval" in evaluation["context"]:
            self._pending.append(evaluation["context"])
        return evaluation

    def report_again(self, event: Item, status: int, key: str | None = None) -> Item:
        """Report an event with the same engine, type and severity."""
        return self._report({name: event[name] for name in ("engine", "eventType", "severity")}, status, key)

    def outcome(self, event: Item, action: str, outcome: str) -> None:
        self.post("/events/{}/actions/{}/outcome", event["id"], action, body={"outcome": outcome})

    def approve(self, event: Item, action: str) -> None:
        [item] = [item for item in event["actions"] if item["action"] == action]
        body = {"decision": "approve", "digest": item["digest"]}
        self.post("/events/{}/actions/{}/approval", event["id"], action, body=body)

    def incident(self, event: Item) -> Any:
        """The incident of the event's engine and type."""
        for incident in self.get("/incidents?limit=200")["incidents"]:
            if incident["eventType"] == event["eventType"]:
                return incident
        raise ScenarioError("no incident is open")

    def incident_with_timeline(self, event: Item) -> Any:
        return self.get("/incidents/{}", self.incident(event)["id"])

    def admin(self) -> Any:
        """Create a first admin, as if no admin was live."""
        table, key = self.stack["CREDENTIALS_TABLE"], {"kind": {"S": "keyring"}, "kid": {"S": "*"}}
        keyring = self._db.get_item(TableName=table, Key=key)["Item"]
        self._db.delete_item(TableName=table, Key=key)
        try:
            return self._invoke("first-admin", {"kid": self._credential()})
        finally:
            self._db.put_item(TableName=table, Item=keyring)

    def reader(self) -> None:
        self.post("/credentials", body={"kid": self._credential(), "role": "reader"}, status=201)

    def expired_reader(self) -> None:
        """Create a credential that has expired when this returns."""
        expires_at = datetime.now(UTC) + timedelta(seconds=2)
        body = {"kid": self._credential(), "role": "reader", "expiresAt": moment(expires_at)}
        self.post("/credentials", body=body, status=201)
        time.sleep(2)

    def refused_sender(self) -> None:
        """Create a credential of an engine, of which an event in a batch is refused: a system alert begins."""
        body = {"kid": self._credential(), "role": "engine", "engines": ["qa"]}
        token = self.post("/credentials", body=body, status=201)["token"]
        events = json.dumps([{"engine": "qa"}]).encode()
        self.stack.call("POST", f"{API}/events", events, {"Content-Type": "application/json"}, token)

    # ---- Invocations, as by schedules ----

    def sweep(self, later: int = 0) -> Any:
        """Sweep as if it were so many seconds later."""
        if later != self._sweep_delay:
            self._set_clock("sweep", datetime.now(UTC) + timedelta(seconds=later))
            self._sweep_delay = later
        return self._invoke("sweep", {})

    def weekly(self, scheduled: datetime) -> Any:
        return self._invoke("weekly-report", {"scheduledTime": moment(scheduled)})

    # ---- Results ----

    @contextmanager
    def channel(self, kind: str) -> Iterator[str]:
        """Create a channel, and remove it at the end. Yields its name."""
        name = self.new_channel(kind)
        yield name
        self._call("DELETE", "/channels/{}", (name,))

    def new_channel(self, kind: str) -> str:
        """Create a channel whose host does not exist. Returns its name."""
        name = self.unique_name().replace("_", "-")
        target = {"routingKey": "0" * 32} if kind == "pagerduty" else {"url": "https://channel.age.invalid/"}
        self._channels.append(name)
        self.post("/channels", body={"name": name, "kind": kind} | target, status=201)
        return name

    def relay(self, channel: str, sent: datetime) -> Any:
        """Invoke the relay with a test message to a channel. Returns the messages that were not queued."""
        test = {"schemaVersion": 1, "type": "channel_test", "channel": channel, "subject": "Test", "text": "Test"}
        attributes = {"SentTimestamp": str(int(sent.timestamp() * 1000))}
        record = {"messageId": self.unique_name(), "body": json.dumps(test), "attributes": attributes}
        return self._invoke("relay", {"Records": [record]})["batchItemFailures"]

    def relay_what_is_due(self) -> None:
        """Invoke the relay as its schedule does."""
        self._invoke("relay", {})

    @contextmanager
    def open_alert(self, channel: str) -> Iterator[None]:
        """Have an alert of an incident that does not exist open in a pager."""
        incident = "billing.1795403565000.none"
        key = {"scope": {"S": channel}, "id": {"S": f"alert#{incident}"}}
        row = {"incident": {"S": incident}, "status": {"S": "open"}, "content": {"S": "{}"}}
        row["delivered_at"] = {"S": moment(datetime.now(UTC) + timedelta(seconds=1))}
        self._db.put_item(TableName=self.stack["DELIVERIES_TABLE"], Item=key | row)
        try:
            yield
        finally:
            self._db.delete_item(TableName=self.stack["DELIVERIES_TABLE"], Key=key)

    def expect_statuses(self, event: Item, **statuses: str) -> None:
        """Fails unless the event's actions have these statuses."""
        shown = {item["action"]: item["status"] for item in self.get("/events/{}", event["id"])["actions"]}
        for action, status in statuses.items():
            expect(f"the status of {action}", shown.get(action), status)

    def shard(self, event: Item) -> int:
        """The shard of its engine's rollup that counts the event."""
        item = self._db.get_item(TableName=self.stack["EVENTS_TABLE"], Key={"id": {"S": event["id"]}})["Item"]
        return int(item["bucket"]["S"].rsplit("#", 1)[1])

    def denied_in_first_shard(self) -> int:
        """The number of decisions on operations of billing without a rule that the first shard has counted today."""
        key = {"engine_shard": {"S": "billing#0"}, "day": {"S": f"{datetime.now(UTC):%Y-%m-%d}#decisions"}}
        row = self._db.get_item(TableName=self.stack["ROLLUPS_TABLE"], Key=key).get("Item", {})
        return int(row.get("c#no_rule", {"N": "0"})["N"])

    def emails(self, about: str) -> str:
        """The texts of the e-mails that name this event type or decision. Deletes all others."""
        texts = [
            json.loads(body)["Message"] for body in queues.receive_all(self.sqs, self.stack["NOTIFICATIONS_QUEUE_URL"])
        ]
        return "\n".join(text for text in texts if about in text)

    def log(self, function: str, since: float) -> list[str]:
        """The lines that the function has logged since then."""
        group, start = f"/aws/lambda/{STACK}-{function}", math.floor(since * 1000)
        return [
            event["message"] for event in self._logs.filter_log_events(logGroupName=group, startTime=start)["events"]
        ]

    def denied_actions(self, function: str, since: float) -> set[str]:
        """The actions that IAM has denied to the function since then, by its log and the errors of a proxy."""
        return {action for line in self.log(function, since) + self._denials for action in DENIED.findall(line)}

    # ---- Preparations and faults ----

    def unique_name(self) -> str:
        return f"{NAME}_{self._run}_{next(self._count)}"

    def restart(self, function: str) -> None:
        """Start a new execution environment, by a change of the function's configuration."""
        self._configure(function, {NAME.upper(): self.unique_name()})
        if function == "sweep":
            self._sweep_delay = None  # its clock is again what it was when it was first configured

    @contextmanager
    def faulty_dynamodb(
        self, function: str, operation: str, times: int, error_body: str | None = None
    ) -> Iterator[FaultyProxy]:
        """Put a faulty proxy between the function and DynamoDB."""
        with FaultyProxy(self.stack["AWS_ENDPOINT_URL"], operation, times, error_body) as proxy:
            try:
                # The local AWS sets AWS_ENDPOINT_URL itself. The SDK prefers the variable of the service.
                self._configure(function, {"AWS_ENDPOINT_URL_DYNAMODB": proxy.endpoint})
                yield proxy
            finally:
                self._configure(function, {})
                self._denials += proxy.errors

    def use_up_emails(self) -> None:
        """Use up the e-mail rate limits, so that initial notifications about billing and qa have to wait."""
        full_at = moment(datetime.now(UTC) + EMAILS_FULL_FOR)
        for key in _rate_limiters():
            self._db.put_item(TableName=self.stack["INCIDENTS_TABLE"], Item=key | {"full_at": {"S": full_at}})

    def allow_emails(self) -> None:
        for key in _rate_limiters():
            self._db.delete_item(TableName=self.stack["INCIDENTS_TABLE"], Key=key)

    @contextmanager
    def events_at(self, moment: datetime) -> Iterator[None]:
        """Accept events as if it were this moment."""
        try:
            self._set_clock("log-event", moment)
            yield
        finally:
            self._set_clock("log-event", datetime.now(UTC))

    @contextmanager
    def installed_eight_days_ago(self) -> Iterator[None]:
        """Make AGE older than the week that the weekly report covers, with an event of every engine today."""
        if not self._all_engines_reported:
            for engine in credentials.engines():
                self.report("LOW", engine)
            self._all_engines_reported = True
        table = self.stack["INCIDENTS_TABLE"]
        real = self._db.get_item(TableName=table, Key=HEALTH)["Item"]["installed_at"]
        try:
            self._installed_at({"S": moment(datetime.now(UTC) - timedelta(days=8))})
            yield
        finally:
            self._installed_at(real)

    def clear(self) -> None:
        """Discard errors, e-mails and limits of earlier scenarios."""
        self._denials.clear()
        self.allow_emails()
        queues.receive_all(self.sqs, self.stack["NOTIFICATIONS_QUEUE_URL"])

    def finish(self) -> None:
        """End what the scenario began: actions, approvals, incidents and credentials. No later sweep acts on it."""
        types = {event["eventType"] for event in self._events if event["severity"] != "LOW"}
        for event in self._events:
            for item in event["actions"]:
                if item["action"] != "notify_admin":
                    self._attempt(f"/events/{event['id']}/actions/{item['action']}/outcome", {"outcome": "succeeded"})
        if types:
            for incident in self.get("/incidents?limit=200")["incidents"]:
                if incident["eventType"] in types and incident["status"] != "resolved":
                    self._attempt(f"/incidents/{incident['id']}/resolve", {})
        self._events.clear()
        for decision in self._pending:
            denial = {"decision": "deny", "digest": decision["approval"]["digest"]}
            self._attempt(f"/decisions/{decision['id']}/approval", denial)
        self._pending.clear()
        for kid in self._credentials:
            self.stack.call("DELETE", f"{API}/credentials/{kid}")
        self._credentials.clear()

    # ---- Internals ----

    def _call(
        self,
        method: str,
        path: str,
        names: tuple[str, ...],
        body: Item | list[Item] | None = None,
        status: int = 200,
        key: str | None = None,
    ) -> Any:
        headers = {"content-type": "application/json"} if body is not None else {}
        headers |= {"idempotency-key": key} if key else {}
        sent = json.dumps(body).encode() if body is not None else None
        answer = self.stack.call(method, API + path.format(*names), sent, headers)
        if answer.status != status:
            raise ScenarioError(f"{method} {path.replace('{}', '…')} answered {answer.status} instead of {status}")
        return answer.json()

    def _report(self, body: Item, status: int, key: str | None) -> Item:
        event: Item = self._call("POST", "/event", (), body, status, key)
        self._events.append(event)
        return event

    def _attempt(self, path: str, body: Item) -> None:
        self.stack.call("POST", API + path, json.dumps(body).encode(), {"content-type": "application/json"})

    def _invoke(self, function: str, payload: Item) -> Any:
        answer = self._functions.invoke(FunctionName=f"{STACK}-{function}", Payload=json.dumps(payload).encode())
        result = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise ScenarioError(f"{function} fails: {_shortened(result['errorMessage'])}")
        return result

    def _credential(self) -> str:
        kid = self.unique_name().replace("_", "-")
        self._credentials.append(kid)
        return kid

    def _configure(self, function: str, extra: dict[str, str]) -> None:
        name = f"{STACK}-{function}"
        if function not in self._real:
            self._real[function] = self._functions.get_function_configuration(FunctionName=name)["Environment"][
                "Variables"
            ]
        variables = {"Variables": self._real[function] | extra}
        self._functions.update_function_configuration(FunctionName=name, Environment=variables)

    def _installed_at(self, value: Item) -> None:
        self._db.update_item(
            TableName=self.stack["INCIDENTS_TABLE"],
            Key=HEALTH,
            UpdateExpression="SET installed_at = :at",
            ExpressionAttributeValues={":at": value},
        )

    def restore(self) -> None:
        for function in self._real:
            self._configure(function, {})
        self.allow_emails()
        self._remove_reports()
        for name in self._channels:
            key = {"kind": {"S": "channel"}, "name": {"S": name}}
            self._db.delete_item(TableName=self.stack["CHANNELS_TABLE"], Key=key)
        self.finish()

    def _remove_reports(self) -> None:
        """Delete the reports of this run: some cover weeks long ago, and would be shown as the latest."""
        table = self.stack["REPORTS_TABLE"]
        for kind in ("weekly", "on_demand"):
            made = self._db.query(
                TableName=table,
                IndexName="by_generated",
                KeyConditionExpression="kind = :kind AND generated_at >= :began",
                ExpressionAttributeValues={":kind": {"S": kind}, ":began": {"S": moment(self._started)}},
            )
            for row in made["Items"]:
                self._db.delete_item(TableName=table, Key={"id": row["id"]})
                action = {"event_id": row["id"], "action": {"S": "automated_governance_summary"}}
                self._db.delete_item(TableName=self.stack["ACTIONS_TABLE"], Key=action)


def _rate_limiters() -> list[Item]:
    """The keys of the rows that limit e-mails: all to the first line, and those about two engines."""
    return [{"fingerprint": {"S": "age"}, "opened_at": {"S": name}} for name in EMAIL_RATE_LIMITERS]


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _shortened(error: str) -> str:
    """The first cause in an error, with the names of the template."""
    cause = error.rpartition("first error: ")[2].partition(" failed: ")[0]
    return re.sub(rf"\S*\b{STACK}-(\w+)-[0-9A-F]{{13}}", r"\1", cause)
