// The pages of a system that has seen nothing yet.

import { test } from 'node:test';
import { desk, launch, leave, openSignedIn } from './browser.mjs';
import { look } from './look.mjs';

const browser = await launch();

test('every page of a new system is accessible and fits', async (t) => {
  const page = await openSignedIn(browser, desk);
  for (const part of ['', '/incidents', '/events', '/actions', '/reports', '/engines']) {
    await t.test(`/dashboard${part}`, () => look(page, `/dashboard${part}`));
  }
  await leave(page);
});
