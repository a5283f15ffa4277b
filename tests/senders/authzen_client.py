"""A client of the AuthZEN Authorization API, which shows responses as they are."""

from __future__ import annotations

import http.client
import json
import ssl
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]  # by their names in lower case
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip()

    @cached_property
    def json(self) -> Any:
        """The JSON of the body, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.status} {self.content_type or 'without content type'} {self.body.decode(errors='replace')}"


class Client:
    def __init__(self, base: str, token: str, root: str | None) -> None:
        """Ask AGE at `base` as the caller that has `token`, and trust the certificate in the file `root`."""
        self.base, self._token = base, token
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if root:
            self._tls.load_verify_locations(root)
        self._endpoints: dict[str, str] = {}
        self.run = uuid.uuid4().hex  # no request of another run is a repeat

    def discover(self, path: str) -> None:
        """Take the endpoints from the configuration at `path`."""
        response = self.get(path)
        if response.status != 200:
            raise SystemExit(f"{self.base} has no AuthZEN configuration: {response}")
        self._endpoints = response.json

    def get(self, path: str) -> Response:
        """Get a public resource."""
        return self._send("GET", self.base + path, None, {})

    def post(self, endpoint: str, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> Response:
        """Post a request to the endpoint that has this name in the configuration."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        base_headers = {"content-type": "application/json", "authorization": f"Bearer {self._token}"}
        return self._send("POST", self._endpoints[endpoint], sent, base_headers | (headers or {}))

    def _send(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> Response:
        parts = urlsplit(url)
        connection = self._connection(parts.scheme, parts.netloc)
        try:
            connection.request(method, parts.path, body, headers)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, names, response.read())
        finally:
            connection.close()

    def _connection(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        if scheme == "https":
            return http.client.HTTPSConnection(netloc, timeout=60, context=self._tls)
        return http.client.HTTPConnection(netloc, timeout=60)
