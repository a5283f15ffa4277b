// Checks beyond Teams' types of cards: the parser of Adaptive Cards accepts the card, and a webhook its size and actions.

import cards from 'adaptivecards/dist/adaptivecards.js';
import { Problems } from './problems.mjs';

// The latest version that Teams renders: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference
const version = cards.Versions.v1_5;

// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using. It does not name the encoding.
const maxBytes = 28 * 1024;

// Returns what is wrong with the body of a message whose types are right.
export function teamsProblems(body) {
  const [{ content }] = JSON.parse(body).attachments;
  const problems = new Problems();
  for (const encoding of ['utf8', 'utf16le']) {
    const size = Buffer.byteLength(body, encoding);
    problems.unless(size < maxBytes, `the message has ${size} bytes in ${encoding}, not less than ${maxBytes}`);
  }
  for (const event of parserEvents(content)) problems.unless(false, event);
  problems.unless(content.version === version.toString(), `the version is ${content.version}, not ${version}`);
  visit(content, (object) => {
    // The schema of Adaptive Cards requires both, the types do not.
    if (object.type === 'RichTextBlock') problems.unless(object.inlines?.length > 0, 'a RichTextBlock has no inlines');
    if (object.type === 'Container') problems.unless(object.items?.length > 0, 'a Container has no items');
    if (!object.type?.startsWith('Action.')) return;
    // A message of a webhook has no bot that gets the answer of another action.
    problems.unless(object.type === 'Action.OpenUrl', `${object.type} does nothing in a message of a webhook`);
    problems.address('url', object.url ?? '');
  });
  return problems.list;
}

// Returns what the parser of Adaptive Cards says against a card of `version`.
function parserEvents(content) {
  const context = new cards.SerializationContext(version);
  const card = new cards.AdaptiveCard();
  card.parse(content, context);
  const ofParsing = Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index));
  const events = [...ofParsing, ...card.validateProperties().validationEvents];
  return events.map(({ event, message }) => `${cards.ValidationEvent[event]}: ${message}`);
}

// Calls `check` with each object in `json`.
function visit(json, check) {
  if (typeof json !== 'object' || json === null) return;
  if (!Array.isArray(json)) check(json);
  for (const value of Object.values(json)) visit(value, check);
}
