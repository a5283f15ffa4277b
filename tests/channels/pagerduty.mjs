// The limits of PagerDuty's Events API v2, which the types of its client do not have.
//
// https://developer.pagerduty.com/docs/events-api-v2-overview and https://developer.pagerduty.com/docs/events-api-v2-trigger-events

import { Problems } from './problems.mjs';

const maxBytes = 512 * 1024;

// Returns what is wrong with the body of an event whose types are right.
export function pagerdutyProblems(body) {
  const event = JSON.parse(body);
  const { payload, links = [] } = event;
  const problems = new Problems();
  const size = Buffer.byteLength(body);
  problems.unless(size < maxBytes, `the event has ${size} bytes, not less than ${maxBytes}`);
  problems.unless(/^[0-9a-z]{32}$/i.test(event.routing_key), 'routing_key has not 32 letters and digits');
  // Without a key PagerDuty makes one up, and no later event finds the alert.
  problems.length('dedup_key', event.dedup_key ?? '', 255);
  problems.length('payload.summary', payload.summary, 1024);
  for (const name of ['source', 'component', 'group', 'class']) {
    problems.unless(payload[name] !== '', `payload.${name} is empty`);
  }
  const time = payload.timestamp;
  const isTime = time === undefined || (/^\d{4}-\d\d-\d\dT/.test(time) && !Number.isNaN(Date.parse(time)));
  problems.unless(isTime, `payload.timestamp is not in ISO 8601: ${time}`);
  for (const link of links) {
    problems.address('links.href', link.href);
    problems.unless(link.text !== '', 'links.text is empty');
  }
  if (event.client_url !== undefined) problems.address('client_url', event.client_url);
  return problems.list;
}
