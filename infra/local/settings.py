"""Where things are, and how the environment moves them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infra" / "template.yaml"
POLICY = ROOT / "shared" / "scoring" / "policy.toml"

STACK = "age"
REGION = "us-east-1"
API_ID = "a9e0a9e0"  # pinned, so that the URL is the same every day; the local AWS wants eight hexadecimal digits
ADMIN = "localadmin"  # key id and secret of the local AWS's root user


class Refused(Exception):
    """Something the person has to put right. Shown as one line; exit code 2."""


def state_dir() -> Path:
    return _path("AGE_STATE_DIR", ".local")


def lambda_dir() -> Path:
    return _path("AGE_LAMBDA_DIR", "target/lambda")


def port() -> int:
    text = os.environ.get("AGE_PORT") or "4566"
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise Refused(f"AGE_PORT={text} is not a port between 1024 and 65535")
    return int(text)


def end_tidily() -> None:
    """Let a plain kill, or a terminal that closes, end the program the way Ctrl-C does: through its `finally` blocks."""
    ends = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]

    def end(number: int, _: object) -> None:
        for other in ends:
            signal.signal(other, signal.SIG_IGN)
        sys.exit(128 + number)

    for number in ends:
        signal.signal(number, end)


def _path(variable: str, default: str) -> Path:
    return (ROOT / (os.environ.get(variable) or default)).resolve()


def run(main: Callable[[list[str]], int]) -> None:
    """Call a command's main function; what a person can put right is one line, never a traceback."""
    try:
        code = main(sys.argv[1:])
    except Refused as refused:
        print(f"age: {refused}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # whoever read our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    sys.exit(code)
