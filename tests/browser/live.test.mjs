// What the script adds: a page that keeps up by itself, and times in the reader's zone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call } from './api.mjs';
import { desk, launch, leave, openSignedIn } from './browser.mjs';

const browser = await launch();

const report = (eventType) => call('POST', '/event', { engine: 'qa', eventType, severity: 'CRITICAL' }, 201);

// A page whose own time goes by when the test says so.
async function openTimed(path) {
  const page = await openSignedIn(browser, desk);
  await page.clock.install();
  await page.goto(path);
  await page.evaluate(() => {
    window.isTheSame = true;
  });
  return page;
}

// Half a minute; what the page asks for meanwhile is there at its end.
async function wait(page) {
  await page.clock.runFor(30_000);
  await page.waitForLoadState('networkidle');
}

const isTheSame = (page) => page.evaluate(() => window.isTheSame);

test('a new incident appears on an open page, which is not loaded anew', async () => {
  const page = await openTimed('/dashboard');
  // A click on what cannot be clicked is no reason to stop.
  await page.getByRole('heading', { name: 'Overview' }).click();
  await report('suite_lost');
  await wait(page);
  await page.getByRole('link', { name: 'QA: suite_lost' }).waitFor();
  assert.ok(await isTheSame(page));
  await leave(page);
});

test('what somebody is writing is never lost', async () => {
  await report('gate_lost');
  const page = await openTimed('/dashboard/incidents');
  await page.getByRole('link', { name: 'QA: gate_lost' }).click();
  await page.getByRole('heading', { name: 'What happened' }).waitFor();
  const note = page.getByLabel('Note, if you like').first();
  await note.pressSequentially('I am looking');
  await report('gate_lost');
  await wait(page);
  assert.equal(await note.inputValue(), 'I am looking');
  assert.ok(await note.evaluate((element) => element === document.activeElement));
  await page.getByRole('heading', { name: 'What happened' }).click();
  await wait(page);
  assert.equal(await note.inputValue(), 'I am looking', 'though it is left for a while');
  assert.equal(await page.getByText('1 event', { exact: true }).count(), 1);

  await note.fill('');
  await page.getByRole('heading', { name: 'What happened' }).click();
  await wait(page);
  await page.getByText('2 events', { exact: true }).waitFor();
  await leave(page);
});

test('a page that cannot keep up says so', async () => {
  const page = await openTimed('/dashboard');
  await page.context().clearCookies();
  await wait(page);
  await page.getByRole('status').getByText('no longer up to date').waitFor();
  await leave(page);
});

test('times are those of the reader, and UTC is at hand', async () => {
  const page = await openSignedIn(browser, desk, { timezoneId: 'Asia/Kolkata' });
  const time = page.getByText('As of').getByRole('time');
  const [said, moment, utc] = await time.evaluate((element) => [element.textContent, element.dateTime, element.title]);
  assert.match(moment, /^2026-11-23T00:05/);
  assert.match(said, /23 Nov 2026.*05:35/);
  assert.match(utc, /23 Nov 2026, 00:05:00 UTC/);
  await leave(page);
});
