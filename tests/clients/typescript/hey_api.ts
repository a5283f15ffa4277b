// Talks to AGE through the client of @hey-api/openapi-ts.

import assert from 'node:assert/strict';
import type { Event } from '../generated/hey_api';
import { getIncident, listEvents, listIncidents, logEvent, logEvents, reportOutcome } from '../generated/hey_api';
import { createClient } from '../generated/hey_api/client';
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
  url,
} from './scenario.js';

function client(token: string) {
  return createClient({ baseUrl: url, auth: token });
}

async function main(): Promise<void> {
  const [engine, admin, stranger] = [client(engineToken), client(adminToken), client('no token')];
  const report = { engine: 'deep_agent', eventType, severity: 'CRITICAL', details } as const;

  const created = await logEvent({ client: engine, body: report });
  assert.equal(created.response?.status, 201);
  const event = present(created.data, 'the event');
  sameType<typeof event.id, string>(true);
  sameType<typeof event.severity, Severity>(true);
  sameType<(typeof event.details)[string], unknown>(true);
  assert.deepEqual(event.details, details);

  const low = { engine: 'deep_agent', eventType, details };
  const batch = await logEvents({ client: engine, body: [low, low, { ...low, eventType: reserved }] });
  const results = present(batch.data, 'the results').results;
  sameType<(typeof results)[number]['status'], 200 | 201 | 400 | 403 | 413 | 422 | 500 | 503>(true);
  assert.deepEqual(
    results.map((result) => result.status),
    [201, 201, 422],
  );

  const listed: Event[] = [];
  let cursor: string | undefined;
  do {
    const query = { engine: ['deep_agent'], eventType: [eventType], limit: 1, ...(cursor ? { cursor } : {}) };
    const page = present((await listEvents({ client: admin, query })).data, 'a page of events');
    listed.push(...page.events);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  assert.equal(listed.length, eventCount);

  const open = await listIncidents({ client: admin, query: { status: ['open', 'acknowledged'], limit: 200 } });
  const incident = present(
    open.data?.incidents.find((it) => it.eventType === eventType),
    'the incident',
  );
  const { timeline } = present((await getIncident({ client: admin, path: { id: incident.id } })).data, 'it');
  const first = present(timeline[0], 'the first entry');
  assert(first.type === 'event');
  assert.deepEqual(first.event.details, details);
  assert(timeline.some((entry) => entry.type === 'opened' && entry.cause === 'critical_event'));
  assert(timeline.some((entry) => entry.type === 'action' && entry.action.action === 'DeepAgent_policy_update'));

  const outcome = await reportOutcome({
    client: engine,
    path: { id: event.id, action: 'DeepAgent_policy_update' },
    body: { outcome: 'succeeded', detail: 'updated' },
  });
  assert.equal(outcome.data?.status, 'succeeded');

  const unknown = await listEvents({ client: stranger });
  assert.equal(unknown.response?.status, 401);
  assert.equal(present(unknown.error, 'the problem').status, 401);

  const refused = await logEvent({ client: engine, body: { ...report, eventType: reserved } });
  assert.equal(refused.response?.status, 422);
  const problem = present(refused.error, 'the problem');
  sameType<typeof problem.detail, string>(true);
  assert.equal('errors' in problem && problem.errors?.[0]?.pointer, '/eventType');
}

void main();
