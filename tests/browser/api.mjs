// AGE's API, called with an admin's token.

import assert from 'node:assert/strict';
import { url } from './browser.mjs';

export async function call(method, path, body, expected) {
  const headers = { authorization: `Bearer ${process.env.AGE_API_TOKEN}` };
  if (body) headers['content-type'] = 'application/json';
  const response = await fetch(`${url}/api/governance${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  assert.equal(response.status, expected, `${method} ${path} ${JSON.stringify(body)}: ${text}`);
  return JSON.parse(text);
}
