"""The values that the programs of this folder send."""

from __future__ import annotations

import os
from typing import Any

URL = os.environ["AGE_API_URL"]
# The token of the engine `deep_agent`, and that of an admin.
ENGINE_TOKEN = os.environ["AGE_ENGINE_TOKEN"]
ADMIN_TOKEN = os.environ["AGE_ADMIN_TOKEN"]
# An event type that no other program sends.
EVENT_TYPE = os.environ["AGE_EVENT_TYPE"]

DETAILS: dict[str, Any] = {"attempt": 2, "target": {"region": "eu", "load": [0.5, 1]}}
# AGE reserves this event type, and refuses it with 422.
RESERVED = "engine_silent"
# The event, and two of the batch.
EVENT_COUNT = 3
