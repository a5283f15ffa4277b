"""The running stack, as described by its stack.env: calls of the API, and clients for the local AWS's services."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
from botocore.config import Config

from settings import ADMIN, REGION, UserError, state_dir

Item = dict[str, Any]


def service(name: str, endpoint: str) -> Any:
    """A boto3 client that acts as the local AWS's root user."""
    # Any: the types of boto3 allow only literal names of services.
    create: Any = boto3.client
    return create(
        name,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ADMIN,
        aws_secret_access_key=ADMIN,
        config=Config(read_timeout=120, retries={"max_attempts": 1}),
    )


@dataclass(frozen=True)
class Response:
    status: int
    text: str
    cookies: tuple[str, ...] = ()  # each `NAME=VALUE`, without its attributes

    def json(self) -> Any:
        return json.loads(self.text)


class Stack:
    """The values of a stack.env: addresses, names of tables, topics, queues and functions, and tokens."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values

    @classmethod
    def load(cls, file: Path | None = None) -> Stack:
        try:
            lines = (file or env_file()).read_text().splitlines()
        except FileNotFoundError:
            raise UserError("the local AWS is not running: start it with `make up`") from None
        return cls(dict(line.split("=", 1) for line in lines))

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def save(self) -> None:
        new = env_file().with_suffix(".new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)  # the file holds tokens
        new.write_text("".join(f"{name}={value}\n" for name, value in self.values.items()))
        new.replace(env_file())

    def service(self, name: str) -> Any:
        return service(name, self["AWS_ENDPOINT_URL"])

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        token: str | None = None,
    ) -> Response:
        """Call the API with this token, or else with the admin's."""
        connection = http.client.HTTPConnection(urlsplit(self["AGE_API_URL"]).netloc, timeout=60)
        try:
            authorization = f"Bearer {token or self['AGE_ADMIN_TOKEN']}"
            connection.request(method, path, body, {"Authorization": authorization} | (headers or {}))
            response = connection.getresponse()
            cookies = tuple(cookie.split(";")[0] for cookie in response.headers.get_all("set-cookie", []))
            return Response(response.status, response.read().decode(), cookies)
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON at this path. Fails unless the answer is 200."""
        return self._json("GET", path, self.call("GET", path))

    def post(self, path: str, body: Item, token: str) -> Any:
        headers = {"content-type": "application/json"}
        return self._json("POST", path, self.call("POST", path, json.dumps(body).encode(), headers, token))

    def list_all(self, name: str, query: str) -> list[Item]:
        """The items of all pages of a list, such as `incidents`."""
        path = f"/api/governance/{name}?{query}"
        page = self.get(path)
        items: list[Item] = page[name]
        while "nextCursor" in page:
            page = self.get(f"{path}&cursor={quote(page['nextCursor'])}")
            items += page[name]
        return items

    @staticmethod
    def _json(method: str, path: str, response: Response) -> Any:
        if response.status != 200:
            raise UserError(f"{method} {path} answered {response.status}: {response.text}")
        return response.json()


def env_file() -> Path:
    return state_dir() / "stack.env"
