// AGE's API, as an admin calls it: what others do meanwhile.

import assert from 'node:assert/strict';
import { url } from './browser.mjs';

export async function call(method, path, body, expected) {
  const headers = { authorization: `Bearer ${process.env.AGE_API_TOKEN}` };
  if (body) headers['content-type'] = 'application/json';
  const answer = await fetch(`${url}/api/governance${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.equal(answer.status, expected, `${method} ${path} ${JSON.stringify(body)}: ${text}`);
  return JSON.parse(text);
}
