// A page as axe-core sees it, and how it fits a desk's screen and a phone's: light and dark.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { DEVICES, outside, torn } from './layout.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
// What becomes a picture: dark at the desk only.
const PICTURES = { 'desktop light': 'desktop', 'phone light': 'phone', 'desktop dark': 'dark' };

// Fails for what is wrong with the page at `path`, and draws it under the name `picture` if pictures are asked for.
export async function look(page, path, picture) {
  const wrong = [];
  await page.goto(path);
  for (const [device, size] of Object.entries(DEVICES)) {
    await page.setViewportSize(size);
    const unfit = [...(await outside(page)), ...(await torn(page))];
    wrong.push(...unfit.map((what) => `${device}: ${what}`));
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await draw(page, picture, PICTURES[`${device} ${colorScheme}`]);
      wrong.push(...(await violations(page)).map((what) => `${device}, ${colorScheme}: ${what}`));
    }
  }
  assert.deepEqual(wrong, [], path);
}

// What axe-core finds, an element a line.
export async function violations(page) {
  // Not as a script element, which the content policy refuses.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  const options = { runOnly: TAGS, resultTypes: ['violations'] };
  const { violations } = await page.evaluate((options) => window.axe.run(options), options);
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}

async function draw(page, picture, kind) {
  const folder = process.env.AGE_SCREENSHOTS;
  if (!folder || !picture || !kind) return;
  await page.screenshot({ path: `${folder}/${picture}-${kind}.png`, fullPage: true });
}
