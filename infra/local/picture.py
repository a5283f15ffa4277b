"""A weekly report, and what people were told, drawn for a terminal of 80 columns: text in, text out."""

from __future__ import annotations

import os
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from settings import POLICY

Report = dict[str, Any]

WIDTH = 78
NAME = 14
BAR = 36
# Where a category turns MEDIUM, HIGH, CRITICAL: the policy says so.
LEVELS = tuple(sorted(tomllib.loads(POLICY.read_text())["levels"].values()))[1:]
SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
COLOURS = {"LOW": "32", "MEDIUM": "33", "HIGH": "35", "CRITICAL": "31"}

INCIDENT = 56  # what is drawn of its life stands to the right
DAY = 3  # cells
# Why an incident was opened: its cause, or how the remedy ended that is the cause.
CAUSES = {
    "critical_event": "a CRITICAL event",
    "action": "a remedy went wrong",
    "failed": "a remedy failed",
    "timed_out": "a remedy timed out",
    "ineffective": "a remedy of no use",
    "dead": "a remedy not taken",
    "given_up": "remedies of no use",
    "silence": "nothing is heard",
}
OUTCOMES = {
    "succeeded": "done",
    "verified": "done, and it helped",
    "ineffective": "done, and it did not help",
    "timed_out": "not answered",
    "expired": "not approved in time",
    "dead": "could not be handed over",
}
NOTICES = {
    "first": "it is new",
    "digest": "more has come",
    "reminder": "still nobody on it",
    "second_line": "the second line is told, too",
    "resolution": "it is over",
}
SIGNS = {  # of an entry in a story: pretty, plain, colour
    "event": ("●", "*", "35"),
    "action": ("→", ">", "2"),
    "decided": ("✓", "+", "33"),
    "outcome": ("←", "<", "2"),
    "opened": ("▲", "!", "31"),
    "notice": ("@", "@", "1"),
    "acknowledged": ("✓", "+", "33"),
    "resolved": ("■", "=", "32"),
}


