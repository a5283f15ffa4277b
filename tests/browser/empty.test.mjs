// The pages of a new system: every list is empty.

import { test } from 'node:test';
import { close, desk, launch, openSignedIn } from './browser.mjs';
import { checkPage } from './page-checks.mjs';

const browser = await launch();

test('every page of a new system is accessible and fits its screen', async (t) => {
  const page = await openSignedIn(browser, desk);
  for (const section of [
    '',
    '/incidents',
    '/events',
    '/actions',
    '/decisions',
    '/reports',
    '/engines',
    '/engines/hold',
    '/channels',
    '/policy',
    '/policy/versions',
    '/policy/activations',
  ]) {
    await t.test(`/dashboard${section}`, () => checkPage(page, `/dashboard${section}`));
  }
  await close(page);
});
