"""The local AWS's two background processes, both on the loopback interface only.

- ministack, with IAM enforced
- the forwarder, which makes the API answer at http://127.0.0.1:PORT (see forwarder.py)
"""

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
from dataclasses import dataclass
from pathlib import Path

from settings import ADMIN, API_ID, REGION, UserError, state_dir

READY_SECONDS = 30
STOP_SECONDS = 5


def endpoint(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def gateway_host(port: int) -> str:
    """The name under which ministack on this port serves the API."""
    return f"{API_ID}.execute-api.localhost:{port}"


@dataclass(frozen=True)
class Daemon:
    """A background process, found again by the pid file in the state folder."""

    name: str  # of its files NAME.pid and NAME.log
    command_part: str  # part of its command line, to tell it from another process with the same pid

    @property
    def log(self) -> Path:
        return state_dir() / f"{self.name}.log"

    def port(self) -> int | None:
        """The port of the running process, or None if it does not run."""
        pid_and_port = self._pid_and_port()
        return pid_and_port[1] if pid_and_port else None

    def start(self, arguments: list[str], port: int, environment: dict[str, str], ready_url: str | None = None) -> None:
        """Run Python with these arguments, and wait until the port (or the URL) answers."""
        with open(self.log, "wb") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=state_dir(),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # survives this shell; one signal reaches the process and its children
            )
        self._pid_file.write_text(f"{process.pid} {port}\n")
        end = time.monotonic() + READY_SECONDS
        while not answers(port, ready_url):
            if process.poll() is not None:
                self._pid_file.unlink()
                lines = self.log.read_text(errors="replace").strip().splitlines()
                raise UserError(f"{self.command_part} did not start: {lines[-1] if lines else 'no output'}")
            if time.monotonic() > end:
                self.stop()
                raise UserError(
                    f"{self.command_part} did not answer on port {port} in {READY_SECONDS} s: see {self.log}"
                )
            time.sleep(0.1)

    def stop(self) -> bool:
        """End the process and all of its group. False if it did not run."""
        pid_and_port = self._pid_and_port()
        if pid_and_port is not None:
            pid = pid_and_port[0]
            _signal_group(pid, signal.SIGTERM)
            if not _has_ended(pid):
                _signal_group(pid, signal.SIGKILL)
                _has_ended(pid)
        self._pid_file.unlink(missing_ok=True)
        return pid_and_port is not None

    @property
    def _pid_file(self) -> Path:
        return state_dir() / f"{self.name}.pid"

    def _pid_and_port(self) -> tuple[int, int] | None:
        try:
            pid, port = map(int, self._pid_file.read_text().split())
        except (FileNotFoundError, ValueError):
            return None
        return (pid, port) if self._is_ours(pid) else None

    def _is_ours(self, pid: int) -> bool:
        """The system may have reused the pid. This daemon leads its own process group."""
        command = ["ps", "-o", "pgid=,command=", "-p", str(pid)]
        output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        group, _, line = output.strip().partition(" ")
        return group == str(pid) and self.command_part in line


AWS = Daemon("aws", "ministack")
FORWARDER = Daemon("forwarder", "forwarder.py")


def running() -> int | None:
    """The port of this state folder's local AWS, or None if it does not run."""
    return AWS.port()


def start_aws(port: int) -> None:
    _check_system()
    _check_port(port, "AGE_PORT")
    temporary = state_dir() / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    AWS.start(["-m", "ministack"], port, _aws_environment(port, temporary), f"{endpoint(port)}/_ministack/ready")


def start_forwarder(port: int, upstream_port: int) -> int:
    """Start the forwarder, unless it runs. Returns the port on which it listens."""
    running_port = FORWARDER.port()
    if running_port is not None:
        return running_port
    _check_port(port, "AGE_API_PORT")
    script = str(Path(__file__).with_name("forwarder.py"))
    FORWARDER.start([script, str(port), str(upstream_port), gateway_host(upstream_port)], port, _plain_environment())
    return port


def stop() -> bool:
    """End the forwarder, and the local AWS with its function processes. False if the local AWS did not run."""
    FORWARDER.stop()
    return AWS.stop()


def free_ports(count: int) -> list[int]:
    """So many different ports that no program uses now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _check_system() -> None:
    if not sys.platform.startswith("linux"):
        raise UserError("the local AWS runs the functions as Linux programs: use Linux, or WSL on Windows")
    if shutil.which("ps") is None:
        raise UserError("ps is missing: install it (Debian, Ubuntu: apt install procps)")
    if importlib.util.find_spec("ministack") is None:
        raise UserError("ministack is not installed for this Python: `make up` installs it into .venv and uses that")


def _check_port(port: int, variable: str) -> None:
    if answers(port):
        raise UserError(
            f"port {port} is in use by another program: set {variable} to a free port, as in {variable}={port + 10}"
        )


def _plain_environment() -> dict[str, str]:
    """This environment without the person's own AWS settings: the functions inherit what ministack gets."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MINISTACK_", "LOCALSTACK_", "AGE_"))}


def _aws_environment(port: int, temporary: Path) -> dict[str, str]:
    return _plain_environment() | {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AWS_ENDPOINT_URL": endpoint(port),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ADMIN,
        "AWS_SECRET_ACCESS_KEY": ADMIN,
        "TMPDIR": str(temporary),
    }


def answers(port: int, url: str | None = None) -> bool:
    """Whether something accepts connections on the port, or answers 200 at the URL."""
    if url is None:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def _has_ended(pid: int) -> bool:
    """True once no process of the group is left; False if one is left after `STOP_SECONDS`."""
    end = time.monotonic() + STOP_SECONDS
    while time.monotonic() < end:
        with suppress(ChildProcessError):  # the process is our child only if this very command started it
            os.waitpid(pid, os.WNOHANG)
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
