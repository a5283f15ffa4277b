// Talks to AGE through openapi-fetch, with the types of openapi-typescript.

import assert from 'node:assert/strict';
import createClient from 'openapi-fetch';
import type { components, paths } from '../generated/openapi_typescript/age.js';
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
  return createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
}

async function main(): Promise<void> {
  const [engine, admin, stranger] = [client(engineToken), client(adminToken), client('no token')];
  const report = { engine: 'deep_agent', eventType, severity: 'CRITICAL', details } as const;

  const created = await engine.POST('/api/governance/event', { body: report });
  assert.equal(created.response.status, 201);
  const event = present(created.data, 'the event');
  sameType<typeof event.id, string>(true);
  sameType<typeof event.severity, Severity>(true);
  sameType<(typeof event.details)[string], unknown>(true);
  assert.deepEqual(event.details, details);

  const low = { engine: 'deep_agent', eventType, details };
  const batch = await engine.POST('/api/governance/events', { body: [low, low, { ...low, eventType: reserved }] });
  const results = present(batch.data, 'the results').results;
  sameType<(typeof results)[number]['status'], 200 | 201 | 400 | 403 | 413 | 422 | 500 | 503>(true);
  assert.deepEqual(
    results.map((result) => result.status),
    [201, 201, 422],
  );

  const listed: components['schemas']['Event'][] = [];
  let cursor: string | undefined;
  do {
    const query = { engine: ['deep_agent'], eventType: [eventType], limit: 1, ...(cursor ? { cursor } : {}) };
    const page = present((await admin.GET('/api/governance/events', { params: { query } })).data, 'a page of events');
    listed.push(...page.events);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  assert.equal(listed.length, eventCount);

  const open = await admin.GET('/api/governance/incidents', {
    params: { query: { status: ['open', 'acknowledged'], limit: 200 } },
  });
  const incident = present(
    open.data?.incidents.find((it) => it.eventType === eventType),
    'the incident',
  );
  const path = { id: incident.id };
  const { timeline } = present((await admin.GET('/api/governance/incidents/{id}', { params: { path } })).data, 'it');
  const first = present(timeline[0], 'the first entry');
  assert(first.type === 'event');
  assert.deepEqual(first.event.details, details);
  assert(timeline.some((entry) => entry.type === 'opened' && entry.cause === 'critical_event'));
  assert(timeline.some((entry) => entry.type === 'action' && entry.action.action === 'DeepAgent_policy_update'));

  const outcome = await engine.POST('/api/governance/events/{id}/actions/{action}/outcome', {
    params: { path: { id: event.id, action: 'DeepAgent_policy_update' } },
    body: { outcome: 'succeeded', detail: 'updated' },
  });
  assert.equal(outcome.data?.status, 'succeeded');

  const unknown = await stranger.GET('/api/governance/events');
  assert.equal(unknown.response.status, 401);
  assert.equal(present(unknown.error, 'the problem').status, 401);

  const refused = await engine.POST('/api/governance/event', { body: { ...report, eventType: reserved } });
  assert.equal(refused.response.status, 422);
  const problem = present(refused.error, 'the problem');
  sameType<typeof problem.detail, string>(true);
  assert.equal(problem.errors?.[0]?.pointer, '/eventType');
}

void main();
