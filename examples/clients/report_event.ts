// Reports an event, and lists the open incidents of its engine: the guide "Use a generated client" says how to make ./age.d.ts.

import createClient from 'openapi-fetch';
import type { paths } from './age.js';

function connect(token: string | undefined) {
  const baseUrl = process.env.AGE_API_URL ?? 'http://127.0.0.1:4567';
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
}

async function main(): Promise<void> {
  const engine = connect(process.env.AGE_TOKEN_BILLING);
  const { data: event, error: problem } = await engine.POST('/api/governance/event', {
    // A request that is sent again with the same key is stored once.
    params: { header: { 'Idempotency-Key': 'invoice-4711' } },
    body: { engine: 'billing', eventType: 'invoice_sync_failed', severity: 'HIGH', details: { invoice: 4711 } },
  });
  if (!event) throw new Error(`${problem?.title}: ${problem?.detail}`);
  console.log(event.id, ...event.actions.map(({ action, status }) => `${action} is ${status}`));

  const reader = connect(process.env.AGE_ADMIN_TOKEN);
  let cursor: string | null | undefined;
  do {
    const query = { engine: ['billing'], status: ['open' as const], ...(cursor && { cursor }) };
    const { data: page, error } = await reader.GET('/api/governance/incidents', { params: { query } });
    if (!page) throw new Error(`${error?.title}: ${error?.detail}`);
    for (const incident of page.incidents) console.log(incident.id, `${incident.eventCount} events`);
    cursor = page.nextCursor;
  } while (cursor);
}

void main();
