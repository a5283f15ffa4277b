"""`make run`: replays a sample week through AGE on a local AWS, and prints the weekly report, actions and incidents."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import credentials
import sample_week
import server
import summary
from channel_receivers import ChannelReceivers
from client import Item, Stack, env_file
from published_messages import PublishedMessages
from sample_responses import Team
from settings import ROOT, UserError, exit_on_signals, run
from stack import WeeklyReportError, down, up, weekly
from terminal import ProgressBar, Style


def main(_: list[str]) -> int:
    if server.running() is not None:
        raise UserError("a local AWS already runs, and the sample week needs an empty one: stop it with `make down`")
    exit_on_signals()
    try:
        _demonstrate(Style.of_stdout())
        if os.environ.get("AGE_RUN_ONCE") != "1":
            _wait_for_interrupt()
    finally:
        down()
        print("The local AWS is stopped, and its data is deleted.")
    return 0


def _demonstrate(style: Style) -> None:
    print(style.bold("[1/4] Starting the local AWS and deploying infra/template.yaml, with IAM enforced"), flush=True)
    stack = up()
    runs_once = os.environ.get("AGE_RUN_ONCE") == "1"
    messages = PublishedMessages(stack) if runs_once else None
    receivers = ChannelReceivers(stack)
    with sample_week.shifted_clocks(stack) as set_clock:
        _replay(stack, set_clock, style)
        print(style.bold("[4/4] Invoking the function weekly-report, as its schedule does"), flush=True)
        _print_results(stack, style)
    receivers.wait()
    print(f"{receivers.draw(style)}\n")
    if messages:
        print(f"All {messages.check()} messages of the week are as infra/openapi.json describes them.")
    _print_addresses(stack, style)


def _replay(stack: Stack, set_clock: sample_week.SetClock, style: Style) -> None:
    events, team = sample_week.load(datetime.now(UTC).date()), Team(stack)
    engines = len({event["engine"] for event in events})
    title = f"[2/4] Sending the sample week: {len(events)} events of {engines} engines, through the HTTP API"
    print(style.bold(title), flush=True)
    team.sweep()  # AGE looks for silent engines from its first sweep on; the sample's engines pause for a day at most
    started = time.monotonic()
    progress = ProgressBar(len(events), style)
    sends = sample_week.send_steps(stack, events, lambda event: progress.advance(event["sourceTime"][:10]))
    sample_week.run([*sends, *team.steps(events)], set_clock, sample_week.start(events))
    print(f"      all accepted, in {time.monotonic() - started:.0f} s")
    print(style.bold("[3/4] Meanwhile, the worker and the responders did this"))
    print(f"      examples/worker.py handled {team.requests_handled} action requests, none on the last evening")
    print("".join(f"      {line}\n" for line in team.response_log), end="", flush=True)


def _print_results(stack: Stack, style: Style) -> None:
    report = _make_report(stack)
    print(f"\n{_draw_report(stack, report['id'])}\n")
    print(f"{summary.actions(stack.list_all('actions', 'limit=200'), style)}\n")
    _compare_counts(stack, report)
    incidents = stack.list_all("incidents", "limit=200")[::-1]  # the oldest first
    first_line, second_line = (_message_count(stack, topic) for topic in ("NOTIFICATIONS", "SECOND_LINE"))
    first_email, others = _first_email_about_an_incident(stack)
    first_line -= others
    print(f"{summary.incidents(incidents, report, first_line + second_line, style)}\n")
    with_timeline = [stack.get(f"/api/governance/incidents/{incident['id']}") for incident in incidents]
    for incident in with_timeline:
        # The relay delivers while the week is replayed, not at the times of the week.
        incident["timeline"] = [entry for entry in incident["timeline"] if entry["type"] != "delivery"]
    print(f"{summary.timeline(max(with_timeline, key=lambda incident: len(incident['timeline'])), style)}\n")
    print(f"{summary.email(first_email, first_line, style)}\n")


def _make_report(stack: Stack) -> Item:
    try:
        report: Item = stack.get(f"/api/governance/reports/{weekly(stack)['id']}")
    except WeeklyReportError as error:
        raise UserError(str(error)) from None
    return report


def _compare_counts(stack: Stack, report: Item) -> None:
    """The statistics of the last 30 days must count the events that the report counts: the stack had no others."""
    counted, reported = stack.get("/api/governance/stats")["totalEvents"], report["summary"]["totalEvents"]
    if counted != reported:
        raise UserError(f"the statistics count {counted} events, and the report {reported}: this is a defect")


def _draw_report(stack: Stack, report_id: str) -> str:
    result = credentials.agectl(stack, "report", "show", report_id)
    if result.returncode != 0:
        raise UserError(f"agectl report show {report_id} failed: {result.stderr.strip()}")
    return result.stdout.rstrip()


def _message_count(stack: Stack, topic: str) -> int:
    attribute = "ApproximateNumberOfMessages"
    sqs = stack.service("sqs")
    queue = sqs.get_queue_attributes(QueueUrl=stack[f"{topic}_QUEUE_URL"], AttributeNames=[attribute])
    return int(queue["Attributes"][attribute])


def _first_email_about_an_incident(stack: Stack) -> tuple[Item, int]:
    """The e-mail, and how many came before it: those about AGE itself, such as about the admin made for the demo."""
    request = {"QueueUrl": stack["NOTIFICATIONS_QUEUE_URL"], "MaxNumberOfMessages": 1, "WaitTimeSeconds": 5}
    others = 0
    while messages := stack.service("sqs").receive_message(**request).get("Messages"):
        email: Item = json.loads(messages[0]["Body"])
        if "severity" in email.get("MessageAttributes", {}):
            return email, others
        others += 1
    raise UserError("AGE sent no e-mail, though the sample week has CRITICAL events: look for errors in `make logs`")


def _print_addresses(stack: Stack, style: Style) -> None:
    url = stack["AGE_API_URL"]
    event = '{"engine":"qa","eventType":"suite_failed","severity":"HIGH"}'
    paragraphs = [
        f"{style.bold(f'AGE answers at {url}')}   Try in another terminal:",
        f". {_relative(env_file())}; PATH=$PATH:target/debug; export AGE_API_URL AGE_TOKEN=$AGE_ADMIN_TOKEN",
        "agectl incident list; agectl report show",
        f"{url}/dashboard   in a browser, with the token $AGE_ADMIN_TOKEN",
        f'curl -H "authorization: Bearer $AGE_TOKEN" {url}/api/governance/stats   # the last 30 days: the sample week',
        "curl -H \"authorization: Bearer $AGE_TOKEN_QA\" -H 'content-type: application/json' \\\n"
        f"  -d '{event}' \\\n  {url}/api/governance/event",
    ]
    print(f"{style.rule()}\n" + "".join(f"{paragraph}\n\n" for paragraph in paragraphs), end="", flush=True)


def _relative(file: Path) -> Path:
    return file.relative_to(ROOT) if file.is_relative_to(ROOT) else file


def _wait_for_interrupt() -> None:
    print("Press Ctrl-C to stop everything.", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    run(main)
