"""A way to the local AWS on which answers get lost: the call is done, and its caller never hears of it. Or calls are refused."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Losing:
    """While it is entered, the first `times` answers to a DynamoDB operation are lost. With a `refusal`, the first `times` calls are
    answered with that instead, and not passed on."""

    def __init__(self, endpoint: str, operation: str, times: int, refusal: str | None = None) -> None:
        self._to, self._operation, self._left = urlsplit(endpoint).netloc, operation, times
        self._refusal = refusal
        self._lock = threading.Lock()
        self.lost = 0
        self.heard: list[str] = []  # the refusals that came through
        losing = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                losing.pass_on(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        loses = self._loses(request.headers.get("X-Amz-Target", ""))
        if loses and self._refusal is not None:
            refusal = self._refusal.encode()
            request.send_response(400)
            request.send_header("Content-Type", "application/x-amz-json-1.0")
            request.send_header("Content-Length", str(len(refusal)))
            request.end_headers()
            request.wfile.write(refusal)
            return
        connection = http.client.HTTPConnection(self._to, timeout=30)
        try:
            # With the Host header that was signed.
            connection.request("POST", request.path, body, dict(request.headers))
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if loses:
            request.close_connection = True
            return
        if response.status >= 400:
            self.heard.append(answer.decode(errors="replace"))
        request.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("connection", "content-length", "date", "server", "transfer-encoding"):
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def _loses(self, target: str) -> bool:
        with self._lock:
            if not target.endswith(f".{self._operation}") or self._left == 0:
                return False
            self._left -= 1
            self.lost += 1
            return True
