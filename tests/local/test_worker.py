"""Tests of the rules that examples/worker.py keeps, with a stand-in for AGE's API."""

from __future__ import annotations

import json
import sys
import threading
import unittest
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples"))

from worker import ActionRequest, Outcome, OutcomeRejectedError, Worker, action_request

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class WorkerTest(unittest.TestCase):
    def setUp(self) -> None:
        self.statuses: list[int] = []  # of the API's next answers; then 200
        self.reports: list[tuple[str, str | None, object]] = []
        self.carried_out: list[str] = []
        test = self

        class Api(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                test.reports.append((self.path, self.headers["Authorization"], body))
                self.send_response(test.statuses.pop(0) if test.statuses else 200)
                self.send_header("Retry-After", "0")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        api = ThreadingHTTPServer(("127.0.0.1", 0), Api)
        thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(api.server_close)
        self.addCleanup(api.shutdown)
        url = f"http://127.0.0.1:{api.server_port}"
        stack = {
            "AGE_API_URL": url,
            "AGE_TOKEN_BILLING": "secret",
            "AGE_TOKEN_MAOS": "secret of maos",
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": "us-east-1",
        }
        stack |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "key"}
        self.worker = Worker(stack, self._carry_out, now=lambda: NOW)
        self.addCleanup(self.worker.close)

    def _carry_out(self, request: ActionRequest) -> Outcome:
        self.carried_out.append(request["id"])
        return Outcome("succeeded", "done")

    def _request(
        self, deadline: datetime = NOW + timedelta(minutes=30), action: str = "billing_sync_repair"
    ) -> ActionRequest:
        message = {
            "id": "event/action",
            "action": action,
            "engine": "billing",
            "deadline": deadline.isoformat(),
            "outcomePath": "/outcome",
        }
        return action_request(json.dumps({"Type": "Notification", "Message": json.dumps(message)}))

    def test_outcome_is_reported_by_the_engine(self) -> None:
        self.worker.handle(self._request())
        self.assertEqual(self.reports, [("/outcome", "Bearer secret", {"outcome": "succeeded", "detail": "done"})])

    def test_outcome_of_an_action_of_maos_is_reported_by_maos(self) -> None:
        self.worker.handle(self._request(action="MAOS_auto_fix"))
        self.assertEqual([token for _, token, _ in self.reports], ["Bearer secret of maos"])

    def test_message_without_envelope_is_read(self) -> None:
        self.assertEqual(action_request(json.dumps(self._request())), self._request())

    def test_second_delivery_reports_again_and_does_nothing_else(self) -> None:
        self.worker.handle(self._request())
        self.worker.handle(self._request())
        self.assertEqual((self.carried_out, len(self.reports)), (["event/action"], 2))

    def test_request_after_its_deadline_is_dropped(self) -> None:
        self.worker.handle(self._request(deadline=NOW))
        self.assertEqual((self.carried_out, self.reports), ([], []))

    def test_busy_api_is_tried_again(self) -> None:
        self.statuses = [503]
        self.worker.handle(self._request())
        self.assertEqual((self.carried_out, len(self.reports)), (["event/action"], 2))

    def test_conflict_is_final(self) -> None:
        self.statuses = [409]
        self.worker.handle(self._request())
        self.assertEqual(len(self.reports), 1)

    def test_other_answers_are_errors(self) -> None:
        self.statuses = [422]
        with self.assertRaises(OutcomeRejectedError):
            self.worker.handle(self._request())


if __name__ == "__main__":
    unittest.main()
