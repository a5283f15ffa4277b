// Signing in and acknowledging an incident without a mouse.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, desk, launch, open } from './browser.mjs';

const browser = await launch();

// Presses Tab until `target` has the focus. The focus must be visible at every step.
async function tabTo(page, target) {
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, 'none', `the focus is not visible on ${page.url()}`);
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  assert.fail(`${target} cannot be reached with the Tab key`);
}

test('incident is acknowledged by keyboard', async () => {
  const page = await open(browser);
  await page.goto('/dashboard/incidents');
  await tabTo(page, page.getByLabel('Token'));
  await page.keyboard.type(desk);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Incidents' }).waitFor();

  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.ok(page.url().endsWith('#main'), 'the first stop is the link that skips the navigation');

  await tabTo(page, page.getByRole('link', { name: 'Billing: ledger_sync_outage' }));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Timeline' }).waitFor();
  await tabTo(page, page.getByLabel('Note (optional)').first());
  await page.keyboard.type('by keyboard');
  await tabTo(page, page.getByRole('button', { name: 'Acknowledge' }));
  await page.keyboard.press('Space');
  await page.getByText('● acknowledged').waitFor();
  await close(page);
});
