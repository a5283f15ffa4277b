"""A weekly report drawn for a terminal of 80 columns: text in, text out."""

from __future__ import annotations

import os
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
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
             _engines(report, style), _recommendations(report, style)]
    return "\n\n".join(parts)


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


def _recommendations(report: Report, style: Style) -> str:
    texts = report["recommendations"] or ["Nothing: no category is above its threshold."]
    return "\n".join([style.bold("Recommended")] + [f"  {style.pick('•', '*')} {text}" for text in texts])


def _cells(value: int, most: int, width: int) -> int:
    """Cells for a value: what is there at all shows as at least one."""
    return min(width, max(1, round(value * width / most))) if value and most else 0


def _words(name: str) -> str:
    return name.removesuffix("_risk").replace("_", " ")
