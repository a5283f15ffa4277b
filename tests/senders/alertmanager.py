"""Lets Debian's Prometheus Alertmanager fire and resolve an alert at the running stack, and looks at what AGE made of it.

It knows the stack by AGE_STACK_ENV, as the end-to-end tests do. Alertmanager is taken from the path, or from Debian's archive
into .local; where neither is possible it says so and ends with 77.
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
    program = find()
    if program is None:
        return SKIPPED
    stack = dict(line.split("=", 1) for line in Path(os.environ["AGE_STACK_ENV"]).read_text().splitlines())
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        process = start(program, Path(folder), port, stack)
        try:
            await_ready(port, process, Path(folder))
            began = datetime.now(UTC)
            tell(port, began, None)
            fired = await_event(stack, "MEDIUM")
            tell(port, began, datetime.now(UTC))
            resolved = await_event(stack, "LOW")
        finally:
            process.terminate()
            process.wait()
    assert fired["details"]["labels"] == LABELS, fired
    assert fired["details"]["fingerprint"] == resolved["details"]["fingerprint"], (fired, resolved)
    assert (fired["details"]["status"], resolved["details"]["status"]) == ("firing", "resolved"), (fired, resolved)
    print("fired and resolved: two events")
    return 0


def find() -> list[str] | None:
    """How to start it."""
    if found := shutil.which(NAME):
        return [found]
    program = TOOLS / "usr" / "bin" / NAME
    # It reads its templates from /usr/share, so that is what its package has, for it alone.
    share = ["sh", "-c", 'mount --bind "$0" /usr/share && exec "$@"', str(TOOLS / "usr" / "share")]
    command = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else []), *share, str(program)]
    try:
        if not program.exists():
            TOOLS.mkdir(parents=True, exist_ok=True)
            _do(["apt-get", "download", NAME])
            _do(["dpkg-deb", "--extract", str(next(TOOLS.glob(f"{NAME}_*.deb"))), "."])
        _do([*command, "--version"])
    except (OSError, subprocess.SubprocessError, StopIteration) as error:
        print(f"skipped: {NAME} is not installed, and cannot be run out of Debian's archive: {error}")
        return None
    return command


def _do(command: list[str]) -> None:
    subprocess.run(command, cwd=TOOLS, check=True, capture_output=True, timeout=120)


def start(program: list[str], folder: Path, port: int, stack: dict[str, str]) -> subprocess.Popen[bytes]:
    # By this path of the local AWS: Alertmanager cannot be told another Host header, and may not know *.localhost.
    api = f"{stack['AWS_ENDPOINT_URL']}/_aws/execute-api/{stack['AGE_API_ID']}/$default"
    url = f"{api}/api/governance/intake/alertmanager"
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
    raise AssertionError("Alertmanager does not get ready")


def tell(port: int, starts: datetime, ends: datetime | None) -> None:
    alert: dict[str, Any] = {"labels": LABELS, "annotations": {"summary": "pages wait"}, "startsAt": starts.isoformat()}
    alert["endsAt"] = (ends or starts + timedelta(hours=1)).isoformat()
    status, text = call(port, "POST", "/api/v2/alerts", json.dumps([alert]))
    assert status == 200, (status, text)


def await_event(stack: dict[str, str], severity: str) -> Any:
    host = stack["AGE_API_URL"].removeprefix("http://")
    path = f"/api/governance/events?engine=documentation&eventType=QueueFull&severity={severity}"
    for _ in range(120):
        status, text = call(int(host.rsplit(":", 1)[1]), "GET", path, host=host, token=stack["AGE_ADMIN_TOKEN"])
        assert status == 200, (status, text)
        if events := json.loads(text)["events"]:
            return events[0]
        time.sleep(0.5)
    raise AssertionError(f"no {severity} event came of the alert")


def call(
    port: int, method: str, path: str, body: str | None = None, host: str | None = None, token: str | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Content-Type": "application/json"} | ({"Host": host} if host else {})
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
