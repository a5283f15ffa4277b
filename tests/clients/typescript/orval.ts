// Talks to AGE through orval's client, with its `fetch`.

import assert from 'node:assert/strict';
import type { Event } from '../generated/orval/age.js';
import { getIncident, listEvents, listIncidents, logEvent, logEvents, reportOutcome } from '../generated/orval/age.js';
import {
  adminToken,
  details,
  engineToken,
  eventCount,
  eventType,
  present,
  reserved,
  type Severity,
  sameType,
} from './scenario.js';

function caller(token: string) {
  return { headers: { Authorization: `Bearer ${token}` } };
}

async function main(): Promise<void> {
  const [engine, admin, stranger] = [caller(engineToken), caller(adminToken), caller('no token')];
  const report = { engine: 'deep_agent', eventType, severity: 'CRITICAL', details } as const;

  const created = await logEvent(report, engine);
  assert(created.status === 201);
  const event = created.data;
  sameType<typeof event.id, string>(true);
  sameType<typeof event.severity, Severity>(true);
  sameType<(typeof event.details)[string], unknown>(true);
  assert.deepEqual(event.details, details);

  const low = { engine: 'deep_agent', eventType, details };
  const batch = await logEvents([low, low, { ...low, eventType: reserved }], engine);
  assert(batch.status === 200);
  sameType<(typeof batch.data.results)[number]['status'], 200 | 201 | 400 | 403 | 413 | 422 | 500 | 503>(true);
  assert.deepEqual(
    batch.data.results.map((result) => result.status),
    [201, 201, 422],
  );

  const listed: Event[] = [];
  let cursor: string | undefined;
  do {
    const query = { engine: ['deep_agent'], eventType: [eventType], limit: 1, ...(cursor ? { cursor } : {}) };
    const page = await listEvents(query, admin);
    assert(page.status === 200);
    listed.push(...page.data.events);
    cursor = page.data.nextCursor ?? undefined;
  } while (cursor);
  assert.equal(listed.length, eventCount);

  const open = await listIncidents({ status: ['open', 'acknowledged'], limit: 200 }, admin);
  assert(open.status === 200);
  const incident = present(
    open.data.incidents.find((it) => it.eventType === eventType),
    'the incident',
  );
  const shown = await getIncident(incident.id, admin);
  assert(shown.status === 200);
  const { timeline } = shown.data;
  const first = present(timeline[0], 'the first entry');
  assert(first.type === 'event');
  assert.deepEqual(first.event.details, details);
  assert(timeline.some((entry) => entry.type === 'opened' && entry.cause === 'critical_event'));
  assert(timeline.some((entry) => entry.type === 'action' && entry.action.action === 'DeepAgent_policy_update'));

  const done = { outcome: 'succeeded', detail: 'updated' } as const;
  const outcome = await reportOutcome(event.id, 'DeepAgent_policy_update', done, engine);
  assert(outcome.status === 200);
  assert.equal(outcome.data.status, 'succeeded');

  const unknown = await listEvents({}, stranger);
  assert(unknown.status === 401);
  assert.equal(unknown.data.status, 401);

  const refused = await logEvent({ ...report, eventType: reserved }, engine);
  assert(refused.status === 422);
  sameType<typeof refused.data.detail, string>(true);
  assert.equal(refused.data.errors?.[0]?.pointer, '/eventType');
}

void main();
