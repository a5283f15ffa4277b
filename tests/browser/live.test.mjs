// What the script adds: pages that refresh themselves, and local times.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call } from './api.mjs';
import { close, desk, launch, openSignedIn } from './browser.mjs';

const browser = await launch();

const report = (eventType) => call('POST', '/event', { engine: 'qa', eventType, severity: 'CRITICAL' }, 201);

// Opens a page whose timers the test controls.
async function openTimed(path) {
  const page = await openSignedIn(browser, desk);
  await page.clock.install();
  await page.goto(path);
  await page.evaluate(() => {
    window.wasKept = true;
  });
  return page;
}

// Lets half a minute pass, and waits for the page's requests.
async function passHalfMinute(page) {
  await page.clock.runFor(30_000);
  await page.waitForLoadState('networkidle');
}

// Whether the page was refreshed without being loaded again.
const wasKept = (page) => page.evaluate(() => window.wasKept);

test('new incident appears on an open page without a reload', async () => {
  const page = await openTimed('/dashboard');
  // A click on a text does not stop refreshes.
  await page.getByRole('heading', { name: 'Overview' }).click();
  await report('suite_lost');
  await passHalfMinute(page);
  await page.getByRole('link', { name: 'QA: suite_lost' }).waitFor();
  assert.ok(await wasKept(page));
  await close(page);
});

test('refresh keeps text that the reader is typing', async () => {
  await report('runner_lost');
  const page = await openTimed('/dashboard/incidents');
  await page.getByRole('link', { name: 'QA: runner_lost' }).click();
  await page.getByRole('heading', { name: 'Timeline' }).waitFor();
  const note = page.getByLabel('Note (optional)').first();
  await note.pressSequentially('I am looking');
  await report('runner_lost');
  await passHalfMinute(page);
  assert.equal(await note.inputValue(), 'I am looking');
  assert.ok(await note.evaluate((element) => element === document.activeElement));
  await page.getByRole('heading', { name: 'Timeline' }).click();
  await passHalfMinute(page);
  assert.equal(await note.inputValue(), 'I am looking', 'the text stays when the field loses the focus');
  assert.equal(await page.getByText('1 event', { exact: true }).count(), 1);

  await note.fill('');
  await page.getByRole('heading', { name: 'Timeline' }).click();
  await passHalfMinute(page);
  await page.getByText('2 events', { exact: true }).waitFor();
  await close(page);
});

test('page that cannot refresh shows a notice', async () => {
  const page = await openTimed('/dashboard');
  await page.context().clearCookies();
  await passHalfMinute(page);
  await page.getByRole('status').getByText('out of date').waitFor();
  await close(page);
});

test('times are local, and the button shows UTC', async () => {
  const page = await openSignedIn(browser, desk, { timezoneId: 'Asia/Kolkata' });
  const time = page.getByText('As of').getByRole('time');
  const [local, moment, utc] = await time.evaluate((element) => [element.textContent, element.dateTime, element.title]);
  assert.match(moment, /^2026-11-23T00:05/);
  assert.match(local, /23 Nov 2026.*05:35/);
  assert.match(utc, /23 Nov 2026, 00:05:00 UTC/);
  await page.getByRole('button', { name: 'Show UTC' }).click();
  assert.equal(await time.textContent(), utc);
  await page.getByText('Times are in UTC.').waitFor();
  await page.getByRole('button', { name: 'Show local time' }).click();
  assert.equal(await time.textContent(), local);
  await close(page);
});
