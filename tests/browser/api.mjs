// AGE's API, called with an admin's token, and asked by an engine whether an operation may run.

import assert from 'node:assert/strict';
import { url } from './browser.mjs';

export async function ask(operation) {
  const headers = { authorization: `Bearer ${process.env.AGE_ENGINE_TOKEN}`, 'content-type': 'application/json' };
  const body = JSON.stringify(operation);
  const response = await fetch(`${url}/access/v1/evaluation`, { method: 'POST', headers, body });
  const text = await response.text();
  assert.equal(response.status, 200, `${body}: ${text}`);
  return JSON.parse(text);
}

export async function call(method, path, body, expected) {
  const headers = { authorization: `Bearer ${process.env.AGE_API_TOKEN}` };
  if (body) headers['content-type'] = 'application/json';
  const response = await fetch(`${url}/api/governance${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  assert.equal(response.status, expected, `${method} ${path} ${JSON.stringify(body)}: ${text}`);
  return JSON.parse(text);
}
