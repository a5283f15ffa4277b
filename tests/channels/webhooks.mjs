// The official verifier of Standard Webhooks accepts a signed message, and refuses what differs from it.

import { isDeepStrictEqual } from 'node:util';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { Problems } from './problems.mjs';

const unknownSecret = `whsec_${Buffer.alloc(32, 'unknown').toString('base64')}`;

// How far the clock of a receiver may differ, in seconds.
const tolerance = 300;

// Returns what is wrong with a signed message: `body` and `headers` as they are sent, and the `secrets`, each of which a receiver may know.
export function webhookProblems({ headers, body, secrets }) {
  const problems = new Problems();
  const sentAt = Number(headers['webhook-timestamp']);
  const signed = { secret: secrets[0], headers, body, now: sentAt };
  const accepted = Object.fromEntries([
    ...secrets.map((secret, index) => [`secret ${index}`, { ...signed, secret }]),
    ['a clock that is slow', { ...signed, now: sentAt - tolerance + 1 }],
    ['a clock that is fast', { ...signed, now: sentAt + tolerance - 1 }],
  ]);
  const withHeader = (name, value) => ({ ...signed, headers: { ...headers, [name]: value } });
  const refused = {
    'another body': { ...signed, body: body.replace('{', '{ ') },
    'another id': withHeader('webhook-id', `${headers['webhook-id']}x`),
    'another time': withHeader('webhook-timestamp', String(sentAt + 1)),
    'no signature': withHeader('webhook-signature', ''),
    'an unknown secret': { ...signed, secret: unknownSecret },
    'an old message': { ...signed, now: sentAt + tolerance + 1 },
    'a message from the future': { ...signed, now: sentAt - tolerance - 1 },
  };
  for (const [name, attempt] of Object.entries(accepted)) {
    const verified = verify(attempt);
    const isSame = !verified.error && isDeepStrictEqual(verified.message, JSON.parse(body));
    problems.unless(isSame, `the verifier refuses the message with ${name}: ${verified.error ?? 'another message'}`);
  }
  for (const [name, attempt] of Object.entries(refused)) {
    problems.unless(verify(attempt).error, `the verifier accepts ${name}`);
  }
  const signatures = headers['webhook-signature'].split(' ');
  problems.unless(signatures.length === secrets.length, `${signatures.length} signatures, ${secrets.length} secrets`);
  // The specification joins id and timestamp by a full stop.
  problems.unless(!headers['webhook-id'].includes('.'), 'webhook-id has a full stop');
  return problems.list;
}

// Returns the message as a receiver gets it whose clock shows `now`, in seconds since 1970, or the error of the verifier.
function verify({ secret, headers, body, now }) {
  const clock = Date.now;
  Date.now = () => now * 1000;
  try {
    return { message: new Webhook(secret).verify(Buffer.from(body), headers) };
  } catch (error) {
    if (error instanceof WebhookVerificationError) return { error: error.message };
    throw error;
  } finally {
    Date.now = clock;
  }
}
