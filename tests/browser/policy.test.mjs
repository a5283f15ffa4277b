// The pages of a policy at its bounds: 64 engines with long titles, 64 categories, 200 rules.

import { test } from 'node:test';
import { close, desk, launch, openSignedIn } from './browser.mjs';
import { checkLongPage } from './page-checks.mjs';

const { AGE_POLICY_PAGES: paths } = process.env;
const browser = await launch();

test('every page of a large policy is accessible and fits its screen', async (t) => {
  const page = await openSignedIn(browser, desk);
  for (const path of paths.split(' ')) await t.test(path, () => checkLongPage(page, path));
  await close(page);
});
