"""Lets Schemathesis loose on the running stack: all that infra/openapi.json allows and forbids, with and without a token.

It knows the stack by AGE_STACK_ENV, as the end-to-end tests do. The rules that a schema cannot say are in contract_hooks.py.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCHEMATHESIS = ROOT / ".venv" / "checks" / "bin" / "schemathesis"
# A credential for whatever is done to credentials.
SPARE = "spare-reader"
CONTRACT = ROOT / "infra" / "openapi.json"
HOOKS = Path(__file__).with_name("contract_hooks.py")
# The same cases every time: a failure in CI is one that anybody can have again.
OPTIONS = ["--checks=all", "--generation-deterministic", "--workers=2", "--continue-on-failure", "--no-color", "--warnings=off"]


def main() -> int:
    stack = dict(line.split("=", 1) for line in Path(os.environ["AGE_STACK_ENV"]).read_text().splitlines())
    make(stack, SPARE)
    # Without a token, every answer is the same: it needs fewer tries.
    return max(run(stack, stack["AGE_ADMIN_TOKEN"], examples=50), run(stack, None, examples=5))


def make(stack: dict[str, str], kid: str) -> None:
    """A credential; one that was made before will do."""
    host = stack["AGE_API_URL"].removeprefix("http://")
    connection = http.client.HTTPConnection("127.0.0.1", int(host.rsplit(":", 1)[1]), timeout=60)
    headers = {"Host": host, "Authorization": f"Bearer {stack['AGE_ADMIN_TOKEN']}", "Content-Type": "application/json"}
    connection.request("POST", "/api/governance/credentials", json.dumps({"kid": kid, "role": "reader"}), headers)
    assert connection.getresponse().status in (201, 409)
    connection.close()


def run(stack: dict[str, str], token: str | None, examples: int) -> int:
    print(f"Schemathesis {'with' if token else 'without'} a token:", flush=True)
    # By this path of the local AWS: it takes no other Host header.
    url = f"{stack['AWS_ENDPOINT_URL']}/_aws/execute-api/{stack['AGE_API_ID']}/$default"
    headers = ["--header", f"Authorization:Bearer {token}"] if token else []
    command = [str(SCHEMATHESIS), "run", str(CONTRACT), f"--url={url}", f"--max-examples={examples}", *OPTIONS, *headers, *sys.argv[1:]]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS), "AGE_SPARE": SPARE}
    # What it remembers of failures would be tried again the next time.
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
