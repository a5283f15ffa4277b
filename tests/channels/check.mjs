// Checks payloads of channels.

import { pagerdutyProblems } from './pagerduty.mjs';
import { slackProblems } from './slack.mjs';
import { teamsProblems } from './teams.mjs';
import { typeErrors } from './type-check.mjs';

const limits = { slack: slackProblems, teams: teamsProblems, pagerduty: pagerdutyProblems };

// Returns the problems of each of `payloads`, which have a format, `slack`, `teams` or `pagerduty`, and a body as it is sent. A payload
// whose types are wrong has no other problems.
export function payloadProblems(payloads) {
  const errors = typeErrors(payloads);
  return payloads.map(({ format, body }, index) => (errors[index].length > 0 ? errors[index] : limits[format](body)));
}
