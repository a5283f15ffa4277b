"""Fires and resolves an alert with Prometheus Alertmanager, and checks the events that AGE stores.

AGE_STACK_ENV names the stack.env of the running stack. Alertmanager is found on PATH, or downloaded from Debian's
archive into .local/tools. If neither works, the test prints why and exits with 77 (skipped).
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NAME = "prometheus-alertmanager"
TOOLS = Path(__file__).parents[2] / ".local" / "tools"
SKIPPED = 77
LABELS = {"alertname": "QueueFull", "engine": "documentation", "severity": "warning"}

CONFIG = """
route: {{receiver: age, group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: age
    webhook_configs:
      - url: "{url}"
        send_resolved: true
        http_config: {{authorization: {{type: Bearer, credentials: "{token}"}}}}
"""


def main() -> int:
    program = find_alertmanager()
    if program is None:
        return SKIPPED
    stack = dict(line.split("=", 1) for line in Path(os.environ["AGE_STACK_ENV"]).read_text().splitlines())
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        process = start(program, Path(folder), port, stack)
        try:
            await_ready(port, process, Path(folder))
            started = datetime.now(UTC)
            post_alert(port, started, None)
            fired = await_event(stack, "MEDIUM")
            post_alert(port, started, datetime.now(UTC))
            resolved = await_event(stack, "LOW")
        finally:
            process.terminate()
            process.wait()
    assert fired["details"]["labels"] == LABELS, fired
    assert fired["details"]["fingerprint"] == resolved["details"]["fingerprint"], (fired, resolved)
    assert (fired["details"]["status"], resolved["details"]["status"]) == ("firing", "resolved"), (fired, resolved)
    print("fired and resolved: two events")
    return 0


def find_alertmanager() -> list[str] | None:
    """The command that starts Alertmanager, or None if it cannot be had."""
    if found := shutil.which(NAME):
        return [found]
    program = TOOLS / "usr" / "bin" / NAME
    # Alertmanager reads templates from /usr/share: in a mount namespace of its own, that is the folder of the package.
    share = ["sh", "-c", 'mount --bind "$0" /usr/share && exec "$@"', str(TOOLS / "usr" / "share")]
    command = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else []), *share, str(program)]
    try:
        if not program.exists():
            TOOLS.mkdir(parents=True, exist_ok=True)
            _run(["apt-get", "download", NAME])
            _run(["dpkg-deb", "--extract", str(next(TOOLS.glob(f"{NAME}_*.deb"))), "."])
        _run([*command, "--version"])
    except (OSError, subprocess.SubprocessError, StopIteration) as error:
        print(f"skipped: {NAME} is not installed, and cannot be run from Debian's archive: {error}")
        return None
    return command


def _run(command: list[str]) -> None:
    subprocess.run(command, cwd=TOOLS, check=True, capture_output=True, timeout=120)


def start(program: list[str], folder: Path, port: int, stack: dict[str, str]) -> subprocess.Popen[bytes]:
    url = f"{stack['AGE_API_URL']}/api/governance/intake/alertmanager"
    (folder / "config.yml").write_text(CONFIG.format(url=url, token=stack["AGE_TOKEN_DOCUMENTATION"]))
    log = (folder / "log").open("wb")
    options = ["--config.file=config.yml", "--storage.path=data", "--cluster.listen-address="]
    return subprocess.Popen(
        [*program, *options, f"--web.listen-address=127.0.0.1:{port}"], cwd=folder, stdout=log, stderr=log
    )


def await_ready(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(100):
        assert process.poll() is None, (folder / "log").read_text()
        try:
            if call(port, "GET", "/-/ready")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("Alertmanager is not ready after 10 s")


def post_alert(port: int, starts: datetime, ends: datetime | None) -> None:
    alert: dict[str, Any] = {"labels": LABELS, "annotations": {"summary": "pages wait"}, "startsAt": starts.isoformat()}
    alert["endsAt"] = (ends or starts + timedelta(hours=1)).isoformat()
    status, text = call(port, "POST", "/api/v2/alerts", json.dumps([alert]))
    assert status == 200, (status, text)


def await_event(stack: dict[str, str], severity: str) -> Any:
    port = urlsplit(stack["AGE_API_URL"]).port
    assert port is not None
    path = f"/api/governance/events?engine=documentation&eventType=QueueFull&severity={severity}"
    for _ in range(120):
        status, text = call(port, "GET", path, token=stack["AGE_ADMIN_TOKEN"])
        assert status == 200, (status, text)
        if events := json.loads(text)["events"]:
            return events[0]
        time.sleep(0.5)
    raise AssertionError(f"AGE stored no {severity} event of the alert within 60 s")


def call(port: int, method: str, path: str, body: str | None = None, token: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
