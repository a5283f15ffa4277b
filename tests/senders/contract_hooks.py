"""Schemathesis hooks for rules that the OpenAPI schema cannot express, and for texts that only AGE can make.

The hooks change requests that are meant to be valid, so that they are. They leave invalid requests as they are.
"""

from __future__ import annotations

import os
import time
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import schemathesis

# In the future for long, and valid in every calendar.
FUTURE = "2999-01-01T00:00:00Z"
NUMBERS = count(time.time_ns())
# The stack's own credentials: other tests need them.
TOKENS = [
    line.split("=", 1)[1] for line in Path(os.environ["AGE_STACK_ENV"]).read_text().splitlines() if "=agov1." in line
]
# Requests that would change one of them change this one instead.
SPARE = os.environ["AGE_SPARE"]
PROTECTED = {token.split(".")[1] for token in TOKENS}
# An engine of the active policy. Which names are engines is not in the schema.
ENGINE = "qa"
# A well-formed id, of no incident.
INCIDENT_ID = "qa.1795403565678.queue_full"


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if case.path_parameters.get("kid") in PROTECTED:
        case.path_parameters["kid"] = SPARE
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    query = case.query
    query.pop("cursor", None)  # only AGE can make one
    if "from" in query and "to" in query and _moment(query["from"]) > _moment(query["to"]):
        query["from"], query["to"] = query["to"], query["from"]
    if "engine" in query:
        query["engine"] = ENGINE
    body = case.body if isinstance(case.body, dict) else {}
    if body.get("engine"):
        body["engine"] = ENGINE
    if body.get("engines"):
        body["engines"] = [ENGINE]
    if body.get("expiresAt"):
        body["expiresAt"] = FUTURE
    if case.path.endswith(("/incidents/acknowledge", "/incidents/resolve")) and isinstance(case.body, dict):
        case.body = _bulk_change(body)
    # AGE rejects an alert without a known engine, and a request that has no other alert.
    for alert in body.get("alerts", [])[:1]:
        alert["labels"] |= {"engine": ENGINE, "alertname": "queue_full"}
    # The id of a CloudEvent and an idempotency key may be used once: make each unique.
    if case.media_type == "application/cloudevents+json":
        body["id"] = f"{body['id']} {next(NUMBERS)}"
        body["source"] = f"{body['source']}/{ENGINE}"
        case.headers.pop("Idempotency-Key", None)  # a CloudEvent has its id instead
    elif "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"{next(NUMBERS)} {case.headers['Idempotency-Key']}"[:255].strip()


def _bulk_change(body: dict[str, Any]) -> dict[str, Any]:
    """A change of many incidents: of these ids, or of those that match a filter."""
    if body.get("ids"):
        return {"ids": [INCIDENT_ID] * len(body["ids"]), "note": body.get("note")}
    change = {"expectedCount": 0} | {name: value for name, value in body.items() if value is not None}
    return {name: value for name, value in change.items() if (name, value) != ("status", "resolved")}


def _moment(text: Any) -> datetime:
    """The time that a valid text stands for. As in AGE, a leap second is the end of its minute."""
    text = str(text).upper()
    leaps = text[17:19] == "60"
    return datetime.fromisoformat(f"{text[:17]}59.999{text[19:].lstrip('.0123456789')}" if leaps else text)
