// The checks accept payloads as channels get them, and refuse each that is wrong in one place.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { payloadProblems } from './check.mjs';
import { webhookProblems } from './webhooks.mjs';

const url = 'https://age.example/dashboard/incidents/x';
const plain = (text) => ({ type: 'plain_text', text, emoji: false });
const button = (text) => ({ type: 'button', text: plain(text), url });
const run = (text) => ({ type: 'TextRun', text });
const openUrl = { type: 'Action.OpenUrl', title: 'Open incident', url };

const right = {
  slack: () => ({
    text: 'opened: CRITICAL billing: a &amp; b',
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: plain('CRITICAL billing: a & b') },
      { type: 'section', text: plain('opened'), accessory: button('Open incident') },
      { type: 'section', fields: [plain('Engine\nbilling')] },
      { type: 'actions', elements: [button('Open incident')] },
      { type: 'context', elements: [plain('AGE')] },
    ],
  }),
  teams: () => ({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.5',
          msteams: { width: 'Full' },
          body: [
            {
              type: 'RichTextBlock',
              spacing: 'None',
              inlines: [{ ...run('CRITICAL'), size: 'Large', color: 'Attention' }],
            },
            { type: 'RichTextBlock', inlines: [{ ...run('opened'), selectAction: openUrl }] },
            { type: 'Container', style: 'emphasis', items: [{ type: 'RichTextBlock', inlines: [run('> x')] }] },
          ],
          actions: [openUrl],
        },
      },
    ],
  }),
  pagerduty: () => ({
    routing_key: '0123456789abcdef0123456789ABCDEF',
    event_action: 'trigger',
    dedup_key: 'age/x',
    payload: {
      summary: 'CRITICAL billing: x',
      source: 'billing',
      severity: 'critical',
      timestamp: '2026-11-23T00:05:00.000Z',
      component: 'billing',
      group: 'AGE',
      class: 'x',
      custom_details: { State: 'opened' },
    },
    links: [{ href: url, text: 'Open incident' }],
    client: 'AGE',
    client_url: url,
  }),
};

const card = (message) => message.attachments[0].content;

// How a payload is wrong, by a change of a right one. A function that takes the payload apart may return another.
const wrong = {
  slack: {
    'a header of 151 characters': (it) => (it.blocks[0].text.text = 'x'.repeat(151)),
    'a header of Markdown': (it) => (it.blocks[0].text.type = 'mrkdwn'),
    '51 blocks': (it) => (it.blocks = Array(51).fill(it.blocks[0])),
    'no blocks': (it) => (it.blocks = []),
    'an unknown block': (it) => (it.blocks[0].type = 'headline'),
    'a block without checks': (it) => it.blocks.push({ type: 'divider' }),
    'an unknown field': (it) => (it.blocks[0].color = 'red'),
    'a text object with an unknown field': (it) => (it.blocks[1].text.emojis = true),
    'an empty section': (it) => (it.blocks[1].text.text = ''),
    'a section without text': (it) => (it.blocks[1] = { type: 'section' }),
    'a section of 3,001 characters': (it) => (it.blocks[1].text.text = 'x'.repeat(3001)),
    'a section of 1,501 emoji': (it) => (it.blocks[1].text.text = '😀'.repeat(1501)),
    '11 fields': (it) => (it.blocks[2].fields = Array(11).fill(plain('x'))),
    'a field of 2,001 characters': (it) => (it.blocks[2].fields = [plain('x'.repeat(2001))]),
    '26 buttons': (it) => (it.blocks[3].elements = Array(26).fill(button('x'))),
    'a button of 76 characters': (it) => (it.blocks[3].elements = [button('x'.repeat(76))]),
    'a button with a path': (it) => (it.blocks[3].elements[0].url = '/dashboard'),
    'a button with a script': (it) => (it.blocks[1].accessory.url = 'javascript:alert(1)'),
    'a button with 3,001 characters of address': (it) => (it.blocks[3].elements[0].url = url.padEnd(3001, 'x')),
    '11 elements of context': (it) => (it.blocks[4].elements = Array(11).fill(plain('x'))),
    'no fallback': (it) => delete it.text,
    'an empty fallback': (it) => (it.text = ''),
    'a fallback of 4,001 characters': (it) => (it.text = 'x'.repeat(4001)),
    'a fallback with a mention': (it) => (it.text = '<!channel>'),
    'a fallback with a lone ampersand': (it) => (it.text = 'a & b'),
  },
  teams: {
    'a card of version 9.9': (it) => (card(it).version = '9.9'),
    'a card of version 1.6': (it) => (card(it).version = '1.6'),
    'a card without version': (it) => delete card(it).version,
    'a card of another type': (it) => (card(it).type = 'MessageCard'),
    'two cards': (it) => it.attachments.push(it.attachments[0]),
    'another type of content': (it) => (it.attachments[0].contentType = 'application/json'),
    'an unknown element': (it) => (card(it).body[0].type = 'RichText'),
    'an unknown inline': (it) => (card(it).body[0].inlines[0].type = 'Text'),
    'an unknown property': (it) => (card(it).body[0].colour = 'Good'),
    'an unknown color': (it) => (card(it).body[0].inlines[0].color = 'Red'),
    'a text that is a number': (it) => (card(it).body[0].inlines[0].text = 7),
    'a run without text': (it) => delete card(it).body[0].inlines[0].text,
    'a block without inlines': (it) => delete card(it).body[0].inlines,
    'a container without items': (it) => (card(it).body[2].items = []),
    'an element of a later version': (it) => card(it).body.push({ type: 'Carousel', pages: [] }),
    'six buttons': (it) => (card(it).actions = Array(6).fill(openUrl)),
    'a button without address': (it) => (card(it).actions = [{ type: 'Action.OpenUrl', title: 'x' }]),
    'a button with a path': (it) => (card(it).actions = [{ ...openUrl, url: '/dashboard' }]),
    'a button that submits': (it) => (card(it).actions = [{ type: 'Action.Submit', title: 'x' }]),
    '28 KB': (it) => card(it).body.push({ type: 'RichTextBlock', inlines: [run('x'.repeat(28 * 1024))] }),
    '28 KB in UTF-16': (it) => card(it).body.push({ type: 'RichTextBlock', inlines: [run('x'.repeat(14 * 1024))] }),
  },
  pagerduty: {
    'no dedup_key': (it) => delete it.dedup_key,
    'a dedup_key of 256 characters': (it) => (it.dedup_key = 'x'.repeat(256)),
    'a routing_key of 31 characters': (it) => (it.routing_key = 'x'.repeat(31)),
    'an unknown action': (it) => (it.event_action = 'open'),
    'an unknown severity': (it) => (it.payload.severity = 'high'),
    'an unknown field': (it) => (it.payload.details = {}),
    'no summary': (it) => delete it.payload.summary,
    'an empty summary': (it) => (it.payload.summary = ''),
    'a summary of 1,025 characters': (it) => (it.payload.summary = 'x'.repeat(1025)),
    'an empty source': (it) => (it.payload.source = ''),
    'a time that is none': (it) => (it.payload.timestamp = 'Monday'),
    'details that are a text': (it) => (it.payload.custom_details = 'x'),
    'a link without address': (it) => (it.links = [{ text: 'x' }]),
    'a link with a path': (it) => (it.links[0].href = '/dashboard'),
    'a client with a script': (it) => (it.client_url = 'javascript:alert(1)'),
    '512 KB': (it) => (it.payload.custom_details = { x: 'x'.repeat(512 * 1024) }),
  },
};

