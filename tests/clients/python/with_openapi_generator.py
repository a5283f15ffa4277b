"""Talks to AGE through the Python client of openapi-generator."""

from __future__ import annotations

from typing import assert_type
from uuid import UUID

from age_openapi import ActionsApi, ApiClient, Configuration, EventsApi, IncidentsApi
from age_openapi.exceptions import UnauthorizedException, UnprocessableEntityException
from age_openapi.models.action import Action
from age_openapi.models.action_entry import ActionEntry
from age_openapi.models.action_status import ActionStatus
from age_openapi.models.batched_event import BatchedEvent
from age_openapi.models.event import Event
from age_openapi.models.event_entry import EventEntry
from age_openapi.models.event_report import EventReport
from age_openapi.models.incident_cause import IncidentCause
from age_openapi.models.incident_status import IncidentStatus
from age_openapi.models.opened_entry import OpenedEntry
from age_openapi.models.outcome import Outcome
from age_openapi.models.outcome_report import OutcomeReport
from age_openapi.models.problem import Problem
from age_openapi.models.severity import Severity
from scenario import ADMIN_TOKEN, DETAILS, ENGINE_TOKEN, EVENT_COUNT, EVENT_TYPE, RESERVED, URL


def client(token: str) -> ApiClient:
    return ApiClient(Configuration(host=URL, access_token=token))


def main() -> None:
    engine, admin, stranger = client(ENGINE_TOKEN), client(ADMIN_TOKEN), client("no token")

    report = EventReport(engine="deep_agent", eventType=EVENT_TYPE, severity=Severity.CRITICAL, details=DETAILS)
    created = EventsApi(engine).log_event_with_http_info(report)
    event = created.data
    assert created.status_code == 201, created
    assert_type(event.id, UUID)
    assert_type(event.severity, Severity)
    assert event.details == DETAILS, event

    types = (EVENT_TYPE, EVENT_TYPE, RESERVED)
    batch = EventsApi(engine).log_events(
        [BatchedEvent(engine="deep_agent", eventType=event_type, details=DETAILS) for event_type in types]
    )
    assert [assert_type(result.status, int) for result in batch.results] == [201, 201, 422], batch

    listed: list[Event] = []
    cursor: str | None = None
    while True:
        page = EventsApi(admin).list_events(limit=1, engine=["deep_agent"], event_type=[EVENT_TYPE], cursor=cursor)
        listed.extend(page.events)
        cursor = page.next_cursor
        if not cursor:
            break
    assert len(listed) == EVENT_COUNT, listed

    incidents = (
        IncidentsApi(admin)
        .list_incidents(status=[IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED], limit=200)
        .incidents
    )
    found = next(incident for incident in incidents if incident.event_type == EVENT_TYPE)
    timeline = [entry.actual_instance for entry in IncidentsApi(admin).get_incident(found.id).timeline]
    first = timeline[0]
    assert isinstance(first, EventEntry), first
    assert first.event.details == DETAILS, first
    opened = [entry.cause for entry in timeline if isinstance(entry, OpenedEntry)]
    assert opened == [IncidentCause.CRITICAL_EVENT], opened
    actions = [entry.action.action for entry in timeline if isinstance(entry, ActionEntry)]
    assert Action.DEEP_AGENT_POLICY_UPDATE in actions, actions

    outcome = OutcomeReport(outcome=Outcome.SUCCEEDED, detail="updated")
    done = ActionsApi(engine).report_outcome(event.id, Action.DEEP_AGENT_POLICY_UPDATE, outcome)
    assert_type(done.status, ActionStatus)
    assert done.status == ActionStatus.SUCCEEDED, done

    try:
        EventsApi(stranger).list_events()
    except UnauthorizedException as error:
        assert isinstance(error.data, Problem), error
        assert assert_type(error.data.status, int) == 401, error
    else:
        raise AssertionError("a stranger may list events")

    try:
        EventsApi(engine).log_event(EventReport(engine="deep_agent", eventType=RESERVED))
    except UnprocessableEntityException as error:
        assert isinstance(error.data, Problem), error
        assert error.data.errors, error
        assert error.data.errors[0].pointer == "/eventType", error
    else:
        raise AssertionError(f"{RESERVED} was accepted")


if __name__ == "__main__":
    main()
