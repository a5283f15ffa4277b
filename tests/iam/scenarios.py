"""The scenarios: for each permission something that fails without it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from harness import Harness, ScenarioError, expect, form_field, moment

REPAIR = "billing_sync_repair"
AFTER_HALF_AN_HOUR_SECONDS = 1900
SIMULATED_WITHIN_SECONDS = 20

# Each weekly report is for another week, long before AGE.
_weeks = count(1)


@dataclass(frozen=True)
class Scenario:
    function: str
    name: str
    needs: dict[str, str]  # action → the resources, by their names in the template
    run: Callable[[Harness], None]


SCENARIOS: list[Scenario] = []


def scenario(function: str, needs: dict[str, str]) -> Callable[[Callable[[Harness], None]], Callable[[Harness], None]]:
    def register(run: Callable[[Harness], None]) -> Callable[[Harness], None]:
        SCENARIOS.append(Scenario(function, run.__name__.replace("_", " "), needs, run))
        return run

    return register


# This scenario comes first: later, a sweep half an hour ahead would find the events of others.
@scenario("sweep", {"dynamodb:UpdateItem": "RollupsTable", "sns:Publish": "SecondLineTopic"})
def sweep_times_out_an_action_and_escalates(harness: Harness) -> None:
    event = harness.report("CRITICAL", "billing")
    harness.sweep(later=AFTER_HALF_AN_HOUR_SECONDS)
    harness.expect_statuses(event, **{REPAIR: "timed_out"})
    if "escalation" not in _notification_kinds(harness, event):
        raise ScenarioError("the second line is not notified")


@scenario(
    "sweep",
    {
        "dynamodb:Query": "RollupsTable ChannelsTable ActionsTable/index/due IncidentsTable/index/due "
        "IncidentsTable/index/listing",
        "dynamodb:GetItem": "ReportsTable",
        "dynamodb:UpdateItem": "IncidentsTable",
        "sns:GetTopicAttributes": "NotificationsTopic SecondLineTopic ReportsTopic AlarmsTopic",
    },
)
def sweep_checks_everything(harness: Harness) -> None:
    with harness.installed_eight_days_ago():
        swept = harness.sweep(later=_until_the_weekly_report_is_due())
    expect("whether notifications reach anybody", swept["notificationsReachable"], True)
    statuses = {topic["name"]: topic["status"] for topic in harness.get("/health")["topics"]}
    expect("the topics of which AWS tells nothing", [name for name in statuses if statuses[name] == "unknown"], [])


@scenario(
    "sweep",
    {
        "dynamodb:GetItem": "EventsTable ActionsTable",
        "dynamodb:PutItem": "IncidentsTable",
        "dynamodb:UpdateItem": "ActionsTable",
        "dynamodb:Query": "ActionsTable",
        "sns:Publish": "ActionsTopic NotificationsTopic",
    },
)
def sweep_dispatches_and_notifies(harness: Harness) -> None:
    harness.sweep()  # sends what is due: an e-mail about several incidents has no link to the event
    approved = harness.report("HIGH", "compliance", prefix="permission_")
    harness.approve(approved, "permission_reset")
    harness.use_up_emails()
    unnotified = harness.report("CRITICAL", "qa")
    harness.allow_emails()
    harness.sweep()
    harness.expect_statuses(approved, permission_reset="dispatched")
    harness.expect_statuses(unnotified, notify_admin="dispatched")
    expect("the stored notifications", _notification_kinds(harness, unnotified), ["initial"])
    _expect_email_about(harness, unnotified)


@scenario(
    "sweep",
    {
        "dynamodb:Query": "DecisionsTable/index/due",
        "dynamodb:GetItem": "DecisionsTable",
        "dynamodb:UpdateItem": "DecisionsTable",
    },
)
def sweep_notifies_of_an_operation_that_needs_an_approval(harness: Harness) -> None:
    operation = harness.unique_name()
    with harness.activated({"guardrails": [_needs_approval(operation)]}):
        harness.restart("decide")  # a running environment may go on with the earlier version for a minute
        asked = harness.evaluate(operation)["context"]
        harness.allow_emails()
        harness.sweep()
    if asked["id"] not in harness.emails(asked["id"]):
        raise ScenarioError("nobody is notified of the operation")


@scenario("sweep", {"dynamodb:GetItem": "IncidentsTable"})
def sweep_finds_a_silent_engine(harness: Harness) -> None:
    engines = harness.get("/policies/active")["document"]["engines"]
    engines["qa"]["expected_interval_seconds"] = 1
    version = {"engines": engines, "critical_recommendation": f"{{count}} events, {time.time_ns()}"}
    with harness.installed_eight_days_ago(), harness.activated(version):
        harness.sweep()


@scenario(
    "sweep",
    {
        "dynamodb:Query": "EventsTable/index/operations DecisionsTable/index/due",
        "dynamodb:BatchGetItem": "DecisionsTable",
        "dynamodb:UpdateItem": "EventsTable DecisionsTable",
    },
)
def sweep_compares_permits_and_events(harness: Harness) -> None:
    operation = harness.unique_name()
    guardrail = {
        "id": operation,
        "verdict": "allow",
        "message": "it is allowed",
        "match": {"action": {"name": {"equals": operation}}},
    }
    with harness.activated({"guardrails": [guardrail]}):
        harness.restart("decide")  # a running environment may go on with the earlier version for a minute
        permit = harness.evaluate(operation)["context"]["id"]
        event = harness.report("LOW", "billing", decision=permit)
        harness.sweep()
        expect("the event of the permit", harness.get("/decisions/{}", permit).get("followedBy"), event["id"])


@scenario("sweep", {"dynamodb:GetItem": "CredentialsTable", "dynamodb:Query": "IncidentsTable"})
def sweep_looks_for_expired_credentials(harness: Harness) -> None:
    harness.expired_reader()
    harness.restart("sweep")  # a running environment caches credentials for ten minutes
    harness.sweep()


@scenario("sweep", {"dynamodb:PutItem": "EventsTable"})
def sweep_records_system_alerts_as_events(harness: Harness) -> None:
    harness.refused_sender()
    harness.sweep()


@scenario(
    "log-event",
    {
        "dynamodb:PutItem": "EventsTable ActionsTable IncidentsTable",
        "dynamodb:GetItem": "IncidentsTable",
        "dynamodb:UpdateItem": "RollupsTable ActionsTable IncidentsTable",
        "sns:Publish": "ActionsTopic NotificationsTopic",
    },
)
def event_is_acted_on(harness: Harness) -> None:
    event = harness.report("CRITICAL", "billing")
    for item in event["actions"]:
        expect(item["action"], item["status"], "dispatched")
    harness.expect_statuses(event, **{REPAIR: "dispatched", "notify_admin": "dispatched"})
    expect("the stored notifications", _notification_kinds(harness, event), ["initial"])


@scenario("log-event", {"dynamodb:Query": "IncidentsTable/index/due"})
def event_opens_an_incident_if_its_engine_may(harness: Harness) -> None:
    harness.restart("log-event")  # a running environment knows the number of open incidents for ten seconds
    harness.report("CRITICAL", "qa")


@scenario("log-event", {"dynamodb:Query": "ActionsTable"})
def repeated_event_is_recognised(harness: Harness) -> None:
    key = harness.unique_name()
    event = harness.report("HIGH", "maos", key=key)
    harness.report_again(event, 200, key)


@scenario("log-event", {"dynamodb:BatchGetItem": "EventsTable"})
def stored_events_of_a_batch_are_recognised(harness: Harness) -> None:
    batch = []
    for _ in range(2):  # one alone is not looked up, nor is a LOW one
        key = harness.unique_name()
        event = harness.report("HIGH", "maos", key=key)
        batch.append({name: event[name] for name in ("engine", "eventType", "severity")} | {"idempotencyKey": key})
    results = harness.post("/events", body=batch)["results"]
    expect("the statuses of the stored events", [result["status"] for result in results], [200, 200])


@scenario("log-event", {"dynamodb:GetItem": "EventsTable"})
def lost_answer_to_a_write_is_looked_up(harness: Harness) -> None:
    with harness.faulty_dynamodb("log-event", "TransactWriteItems", times=3) as proxy:
        harness.report("LOW", "qa")
        expect("the number of lost answers", proxy.fault_count, 3)


@scenario("log-event", {"dynamodb:GetItem": "ActionsTable"})
def lost_answer_to_an_update_is_looked_up(harness: Harness) -> None:
    with harness.faulty_dynamodb("log-event", "UpdateItem", times=1) as proxy:
        [item] = harness.report("HIGH", "maos")["actions"]
        expect("the number of lost answers", proxy.fault_count, 1)
    expect(f"the status of {item['action']} in the answer", item["status"], "dispatched")


@scenario("log-event", {"dynamodb:GetItem": "RollupsTable"})
def conflict_on_a_shard_moves_the_event_to_another(harness: Harness) -> None:
    with _conflict_on_the_counter(harness, "log-event"):
        event = harness.report("LOW", "qa")
    expect("whether the first shard counts the event", harness.shard(event) == 0, False)


@scenario(
    "list-events",
    {"dynamodb:GetItem": "EventsTable", "dynamodb:Query": "ActionsTable RollupsTable EventsTable/index/timeline"},
)
def events_are_listed(harness: Harness) -> None:
    event = harness.report("HIGH", "maos")
    harness.get("/events/{}", event["id"])
    listed = harness.get("/events?engine=maos&limit=1")["events"]
    expect("the newest event", [it["id"] for it in listed], [event["id"]])


@scenario("actions", {"dynamodb:Query": "IncidentsTable/index/due"})
def failed_remediation_opens_an_incident_if_its_engine_may(harness: Harness) -> None:
    event = harness.report("HIGH", "billing")
    harness.restart("actions")  # as above
    harness.outcome(event, REPAIR, "failed")
    harness.expect_statuses(event, **{REPAIR: "failed"})


@scenario(
    "actions",
    {
        "dynamodb:GetItem": "EventsTable ActionsTable IncidentsTable",
        "dynamodb:PutItem": "IncidentsTable",
        "dynamodb:Query": "ActionsTable",
        "dynamodb:UpdateItem": "RollupsTable ActionsTable IncidentsTable",
        "sns:Publish": "NotificationsTopic",
    },
)
def failed_remediation_opens_an_incident(harness: Harness) -> None:
    harness.use_up_emails()
    event = harness.report("CRITICAL", "billing")
    harness.allow_emails()
    harness.outcome(event, REPAIR, "failed")
    harness.expect_statuses(event, **{REPAIR: "failed", "notify_admin": "dispatched"})
    expect("the stored notifications", _notification_kinds(harness, event), ["initial"])
    _expect_email_about(harness, event)


@scenario(
    "actions", {"dynamodb:Query": "RollupsTable ActionsTable/index/timeline", "dynamodb:BatchGetItem": "ActionsTable"}
)
def actions_are_listed(harness: Harness) -> None:
    event = harness.report("HIGH", "maos")
    listed = harness.get("/actions?engine=maos&limit=1")["actions"]
    expect("the newest action", [it["eventId"] for it in listed], [event["id"]])


@scenario(
    "incidents",
    {
        "dynamodb:GetItem": "EventsTable IncidentsTable",
        "dynamodb:Query": "ActionsTable RollupsTable IncidentsTable DeliveriesTable EventsTable/index/timeline "
        "IncidentsTable/index/listing",
    },
)
def timeline_of_an_incident(harness: Harness) -> None:
    # The failed remediation of an earlier event opens the incident.
    event = harness.report("HIGH", "deep_agent")
    harness.outcome(event, "DeepAgent_policy_update", "failed")
    later = harness.report_again(event, 201)
    timeline = harness.incident_with_timeline(event)["timeline"]
    shown = [entry["event"]["id"] for entry in timeline if entry["type"] == "event"]
    expect("the events of the timeline", shown, [event["id"], later["id"]])


@scenario("incidents", {"dynamodb:UpdateItem": "ActionsTable IncidentsTable", "dynamodb:PutItem": "IncidentsTable"})
def incident_is_acknowledged(harness: Harness) -> None:
    event = harness.report("CRITICAL", "qa")
    harness.post("/incidents/{}/acknowledge", harness.incident(event)["id"], body={})
    harness.expect_statuses(event, notify_admin="succeeded")


@scenario(
    "generate-report",
    {
        "dynamodb:GetItem": "IncidentsTable",
        "dynamodb:Query": "RollupsTable PoliciesTable IncidentsTable/index/listing",
        "dynamodb:PutItem": "ReportsTable",
    },
)
def report_is_made(harness: Harness) -> None:
    harness.report("CRITICAL", "qa")  # a report reads unresolved incidents
    made = harness.post("/report", status=201)
    expect("whether the report has the policy versions", bool(made.get("policyVersions")), True)


@scenario("list-reports", {"dynamodb:GetItem": "ReportsTable", "dynamodb:Query": "ReportsTable/index/by_generated"})
def reports_are_listed(harness: Harness) -> None:
    made = harness.post("/report", status=201)
    harness.get("/reports/{}", made["id"])
    expect("the newest report", harness.get("/reports?limit=1")["reports"][0]["id"], made["id"])


@scenario("get-stats", {"dynamodb:Query": "RollupsTable ReportsTable/index/by_generated"})
def statistics_are_shown(harness: Harness) -> None:
    harness.get("/stats")


@scenario(
    "dashboard",
    {
        "dynamodb:GetItem": "IncidentsTable",
        "dynamodb:Query": "RollupsTable ActionsTable/index/due IncidentsTable/index/listing",
    },
)
def overview_page_is_shown(harness: Harness) -> None:
    harness.page("/dashboard")


@scenario(
    "dashboard",
    {
        "dynamodb:GetItem": "EventsTable",
        "dynamodb:Query": "ActionsTable IncidentsTable DeliveriesTable EventsTable/index/timeline",
    },
)
def incident_page_is_shown(harness: Harness) -> None:
    # As above: the failed remediation of an earlier event opens the incident.
    event = harness.report("HIGH", "deep_agent")
    harness.outcome(event, "DeepAgent_policy_update", "failed")
    harness.report_again(event, 201)
    page = harness.page(f"/dashboard/incidents/{harness.incident(event)['id']}")
    expect("the number of events on the page", page.count(f"reported {event['eventType']}"), 2)


@scenario("dashboard", {"dynamodb:UpdateItem": "ActionsTable IncidentsTable", "dynamodb:PutItem": "IncidentsTable"})
def incident_is_acknowledged_on_its_page(harness: Harness) -> None:
    event = harness.report("CRITICAL", "qa")
    path = f"/dashboard/incidents/{harness.incident(event)['id']}"
    harness.page(f"{path}/acknowledge", {"csrf": form_field(harness.page(path)), "note": ""})
    harness.expect_statuses(event, notify_admin="succeeded")


@scenario("dashboard", {"dynamodb:Query": "ActionsTable/index/timeline", "dynamodb:BatchGetItem": "ActionsTable"})
def actions_page_is_shown(harness: Harness) -> None:
    event = harness.report("HIGH", "maos")
    expect("whether the page has the action", event["id"] in harness.page("/dashboard/actions?status=all"), True)


@scenario("dashboard", {"dynamodb:GetItem": "ActionsTable"})
def action_is_approved_on_its_page(harness: Harness) -> None:
    event = harness.report("HIGH", "compliance", "permission_")
    page = _decide(harness, event, "approve")
    expect("whether the page shows the approval", "permission_reset approved by" in page, True)


@scenario(
    "dashboard",
    {
        "dynamodb:GetItem": "DecisionsTable",
        "dynamodb:BatchGetItem": "DecisionsTable",
        "dynamodb:UpdateItem": "DecisionsTable",
        "dynamodb:Query": "DecisionsTable/index/listing DecisionsTable/index/due",
    },
)
def operation_is_approved_on_its_page(harness: Harness) -> None:
    operation = harness.unique_name()
    with harness.activated({"guardrails": [_needs_approval(operation)]}):
        for function in ("decide", "dashboard"):
            harness.restart(function)  # a running environment may go on with the earlier version for a minute
        asked = harness.evaluate(operation)["context"]["id"]
        path = f"/dashboard/decisions/{asked}"
        expect("whether the list has the operation", path in harness.page("/dashboard/decisions"), True)
        form = harness.page(path)
        fields = {"csrf": form_field(form), "digest": form_field(form, "digest")}
        harness.page(f"{path}/approve", fields)
        expect("whether the page shows the approval", "approval approved" in harness.page(path), True)


@scenario("dashboard", {"dynamodb:UpdateItem": "RollupsTable IncidentsTable"})
def action_is_denied_on_its_page(harness: Harness) -> None:
    event = harness.report("HIGH", "compliance", "permission_")
    _decide(harness, event, "deny")
    harness.expect_statuses(event, permission_reset="denied")


@scenario(
    "dashboard",
    {
        "dynamodb:GetItem": "ReportsTable",
        "dynamodb:PutItem": "ReportsTable",
        "dynamodb:Query": "ReportsTable/index/by_generated",
    },
)
def report_is_made_on_its_page(harness: Harness) -> None:
    before = _reports(harness)
    harness.page("/dashboard/reports/new", {"csrf": form_field(harness.page("/dashboard/reports"))})
    [made] = _reports(harness) - before
    expect("the title of its page", "<h1>Governance report" in harness.page(made), True)


@scenario("dashboard", {"dynamodb:BatchGetItem": "PoliciesTable", "dynamodb:Query": "PoliciesTable"})
def policy_page_is_shown(harness: Harness) -> None:
    page = harness.page("/dashboard/policy")
    expect("whether the page has the versions", "cannot be read" in page, False)
    path = f"/dashboard/policy/{harness.get('/policies/active')['hash']}"
    expect("whether the version has a page", "<h1>Policy: " in harness.page(path), True)


@scenario("dashboard", {"dynamodb:UpdateItem": "PoliciesTable", "sns:Publish": "SimulationsTopic"})
def simulation_is_started_on_its_page(harness: Harness) -> None:
    path = f"/dashboard/policy/{harness.get('/policies/active')['hash']}"
    harness.page(f"{path}/simulations", {"csrf": form_field(harness.page(path)), "weeks": "1"})


@scenario("dashboard", {"dynamodb:Query": "ChannelsTable", "dynamodb:BatchGetItem": "DeliveriesTable"})
def channels_page_is_shown(harness: Harness) -> None:
    with harness.channel("slack") as name:
        page = harness.page("/dashboard/channels")
        expect("whether the page has the channel", f'"/dashboard/channels/{name}"' in page, True)


@scenario(
    "dashboard",
    {
        "dynamodb:GetItem": "ChannelsTable",
        "dynamodb:UpdateItem": "ChannelsTable",
        "dynamodb:DeleteItem": "ChannelsTable",
        "sns:Publish": "RelayTopic",
    },
)
def channel_is_managed_on_its_page(harness: Harness) -> None:
    path = f"/dashboard/channels/{harness.new_channel('slack')}"
    for change in ("test", "pause", "remove"):
        harness.page(f"{path}/{change}", {"csrf": form_field(harness.page(path))})
    expect("whether the list has the channel", path in harness.page("/dashboard/channels"), False)


@scenario("dashboard", {"dynamodb:PutItem": "IncidentsTable"})
def session_is_ended_on_its_page(harness: Harness) -> None:
    harness.page("/dashboard/sign-out", {"csrf": form_field(harness.page("/dashboard/engines"))})


@scenario("credentials", {"dynamodb:GetItem": "CredentialsTable", "dynamodb:PutItem": "CredentialsTable"})
def credential_is_made(harness: Harness) -> None:
    harness.reader()


@scenario("credentials", {"dynamodb:Query": "CredentialsTable"})
def credentials_are_listed(harness: Harness) -> None:
    harness.get("/credentials")


@scenario(
    "policies",
    {
        "dynamodb:BatchGetItem": "PoliciesTable",
        "dynamodb:Query": "PoliciesTable",
        "dynamodb:PutItem": "PoliciesTable EventsTable",
        "dynamodb:UpdateItem": "PoliciesTable RollupsTable",
    },
)
def policy_version_is_stored_and_activated(harness: Harness) -> None:
    harness.activate_policies()


@scenario(
    "simulate-policy",
    {
        "dynamodb:BatchGetItem": "EventsTable PoliciesTable DecisionsTable",
        "dynamodb:GetItem": "IncidentsTable CredentialsTable",
        "dynamodb:Query": "RollupsTable ActionsTable IncidentsTable EventsTable/index/timeline "
        "IncidentsTable/index/listing DecisionsTable/index/listing",
        "dynamodb:UpdateItem": "PoliciesTable",
    },
)
def simulation_is_run(harness: Harness) -> None:
    _prepare_history(harness)
    expect("the status of the simulation", _simulate(harness)["status"], "succeeded")


@scenario("policies", {"dynamodb:UpdateItem": "PoliciesTable", "sns:Publish": "SimulationsTopic"})
def simulation_is_started(harness: Harness) -> None:
    _simulate(harness)


@scenario(
    "policies",
    {
        "dynamodb:BatchGetItem": "EventsTable DecisionsTable",
        "dynamodb:GetItem": "IncidentsTable",
        "dynamodb:Query": "RollupsTable ActionsTable IncidentsTable EventsTable/index/timeline "
        "IncidentsTable/index/listing DecisionsTable/index/listing",
    },
)
def history_is_exported(harness: Harness) -> None:
    name = _prepare_history(harness)
    history = harness.get(f"/policies/history?from={moment(datetime.now(UTC) - timedelta(hours=1))}")["history"]
    earlier = [event for event in history["earlierEvents"] if event["eventType"] == name]
    expect("the number of earlier events of the alert", len(earlier), 1)


@scenario(
    "decide",
    {"dynamodb:GetItem": "IncidentsTable", "dynamodb:PutItem": "DecisionsTable", "dynamodb:UpdateItem": "RollupsTable"},
)
def operation_is_decided(harness: Harness) -> None:
    time.sleep(1)  # an environment relies on the state of the fleet for a second
    harness.evaluate(harness.unique_name())


@scenario("decide", {"dynamodb:GetItem": "RollupsTable"})
def conflict_on_a_shard_moves_the_count_of_a_decision_to_another(harness: Harness) -> None:
    counted = harness.denied_in_first_shard()
    with _conflict_on_the_counter(harness, "decide"):
        harness.evaluate(harness.unique_name())
    expect("the decisions that the first shard has counted", harness.denied_in_first_shard(), counted)


@scenario(
    "decide",
    {
        "dynamodb:GetItem": "DecisionsTable",
        "dynamodb:BatchGetItem": "DecisionsTable",
        "dynamodb:Query": "DecisionsTable/index/listing",
    },
)
def decisions_are_listed(harness: Harness) -> None:
    decided = harness.evaluate(harness.unique_name())["context"]["id"]
    harness.get("/decisions/{}", decided)
    listed = harness.get("/decisions?engine=billing&limit=1")["decisions"]
    expect("the newest decision", [it["id"] for it in listed], [decided])


@scenario("decide", {"dynamodb:UpdateItem": "DecisionsTable", "dynamodb:ConditionCheckItem": "PoliciesTable"})
def approved_operation_is_allowed(harness: Harness) -> None:
    operation = harness.unique_name()
    with harness.activated({"guardrails": [_needs_approval(operation)]}):
        harness.restart("decide")  # a running environment may go on with the earlier version for a minute
        asked = harness.evaluate(operation)["context"]
        body = {"decision": "approve", "digest": asked["approval"]["digest"]}
        harness.post("/decisions/{}/approval", asked["id"], body=body)
        expect("the decision", harness.evaluate(operation, {"decisionId": asked["id"]})["decision"], True)


@scenario(
    "channels",
    {
        "dynamodb:Query": "ChannelsTable",
        "dynamodb:GetItem": "ChannelsTable",
        "dynamodb:PutItem": "ChannelsTable",
        "dynamodb:UpdateItem": "ChannelsTable",
        "dynamodb:DeleteItem": "ChannelsTable",
        "dynamodb:BatchGetItem": "DeliveriesTable",
        "kms:Encrypt": "ChannelsKey",
        "sns:Publish": "RelayTopic",
    },
)
def channel_is_managed(harness: Harness) -> None:
    with harness.channel("slack") as name:
        harness.post("/channels/{}/test", name, status=202)
        harness.post("/channels/{}/pause", name)


@scenario(
    "relay",
    {
        "dynamodb:Query": "ChannelsTable DeliveriesTable",
        "dynamodb:PutItem": "DeliveriesTable",
        "dynamodb:UpdateItem": "DeliveriesTable",
        "dynamodb:DeleteItem": "DeliveriesTable",
        "kms:Decrypt": "ChannelsKey",
    },
)
def message_is_tried_to_be_delivered(harness: Harness) -> None:
    with harness.channel("slack") as name:
        now = datetime.now(UTC)
        # One of before the channel was created is removed, and one of now goes to a host that does not exist.
        expect("the messages that were not queued", harness.relay(name, now - timedelta(days=1)), [])
        expect("the messages that were not queued", harness.relay(name, now + timedelta(seconds=1)), [])
        latest = harness.get("/channels/{}", name).get("lastDelivery") or {}
        reason = str(latest.get("detail")).partition(" `")[0]
        expect("the result of the delivery", [latest.get("result"), reason], ["failed", "cannot resolve the name"])


@scenario("relay", {"dynamodb:BatchGetItem": "DeliveriesTable", "dynamodb:GetItem": "IncidentsTable"})
def alerts_of_a_pager_are_compared_with_their_incidents(harness: Harness) -> None:
    with harness.channel("pagerduty") as name, harness.open_alert(name):
        harness.relay_what_is_due()


@scenario("first-admin", {"dynamodb:GetItem": "CredentialsTable", "dynamodb:PutItem": "CredentialsTable"})
def first_admin_is_made(harness: Harness) -> None:
    harness.admin()


@scenario(
    "weekly-report",
    {
        "dynamodb:Query": "RollupsTable PoliciesTable IncidentsTable/index/listing",
        "dynamodb:GetItem": "ReportsTable ActionsTable IncidentsTable",
        "dynamodb:PutItem": "ReportsTable ActionsTable",
        "dynamodb:UpdateItem": "ActionsTable",
        "sns:Publish": "ReportsTopic",
    },
)
def weekly_report_is_made_once(harness: Harness) -> None:
    scheduled = datetime.now(UTC) - timedelta(days=400 + next(_weeks))
    with harness.events_at(scheduled - timedelta(days=2)):
        harness.report("CRITICAL", "qa")  # the report reads the unresolved incidents of its week and before
    made = harness.weekly(scheduled)
    report = harness.get("/reports/{}", made["id"])
    expect("whether the report has the policy versions", bool(report.get("policyVersions")), True)
    expect("the week's report when it is asked for again", harness.weekly(scheduled), made)


def _read_policy(function: str, ask: Callable[[Harness], object], harness: Harness) -> None:
    harness.restart(function)  # a running environment caches credentials and the policy
    began = time.time()
    ask(harness)
    # Without the policy, the function goes on with the default one.
    if any("policy cannot be read" in line for line in harness.log(function, began)):
        raise ScenarioError("the active policy cannot be read")


def _authentication(function: str, ask: Callable[[Harness], object]) -> Scenario:
    run = partial(_read_policy, function, ask)
    needs = {"dynamodb:BatchGetItem": "CredentialsTable PoliciesTable"}
    return Scenario(function, "new environment authenticates callers and reads the policy", needs, run)


def _authentication_alone(function: str, ask: Callable[[Harness], object]) -> Scenario:
    run = partial(_read_policy, function, ask)
    return Scenario(function, "new environment authenticates callers", {"dynamodb:GetItem": "CredentialsTable"}, run)


def _policy(function: str, ask: Callable[[Harness], object]) -> Scenario:
    run = partial(_read_policy, function, ask)
    return Scenario(function, "new environment reads the policy", {"dynamodb:BatchGetItem": "PoliciesTable"}, run)


SCENARIOS += [
    _authentication("log-event", lambda harness: harness.report("LOW", "qa")),
    _authentication("list-events", lambda harness: harness.get("/events?limit=1")),
    _authentication("actions", lambda harness: harness.get("/actions?limit=1")),
    _authentication("incidents", lambda harness: harness.get("/incidents?limit=1")),
    _authentication("generate-report", lambda harness: harness.post("/report", status=201)),
    _authentication_alone("list-reports", lambda harness: harness.get("/reports?limit=1")),
    _authentication("get-stats", lambda harness: harness.get("/stats")),
    _authentication("credentials", lambda harness: harness.get("/credentials")),
    _authentication_alone("policies", lambda harness: harness.get("/policies?limit=1")),
    _authentication("decide", lambda harness: harness.get("/decisions?limit=1")),
    _authentication("channels", lambda harness: harness.get("/channels")),
    _authentication("dashboard", lambda harness: harness.page("/dashboard")),
    _policy("sweep", lambda harness: harness.sweep()),
    _policy("weekly-report", lambda harness: harness.weekly(datetime.now(UTC) - timedelta(days=400 + next(_weeks)))),
]


def _prepare_history(harness: Harness) -> str:
    """An incident, a decision, and a resolved alert that began days before. Returns the name of the alert."""
    harness.report("CRITICAL", "billing")
    harness.evaluate(harness.unique_name())
    name, began = harness.unique_name(), datetime.now(UTC) - timedelta(days=5)
    labels = {"engine": "qa", "alertname": name, "severity": "info"}
    alert = {"labels": labels, "startsAt": moment(began), "fingerprint": name}
    for status, at in [("firing", began), ("resolved", datetime.now(UTC))]:
        with harness.events_at(at):
            harness.post("/intake/alertmanager", body={"version": "4", "alerts": [alert | {"status": status}]})
    return name


def _simulate(harness: Harness) -> dict[str, str]:
    """Simulate the active version over the last hours: a number of them that no simulation had before."""
    path, now = f"/policies/{harness.get('/policies/active')['hash']}", datetime.now(UTC)
    period = {"from": moment(now - timedelta(hours=next(_weeks))), "to": moment(now)}
    started = harness.post(f"{path}/simulation", body=period, status=202)
    end = time.monotonic() + SIMULATED_WITHIN_SECONDS
    while time.monotonic() < end:
        job: dict[str, str] = harness.get(f"{path}/simulations/{started['id']}")
        if job["status"] != "running":
            return job
        time.sleep(0.5)
    raise ScenarioError("the simulation does not end")


@contextmanager
def _conflict_on_the_counter(harness: Harness, function: str) -> Iterator[None]:
    """Cancel the function's next transaction, whose second item is a counter."""
    reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    error_body = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "CancellationReasons": reasons,
    }
    with harness.faulty_dynamodb(function, "TransactWriteItems", times=1, error_body=json.dumps(error_body)) as proxy:
        yield
        expect("the number of conflicts", proxy.fault_count, 1)


