"""Receivers of notification channels on this machine, one of each kind, and a drawing of what they got.

The relay connects to the one server here whatever the address of a channel is, and trusts its certificates.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

import credentials
from client import Item, Stack
from settings import STACK, UserError, state_dir
from terminal import WIDTH, Style

RELAY = f"{STACK}-relay"
LOOPBACK = "127.0.0.1"
# A run of the relay ends before everything is delivered if a channel's rate does not allow it.
MAX_RUNS = 10
INDENT = 4


@dataclass(frozen=True)
class Channel:
    """A channel to a receiver on this machine."""

    name: str
    kind: str
    title: str
    host: str
    target: Item


@dataclass(frozen=True)
class Request:
    """A request that a receiver got."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Item:
        content: Item = json.loads(self.body)
        return content


SECRET = secrets.token_bytes(32)
CHANNELS = (
    Channel("chat", "slack", "Slack", "hooks.slack.com", {"url": "https://hooks.slack.com/services/local"}),
    Channel(
        "team",
        "microsoft_teams",
        "Microsoft Teams",
        "workflows.example.com",
        {"url": "https://workflows.example.com/triggers/local"},
    ),
    Channel("pager", "pagerduty", "PagerDuty", "events.pagerduty.com", {"routingKey": secrets.token_hex(16)}),
    Channel(
        "endpoint",
        "webhook",
        "Your own endpoint",
        "receiver.example.com",
        {"url": "https://receiver.example.com/age", "secrets": [f"whsec_{base64.b64encode(SECRET).decode()}"]},
    ),
)


class ChannelReceivers:
    """Channels of each kind from now on, and their receivers, until this process ends."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._requests: dict[str, list[Request]] = {channel.host: [] for channel in CHANNELS}
        self._connect_relay(self._serve())
        for channel in CHANNELS:
            options = [channel.name, "--kind", channel.kind, "--target", "-"]
            result = credentials.agectl(stack, "channel", "add", *options, stdin=json.dumps(channel.target))
            if result.returncode != 0:
                raise UserError(f"cannot add the channel {channel.name}: {result.stderr.strip()}")

    def _serve(self) -> int:
        """Starts the server. Returns its port."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(state_dir() / "receivers.pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*self._requests).configure_cert(context)
        requests = self._requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                requests[self.headers["host"]].append(Request(headers, body))
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing is logged: the terminal has the drawing."""

        server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_port

    def _connect_relay(self, port: int) -> None:
        functions = self._stack.service("lambda")
        variables = functions.get_function_configuration(FunctionName=RELAY)["Environment"]["Variables"]
        certificate = str(state_dir() / "receivers.pem")
        added = {"RECEIVER_ADDRESS": f"{LOOPBACK}:{port}", "SSL_CERT_FILE": certificate}
        functions.update_function_configuration(FunctionName=RELAY, Environment={"Variables": variables | added})

    def wait(self) -> None:
        """Runs the relay until it delivers nothing more."""
        for _ in range(MAX_RUNS):
            before = self._count()
            result = self._stack.service("lambda").invoke(FunctionName=RELAY, Payload=b"{}")
            if "FunctionError" in result:
                raise UserError(f"the function relay failed: {result['Payload'].read().decode()}")
            if self._count() == before > 0:
                return
        raise UserError(f"the relay is not done after {MAX_RUNS} runs: look for errors in `make logs`")

    def _count(self) -> int:
        return sum(len(requests) for requests in self._requests.values())

    def draw(self, style: Style) -> str:
        """Returns how each channel got the first incident."""
        incident = self._first_incident()
        lines = [style.bold("The first incident, as the channels got it")]
        for channel in CHANNELS:
            requests = self._requests[channel.host]
            about = next((request for request in requests if incident["eventType"] in request.body.decode()), None)
            if about is None:
                raise UserError(f"the channel {channel.name} got nothing about the first incident")
            lines.append(f"\n  {style.bold(channel.title)} {style.dim(f'(the first of {len(requests)} messages)')}")
            bar = style.dim(style.pick("│", "|"))
            width = WIDTH - INDENT
            lines.extend(f"  {bar} {line:.{width}}" for line in _DRAWINGS[channel.kind](about))
        return "\n".join(lines)

    def _first_incident(self) -> Item:
        webhook = next(channel for channel in CHANNELS if channel.kind == "webhook")
        for request in self._requests[webhook.host]:
            for incident in request.json.get("incidents", []):
                first: Item = incident
                return first
        raise UserError("no channel got an incident, though the sample week has some: look for errors in `make logs`")


def _slack(request: Request) -> Iterator[str]:
    for block in request.json["blocks"]:
        if "text" in block:
            yield from block["text"]["text"].splitlines()
        for field in block.get("fields", []):
            yield ": ".join(field["text"].split("\n", 1))
        for element in block.get("elements", []):
            text = element["text"]
            yield f"[{text['text']}]" if element["type"] == "button" else text


def _teams(request: Request) -> Iterator[str]:
    card = request.json["attachments"][0]["content"]
    yield from _texts(card["body"])
    for action in card.get("actions", []):
        yield f"[{action['title']}]"


def _texts(elements: list[Item]) -> Iterator[str]:
    for element in elements:
        if "inlines" in element:
            yield "".join(inline["text"] for inline in element["inlines"])
        yield from _texts(element.get("items", []))


def _pagerduty(request: Request) -> Iterator[str]:
    event, payload = request.json, request.json["payload"]
    yield f"{event['event_action']}, {payload['severity']}: {payload['summary']}"
    yield f"dedup_key {event['dedup_key']}"
    for name, value in payload["custom_details"].items():
        yield f"{name}: {', '.join(value) if isinstance(value, list) else value}"
    for link in event.get("links", []):
        yield f"[{link['text']}]"


def _webhook(request: Request) -> Iterator[str]:
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        yield f"{name}: {request.headers[name]}"
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    signature = base64.b64encode(hmac.digest(SECRET, signed, hashlib.sha256)).decode()
    if request.headers["webhook-signature"] != f"v1,{signature}":
        raise UserError("the signature of a webhook does not fit its secret: this is a defect")
    yield request.body.decode()


_DRAWINGS = {"slack": _slack, "microsoft_teams": _teams, "pagerduty": _pagerduty, "webhook": _webhook}
