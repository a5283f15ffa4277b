// The limits of messages for Slack, which its types do not have. Each source is below https://docs.slack.dev/reference/block-kit/.

import { Problems } from './problems.mjs';

// Returns what is wrong with the body of a message whose types are right.
export function slackProblems(body) {
  const message = JSON.parse(body);
  const problems = new Problems();
  // https://docs.slack.dev/reference/methods/chat.postMessage: longer texts are not recommended.
  problems.length('text', message.text, 4000);
  // https://docs.slack.dev/messaging/formatting-message-text: the only characters that are escaped.
  const unescaped = message.text.replace(/&(amp|lt|gt);/g, '').match(/[&<>]/);
  problems.unless(!unescaped, `text is not escaped: ${unescaped}`);
  // blocks
  problems.count('blocks', message.blocks, 50);
  message.blocks.forEach((block, index) => {
    checkBlock(problems, `block ${index}`, block);
  });
  return problems.list;
}

const checks = {
  // blocks/header-block
  header: (problems, name, { text }) => problems.length(name, text.text, 150),
  // blocks/section-block
  section(problems, name, { text, fields, accessory }) {
    problems.unless(text || fields, `${name} has neither text nor fields`);
    if (text) problems.length(name, text.text, 3000);
    if (fields) problems.count(`${name}, fields`, fields, 10);
    for (const field of fields ?? []) problems.length(`${name}, field`, field.text, 2000);
    if (accessory) checkButton(problems, `${name}, accessory`, accessory);
  },
  // blocks/actions-block
  actions(problems, name, { elements }) {
    problems.count(name, elements, 25);
    for (const element of elements) checkButton(problems, `${name}, element`, element);
  },
  // blocks/context-block and composition-objects/text-object
  context(problems, name, { elements }) {
    problems.count(name, elements, 10);
    for (const element of elements) problems.length(`${name}, element`, element.text, 3000);
  },
};

function checkBlock(problems, name, block) {
  const check = checks[block.type];
  problems.unless(check, `${name} is a ${block.type}, whose limits are not checked`);
  check?.(problems, `${name}, ${block.type}`, block);
}

// block-elements/button-element
function checkButton(problems, name, { type, text, url }) {
  problems.unless(type === 'button' && url, `${name} is no button with an address`);
  problems.length(`${name}, text`, text?.text ?? '', 75);
  problems.length(`${name}, url`, url ?? '', 3000);
  problems.address(`${name}, url`, url ?? '');
}
