"""The main job: a sample week through the whole of AGE on a local AWS, ending in the weekly report."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import loop
import picture
import server
import week
from client import Stack, env_file
from picture import Report, Style
from settings import ROOT, Refused, end_tidily, run
from stack import WeeklyFailed, down, up, weekly


def main(_: list[str]) -> int:
    if server.running() is not None:
        raise Refused("a local AWS is up already, and this one starts empty: `make down` first")
    end_tidily()
    try:
        _show(Style.of_terminal())
        if os.environ.get("AGE_RUN_ONCE") != "1":
            _wait_for_the_end()
    finally:
        down()
        print("The local AWS is stopped; nothing of it is left.")
    return 0


def _show(style: Style) -> None:
    print(style.bold("[1/4] Local AWS: starting, deploying infra/template.yaml with IAM enforced"), flush=True)
    stack = up()
    with week.clocks(stack) as move:
        _live(stack, move, style)
        print(style.bold("[4/4] The weekly function, fired as the schedule does"), flush=True)
        _show_outcome(stack, style)
    _show_addresses(stack, style)


def _live(stack: Stack, move: week.Move, style: Style) -> None:
    events, team = week.load(datetime.now(UTC).date()), loop.Team(stack)
    print(style.bold(f"[2/4] The sample week: {len(events)} events of eight engines, through the HTTP API"), flush=True)
    team.sweep()  # silence counts from the first sweep on: this one, so the sample's engines may pause for a day
    started = time.monotonic()
    posts = week.replay(stack, events, _Progress(len(events), style).step)
    week.live([*posts, *team.steps(events)], move, week.begin(events))
    print(f"      all accepted, in {time.monotonic() - started:.0f} s")
    print(style.bold("[3/4] Meanwhile a worker did what AGE asked for, and people did their part"))
    print(f"      {team.done} orders answered by examples/worker.py, none on the last evening")
    print("".join(f"      {line}\n" for line in team.diary), end="", flush=True)


def _show_outcome(stack: Stack, style: Style) -> None:
    report = _report(stack)
    print(f"\n{picture.draw(report, _events(stack, report), style)}\n")
    print(f"{style.bold('What became of the actions')}\n{loop.summary(loop.actions(stack))}\n")
    incidents = loop.incidents(stack)[::-1]  # the earliest first
    first, second = _mails(stack, "ESCALATIONS"), _mails(stack, "ESCALATIONS_SECOND")
    print(f"{picture.incidents(incidents, report, first + second, style)}\n")
    stories = [loop.get(stack, f"/api/governance/incidents/{incident['id']}") for incident in incidents]
    print(f"{picture.story(max(stories, key=lambda story: len(story['story'])), style)}\n")
    _show_escalation(stack, first, style)


def _report(stack: Stack) -> Report:
    try:
        return loop.get(stack, f"/api/governance/reports/{weekly(stack)['id']}")
    except WeeklyFailed as failed:
        raise Refused(str(failed)) from None


def _events(stack: Stack, report: Report) -> list[Report]:
    return loop.listed(stack, "events", f"limit=500&from={quote(report['from'])}&to={quote(report['to'])}")


def _mails(stack: Stack, line: str) -> int:
    attribute = "ApproximateNumberOfMessages"
    queue = stack.service("sqs").get_queue_attributes(QueueUrl=stack[f"{line}_QUEUE_URL"], AttributeNames=[attribute])
    return int(queue["Attributes"][attribute])


def _show_escalation(stack: Stack, count: int, style: Style) -> None:
    queue = stack["ESCALATIONS_QUEUE_URL"]
    messages = stack.service("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=1, WaitTimeSeconds=5).get("Messages")
    if not messages:
        raise Refused("no escalation was sent, though the week has critical events")
    notice = json.loads(messages[0]["Body"])
    print(style.rule())
    print(style.bold(f"An escalation as an administrator gets it, the first of {count}"))
    print(style.rule())
    print(style.bold(f"Subject: {notice.get('Subject', '')}") + f"\n\n{notice['Message'].rstrip()}\n")


def _show_addresses(stack: Stack, style: Style) -> None:
    url = f"{stack['AGE_API_URL']}/api/governance"
    body = '{"engine":"qa","eventType":"suite_failed","severity":"HIGH"}'
    print(style.rule())
    print(f"{style.bold('AGE answers at ' + stack['AGE_API_URL'])}   Try:\n")
    print(f". {_shown(env_file())}; PATH=$PATH:target/debug; export AGE_API_URL AGE_TOKEN=$AGE_ADMIN_TOKEN\n")
    print("agectl incidents; agectl report show\n")
    print(f"{stack['AGE_API_URL']}/dashboard   in a browser, with the token $AGE_ADMIN_TOKEN\n")
    print(f"curl -H \"authorization: Bearer $AGE_TOKEN\" {url}/stats\n")
    print(f"curl -H \"authorization: Bearer $AGE_TOKEN_QA\" -H 'content-type: application/json' \\\n  -d '{body}' \\\n  {url}/event\n", flush=True)


def _shown(file: Path) -> Path:
    return file.relative_to(ROOT) if file.is_relative_to(ROOT) else file


def _wait_for_the_end() -> None:
    print("Ctrl-C stops everything.", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


class _Progress:
    """A bar on a terminal; elsewhere one line a day."""

    def __init__(self, total: int, style: Style) -> None:
        self.total, self.style = total, style
        self.done, self.day = 0, ""

    def step(self, event: week.Event) -> None:
        self.done += 1
        day = event["sourceTime"][:10]
        if sys.stdout.isatty():
            cells = self.done * 40 // self.total
            bar = self.style.pick("█", "#") * cells + self.style.pick("░", ".") * (40 - cells)
            end = "\n" if self.done == self.total else ""
            print(f"\r      {bar} {self.done}/{self.total}  {day}", end=end, flush=True)
        elif day != self.day:
            print(f"      {day} ({self.done} of {self.total})", flush=True)
        self.day = day


if __name__ == "__main__":
    run(main)