@dataclass(frozen=True)
class Style:
    """What the terminal can show."""

    unicode: bool
    colour: bool

    @classmethod
    def of_terminal(cls) -> Style:
        encoding = (sys.stdout.encoding or "").lower().replace("-", "")
        return cls(encoding == "utf8", sys.stdout.isatty() and "NO_COLOR" not in os.environ)

    def paint(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour and text else text

    def bold(self, text: str) -> str:
        return self.paint(text, "1")

    def dim(self, text: str) -> str:
        return self.paint(text, "2")

    def pick(self, pretty: str, plain: str) -> str:
        return pretty if self.unicode else plain

    def rule(self) -> str:
        return self.dim(self.pick("─", "-") * WIDTH)


def draw(report: Report, events: list[Report], style: Style) -> str:
    """`events` are the week's, for the picture by day; the report itself has counts only."""
    parts = [_headline(report, style), _categories(report, style), _days(report, events, style),
             _engines(report, style), _deeds(report["summary"], style), _recommendations(report, style)]
    return "\n\n".join(part for part in parts if part)


def incidents(items: list[Report], report: Report, mails: int, style: Style) -> str:
    """What people were told in the week of `report`, and how many e-mails that took."""
    begins = _time(report["from"])
    days = "".join(f"{begins + timedelta(days=day):%a}"[0].ljust(DAY) for day in range(7))
    nobody, somebody = _life_signs(style)
    rows = [line for item in items for line in _incident(item, begins, style)]
    events, severities = report["summary"]["totalEvents"], report["summary"]["bySeverity"]
    return "\n".join([
        style.bold(f"{'What people were told':<{INCIDENT}}") + style.dim(days),
        style.dim(_figures("", "events", "e-mails", "acknowledged", "now")),
        *rows,
        f"  {mails} e-mails about {len(items)} incidents; "
        f"{events} events, {severities['HIGH'] + severities['CRITICAL']} of them HIGH or CRITICAL",
        style.dim(f"  {nobody} nobody has taken it   {somebody} somebody has acknowledged it"),
    ])


def story(incident: Report, style: Style) -> str:
    """All that happened in an incident, a line each."""
    title = f"The story of one of them, {incident['engine']}: {incident['eventType']}"
    return "\n".join([style.bold(title), *(_told(entry, style) for entry in incident["story"])])


def level(score: int) -> str:
    return SEVERITIES[sum(score >= limit for limit in LEVELS)]


def _headline(report: Report, style: Style) -> str:
    summary = report["summary"]
    first = date.fromisoformat(report["from"][:10])
    last = date.fromisoformat(report["to"][:10]) - timedelta(days=1)
    title = f"AGE weekly report{f'{first:%a %d %b} - {last:%a %d %b %Y}':>{WIDTH - 17}}"
    score = f"Risk {report['riskScore']} of 100, level {report['riskLevel']}"
    peak = f", highest in {_words(summary['peakCategory'])}" if summary.get("peakCategory") else ""
    counts = f"{summary['totalEvents']} events, {summary['criticalCount']} of them critical"
    return "\n".join([
        style.rule(),
        style.bold(title),
        style.rule(),
        style.paint(score, f"1;{COLOURS[report['riskLevel']]}") + peak,
        f"{counts}.  {_before(summary)}",
    ])


def _before(summary: Report) -> str:
    previous = summary.get("previous") or {"totalEvents": 0}
    if not previous["totalEvents"]:
        return "Nothing was reported the week before."
    return f"The week before: risk {previous['riskScore']}, {previous['totalEvents']} events."


def _categories(report: Report, style: Style) -> str:
    summary = report["summary"]
    before = (summary.get("previous") or {}).get("riskScores", {})
    lines = [style.bold(f"{'By category':<{NAME + 2}}") + style.dim(f"{_scale()}  score  before  uncapped")]
    for name, score in sorted(summary["riskScores"].items(), key=lambda item: (-item[1], item[0])):
        bar = style.paint(_filled(score, style), COLOURS[level(score)]) + style.dim(_empty(score, style))
        figures = f"{score:>7}{before.get(name, 0):>8}{summary['rawScores'][name]:>10}"
        lines.append(f"  {_words(name):<{NAME}}{bar}{figures}")
        lines.append(style.dim(f"  {'':<{NAME}}{_from(summary['contributions'].get(name, {}))}"))
    return "\n".join(lines)


def _from(points: dict[str, int]) -> str:
    shares = [f"{engine} {n}" for engine, n in sorted(points.items(), key=lambda item: (-item[1], item[0])) if n]
    return "from " + ", ".join(shares) if shares else "nothing reported"


def _scale() -> str:
    line = [" "] * BAR
    for limit in (0, *LEVELS):
        line[limit * BAR // 100:limit * BAR // 100 + len(str(limit))] = str(limit)
    return "".join(line)


def _filled(score: int, style: Style) -> str:
    return style.pick("█", "#") * _cells(score, 100, BAR)


def _empty(score: int, style: Style) -> str:
    ticks = {limit * BAR // 100 for limit in LEVELS}
    return "".join(style.pick("┊", "|") if cell in ticks else style.pick("·", ".")
                   for cell in range(_cells(score, 100, BAR), BAR))


def _days(report: Report, events: list[Report], style: Style) -> str:
    first = date.fromisoformat(report["from"][:10])
    days = [first + timedelta(days=n) for n in range(7)]
    counts = {day: Counter(e["severity"] for e in events if e["occurredAt"][:10] == day.isoformat()) for day in days}
    most = max((count.total() for count in counts.values()), default=0)
    lines = [style.bold(f"{'By day':<{NAME + 2 + BAR}}") + style.dim("   LOW   MED  HIGH  CRIT")]
    for day, count in counts.items():
        bar = "".join(style.paint(_shade(s, style) * _cells(count[s], most, BAR - 3), COLOURS[s]) for s in SEVERITIES)
        drawn = sum(_cells(count[s], most, BAR - 3) for s in SEVERITIES)
        figures = "".join(f"{count[s] or '':>5}" if s == "LOW" else f"{count[s] or '':>6}" for s in SEVERITIES)
        lines.append(f"  {f'{day:%a %d %b}':<{NAME}}{bar}{' ' * (BAR - drawn)} {figures}")
    return "\n".join(lines)


def _shade(severity: str, style: Style) -> str:
    return style.pick("░▒▓█", ".oH#")[SEVERITIES.index(severity)]


def _engines(report: Report, style: Style) -> str:
    summary = report["summary"]
    points: dict[str, int] = {}
    for shares in summary["contributions"].values():
        points |= shares
    rows = sorted(summary["byEngine"].items(), key=lambda item: (-points.get(item[0], 0), item[0]))
    most = max(points.values(), default=0)
    lines = [style.bold(f"{'By engine':<{NAME + 2}}") + style.dim(f"{'weight of what it reported':<{BAR}} points  events")]
    for engine, events in rows:
        bar = style.pick("▪", "=") * _cells(points.get(engine, 0), most, BAR)
        lines.append(f"  {engine:<{NAME}}{bar:<{BAR}}{points.get(engine, 0):>7}{events:>8}")
    return "\n".join(lines)


def _deeds(summary: Report, style: Style) -> str:
    """What AGE itself did; nothing in reports that do not say."""
    if "actions" not in summary:
        return ""
    remedies = [f"{number} {status.replace('_', ' ')}" for status, number in summary["actions"].items() if number]
    told = summary["incidents"]
    rows = {
        "remedies": ", ".join(remedies) or "none",
        "answered after": _lasting(summary.get("meanSecondsToOutcome"), " on average"),
        "incidents": f"{told['opened']} opened, {told['acknowledged']} acknowledged",
        "taken after": _lasting(told.get("medianSecondsToAcknowledge"), " (the median)"),
        "silent": ", ".join(summary.get("silentEngines", [])),
    }
    return "\n".join([style.bold("What AGE did")] + [f"  {name:<{NAME + 2}}{text}" for name, text in rows.items() if text])


def _incident(item: Report, begins: datetime, style: Style) -> list[str]:
    name = f"{_time(item['openedAt']):%a %H:%M}  {item['engine']}: {item['eventType']}"
    why = CAUSES[item["lastAlarm"]["status"] if item["cause"] == "action" else item["cause"]]
    taken = item.get("acknowledged")
    seconds = (_time(taken["at"]) - _time(item["openedAt"])).total_seconds() if taken else None
    waited = f"after {_lasting(seconds)}" if taken else "by nobody"
    by_itself = item["status"] == "resolved" and "by" not in item["resolved"]
    now = "over by itself" if by_itself else item["status"]
    return [
        f"  {name:<{INCIDENT - 4}.{INCIDENT - 4}}  {_life(item, begins, style)}",
        _figures(why, item["events"], item["notices"], waited, now),
    ]


def _figures(why: str, events: object, mails: object, waited: str, now: str) -> str:
    return f"    {why:<24}{events:>6}{mails:>9}   {waited:<16} {now}"


def _life(item: Report, begins: datetime, style: Style) -> str:
    """An incident in the cells of the week: nobody has it, somebody has it, it is over."""
    opened = _cell(item["openedAt"], begins)
    over = _cell(item["resolved"]["at"], begins) + 1 if item.get("resolved") else 7 * DAY
    taken = min(over, _cell(item["acknowledged"]["at"], begins) + 1 if item.get("acknowledged") else over)
    nobody, somebody = _life_signs(style)
    quiet = style.pick("·", ".")
    return (style.dim(quiet * opened)
            + style.paint(nobody * (taken - opened), COLOURS["CRITICAL"])
            + style.paint(somebody * (over - taken), COLOURS["MEDIUM"])
            + style.dim(quiet * (7 * DAY - over)))


def _life_signs(style: Style) -> tuple[str, str]:
    return style.pick("█", "#"), style.pick("▒", "=")


def _cell(at: str, begins: datetime) -> int:
    return min(7 * DAY - 1, max(0, (_time(at) - begins) * DAY // timedelta(days=1)))


def _told(entry: Report, style: Style) -> str:
    pretty, plain, colour = SIGNS[entry["what"]]
    sign = style.paint(style.pick(pretty, plain), colour)
    return f"  {_time(entry['at']):%a %H:%M:%S}  {sign}  {_said(entry)[:WIDTH - 19]}"


def _said(entry: Report) -> str:
    match entry["what"]:
        case "event":
            event = entry["event"]
            return f"{event['engine']} reports {event['eventType']}, {event['severity']}"
        case "action":
            item = entry["action"]
            return f"AGE {'does not repeat' if item['status'] == 'suppressed' else 'begins'} {item['action']}"
        case "decided":
            return f"{entry['action']} {'denied' if entry['status'] == 'denied' else 'approved'} by {entry['by']}"
        case "outcome":
            return f"{entry['action']} {OUTCOMES.get(entry['status'], entry['status'])}{_quoted(entry.get('detail'))}"
        case "opened":
            return f"an incident is opened: {CAUSES[entry['cause']]}"
        case "notice":
            notice = entry["notice"]
            new = f"; new events: {notice['newEvents']}" if notice["newEvents"] else ""
            of_a_remedy = notice["kind"] == "digest" and not notice["newEvents"]
            return f"e-mail {notice['number']}: {'a remedy went wrong' if of_a_remedy else NOTICES[notice['kind']]}{new}"
        case done:
            return f"{done} by {entry.get('by', 'itself')}{_quoted(entry.get('note'))}"


def _quoted(text: str | None) -> str:
    return f': "{text}"' if text else ""


def _lasting(seconds: float | None, rest: str = "") -> str:
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    return (f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min") + rest


def _time(at: str) -> datetime:
    return datetime.fromisoformat(at.replace("Z", "+00:00"))


def _recommendations(report: Report, style: Style) -> str:
    texts = report["recommendations"] or ["Nothing: no category is above its threshold."]
    return "\n".join([style.bold("Recommended")] + [f"  {style.pick('•', '*')} {text}" for text in texts])


def _cells(value: int, most: int, width: int) -> int:
    """Cells for a value: what is there at all shows as at least one."""
    return min(width, max(1, round(value * width / most))) if value and most else 0


def _words(name: str) -> str:
    return name.removesuffix("_risk").replace("_", " ")
