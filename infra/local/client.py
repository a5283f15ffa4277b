"""The running stack, as its stack.env describes it: HTTP calls to its API, clients for its services."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from settings import ADMIN, REGION, Refused, state_dir


def service(name: str, endpoint: str) -> Any:
    return boto3.client(
        name,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ADMIN,
        aws_secret_access_key=ADMIN,
        config=Config(read_timeout=120, retries={"max_attempts": 1}),
    )


@dataclass(frozen=True)
class Answer:
    status: int
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


class Stack:
    def __init__(self, values: dict[str, str]) -> None:
        self.values = values

    @classmethod
    def load(cls) -> Stack:
        try:
            lines = env_file().read_text().splitlines()
        except FileNotFoundError:
            raise Refused("the local AWS is not up: `make up` starts it") from None
        return cls(dict(line.split("=", 1) for line in lines))

    @classmethod
    def earlier(cls) -> dict[str, str]:
        """The names of the stack that runs, if one does."""
        return cls.load().values if env_file().exists() else {}

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def save(self) -> None:
        new = env_file().with_suffix(".new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)  # tokens are for its owner alone
        new.write_text("".join(f"{name}={value}\n" for name, value in self.values.items()))
        new.replace(env_file())

    def service(self, name: str) -> Any:
        return service(name, self["AWS_ENDPOINT_URL"])

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, token: str | None = None
    ) -> Answer:
        """As the admin, unless a token says who else."""
        # By Host header, for not every resolver knows that *.localhost is this machine.
        host = self["AGE_API_URL"].removeprefix("http://")
        connection = http.client.HTTPConnection("127.0.0.1", int(host.rsplit(":", 1)[1]), timeout=60)
        try:
            authorization = f"Bearer {token or self['AGE_ADMIN_TOKEN']}"
            connection.request(method, path, body, {"Host": host, "Authorization": authorization} | (headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())
        finally:
            connection.close()


def env_file() -> Path:
    return state_dir() / "stack.env"
