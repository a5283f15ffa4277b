// Checks of a page: accessibility by axe-core, and layout, on a desktop and a phone, light and dark.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { DEVICES, findBrokenWords, findOverflows } from './layout.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
// The combinations of which screenshots are taken.
const SCREENSHOTS = { 'desktop light': 'desktop', 'phone light': 'phone', 'desktop dark': 'dark' };

// Fails if the page at `path` has problems. With `name`, takes its screenshots if AGE_SCREENSHOTS names a folder.
export async function checkPage(page, path, name) {
  const problems = [];
  await page.goto(path);
  for (const [device, size] of Object.entries(DEVICES)) {
    await page.setViewportSize(size);
    const layout = [...(await findOverflows(page)), ...(await findBrokenWords(page))];
    problems.push(...layout.map((problem) => `${device}: ${problem}`));
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await takeScreenshot(page, name, SCREENSHOTS[`${device} ${colorScheme}`]);
      const violations = await findViolations(page);
      problems.push(...violations.map((problem) => `${device}, ${colorScheme}: ${problem}`));
    }
  }
  assert.deepEqual(problems, [], path);
}

// Fails if the page at `path` has problems, for pages that are too long for `checkPage`: axe-core runs once.
export async function checkLongPage(page, path) {
  const problems = [];
  await page.goto(path);
  for (const [device, size] of Object.entries(DEVICES)) {
    await page.setViewportSize(size);
    const layout = [...(await findOverflows(page)), ...(await findBrokenWords(page))];
    problems.push(...layout.map((problem) => `${device}: ${problem}`));
  }
  problems.push(...(await findViolations(page)));
  assert.deepEqual(problems, [], path);
}

// Returns the violations that axe-core finds, one for each element.
export async function findViolations(page) {
  // The content security policy would block a script element.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  const options = { runOnly: TAGS, resultTypes: ['violations'] };
  const { violations } = await page.evaluate((options) => window.axe.run(options), options);
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}

async function takeScreenshot(page, name, kind) {
  const folder = process.env.AGE_SCREENSHOTS;
  if (!folder || !name || !kind) return;
  await page.screenshot({ path: `${folder}/${name}-${kind}.png`, fullPage: true });
}
