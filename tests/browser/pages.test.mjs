// Every page as axe-core sees it, and how it fits a desk's screen and a phone's: light and dark.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { desk, launch, leave, open, openSignedIn } from './browser.mjs';
import { DEVICES, outside } from './layout.mjs';
import { empty, others, pictured } from './pages.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
// What becomes a picture: dark at the desk only.
const PICTURES = { 'desktop light': 'desktop', 'phone light': 'phone', 'desktop dark': 'dark' };

const browser = await launch();

// Fails for what is wrong with a page, and draws it if pictures are asked for.
async function look(page, path, picture) {
  await page.goto(path);
  for (const [device, size] of Object.entries(DEVICES)) {
    await page.setViewportSize(size);
    assert.deepEqual(await outside(page), [], `${path} on a ${device}`);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await violations(page), [], `${path}, ${device}, ${colorScheme}`);
      await draw(page, picture, PICTURES[`${device} ${colorScheme}`]);
    }
  }
}

async function draw(page, picture, kind) {
  const folder = process.env.AGE_SCREENSHOTS;
  if (!folder || !picture || !kind) return;
  await page.screenshot({ path: `${folder}/${picture}-${kind}.png`, fullPage: true });
}

// What axe-core finds, an element a line.
async function violations(page) {
  // Not as a script element, which the content policy refuses.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  const options = { runOnly: TAGS, resultTypes: ['violations'] };
  const { violations } = await page.evaluate((options) => window.axe.run(options), options);
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}

const isFilled = Boolean(process.env.AGE_FILLED);

test('every page of a week is accessible and fits', { skip: !isFilled }, async (t) => {
  const page = await openSignedIn(browser, desk);
  const [shown, unshown] = [await pictured(page), await others(page)];
  for (const [name, path] of Object.entries(shown)) await t.test(name, () => look(page, path, name));
  for (const [name, path] of Object.entries(unshown)) await t.test(name, () => look(page, path));
  await leave(page);
});

test('signing in is accessible and fits, refused or not', { skip: !isFilled }, async () => {
  const page = await open(browser);
  await look(page, '/dashboard/sign-in', 'sign-in');
  await page.getByLabel('Token').fill('none');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  assert.deepEqual(await violations(page), []);
  await leave(page);
});

test('every page of a new system is accessible and fits', { skip: isFilled }, async (t) => {
  const page = await openSignedIn(browser, desk);
  for (const [name, path] of Object.entries(empty)) await t.test(name, () => look(page, path));
  await leave(page);
});

test('a printed report is one page', { skip: !isFilled }, async () => {
  const page = await openSignedIn(browser, desk);
  await page.goto((await pictured(page)).report);
  const paper = (await page.pdf({ format: 'A4' })).toString('latin1');
  assert.equal(paper.match(/\/Type\s*\/Page\b/g).length, 1);
  await leave(page);
});
