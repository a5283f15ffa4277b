"""The output of `make run` after the weekly report: actions, incidents, the timeline of one incident, an e-mail."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta

from client import Item
from terminal import BOLD, DIM, GREEN, MAGENTA, RED, WIDTH, YELLOW, Style

# The action statuses in the order of an action's life.
ACTION_STATUSES = {
    "pending_approval": "waiting for an approval",
    "pending": "not dispatched yet",
    "dispatched": "sent to the engine's worker",
    "succeeded": "succeeded; AGE watches for an hour whether the problem recurs",
    "verified": "succeeded, and the problem did not recur",
    "ineffective": "succeeded, but the problem recurred",
    "failed": "the worker reported a failure",
    "timed_out": "the worker did not report an outcome in time",
    "denied": "a responder denied it",
    "expired": "nobody approved it in time",
    "suppressed": "not repeated: an earlier one was unfinished or ineffective",
    "undeliverable": "could not be dispatched",
}
# Why an incident was opened: its cause, or the status of the failed remediation.
CAUSES = {
    "critical_event": "CRITICAL event",
    "failed_remediation": "failed remediation",
    "failed": "remediation failed",
    "timed_out": "remediation timed out",
    "ineffective": "remediation ineffective",
    "undeliverable": "action undeliverable",
    "given_up": "repeatedly ineffective",
    "engine_silent": "silent engine",
    "many_event_types": "many event types",
    "permit_without_event": "permits without an event",
    "operation_without_permit": "operations without a permit",
}
NOTIFICATIONS = {
    "initial": "initial notification",
    "digest": "digest",
    "reminder": "reminder: not acknowledged yet",
    "escalation": "escalation to the second line",
    "resolution": "resolution",
}
SIGNS = {  # of a timeline entry: Unicode, ASCII, colour
    "event": ("●", "*", MAGENTA),
    "action": ("→", ">", DIM),
    "approval": ("✓", "+", YELLOW),
    "outcome": ("←", "<", DIM),
    "opened": ("▲", "!", RED),
    "notification": ("@", "@", BOLD),
    "acknowledged": ("✓", "+", YELLOW),
    "taken_over": ("✓", "+", YELLOW),
    "commented": ("✎", "~", DIM),
    "resolved": ("■", "=", GREEN),
    "reopened": ("▲", "!", RED),
}
CHART_COLUMN = 56
CELLS_PER_DAY = 3
CELLS = 7 * CELLS_PER_DAY


def actions(items: list[Item], style: Style) -> str:
    """How many actions have each status. The notifications of people are counted apart."""
    counts = Counter(item["status"] for item in items if item["action"] != "notify_admin")
    notified = sum(item["action"] == "notify_admin" for item in items)
    rows = [f"  {status:<18}{counts[status]:>4}   {text}" for status, text in ACTION_STATUSES.items() if counts[status]]
    rows.append(f"  {'notify_admin':<18}{notified:>4}   people notified, by the e-mails about an incident")
    return "\n".join([style.bold("Actions by status"), *rows])


def incidents(items: list[Item], report: Item, emails: int, style: Style) -> str:
    """The incidents in the week of `report`, each with a chart of when it was open and when acknowledged."""
    begins = _time(report["from"])
    weekdays = "".join(f"{begins + timedelta(days=day):%a}"[0].ljust(CELLS_PER_DAY) for day in range(7))
    open_sign, acknowledged_sign = _chart_signs(style)
    rows = [line for item in items for line in _incident(item, begins, style)]
    events, severities = report["summary"]["totalEvents"], report["summary"]["bySeverity"]
    lines = [
        style.bold(f"{'Incidents':<{CHART_COLUMN}}") + style.dim(weekdays),
        style.dim(_columns("", "events", "e-mails", "acknowledged", "status")),
        *rows,
        f"  {emails} e-mails about {len(items)} incidents, from {events} events, "
        f"{severities['HIGH'] + severities['CRITICAL']} of them HIGH or CRITICAL",
        style.dim(f"  {open_sign} open   {acknowledged_sign} acknowledged"),
    ]
    return "\n".join(lines)


def timeline(incident: Item, style: Style) -> str:
    """The timeline of an incident, a line for each entry."""
    title = f"Timeline of the busiest incident, {incident['engine']}: {incident['eventType']}"
    return "\n".join([style.bold(title), *(_timeline_line(entry, style) for entry in incident["timeline"])])


def email(message: Item, count: int, style: Style) -> str:
    """The e-mail of a message as a queue gets it, the first of so many."""
    text = json.loads(message["Message"])["text"]
    title = style.bold(f"E-mail to the administrators (the first of {count})")
    subject = style.bold(f"Subject: {message.get('Subject', '')}")
    return "\n".join([style.rule(), title, style.rule(), subject, "", text.rstrip()])


def _incident(item: Item, begins: datetime, style: Style) -> list[str]:
    name = f"{_time(item['openedAt']):%a %H:%M}  {item['engine']}: {item['eventType']}"
    is_failed_remediation = item["cause"] == "failed_remediation"
    cause = CAUSES[item["lastFailedRemediation"]["status"] if is_failed_remediation else item["cause"]]
    acknowledged = item.get("acknowledged")
    after = f"after {_duration(item['openedAt'], acknowledged['at'])}" if acknowledged else "no"
    resolved_by_age = item["status"] == "resolved" and "by" not in item["resolved"]
    status = "resolved by AGE" if resolved_by_age else item["status"]
    width = CHART_COLUMN - 4
    return [
        f"  {name:<{width}.{width}}  {_chart(item, begins, style)}",
        _columns(cause, item["eventCount"], item["notificationCount"], after, status),
    ]


def _columns(cause: str, events: object, emails: object, acknowledged: str, status: str) -> str:
    return f"    {cause:<24}{events:>6}{emails:>9}   {acknowledged:<16} {status}"


def _chart(item: Item, begins: datetime, style: Style) -> str:
    """The week in cells: before the incident, open, acknowledged, after it."""
    opened = _cell(item["openedAt"], begins)
    end = _cell(item["resolved"]["at"], begins) + 1 if item.get("resolved") else CELLS
    acknowledged = min(end, _cell(item["acknowledged"]["at"], begins) + 1 if item.get("acknowledged") else end)
    open_sign, acknowledged_sign = _chart_signs(style)
    empty_sign = style.pick("·", ".")
    return "".join(
        [
            style.dim(empty_sign * opened),
            style.paint(open_sign * (acknowledged - opened), RED),
            style.paint(acknowledged_sign * (end - acknowledged), YELLOW),
            style.dim(empty_sign * (CELLS - end)),
        ]
    )


def _chart_signs(style: Style) -> tuple[str, str]:
    """For open, and for acknowledged."""
    return style.pick("█", "#"), style.pick("▒", "=")


def _cell(at: str, begins: datetime) -> int:
    return min(CELLS - 1, max(0, (_time(at) - begins) * CELLS_PER_DAY // timedelta(days=1)))


def _timeline_line(entry: Item, style: Style) -> str:
    unicode, ascii_only, colour = SIGNS[entry["type"]]
    sign = style.paint(style.pick(unicode, ascii_only), colour)
    return f"  {_time(entry['at']):%a %H:%M:%S}  {sign}  {_entry_text(entry)[: WIDTH - 19]}"


def _entry_text(entry: Item) -> str:
    match entry["type"]:
        case "event":
            event = entry["event"]
            return f"{event['engine']} reported {event['eventType']}, {event['severity']}"
        case "action":
            action = entry["action"]
            return f"{action['action']} {'suppressed' if action['status'] == 'suppressed' else 'planned'}"
        case "approval":
            return f"{entry['action']} {'denied' if entry['status'] == 'denied' else 'approved'} by {entry['by']}"
        case "outcome":
            return f"{entry['action']} {entry['status'].replace('_', ' ')}{_quoted(entry.get('detail'))}"
        case "opened":
            return f"incident opened: {CAUSES[entry['cause']]}"
        case "notification":
            notification = entry["notification"]
            new_events = f"; {notification['newEventCount']} new events" if notification["newEventCount"] else ""
            return f"e-mail {notification['number']}: {NOTIFICATIONS[notification['kind']]}{new_events}"
        case "commented":
            return f"comment by {entry['by']}{_quoted(entry.get('note'))}"
        case change:  # acknowledged, taken over, resolved, reopened
            return f"incident {change.replace('_', ' ')} by {entry.get('by', 'AGE')}{_quoted(entry.get('note'))}"


def _quoted(text: str | None) -> str:
    return f': "{text}"' if text else ""


def _duration(begins: str, ends: str) -> str:
    minutes = round((_time(ends) - _time(begins)).total_seconds() / 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _time(at: str) -> datetime:
    return datetime.fromisoformat(at)
