// The pages of a policy at its bounds: 64 engines with long titles, 64 categories, 200 rules.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, desk, launch, openSignedIn } from './browser.mjs';
import { checkPage } from './page-checks.mjs';

const { AGE_POLICY_PAGES: paths } = process.env;
const browser = await launch();

test('every page of a large policy is accessible and fits its screen', async (t) => {
  const page = await openSignedIn(browser, desk);
  for (const path of paths.split(' ')) {
    const name = `policy-at-bounds${path.replace(/[0-9a-f]{64}/, 'version').replaceAll('/', '-')}`;
    await t.test(path, () => checkPage(page, path, name));
  }
  await close(page);
});

test('folded parts of a large policy fit the screen as well', async () => {
  const page = await openSignedIn(browser, desk);
  await page.goto(paths.split(' ')[0]);
  await page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
  assert.equal(await page.locator('details:not([open])').count(), 0);
  await close(page);
});
