// A morning at the desk: one event among 1,200 matters. All by what a person sees, with scripts and without.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { desk, launch, leave, open, signIn } from './browser.mjs';
import { table } from './csv.mjs';

const scripts = process.env.AGE_SCRIPTS === 'on';
const browser = await launch();

test(`the critical event is found, taken, acted on and reported, scripts ${scripts ? 'on' : 'off'}`, async () => {
  const page = await open(browser, { javaScriptEnabled: scripts });
  const menu = (name) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();
  const follow = (name) => page.getByRole('main').getByRole('link', { name }).click();
  const press = (name) => page.getByRole('button', { name }).click();
  const heading = (name) => page.getByRole('heading', { level: 1, name }).waitFor();
  const shown = (text) => page.getByText(text).first().waitFor();

  await page.goto('/dashboard');
  await heading('Sign in');
  await signIn(page, desk);
  await heading('Overview');

  await menu('Events');
  await heading('Events');
  await page.getByLabel('Severity').selectOption('CRITICAL');
  await press('Show');
  const found = page.getByRole('main').getByRole('listitem');
  await found.filter({ hasText: 'CRITICAL' }).waitFor();
  assert.equal(await found.count(), 1, 'one of 1,200');
  await follow('Billing: ledger_sync_outage');
  await heading('Billing: ledger_sync_outage');
  await shown('"ledger": "eu-2"');

  await follow('Incident of this kind');
  await shown('▲ open');
  await page.getByLabel('Note, if you like').first().fill('Failing over.\nBack by noon.');
  await press('Acknowledge');
  await shown('● acknowledged');
  await shown('Acknowledged by night-desk');
  assert.equal(await page.getByRole('button', { name: 'Acknowledge' }).count(), 0);

  await menu('Actions');
  await heading('Actions');
  await follow('permission_reset');
  await press('Approve');
  await shown('Approved by night-desk');
  assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 0);

  await menu('Reports');
  await heading('Reports');
  await press('Make a report now');
  await heading('Governance report');
  const [file] = await Promise.all([page.waitForEvent('download'), follow('CSV')]);
  assert.match(file.suggestedFilename(), /\.csv$/);
  const rows = table(await readFile(await file.path(), 'utf8'));
  assert.ok(rows.length > 1 && rows.flat().includes('1200'), JSON.stringify(rows));

  await press('Sign out');
  await heading('Sign in');
  await page.goto('/dashboard');
  await heading('Sign in');
  await leave(page);
});
