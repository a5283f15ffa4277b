"""Tests the running stack against infra/openapi.json with Schemathesis, with and without a token.

AGE_STACK_ENV names the stack.env of the running stack. contract_hooks.py has the rules that the schema cannot express.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
SCHEMATHESIS = ROOT / ".venv" / "checks" / "bin" / "schemathesis"
# The credential that tests of the credential endpoints may change.
SPARE = "spare-reader"
CONTRACT = ROOT / "infra" / "openapi.json"
HOOKS = Path(__file__).with_name("contract_hooks.py")
# The same cases every time, so that a failure in CI can be reproduced.
OPTIONS = [
    "--checks=all",
    # A hold that was ended has a record, which stays readable.
    "--exclude-checks=use_after_free",
    "--generation-deterministic",
    # Hypothesis sets the recursion limit, which threads share: with two workers, a parser of Python failed at times.
    "--workers=1",
    # Other tests use the machine at the same time.
    "--request-timeout=60",
    "--max-response-time=60",
    # How long the generation of a request takes says nothing of AGE: it depends on what else the machine does.
    "--suppress-health-check=too_slow",
    "--continue-on-failure",
    "--no-color",
    "--warnings=off",
]


def main() -> int:
    stack = dict(line.split("=", 1) for line in Path(os.environ["AGE_STACK_ENV"]).read_text().splitlines())
    create_credential(stack, SPARE)
    # Without a token, every answer is the same: a few random requests are enough.
    return max(run(stack, stack["AGE_ADMIN_TOKEN"], examples=50), run(stack, None, examples=5, phases="fuzzing"))


def create_credential(stack: dict[str, str], kid: str) -> None:
    """Create the credential, unless it exists."""
    connection = http.client.HTTPConnection(urlsplit(stack["AGE_API_URL"]).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {stack['AGE_ADMIN_TOKEN']}", "Content-Type": "application/json"}
    connection.request("POST", "/api/governance/credentials", json.dumps({"kid": kid, "role": "reader"}), headers)
    assert connection.getresponse().status in (201, 409)
    connection.close()


def run(stack: dict[str, str], token: str | None, examples: int, phases: str = "coverage,fuzzing,stateful") -> int:
    print(f"Schemathesis {'with' if token else 'without'} a token:", flush=True)
    headers = ["--header", f"Authorization:Bearer {token}"] if token else []
    command = [
        str(SCHEMATHESIS),
        "run",
        str(CONTRACT),
        f"--url={stack['AGE_API_URL']}",
        f"--max-examples={examples}",
        f"--phases={phases}",
        *OPTIONS,
        *headers,
        *sys.argv[1:],
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS), "AGE_SPARE": SPARE}
    # In a folder of its own: Schemathesis stores failures there, and would try them again the next time.
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
