"""The commands of the tests of generated clients: one prints what it did, or fails with its output."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
GENERATED = HERE / "generated"
NODE_TOOLS = HERE / "node_modules" / ".bin"
PYTHON_TOOLS = ROOT / ".venv" / "clients" / "bin"

# How many lines of the output of a step that failed are printed.
LINES = 60
WARNING = re.compile(r"\b(warn|warning|error)\b|⚠", re.IGNORECASE)
NO_TELEMETRY = {"NO_COLOR": "1", "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


@dataclass(frozen=True)
class Step:
    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    warnings_fail: bool = False
    # Lines of the output that are no warnings, whatever they say.
    harmless: re.Pattern[str] | None = None

    def run(self) -> bool:
        started = time.monotonic()
        done = subprocess.run(
            self.command,
            cwd=HERE,
            env=os.environ | NO_TELEMETRY | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        lines = done.stdout.splitlines()
        if self.harmless:
            lines = [line for line in lines if not self.harmless.search(line)]
        warnings = [line for line in lines if WARNING.search(line)] if self.warnings_fail else []
        if done.returncode == 0 and not warnings:
            print(f"{self.name}: ok, {time.monotonic() - started:.1f} s", flush=True)
            return True
        fault = f"exited with {done.returncode}" if done.returncode else f"warned: {warnings[0]}"
        print("\n".join([f"{self.name} {fault}", *lines[-LINES:]]), flush=True)
        return False


def run_all(steps: Iterable[Step]) -> None:
    """Run the steps, two at a time. Exit if one fails."""
    with ThreadPoolExecutor(max_workers=2) as threads:
        if not all(list(threads.map(Step.run, steps))):
            sys.exit(1)
