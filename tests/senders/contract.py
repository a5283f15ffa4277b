"""Lets Schemathesis loose on the running stack: all that infra/openapi.json allows and forbids, with and without a token.

It knows the stack by AGE_STACK_ENV, as the end-to-end tests do. The rules that a schema cannot say are in contract_hooks.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCHEMATHESIS = ROOT / ".venv" / "checks" / "bin" / "schemathesis"
HOOKS = Path(__file__).with_name("contract_hooks.py")
# The same cases every time: a failure in CI is one that anybody can have again.
OPTIONS = ["--checks=all", "--generation-deterministic", "--continue-on-failure", "--no-color", "--warnings=off"]


def main() -> int:
    stack = dict(line.split("=", 1) for line in Path(os.environ["AGE_STACK_ENV"]).read_text().splitlines())
    # Without a token, every answer is the same: it needs fewer tries.
    return max(run(stack, stack["AGE_ADMIN_TOKEN"], examples=10), run(stack, None, examples=3))


def run(stack: dict[str, str], token: str | None, examples: int) -> int:
    print(f"Schemathesis {'with' if token else 'without'} a token:", flush=True)
    # By this path of the local AWS: it takes no other Host header.
    url = f"{stack['AWS_ENDPOINT_URL']}/_aws/execute-api/{stack['AGE_API_ID']}/$default"
    headers = ["--header", f"Authorization:Bearer {token}"] if token else []
    command = [str(SCHEMATHESIS), "run", "infra/openapi.json", f"--url={url}", f"--max-examples={examples}", *OPTIONS, *headers, *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
