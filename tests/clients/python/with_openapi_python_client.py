"""Talks to AGE through the client of openapi-python-client."""

from __future__ import annotations

from typing import assert_type
from uuid import UUID

from age_client import AuthenticatedClient
from age_client.api.actions import report_outcome
from age_client.api.events import list_events, log_event, log_events
from age_client.api.incidents import get_incident, list_incidents
from age_client.models import (
    Action,
    ActionEntry,
    ActionItem,
    ActionStatus,
    BatchedEvent,
    Details,
    Event,
    EventEntry,
    EventPage,
    EventReport,
    EventResults,
    EventResultStatus,
    EventWithActions,
    IncidentCause,
    IncidentPage,
    IncidentStatus,
    IncidentWithTimeline,
    OpenedEntry,
    Outcome,
    OutcomeReport,
    Problem,
    Severity,
)
from age_client.types import UNSET, Unset
from scenario import ADMIN_TOKEN, DETAILS, ENGINE_TOKEN, EVENT_COUNT, EVENT_TYPE, RESERVED, URL


def client(token: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=URL, token=token)


def main() -> None:
    engine, admin, stranger = client(ENGINE_TOKEN), client(ADMIN_TOKEN), client("no token")
    details = Details.from_dict(DETAILS)

    report = EventReport("deep_agent", EVENT_TYPE, details=details, severity=Severity.CRITICAL)
    created = log_event.sync_detailed(client=engine, body=report)
    event = created.parsed
    assert created.status_code == 201, created
    assert isinstance(event, EventWithActions), event
    assert_type(event.id, UUID)
    assert_type(event.severity, Severity)
    assert event.details.to_dict() == DETAILS, event

    low = [BatchedEvent("deep_agent", event_type, details=details) for event_type in (EVENT_TYPE, EVENT_TYPE, RESERVED)]
    batch = log_events.sync(client=engine, body=low)
    assert isinstance(batch, EventResults), batch
    assert [assert_type(result.status, EventResultStatus) for result in batch.results] == [201, 201, 422], batch

    listed: list[Event] = []
    cursor: str | Unset = UNSET
    while True:
        page = list_events.sync(client=admin, engine=["deep_agent"], event_type=[EVENT_TYPE], limit=1, cursor=cursor)
        assert isinstance(page, EventPage), page
        listed.extend(page.events)
        if not page.next_cursor:
            break
        cursor = page.next_cursor
    assert len(listed) == EVENT_COUNT, listed

    incidents = list_incidents.sync(client=admin, status=[IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED], limit=200)
    assert isinstance(incidents, IncidentPage), incidents
    found = next(incident for incident in incidents.incidents if incident.event_type == EVENT_TYPE)
    incident = get_incident.sync(found.id, client=admin)
    assert isinstance(incident, IncidentWithTimeline), incident
    first = incident.timeline[0]
    assert isinstance(first, EventEntry), first
    assert first.event.details.to_dict() == DETAILS, first
    opened = [entry.cause for entry in incident.timeline if isinstance(entry, OpenedEntry)]
    assert opened == [IncidentCause.CRITICAL_EVENT], opened
    actions = [entry.action.action for entry in incident.timeline if isinstance(entry, ActionEntry)]
    assert Action.DEEPAGENT_POLICY_UPDATE in actions, actions

    outcome = OutcomeReport(Outcome.SUCCEEDED, detail="updated")
    done = report_outcome.sync(event.id, Action.DEEPAGENT_POLICY_UPDATE, client=engine, body=outcome)
    assert isinstance(done, ActionItem), done
    assert done.status is ActionStatus.SUCCEEDED, done

    unknown = list_events.sync_detailed(client=stranger)
    assert unknown.status_code == 401, unknown
    assert isinstance(unknown.parsed, Problem), unknown
    assert assert_type(unknown.parsed.status, int) == 401, unknown

    refused = log_event.sync(client=engine, body=EventReport("deep_agent", RESERVED))
    assert isinstance(refused, Problem), refused
    assert_type(refused.detail, str)
    assert refused.errors, refused
    assert refused.errors[0].pointer == "/eventType", refused


if __name__ == "__main__":
    main()
