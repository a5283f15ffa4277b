"""The running stack as the scenarios use it, and what puts it back as it was."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

import credentials
import queues
from client import Stack
from losing import Losing
from settings import STACK
from week import Move

Item = dict[str, Any]

API = "/api/governance"
NAME = "least_privilege"
HELD = ("ACTIONS_QUEUE_URL", "ESCALATIONS_QUEUE_URL", "ESCALATIONS_SECOND_QUEUE_URL", "REPORTS_QUEUE_URL")

# How IAM says no.
REFUSED = re.compile(r"is not authorized to perform: (\S+)")

# Rows of the incidents table that are about AGE itself.
MAILER = {"fingerprint": {"S": "age"}, "opened_at": {"S": "mailer"}}
HEALTH = {"fingerprint": {"S": "age"}, "opened_at": {"S": "health"}}
# So far ahead, the row that counts e-mails says that there have been enough, and is still believed.
MAILS_USED_UP = timedelta(seconds=55)


class Broken(Exception):
    """Something that should have happened did not."""


def expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Broken(f"{what} is {found} instead of {wanted}")


@contextmanager
def opened(stack: Stack, move: Move, failures: list[str]) -> Iterator[World]:
    """The world; `failures` are queues that it may fill, too."""
    world = World(stack, move)
    with queues.untouched(world.sqs, [*(stack[name] for name in HELD), *failures]):
        try:
            world.sweep()  # puts on record who would get an e-mail
            yield world
        finally:
            world.restore()


class World:
    def __init__(self, stack: Stack, move: Move) -> None:
        self.stack, self._move = stack, move
        self._functions, self._logs = stack.service("lambda"), stack.service("logs")
        self._db, self.sqs = stack.service("dynamodb"), stack.service("sqs")
        self._began = datetime.now(UTC)
        self._run, self._count = f"{int(self._began.timestamp()):x}", count(1)
        self._real: dict[str, dict[str, str]] = {}  # the variables of functions that were configured otherwise
        self._later: int | None = None
        self._events: list[Item] = []
        self._credentials: list[str] = []
        self._heard: list[str] = []  # what a proxy has heard refused
        self._all_have_reported = False

    # ---- What callers do. ----

    def get(self, path: str, *names: str) -> Any:
        return self._call("GET", path, names)

    def post(self, path: str, *names: str, body: Item | None = None, status: int = 200) -> Any:
        return self._call("POST", path, names, body, status)

    def page(self, path: str, form: dict[str, str] | None = None) -> str:
        """A page of the dashboard as somebody who is signed in sees it, or what a form of it comes to."""
        headers = {"cookie": f"__Host-age={self.stack['AGE_ADMIN_TOKEN']}"}
        headers |= {"content-type": "application/x-www-form-urlencoded"} if form is not None else {}
        method, status = ("GET", 200) if form is None else ("POST", 303)
        answer = self.stack.call(method, path, urlencode(form).encode() if form is not None else None, headers)
        if answer.status != status:
            raise Broken(f"{method} {path.split('/')[1]}… is answered {answer.status} instead of {status}")
        return answer.text

    def report(self, severity: str, engine: str, prefix: str = "", key: str | None = None) -> Item:
        """An event of a kind of its own."""
        return self._report({"engine": engine, "eventType": prefix + self.fresh(), "severity": severity}, 201, key)

    def again(self, event: Item, status: int, key: str | None = None) -> Item:
        """An event that says the same."""
        return self._report({name: event[name] for name in ("engine", "eventType", "severity")}, status, key)

    def outcome(self, event: Item, action: str, outcome: str) -> None:
        self.post("/events/{}/actions/{}/outcome", event["id"], action, body={"outcome": outcome})

    def approve(self, event: Item, action: str) -> None:
        [item] = [item for item in event["actions"] if item["action"] == action]
        body = {"decision": "approve", "digest": item["digest"]}
        self.post("/events/{}/actions/{}/approval", event["id"], action, body=body)

    def incident(self, event: Item) -> Any:
        """The incident of the event's kind."""
        for incident in self.get("/incidents?limit=200")["incidents"]:
            if incident["eventType"] == event["eventType"]:
                return incident
        raise Broken("no incident is opened")

    def story(self, event: Item) -> Any:
        return self.get("/incidents/{}", self.incident(event)["id"])

    def admin(self) -> Any:
        """A first admin."""
        return self._invoke("first-admin", {"kid": self._credential()})

    def reader(self) -> None:
        self.post("/credentials", body={"kid": self._credential(), "role": "reader"}, status=201)

    # ---- What schedules do. ----

    def sweep(self, later: int = 0) -> Any:
        """A sweep as it would be so many seconds later."""
        if later != self._later:
            self._move("sweep", datetime.now(UTC) + timedelta(seconds=later))
            self._later = later
        return self._invoke("sweep", {})

    def weekly(self, scheduled: datetime) -> Any:
        return self._invoke("weekly-report", {"scheduledTime": moment(scheduled)})

    # ---- What can be seen. ----

    def stands(self, event: Item, **statuses: str) -> None:
        """That the event's actions are on record with these statuses."""
        shown = {item["action"]: item["status"] for item in self.get("/events/{}", event["id"])["actions"]}
        for action, status in statuses.items():
            expect(f"{action} on record", shown.get(action), status)

    def row(self, event: Item) -> int:
        """Which of its engine's rows counts the event."""
        item = self._db.get_item(TableName=self.stack["EVENTS_TABLE"], Key={"id": {"S": event["id"]}})["Item"]
        return int(item["bucket"]["S"].rsplit("#", 1)[1])

    def mail(self, event: Item) -> str:
        """What people got about the incident of an event."""
        mails = [json.loads(body)["Message"] for body in queues.take(self.sqs, self.stack["ESCALATIONS_QUEUE_URL"])]
        return "\n".join(mail for mail in mails if event["eventType"] in mail)

    def log(self, function: str, since: float) -> list[str]:
        """What the function's log has got since then."""
        group, start = f"/aws/lambda/{STACK}-{function}", math.floor(since * 1000)
        return [event["message"] for event in self._logs.filter_log_events(logGroupName=group, startTime=start)["events"]]

    def refused(self, function: str, since: float) -> set[str]:
        """The actions that the function was refused since then, by its own log and by what a proxy has heard."""
        return {action for line in self.log(function, since) + self._heard for action in REFUSED.findall(line)}

    # ---- What is arranged. ----

    def fresh(self) -> str:
        return f"{NAME}_{self._run}_{next(self._count)}"

    def restart(self, function: str) -> None:
        """A configuration that changes begins a new execution environment."""
        self._configure(function, {NAME.upper(): self.fresh()})

    @contextmanager
    def losing(self, function: str, operation: str, times: int, refusal: str | None = None) -> Iterator[Losing]:
        """The function's way to DynamoDB loses answers, or refuses calls."""
        with Losing(self.stack["AWS_ENDPOINT_URL"], operation, times, refusal) as proxy:
            try:
                # The local AWS sets AWS_ENDPOINT_URL itself; the SDK puts the service's own before it.
                self._configure(function, {"AWS_ENDPOINT_URL_DYNAMODB": proxy.endpoint})
                yield proxy
            finally:
                self._configure(function, {})
                self._heard += proxy.heard

    def no_mail_left(self) -> None:
        """There have been so many e-mails that first notices have to wait."""
        full_at = moment(datetime.now(UTC) + MAILS_USED_UP)
        self._db.put_item(TableName=self.stack["INCIDENTS_TABLE"], Item=MAILER | {"full_at": {"S": full_at}})

    def mails_again(self) -> None:
        self._db.delete_item(TableName=self.stack["INCIDENTS_TABLE"], Key=MAILER)

    @contextmanager
    def installed_a_week_ago(self) -> Iterator[None]:
        """The first sweep was before this week began, and every engine has reported today."""
        if not self._all_have_reported:
            for engine in credentials.engines():
                self.report("LOW", engine)
            self._all_have_reported = True
        table = self.stack["INCIDENTS_TABLE"]
        real = self._db.get_item(TableName=table, Key=HEALTH)["Item"]["installed_at"]
        try:
            self._installed_at({"S": moment(datetime.now(UTC) - timedelta(days=8))})
            yield
        finally:
            self._installed_at(real)

    def forget(self) -> None:
        """What was heard and shown before is not taken for what is to come."""
        self._heard.clear()
        self.mails_again()
        queues.take(self.sqs, self.stack["ESCALATIONS_QUEUE_URL"])

    def tidy(self) -> None:
        """Ends what the scenario began, so that no later sweep has anything to do about it."""
        kinds = {event["eventType"] for event in self._events if event["severity"] != "LOW"}
        for event in self._events:
            for item in event["actions"]:
                if item["action"] != "notify_admin":
                    self._attempt(f"/events/{event['id']}/actions/{item['action']}/outcome", {"outcome": "succeeded"})
        if kinds:
            for incident in self.get("/incidents?limit=200")["incidents"]:
                if incident["eventType"] in kinds and incident["status"] != "resolved":
                    self._attempt(f"/incidents/{incident['id']}/resolve", {})
        self._events.clear()
        for kid in self._credentials:
            self.stack.call("DELETE", f"{API}/credentials/{kid}")
        self._credentials.clear()

    # ---- Behind it. ----

    def _call(
        self, method: str, path: str, names: tuple[str, ...], body: Item | None = None, status: int = 200, key: str | None = None
    ) -> Any:
        headers = {"content-type": "application/json"} if body is not None else {}
        headers |= {"idempotency-key": key} if key else {}
        sent = json.dumps(body).encode() if body is not None else None
        answer = self.stack.call(method, API + path.format(*names), sent, headers)
        if answer.status != status:
            raise Broken(f"{method} {path.replace('{}', '…')} is answered {answer.status} instead of {status}")
        return answer.json()

    def _report(self, body: Item, status: int, key: str | None) -> Item:
        event: Item = self._call("POST", "/event", (), body, status, key)
        self._events.append(event)
        return event

    def _attempt(self, path: str, body: Item) -> None:
        self.stack.call("POST", API + path, json.dumps(body).encode(), {"content-type": "application/json"})

    def _invoke(self, function: str, payload: Item) -> Any:
        answer = self._functions.invoke(FunctionName=f"{STACK}-{function}", Payload=json.dumps(payload).encode())
        said = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise Broken(f"{function} fails: {_shortened(said['errorMessage'])}")
        return said

    def _credential(self) -> str:
        kid = self.fresh().replace("_", "-")
        self._credentials.append(kid)
        return kid

    def _configure(self, function: str, extra: dict[str, str]) -> None:
        name = f"{STACK}-{function}"
        if function not in self._real:
            self._real[function] = self._functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
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
        self.mails_again()
        self._remove_reports()
        self.tidy()

    def _remove_reports(self) -> None:
        """Those of this run would be the latest, and some are about weeks long ago."""
        table = self.stack["REPORTS_TABLE"]
        for kind in ("weekly", "on_demand"):
            made = self._db.query(
                TableName=table,
                IndexName="by_generated",
                KeyConditionExpression="kind = :kind AND generated_at >= :began",
                ExpressionAttributeValues={":kind": {"S": kind}, ":began": {"S": moment(self._began)}},
            )
            for row in made["Items"]:
                self._db.delete_item(TableName=table, Key={"id": row["id"]})
                action = {"event_id": row["id"], "action": {"S": "automated_governance_summary"}}
                self._db.delete_item(TableName=self.stack["ACTIONS_TABLE"], Key=action)


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _shortened(error: str) -> str:
    """The first cause, with names as the template has them."""
    cause = error.split("the first: ")[-1].split(" failed: ")[0]
    return re.sub(rf"\S*\b{STACK}-(\w+)-[0-9A-F]{{13}}", r"\1", cause)
