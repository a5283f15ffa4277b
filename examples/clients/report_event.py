"""Reports an event, and lists the open incidents of its engine.

The guide "Use a generated client" says how to make age_client.
"""

import os

from age_client import AuthenticatedClient
from age_client.api.events import log_event
from age_client.api.incidents import list_incidents
from age_client.models import Details, EventReport, EventWithActions, IncidentPage, IncidentStatus, Severity
from age_client.types import UNSET, Unset


def connect(token: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=os.environ.get("AGE_API_URL", "http://127.0.0.1:4567"), token=token)


engine = connect(os.environ["AGE_TOKEN_BILLING"])
details = Details.from_dict({"invoice": 4711})
report = EventReport("billing", "invoice_sync_failed", severity=Severity.HIGH, details=details)
# A request that is sent again with the same key is stored once.
event = log_event.sync(client=engine, body=report, idempotency_key="invoice-4711")
if not isinstance(event, EventWithActions):
    raise SystemExit(f"AGE refused the event: {event}")
print(event.id, *(f"{item.action} is {item.status}" for item in event.actions))

reader = connect(os.environ["AGE_ADMIN_TOKEN"])
cursor: str | Unset = UNSET
while True:
    page = list_incidents.sync(client=reader, engine=["billing"], status=[IncidentStatus.OPEN], cursor=cursor)
    if not isinstance(page, IncidentPage):
        raise SystemExit(f"AGE refused the request: {page}")
    for incident in page.incidents:
        print(incident.id, f"{incident.event_count} events")
    if not page.next_cursor:
        break
    cursor = page.next_cursor
