"""Schemathesis hooks for rules that the OpenAPI schema cannot express, and for texts that only AGE can make.

The hooks change requests that are meant to be valid, so that they are, and those that are meant to be invalid where AGE
accepts more than the schema says.
"""

from __future__ import annotations

import http.client
import json
import os
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import schemathesis

# In the future for long, and valid in every calendar.
FUTURE = "2999-01-01T00:00:00Z"
NUMBERS = count(time.time_ns())
# The stack's own credentials: other tests need them.
STACK = dict(line.split("=", 1) for line in Path(os.environ["AGE_STACK_ENV"]).read_text().splitlines())
TOKENS = [value for value in STACK.values() if value.startswith("agov1.")]
# Requests that would change one of them change this one instead.
SPARE = os.environ["AGE_SPARE"]
PROTECTED = {token.split(".")[1] for token in TOKENS}
# An engine of the active policy. Which names are engines is not in the schema.
ENGINE = "qa"
# At most 13 weeks, and in the past.
PERIOD = {"from": "2026-09-01T00:00:00Z", "to": "2026-10-31T00:00:00Z"}
# A well-formed id, of no incident.
INCIDENT_ID = "qa.1795403565678.queue_full"


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if case.path_parameters.get("kid") in PROTECTED:
        case.path_parameters["kid"] = SPARE
    if case.meta is None:
        return
    if not case.meta.generation.mode.is_positive:
        _make_invalid(case)
        return
    query = case.query
    query.pop("cursor", None)  # only AGE can make one
    # The period of a policy's history or simulation has bounds that the schema cannot express.
    if case.path.endswith("/policies/history") and ("from" in query or "to" in query):
        query.update(PERIOD)
    if case.path.endswith("/simulation") and isinstance(case.body, dict):
        case.body.update({name: time for name, time in PERIOD.items() if case.body.get(name)})
    if "from" in query and "to" in query and _moment(query["from"]) > _moment(query["to"]):
        query["from"], query["to"] = query["to"], query["from"]
    if "engine" in query:
        query["engine"] = ENGINE
    body = case.body if isinstance(case.body, dict) else {}
    if body.get("engine"):
        body["engine"] = ENGINE
    for name in ("eventType", "type"):
        if isinstance(body.get(name), str):
            body[name] = _event_type(body[name])
    if "eventType" in query:
        values = query["eventType"]
        query["eventType"] = [_event_type(value) for value in ([values] if isinstance(values, str) else values)]
    if body.get("engines"):
        body["engines"] = [ENGINE]
    if body.get("expiresAt"):
        body["expiresAt"] = FUTURE
    if case.path.endswith(("/holds", "/shadow")) and body.get("until"):
        body["until"] = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    if case.path.startswith("/access/v1/"):
        case.body = _evaluation(body)
    # Which fields a target has depends on the kind of the channel.
    if "/channels" in case.path and case.method == "POST":
        _make_target_valid(case, body)
    if case.path.endswith(("/incidents/acknowledge", "/incidents/resolve")) and isinstance(case.body, dict):
        case.body = _bulk_change(body)
    # Rules about several fields of a policy are not in the schema.
    if case.path.endswith("/policies") and case.method == "POST":
        case.body = _policy() | {"critical_recommendation": f"{{count}} critical events, {next(NUMBERS)}"}
    # AGE rejects an alert without a known engine, and a request that has no other alert.
    for alert in body.get("alerts", [])[:1]:
        alert["labels"] |= {"engine": ENGINE, "alertname": "queue_full"}
    # The id of a CloudEvent and an idempotency key may be used once: make each unique.
    if case.media_type == "application/cloudevents+json":
        body["id"] = f"{body['id']} {next(NUMBERS)}"
        body["source"] = f"{body['source']}/{ENGINE}"
    elif "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"{next(NUMBERS)} {case.headers['Idempotency-Key']}"[:255].strip()


def _make_target_valid(case: Any, body: dict[str, Any]) -> None:
    """Create chats only, and give each channel the target of a chat."""
    if not case.path.endswith(("/channels", "/rotate")):
        return
    for name in ("routingKey", "region", "secrets"):
        body.pop(name, None)
    body["url"] = "https://chat.example.com/hooks/example"
    if case.path.endswith("/channels"):
        body["kind"] = "slack"
    case.body = body


def _evaluation(body: dict[str, Any]) -> dict[str, Any]:
    """A request for decisions that names a subject, an action, a resource and an engine of the active policy."""
    entity = {"type": "user", "id": "alice"}
    names = {"subject": entity, "action": {"name": "read"}, "resource": entity}
    parts = {name: (body.get(name) or {}) | named for name, named in names.items()}
    context = {name: value for name, value in (body.get("context") or {}).items() if name != "decisionId"}
    return body | parts | {"context": context | {"engine": ENGINE}}


def _make_invalid(case: Any) -> None:
    """Make bodies invalid that AGE accepts although the schema, narrower for generators of clients, does not.

    A null counts as an absent field, and an invalid event or evaluation of a batch has a result of its own.
    """
    if case.path.endswith("/events") and isinstance(case.body, list):
        case.body = {}
    elif case.path.endswith("/evaluations") or _has_null(case.body):
        case.body = []


def _event_type(text: str) -> str:
    """The pattern of the schema knows nothing of characters above U+FFFF."""
    return "".join(it if it <= "\uffff" else "x" for it in text)


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    if isinstance(value, list):
        return any(map(_has_null, value))
    return value is None


@cache
def _policy() -> dict[str, Any]:
    """The document of the active policy."""
    connection = http.client.HTTPConnection(urlsplit(STACK["AGE_API_URL"]).netloc, timeout=60)
    authorization = {"Authorization": f"Bearer {STACK['AGE_ADMIN_TOKEN']}"}
    connection.request("GET", "/api/governance/policies/active", headers=authorization)
    document: dict[str, Any] = json.load(connection.getresponse())["document"]
    connection.close()
    return document


def _bulk_change(body: dict[str, Any]) -> dict[str, Any]:
    """A change of many incidents: of these ids, or of those that match a filter."""
    if body.get("ids"):
        note = {name: value for name, value in body.items() if name == "note"}
        return {"ids": [INCIDENT_ID] * len(body["ids"])} | note
    change = {"expectedCount": 0} | {name: value for name, value in body.items() if value is not None}
    return {name: value for name, value in change.items() if (name, value) != ("status", "resolved")}


def _moment(text: Any) -> datetime:
    """The time that a valid text stands for. As in AGE, a leap second is the end of its minute."""
    text = str(text).upper()
    leaps = text[17:19] == "60"
    return datetime.fromisoformat(f"{text[:17]}59.999{text[19:].lstrip('.0123456789')}" if leaps else text)
