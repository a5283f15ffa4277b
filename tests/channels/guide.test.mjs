// The receiver in docs/guides/channels.md accepts a signed message, and refuses another.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Webhook } from 'standardwebhooks';
import ts from 'typescript';

const secret = `whsec_${Buffer.alloc(32, 'age').toString('base64')}`;
const body = '{"type": "channel_test",  "text": "ä"}';

// Returns the receiver as JavaScript that listens on `port`.
function receiver(port) {
  const guide = readFileSync(new URL('../../docs/guides/channels.md', import.meta.url), 'utf8');
  const [, example] = guide.match(/```ts\n(.*?)```/s);
  assert.match(example, /listen\(8000, /);
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 };
  return ts.transpileModule(example.replace('listen(8000, ', `listen(${port}, `), { compilerOptions: options })
    .outputText;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// Posts `text` with `headers`, as soon as the receiver listens. Returns the status.
async function post(port, text, headers) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: text });
      return response.status;
    } catch (error) {
      if (attempt === 100) throw error;
      await setTimeout(100);
    }
  }
}

test('the receiver accepts a signed message and refuses a changed one', async () => {
  const port = await freePort();
  // Node resolves the imports of a program that it reads from standard input in its working directory.
  const node = spawn('node', ['--input-type=module', '-'], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: { ...process.env, AGE_WEBHOOK_SECRET: secret },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    node.stdin.end(receiver(port));
    const now = new Date();
    const headers = {
      'content-type': 'application/json',
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': `v1,AAAA ${new Webhook(secret).sign('msg_1', now, body)}`,
    };
    const printed = once(node.stdout, 'data');
    assert.equal(await post(port, body, headers), 204);
    assert.match(String((await printed)[0]), /msg_1 .*channel_test/s);
    assert.equal(await post(port, body.replace('  ', ' '), headers), 401);
    assert.equal(await post(port, body, { ...headers, 'webhook-id': 'msg_2' }), 401);
    assert.equal(await post(port, body, { 'content-type': 'application/json' }), 401);
  } finally {
    node.kill();
  }
});
