"""Paths, ports and names of the local stack, and the environment variables that change them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infra" / "template.yaml"
POLICY = ROOT / "shared" / "policy" / "default.toml"

STACK = "age"
REGION = "us-east-1"
API_ID = "a9e0a9e0"  # pinned, so that the gateway's host name never changes; ministack wants eight hexadecimal digits
ADMIN = "localadmin"  # key id and secret key of the local AWS's root user

DEFAULT_PORT = 4566
PORTS = range(1024, 65536)


class UserError(Exception):
    """A problem that the person at the terminal can fix. `run` prints it as one line and exits with code 2."""


def state_dir() -> Path:
    return _path("AGE_STATE_DIR", ".local")


def lambda_dir() -> Path:
    return _path("AGE_LAMBDA_DIR", "target/lambda")


def aws_port() -> int:
    """The port of the local AWS."""
    return _port("AGE_PORT", DEFAULT_PORT)


def api_port(aws_port: int) -> int:
    """The port on which the API answers at http://127.0.0.1, next to that of the local AWS."""
    return _port("AGE_API_PORT", aws_port + 1)


def exit_on_signals() -> None:
    """Make SIGTERM and SIGHUP exit like Ctrl-C does, so that `finally` blocks run."""
    numbers = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]

    def handle(number: int, _: object) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        sys.exit(128 + number)

    for number in numbers:
        signal.signal(number, handle)


def run(main: Callable[[list[str]], int]) -> None:
    """Call a command's main function. A `UserError` prints as one line, never as a traceback."""
    try:
        code = main(sys.argv[1:])
    except UserError as error:
        print(f"age: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # the reader of this output, such as `head`, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    sys.exit(code)


def _path(variable: str, default: str) -> Path:
    return (ROOT / (os.environ.get(variable) or default)).resolve()


def _port(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not text.isdecimal() or int(text) not in PORTS:
        raise UserError(f"{variable} must be a port from {PORTS[0]} to {PORTS[-1]}; got {text!r}")
    return int(text)
