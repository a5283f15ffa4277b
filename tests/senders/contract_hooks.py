"""What the contract's schema cannot say: rules between parameters, and texts that only AGE can make.

Where Schemathesis means a request to be valid, they are made true here; what it means to be wrong is left as it is.
"""

from __future__ import annotations

import os
import time
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import schemathesis

# A moment that is still to come for a long time, and that every calendar has.
FUTURE = "2999-01-01T00:00:00Z"
NUMBERS = count(time.time_ns())
# The stack's own credentials, which its other tests need.
TOKENS = [line.split("=", 1)[1] for line in Path(os.environ["AGE_STACK_ENV"]).read_text().splitlines() if "=agov1." in line]
# What is to be done to one of them is done to this one instead.
SPARE = os.environ["AGE_SPARE"]
KEPT = {token.split(".")[1] for token in TOKENS}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if case.path_parameters.get("kid") in KEPT:
        case.path_parameters["kid"] = SPARE
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    query = case.query
    query.pop("cursor", None)  # only AGE makes one
    if "from" in query and "to" in query and _moment(query["from"]) > _moment(query["to"]):
        query["from"], query["to"] = query["to"], query["from"]
    body = case.body if isinstance(case.body, dict) else {}
    if body.get("expiresAt"):
        body["expiresAt"] = FUTURE
    # An alert of no engine is refused alone; where there is no other, so is the request.
    for alert in body.get("alerts", [])[:1]:
        alert["labels"] |= {"engine": "qa", "alertname": "queue_full"}
    # What names an event names no other: each gets a name of its own.
    if case.media_type == "application/cloudevents+json":
        body["id"] = f"{body['id']} {next(NUMBERS)}"
        case.headers.pop("Idempotency-Key", None)  # they name themselves
    elif "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"{next(NUMBERS)} {case.headers['Idempotency-Key']}"[:255].strip()


def _moment(text: Any) -> datetime:
    """What a valid text names, with whatever offset. A leap second is the end of its minute, as for AGE."""
    text = str(text).upper()
    leaps = text[17:19] == "60"
    return datetime.fromisoformat(f"{text[:17]}59.999{text[19:].lstrip('.0123456789')}" if leaps else text)