// All payloads are checked at once, because the types compile once.
const cases = Object.entries(right).flatMap(([format, base]) => {
  const changes = [['a right payload', () => {}], ...Object.entries(wrong[format])];
  return changes.map(([name, change]) => {
    const message = base();
    change(message);
    return { name: `${format}: ${name}`, isRight: name === 'a right payload', format, body: JSON.stringify(message) };
  });
});
const found = payloadProblems(cases);
for (const [index, { name, isRight }] of cases.entries()) {
  test(name, () => {
    if (isRight) assert.deepEqual(found[index], []);
    else assert.equal(found[index].length > 0, true, 'the checks accept it');
  });
}

const keys = ['age', 'age, the second'].map((text) => Buffer.alloc(32, text));
const secrets = keys.map((key) => `whsec_${key.toString('base64')}`);

// Returns a message that is signed with `keys`.
function signed(id, keys) {
  const [body, time] = ['{"type":"channel_test"}', '1795392300'];
  const signature = (key) => `v1,${createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64')}`;
  const signatures = keys.map(signature).join(' ');
  return { headers: { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures }, body, secrets };
}

test('webhook: a right message', () => assert.deepEqual(webhookProblems(signed('msg_1', keys)), []));

const wrongWebhooks = {
  'one signature for two secrets': signed('msg_1', keys.slice(0, 1)),
  'the same signature twice': signed('msg_1', [keys[0], keys[0]]),
  'an id with a full stop': signed('msg.1', keys),
  'a body that was changed': { ...signed('msg_1', keys), body: '{"type":"report"}' },
  'an id of another message': {
    ...signed('msg_1', keys),
    headers: { ...signed('msg_1', keys).headers, 'webhook-id': 'x' },
  },
  'a secret that is known': {
    ...signed('msg_1', keys),
    secrets: [secrets[0], `whsec_${Buffer.alloc(32, 'x').toString('base64')}`],
  },
};
for (const [name, message] of Object.entries(wrongWebhooks)) {
  test(`webhook: ${name}`, () => assert.equal(webhookProblems(message).length > 0, true, 'the checks accept it'));
}
