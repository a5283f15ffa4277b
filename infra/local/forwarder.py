"""A small HTTP forwarder that makes the API answer at http://127.0.0.1:PORT.

    python forwarder.py PORT UPSTREAM_PORT HOST

ministack serves the API under a host name below `.localhost`. Many clients cannot resolve such a name and cannot set
the Host header themselves. The forwarder listens on 127.0.0.1:PORT and passes each request on to
127.0.0.1:UPSTREAM_PORT with `Host: HOST`. Method, path, query, body and all other headers stay as the client sent
them, byte for byte. The exceptions are the headers that concern one connection only: each connection carries one
request.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 10 * 1024 * 1024  # the limit of an HTTP API of API Gateway
COPY_BYTES = 64 * 1024
HEAD_TIMEOUT_SECONDS = 60
DRAIN_TIMEOUT_SECONDS = 5
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")

# Replaced or not passed on: they describe one connection, or how its body is framed.
CONNECTION_HEADERS = {
    b"connection",
    b"content-length",
    b"expect",
    b"host",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}


class ForwardError(Exception):
    """A request that the forwarder answers with an error of its own."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True)
class Head:
    """The request line and the header lines of a request, without line ends."""

    request_line: bytes
    lines: list[bytes]

    def values(self, name: bytes) -> list[bytes]:
        return [_value(line) for line in self.lines if _name(line) == name]


class Forwarder:
    def __init__(self, upstream_port: int, host: str) -> None:
        self._upstream_port = upstream_port
        self._host = host.encode("ascii")
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, port: int) -> None:
        """Serve until cancelled. Fails with OSError if the port is taken."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=MAX_HEAD_BYTES)
        async with server:
            await server.serve_forever()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio itself holds tasks weakly: one whose client has gone would be collected in the middle of its work.
        task = asyncio.create_task(self._handle(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            try:
                await self._forward(reader, writer)
            except ForwardError as error:
                await _answer(writer, error.status, str(error))
                await _drain(reader)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the client closed the connection, or sent nothing
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await _read_head(reader)
        if any(value.lower() == b"100-continue" for value in head.values(b"expect")):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await _read_body(reader, head)
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        except OSError:
            detail = f"the local AWS does not answer on port {self._upstream_port}: run `make up`"
            raise ForwardError(HTTPStatus.BAD_GATEWAY, detail) from None
        try:
            with suppress(ConnectionError):  # the upstream may have answered before it read the whole body
                upstream_writer.write(self._upstream_head(head, body) + (body or b""))
                await upstream_writer.drain()
            await _copy_response(upstream_reader, writer)
        finally:
            upstream_writer.close()

    def _upstream_head(self, head: Head, body: bytes | None) -> bytes:
        lines = [
            head.request_line,
            b"Host: " + self._host,
            *(line for line in head.lines if _name(line) not in CONNECTION_HEADERS),
            b"Connection: close",
        ]
        if body is not None:
            lines.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join(lines) + b"\r\n\r\n"


async def _read_head(reader: asyncio.StreamReader) -> Head:
    try:
        async with asyncio.timeout(HEAD_TIMEOUT_SECONDS):
            text = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        detail = f"the request line and headers must have at most {MAX_HEAD_BYTES} bytes"
        raise ForwardError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail) from None
    request_line, *lines = text[:-4].split(b"\r\n")
    if len(request_line.split(b" ")) < 3 or any(b":" not in line for line in lines):
        raise ForwardError(HTTPStatus.BAD_REQUEST, "the request is not HTTP/1.1")
    return Head(request_line, lines)


async def _read_body(reader: asyncio.StreamReader, head: Head) -> bytes | None:
    """The whole body, or None if the request has none."""
    encodings, lengths = head.values(b"transfer-encoding"), set(head.values(b"content-length"))
    if encodings and not lengths and [value.lower() for value in encodings] == [b"chunked"]:
        return await _read_chunks(reader)
    if encodings or len(lengths) > 1 or any(not value.isdigit() for value in lengths):
        raise ForwardError(HTTPStatus.BAD_REQUEST, "the length of the body is not clear from the headers")
    if not lengths:
        return None
    return await reader.readexactly(_within_limit(int(lengths.pop())))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    try:
        while True:
            size = (await reader.readline()).split(b";")[0].strip()
            if not CHUNK_SIZE.fullmatch(size):
                raise ValueError(size)
            _within_limit(len(body) + int(size, 16))
            body += await reader.readexactly(int(size, 16))
            if int(size, 16) == 0:
                break
            await reader.readexactly(2)  # the line end after a chunk
        while (await reader.readline()).strip():
            pass  # trailers
    except ValueError:  # also from `readline`, for a line that is too long
        raise ForwardError(HTTPStatus.BAD_REQUEST, "the body is not chunked as its header says") from None
    return bytes(body)


def _within_limit(size: int) -> int:
    if size > MAX_BODY_BYTES:
        detail = f"the body must have at most {MAX_BODY_BYTES} bytes"
        raise ForwardError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    return size


async def _copy_response(upstream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass the answer on as it arrives. ministack closes the connection after it, and says so to the client."""
    data = b""
    with suppress(ConnectionError):  # handled like a close
        data = await upstream.read(COPY_BYTES)
    if not data:
        raise ForwardError(HTTPStatus.BAD_GATEWAY, "the local AWS closed the connection without an answer")
    while data:
        writer.write(data)
        await writer.drain()
        data = await upstream.read(COPY_BYTES)


async def _answer(writer: asyncio.StreamWriter, status: HTTPStatus, detail: str) -> None:
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    body = json.dumps(problem).encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    writer.write_eof()


async def _drain(reader: asyncio.StreamReader) -> None:
    """Read what the client still sends: closing earlier would reset the connection before it reads the answer."""
    async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
        while await reader.read(COPY_BYTES):
            pass


def _name(line: bytes) -> bytes:
    return line.split(b":", 1)[0].strip().lower()


def _value(line: bytes) -> bytes:
    return line.split(b":", 1)[1].strip()


def main(arguments: list[str]) -> None:
    port, upstream_port, host = arguments
    asyncio.run(Forwarder(int(upstream_port), host).serve(int(port)))


if __name__ == "__main__":
    main(sys.argv[1:])
