// Checks the payloads in a folder: `slack.ndjson`, `teams.ndjson` and `pagerduty.ndjson`, with a body a line, and `webhook.ndjson`, with
// headers, body and secrets a line. Fails if one of them is missing or empty, or a payload is wrong.
//
//   node validate.mjs FOLDER

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { payloadProblems } from './check.mjs';
import { webhookProblems } from './webhooks.mjs';

const shown = 20;

const folder = process.argv[2];

function lines(format) {
  const found = readFileSync(join(folder, `${format}.ndjson`), 'utf8')
    .split('\n')
    .filter(Boolean);
  if (found.length === 0) throw new Error(`${format}.ndjson is empty`);
  return found;
}

const payloads = ['slack', 'teams', 'pagerduty'].flatMap((format) => lines(format).map((body) => ({ format, body })));
const webhooks = lines('webhook');
const ofPayloads = payloadProblems(payloads).flatMap((problems, index) =>
  problems.map((problem) => `${payloads[index].format}: ${problem}\n  ${payloads[index].body}`),
);
const ofWebhooks = webhooks.flatMap((line) =>
  webhookProblems(JSON.parse(line)).map((problem) => `webhook: ${problem}\n  ${line}`),
);
const problems = [...ofPayloads, ...ofWebhooks];
for (const problem of problems.slice(0, shown)) console.error(problem);
if (problems.length > 0) {
  console.error(`${problems.length} problems, of which ${Math.min(shown, problems.length)} are shown`);
  process.exit(1);
}
console.log(`${payloads.length} payloads and ${webhooks.length} signed messages are accepted`);
