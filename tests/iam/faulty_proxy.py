"""A proxy in front of the local AWS that loses answers of DynamoDB, or answers calls with an error itself."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class FaultyProxy:
    """Applies a fault to the first `times` calls of a DynamoDB operation while it is entered, and passes on all others.

    Without `error_body`, the call is carried out and the connection closes without an answer. With it, the proxy
    answers 400 with that body, and does not pass the call on.
    """

    def __init__(self, endpoint: str, operation: str, times: int, error_body: str | None = None) -> None:
        self._upstream, self._operation, self._faults_left = urlsplit(endpoint).netloc, operation, times
        self._error_body = error_body
        self._lock = threading.Lock()
        self.fault_count = 0
        self.errors: list[str] = []  # the bodies of the errors that the local AWS answered
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy.pass_on(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        is_faulty = self._is_faulty(request.headers.get("X-Amz-Target", ""))
        if is_faulty and self._error_body is not None:
            error_body = self._error_body.encode()
            request.send_response(400)
            request.send_header("Content-Type", "application/x-amz-json-1.0")
            request.send_header("Content-Length", str(len(error_body)))
            request.end_headers()
            request.wfile.write(error_body)
            return
        connection = http.client.HTTPConnection(self._upstream, timeout=30)
        try:
            # The Host header stays, because the caller has signed it.
            connection.request("POST", request.path, body, dict(request.headers))
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if is_faulty:
            request.close_connection = True
            return
        if response.status >= 400:
            self.errors.append(answer.decode(errors="replace"))
        request.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("connection", "content-length", "date", "server", "transfer-encoding"):
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def _is_faulty(self, target: str) -> bool:
        with self._lock:
            if not target.endswith(f".{self._operation}") or self._faults_left == 0:
                return False
            self._faults_left -= 1
            self.fault_count += 1
            return True
