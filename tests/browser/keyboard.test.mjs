// Signing in and taking an incident without a mouse.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desk, launch, leave, open } from './browser.mjs';

const browser = await launch();

// Goes on from one element to the next, each of which shows that it is the one.
async function tabTo(page, target) {
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, 'none', `the focus cannot be seen on ${page.url()}`);
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  assert.fail(`no way to ${target} with the Tab key`);
}

test('an incident is taken with the keyboard alone', async () => {
  const page = await open(browser);
  await page.goto('/dashboard/incidents');
  await tabTo(page, page.getByLabel('Token'));
  await page.keyboard.type(desk);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Incidents' }).waitFor();

  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.ok(page.url().endsWith('#main'), 'the first stop is the way past the navigation');

  await tabTo(page, page.getByRole('link', { name: 'Billing: ledger_sync_outage' }));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'What happened' }).waitFor();
  await tabTo(page, page.getByLabel('Note, if you like').first());
  await page.keyboard.type('by keyboard');
  await tabTo(page, page.getByRole('button', { name: 'Acknowledge' }));
  await page.keyboard.press('Space');
  await page.getByText('● acknowledged').waitFor();
  await leave(page);
});
