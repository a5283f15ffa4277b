"""The local AWS as a background process: ministack, IAM enforced, on the loopback interface only."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from settings import ADMIN, REGION, Refused, state_dir


def endpoint(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def running() -> int | None:
    """The port of this state folder's local AWS, or None when it does not run."""
    try:
        pid, port = map(int, _pid_file().read_text().split())
    except (FileNotFoundError, ValueError):
        return None
    return port if _is_ours(pid) else None


def start(port: int) -> None:
    _check(port)
    state = state_dir()
    temporary = state / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    with open(state / "aws.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            cwd=state,
            env=_environment(port, temporary),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # outlives this shell, and one signal reaches it and its functions alike
        )
    _pid_file().write_text(f"{process.pid} {port}\n")
    _wait_until_ready(process, port)


def stop() -> bool:
    """End the local AWS and every function process it started. False when there was nothing to end."""
    port = running()
    if port is not None:
        pid = int(_pid_file().read_text().split()[0])
        _signal_group(pid, signal.SIGTERM)
        if not _gone(pid, seconds=5):
            _signal_group(pid, signal.SIGKILL)
            _gone(pid, seconds=5)
    _pid_file().unlink(missing_ok=True)
    return port is not None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _pid_file() -> Path:
    return state_dir() / "aws.pid"


def _check(port: int) -> None:
    if shutil.which("ps") is None:
        raise Refused("ps is missing: install it (Debian, Ubuntu: apt install procps)")
    if not sys.platform.startswith("linux"):
        raise Refused("the functions are Linux programs which the local AWS runs as they are: use Linux (or WSL)")
    if importlib.util.find_spec("ministack") is None:
        raise Refused("the local AWS is not installed for this Python: use `make up`, which sets up .venv first")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise Refused(f"port {port} is taken by another program: set AGE_PORT to a free one, as in AGE_PORT={port + 1}")


def _environment(port: int, temporary: Path) -> dict[str, str]:
    # Nothing of the person's own AWS set-up may reach the functions, which inherit what ministack gets.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MINISTACK_", "LOCALSTACK_", "AGE_"))}
    return inherited | {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AWS_ENDPOINT_URL": endpoint(port),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ADMIN,
        "AWS_SECRET_ACCESS_KEY": ADMIN,
        "TMPDIR": str(temporary),
    }


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(300):
        if process.poll() is not None:
            lines = (state_dir() / "aws.log").read_text(errors="replace").strip().splitlines()
            raise Refused(f"the local AWS did not start: {lines[-1] if lines else 'it said nothing'}")
        try:
            with urllib.request.urlopen(f"{endpoint(port)}/_ministack/ready", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    stop()
    raise Refused(f"the local AWS did not answer on port {port} within 30 s: see {state_dir() / 'aws.log'}")


def _is_ours(pid: int) -> bool:
    """A pid may have been given to another program since; ours leads its own process group."""
    command = ["ps", "-o", "pgid=,command=", "-p", str(pid)]
    group, _, line = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().partition(" ")
    return group == str(pid) and "ministack" in line


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def _gone(pid: int, seconds: float) -> bool:
    """True once no process of the group is left."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(ChildProcessError):  # it is our child only when this very command started it
            os.waitpid(pid, os.WNOHANG)
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