def _decide(harness: Harness, event: dict[str, str], decision: str) -> str:
    """Approve or deny the event's action. Returns the action's page after that."""
    path = f"/dashboard/events/{event['id']}/actions/permission_reset"
    page = harness.page(path)
    harness.page(f"{path}/{decision}", {"csrf": form_field(page), "digest": form_field(page, "digest")})
    return harness.page(path)


def _reports(harness: Harness) -> set[str]:
    return set(re.findall(r'href="(/dashboard/reports/[0-9a-f-]{36})"', harness.page("/dashboard/reports")))


def _notification_kinds(harness: Harness, event: dict[str, str]) -> list[str]:
    """The kinds of the notifications about the event's incident."""
    timeline = harness.incident_with_timeline(event)["timeline"]
    return [entry["notification"]["kind"] for entry in timeline if entry["type"] == "notification"]


def _needs_approval(operation: str) -> dict[str, Any]:
    """A guardrail by which the operation of this name needs an approval."""
    return {
        "id": operation,
        "verdict": "needs_approval",
        "message": "a responder approves it",
        "match": {"action": {"name": {"equals": operation}}},
    }


def _expect_email_about(harness: Harness, event: dict[str, str]) -> None:
    if f"/dashboard/events/{event['id']}" not in harness.emails(event["eventType"]):
        raise ScenarioError("the e-mail does not link to the event")


def _until_the_weekly_report_is_due() -> int:
    """Nobody looks for the week's report in the first 20 minutes of a Monday."""
    now = datetime.now(UTC)
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(0, int((monday + timedelta(minutes=21) - now).total_seconds()))
