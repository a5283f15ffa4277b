"""Tests of infra/local/forwarder.py, with an upstream that records what it receives."""

from __future__ import annotations

import asyncio
import sys
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "infra" / "local"))

import server
from forwarder import MAX_BODY_BYTES, Forwarder

HOST = "a9e0a9e0.execute-api.localhost:4566"
ANSWER = b"HTTP/1.1 200 OK\r\nX-Answer: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class ForwarderTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.port, self.upstream_port = server.free_ports(2)
        self.received: list[bytes] = []
        self.answer = ANSWER
        self.upstream = await asyncio.start_server(self._record, "127.0.0.1", self.upstream_port)
        self.forwarder = asyncio.create_task(Forwarder(self.upstream_port, HOST).serve(self.port))
        async with asyncio.timeout(10):
            while not server.answers(self.port):
                await asyncio.sleep(0.01)

    async def asyncTearDown(self) -> None:
        self.forwarder.cancel()
        self.upstream.close()
        await asyncio.gather(self.forwarder, self.upstream.wait_closed(), return_exceptions=True)

    async def _record(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        ]
        self.received.append(head + await reader.readexactly(sum(lengths)))
        writer.write(self.answer)
        await writer.drain()
        writer.close()

    async def _send(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            async with asyncio.timeout(10):
                return await reader.read()
        finally:
            writer.close()

    async def test_request_passes_unchanged_but_for_the_host(self) -> None:
        target = b'/api/%41//x?a=%20b&c=<d>&e="'
        request = b"GET " + target + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Two: 1\r\nX-Two: 2\r\nCookie: a=b\r\n\r\n"
        self.assertEqual(await self._send(request), ANSWER)
        lines = self.received[0].split(b"\r\n")
        self.assertEqual(lines[0], b"GET " + target + b" HTTP/1.1")
        self.assertEqual(lines[1], b"Host: " + HOST.encode())
        self.assertEqual(lines[2:5], [b"X-Two: 1", b"X-Two: 2", b"Cookie: a=b"])

    async def test_body_passes_up_to_the_limit(self) -> None:
        for body in (b"", b"hello", bytes(MAX_BODY_BYTES)):
            request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            self.assertEqual(await self._send(request), ANSWER)
            self.assertTrue(self.received[-1].endswith(b"\r\n\r\n" + body))

    async def test_body_over_the_limit_is_answered_413(self) -> None:
        body = bytes(MAX_BODY_BYTES + 1)
        answer = await self._send(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body))
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        self.assertEqual(self.received, [])

    async def test_chunked_body_passes_with_its_length(self) -> None:
        chunks = b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
        await self._send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        self.assertTrue(self.received[0].endswith(b"Content-Length: 11\r\n\r\nhello world"), self.received)

    async def test_client_that_waits_for_100_continue_gets_it(self) -> None:
        answer = await self._send(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok")
        self.assertEqual(answer, b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER)

    async def test_malformed_request_is_answered_400(self) -> None:
        for request in (
            b"nothing\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n\r\n",
        ):
            self.assertTrue((await self._send(request)).startswith(b"HTTP/1.1 400 "), request)
        self.assertEqual(self.received, [])

    async def test_missing_upstream_is_answered_502(self) -> None:
        self.upstream.close()
        await self.upstream.wait_closed()
        self.assertTrue((await self._send(b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 502 "))

    async def test_upstream_without_an_answer_is_answered_502(self) -> None:
        self.answer = b""
        self.assertTrue((await self._send(b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 502 "))

    async def test_clients_that_disconnect_do_not_disturb_others(self) -> None:
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(b"GET /gone HTTP/1.1\r\n\r\n")
            await writer.drain()
            writer.transport.abort()
        answers = await asyncio.gather(*(self._send(b"GET / HTTP/1.1\r\n\r\n") for _ in range(50)))
        self.assertEqual(answers, [ANSWER] * 50)


if __name__ == "__main__":
    unittest.main()
