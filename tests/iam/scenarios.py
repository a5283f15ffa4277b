"""What AGE does with its permissions: for each of them something that cannot be done without it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

from world import Broken, World, expect

REPAIR = "billing_sync_repair"
HALF_AN_HOUR = 1900  # and a little, in seconds

# Weeks that no schedule will ever report.
_weeks = count(1)


@dataclass(frozen=True)
class Scenario:
    function: str
    name: str
    needs: dict[str, str]  # action → the resources, by their names in the template
    play: Callable[[World], None]


SCENARIOS: list[Scenario] = []


def scenario(function: str, needs: dict[str, str]) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    def listed(play: Callable[[World], None]) -> Callable[[World], None]:
        SCENARIOS.append(Scenario(function, play.__name__.replace("_", " "), needs, play))
        return play

    return listed


# First, while nothing but its own is there for a sweep to find half an hour later.
@scenario("sweep", {"dynamodb:UpdateItem": "Rollups", "sns:Publish": "EscalationsSecondTopic"})
def half_an_hour_later(world: World) -> None:
    event = world.report("CRITICAL", "billing")
    world.sweep(later=HALF_AN_HOUR)
    world.stands(event, **{REPAIR: "timed_out"})
    if "second_line" not in _notices(world, event):
        raise Broken("the second line is not told")


@scenario("sweep", {
    "dynamodb:Query": "Rollups Events/index/timeline Actions/index/due Incidents/index/due",
    "dynamodb:GetItem": "Incidents Reports",
    "dynamodb:UpdateItem": "Incidents",
    "sns:GetTopicAttributes": "EscalationsTopic",
})
def a_sweep_looks_at_everything(world: World) -> None:
    with world.installed_a_week_ago():
        swept = world.sweep(later=_until_the_weekly_report_is_due())
    expect("whether an escalation reaches anybody", swept["escalationReachable"], True)


@scenario("sweep", {
    "dynamodb:GetItem": "Events Actions",
    "dynamodb:PutItem": "Incidents",
    "dynamodb:UpdateItem": "Actions",
    "dynamodb:Query": "Actions",
    "sns:Publish": "ActionsTopic EscalationsTopic",
})
def a_sweep_does_what_was_left(world: World) -> None:
    world.sweep()  # an e-mail says what it is about if it is about one incident alone
    approved = world.report("HIGH", "compliance", prefix="permission_")
    world.approve(approved, "permission_reset")
    world.no_mail_left()
    untold = world.report("CRITICAL", "qa")
    world.mails_again()
    world.sweep()
    world.stands(approved, permission_reset="dispatched")
    world.stands(untold, notify_admin="dispatched")
    expect("what is on record as told", _notices(world, untold), ["first"])
    _says_what_it_is_about(world, untold)


@scenario("log-event", {
    "dynamodb:PutItem": "Events Actions Incidents",
    "dynamodb:GetItem": "Incidents",
    "dynamodb:UpdateItem": "Rollups Actions Incidents",
    "sns:Publish": "ActionsTopic EscalationsTopic",
})
def an_event_is_acted_on(world: World) -> None:
    event = world.report("CRITICAL", "billing")
    for item in event["actions"]:
        expect(item["action"], item["status"], "dispatched")
    world.stands(event, **{REPAIR: "dispatched", "notify_admin": "dispatched"})
    expect("what is on record as told", _notices(world, event), ["first"])


@scenario("log-event", {"dynamodb:Query": "Actions"})
def a_repeat_is_known(world: World) -> None:
    key = world.fresh()
    event = world.report("HIGH", "maos", key=key)
    world.again(event, 200, key)


@scenario("log-event", {"dynamodb:GetItem": "Events"})
def a_lost_answer_is_looked_up(world: World) -> None:
    with world.losing("log-event", "TransactWriteItems", times=3) as proxy:
        world.report("LOW", "qa")
        expect("how many answers were lost", proxy.lost, 3)


@scenario("log-event", {"dynamodb:GetItem": "Actions"})
def a_record_whose_answer_is_lost_is_known(world: World) -> None:
    with world.losing("log-event", "UpdateItem", times=1) as proxy:
        [item] = world.report("HIGH", "maos")["actions"]
        expect("how many answers were lost", proxy.lost, 1)
    expect(f"{item['action']} in the answer", item["status"], "dispatched")


@scenario("log-event", {"dynamodb:GetItem": "Rollups"})
def a_counter_that_another_writes_is_left(world: World) -> None:
    reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    refusal = {"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "CancellationReasons": reasons}
    with world.losing("log-event", "TransactWriteItems", times=1, refusal=json.dumps(refusal)) as proxy:
        event = world.report("LOW", "qa")
        expect("how often it met another", proxy.lost, 1)
    expect("whether it counts on the first row", world.row(event) == 0, False)


@scenario("list-events", {"dynamodb:GetItem": "Events", "dynamodb:Query": "Actions Rollups Events/index/timeline"})
def events_are_shown(world: World) -> None:
    event = world.report("HIGH", "maos")
    world.get("/events/{}", event["id"])
    listed = world.get("/events?engine=maos&limit=1")["events"]
    expect("the newest event", [it["id"] for it in listed], [event["id"]])


@scenario("actions", {
    "dynamodb:GetItem": "Events Actions Incidents",
    "dynamodb:PutItem": "Incidents",
    "dynamodb:UpdateItem": "Rollups Actions Incidents",
    "sns:Publish": "EscalationsTopic",
})
def a_remedy_fails(world: World) -> None:
    world.no_mail_left()
    event = world.report("CRITICAL", "billing")
    world.mails_again()
    world.outcome(event, REPAIR, "failed")
    world.stands(event, **{REPAIR: "failed", "notify_admin": "dispatched"})
    expect("what is on record as told", _notices(world, event), ["first"])
    _says_what_it_is_about(world, event)


@scenario("actions", {"dynamodb:Query": "Actions Rollups Events/index/timeline"})
def actions_are_listed(world: World) -> None:
    event = world.report("HIGH", "maos")
    listed = world.get("/actions?engine=maos&limit=1")["actions"]
    expect("the newest action", [it["eventId"] for it in listed], [event["id"]])


@scenario("incidents", {
    "dynamodb:GetItem": "Events Incidents",
    "dynamodb:Query": "Actions Rollups Incidents Events/index/timeline Incidents/index/by_opened",
})
def the_story_of_an_incident(world: World) -> None:
    # The remedy of an earlier event opens it.
    event = world.report("HIGH", "deep_agent")
    world.outcome(event, "DeepAgent_policy_update", "failed")
    later = world.again(event, 201)
    story = world.story(event)["story"]
    told = [entry["event"]["id"] for entry in story if entry["what"] == "event"]
    expect("what is told", told, [event["id"], later["id"]])


@scenario("incidents", {"dynamodb:UpdateItem": "Actions Incidents"})
def somebody_takes_an_incident(world: World) -> None:
    event = world.report("CRITICAL", "qa")
    world.post("/incidents/{}/acknowledge", world.incident(event)["id"], body={})
    world.stands(event, notify_admin="succeeded")


@scenario("generate-report", {"dynamodb:Query": "Rollups Incidents/index/by_opened", "dynamodb:PutItem": "Reports"})
def a_report_is_made(world: World) -> None:
    world.post("/report", status=201)


@scenario("list-reports", {"dynamodb:GetItem": "Reports", "dynamodb:Query": "Reports/index/by_generated"})
def reports_are_shown(world: World) -> None:
    made = world.post("/report", status=201)
    world.get("/reports/{}", made["id"])
    expect("the newest report", world.get("/reports?limit=1")["reports"][0]["id"], made["id"])


@scenario("get-stats", {"dynamodb:Query": "Rollups Reports/index/by_generated"})
def figures_are_shown(world: World) -> None:
    world.get("/stats")


@scenario("dashboard", {
    "dynamodb:GetItem": "Incidents",
    "dynamodb:Query": "Rollups Actions/index/due Incidents/index/by_opened",
})
def the_first_page_is_shown(world: World) -> None:
    world.page("/dashboard")


@scenario("dashboard", {"dynamodb:GetItem": "Events", "dynamodb:Query": "Actions Incidents Events/index/timeline"})
def the_page_of_an_incident_is_shown(world: World) -> None:
    # As above: the remedy of an earlier event opens it.
    event = world.report("HIGH", "deep_agent")
    world.outcome(event, "DeepAgent_policy_update", "failed")
    world.again(event, 201)
    page = world.page(f"/dashboard/incidents/{world.incident(event)['id']}")
    expect("the number of events that are told", page.count(f"reported {event['eventType']}"), 2)


@scenario("dashboard", {"dynamodb:UpdateItem": "Actions Incidents"})
def somebody_takes_an_incident_on_its_page(world: World) -> None:
    event = world.report("CRITICAL", "qa")
    path = f"/dashboard/incidents/{world.incident(event)['id']}"
    world.page(f"{path}/acknowledge", {"csrf": _proof(world.page(path)), "note": ""})
    world.stands(event, notify_admin="succeeded")


@scenario("dashboard", {"dynamodb:GetItem": "Actions"})
def an_action_is_approved_on_its_page(world: World) -> None:
    event = world.report("HIGH", "compliance", "permission_")
    page = _decide(world, event, "approve")
    expect("that it is approved", "permission_reset approved by" in page, True)


@scenario("dashboard", {"dynamodb:UpdateItem": "Rollups Incidents"})
def an_action_is_denied_on_its_page(world: World) -> None:
    event = world.report("HIGH", "compliance", "permission_")
    _decide(world, event, "deny")
    world.stands(event, permission_reset="denied")


@scenario("dashboard", {
    "dynamodb:GetItem": "Reports",
    "dynamodb:PutItem": "Reports",
    "dynamodb:Query": "Reports/index/by_generated",
})
def a_report_is_made_on_a_page(world: World) -> None:
    before = _reports(world)
    world.page("/dashboard/reports/new", {"csrf": _proof(world.page("/dashboard/reports"))})
    [made] = _reports(world) - before
    expect("the title of its page", "<h1>Governance report" in world.page(made), True)


@scenario("credentials", {"dynamodb:PutItem": "Credentials"})
def a_credential_is_made(world: World) -> None:
    world.reader()


@scenario("first-admin", {"dynamodb:GetItem": "Credentials", "dynamodb:PutItem": "Credentials"})
def a_first_admin_is_made(world: World) -> None:
    world.admin()


@scenario("weekly-report", {
    "dynamodb:Query": "Rollups Incidents/index/by_opened",
    "dynamodb:GetItem": "Reports Actions",
    "dynamodb:PutItem": "Reports Actions",
    "dynamodb:UpdateItem": "Actions",
    "sns:Publish": "ReportsTopic",
})
def a_week_is_reported_once(world: World) -> None:
    scheduled = datetime.now(UTC) - timedelta(days=400 + next(_weeks))
    made = world.weekly(scheduled)
    expect("the week's report when it is asked for again", world.weekly(scheduled), made)


def _lets_callers_in(function: str, ask: Callable[[World], object], world: World) -> None:
    world.restart(function)  # an environment that runs knows the credentials of the last minute
    ask(world)


def _gate(function: str, ask: Callable[[World], object]) -> Scenario:
    play = partial(_lets_callers_in, function, ask)
    return Scenario(function, "a new environment lets callers in", {"dynamodb:GetItem": "Credentials"}, play)


SCENARIOS += [
    _gate("log-event", lambda world: world.report("LOW", "qa")),
    _gate("list-events", lambda world: world.get("/events?limit=1")),
    _gate("actions", lambda world: world.get("/actions?limit=1")),
    _gate("incidents", lambda world: world.get("/incidents?limit=1")),
    _gate("generate-report", lambda world: world.post("/report", status=201)),
    _gate("list-reports", lambda world: world.get("/reports?limit=1")),
    _gate("get-stats", lambda world: world.get("/stats")),
    _gate("credentials", lambda world: world.get("/credentials")),
    _gate("dashboard", lambda world: world.page("/dashboard")),
]


def _proof(page: str, field: str = "csrf") -> str:
    """What the forms of a page carry."""
    found = re.search(rf'name="{field}" value="([^"]+)"', page)
    return found[1] if found else ""


def _decide(world: World, event: dict[str, str], decision: str) -> str:
    """Decides on the event's action, and answers its page as it is then."""
    path = f"/dashboard/events/{event['id']}/actions/permission_reset"
    page = world.page(path)
    world.page(f"{path}/{decision}", {"csrf": _proof(page), "digest": _proof(page, "digest")})
    return world.page(path)


def _reports(world: World) -> set[str]:
    return set(re.findall(r'href="(/dashboard/reports/[0-9a-f-]{36})"', world.page("/dashboard/reports")))


def _notices(world: World, event: dict[str, str]) -> list[str]:
    """What people were written about the event's incident, by kind."""
    return [entry["notice"]["kind"] for entry in world.story(event)["story"] if entry["what"] == "notice"]


def _says_what_it_is_about(world: World, event: dict[str, str]) -> None:
    if f"/dashboard/events/{event['id']}" not in world.mail(event):
        raise Broken("the e-mail does not say what it is about")


def _until_the_weekly_report_is_due() -> int:
    """Nobody looks for the week's report in the first 20 minutes of a Monday."""
    now = datetime.now(UTC)
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(0, int((monday + timedelta(minutes=21) - now).total_seconds()))
