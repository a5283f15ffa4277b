"""Runs the programs that call the generated clients, against the running stack: generate.py must have run before.

AGE_STACK_ENV names the stack.env of the running stack.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from steps import GENERATED, HERE, PYTHON_TOOLS, ROOT, Step, run_all


def programs() -> list[Step]:
    """One program a generator, which fails if AGE answers otherwise than it expects; and the examples of the guide."""
    stack = dict(line.split("=", 1) for line in Path(os.environ["AGE_STACK_ENV"]).read_text().splitlines())
    environment = stack | {
        "AGE_ENGINE_TOKEN": stack["AGE_TOKEN_DEEP_AGENT"],
        "PYTHONPATH": os.pathsep.join(f"{GENERATED}/{name}" for name in ("openapi_python_client", "openapi_generator")),
    }
    javascript, python = ["node"], [f"{PYTHON_TOOLS}/python"]
    commands = {
        "openapi-fetch": [*javascript, f"{GENERATED}/js/typescript/openapi_fetch.js"],
        "hey-api": [*javascript, f"{GENERATED}/js/typescript/hey_api.js"],
        "orval": [*javascript, f"{GENERATED}/js/typescript/orval.js"],
        "openapi-python-client": [*python, f"{HERE}/python/with_openapi_python_client.py"],
        "openapi-generator": [*python, f"{HERE}/python/with_openapi_generator.py"],
        "example in TypeScript": [*javascript, f"{GENERATED}/js/generated/openapi_typescript/report_event.js"],
        "example in Python": [*python, f"{ROOT}/examples/clients/report_event.py"],
    }
    return [
        Step(name, command, environment | {"AGE_EVENT_TYPE": f"generated_{number}_{time.time_ns() // 1_000_000}"})
        for number, (name, command) in enumerate(commands.items())
    ]


if __name__ == "__main__":
    run_all(programs())
