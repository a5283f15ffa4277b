"""Sends a CloudEvent with the official SDK in both modes, and checks the event that AGE stores.

AGE_STACK_ENV names the stack.env of the running stack.
"""

from __future__ import annotations

import http.client
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent


def main() -> None:
    stack = dict(line.split("=", 1) for line in Path(os.environ["AGE_STACK_ENV"]).read_text().splitlines())
    event = CloudEvent(
        {
            "id": "é 4711",
            "source": "https://fleet.example/engines/image_engine",
            "type": "render_slow",
            "time": datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC),
            "datacontenttype": "application/json",
            "severity": "MEDIUM",
            "decisionid": "01936f2e-0000-7000-8000-00000000000d",
            "tenant": "seven",
        },
        {"seconds": 12.5, "prompt": 'a "fox"\n日本'},
    )
    status, created = post(stack, to_structured_event(event))
    assert status == 201, (status, created)
    assert created["details"] == event.get_data(), created
    stored = {name: created[name] for name in ("engine", "eventType", "severity", "sourceTime", "decisionId")}
    assert stored == {
        "engine": "image_engine",
        "eventType": "render_slow",
        "severity": "MEDIUM",
        "sourceTime": "2026-11-23T01:02:03.000Z",
        "decisionId": "01936f2e-0000-7000-8000-00000000000d",
    }, stored
    status, again = post(stack, to_binary_event(event))
    assert (status, again["id"]) == (200, created["id"]), (status, again)
    print("structured and binary mode: one event")


def post(stack: dict[str, str], message: HTTPMessage) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(stack["AGE_API_URL"]).netloc, timeout=60)
    try:
        headers = {**message.headers, "Authorization": f"Bearer {stack['AGE_TOKEN_IMAGE_ENGINE']}"}
        connection.request("POST", "/api/governance/intake/cloudevents", message.body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


if __name__ == "__main__":
    main()
