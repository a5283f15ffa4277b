// A busy morning: one event among 1,200 matters. With scripts and without, by what a person sees.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { close, desk, launch, open, signIn } from './browser.mjs';
import { parseCsv } from './csv.mjs';

const scripts = process.env.AGE_SCRIPTS === 'on';
const browser = await launch();

test(`critical event is found, acknowledged, acted on and reported, scripts ${scripts ? 'on' : 'off'}`, async () => {
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
  await press('Filter');
  const found = page.getByRole('main').getByRole('listitem');
  await found.filter({ hasText: 'CRITICAL' }).waitFor();
  assert.equal(await found.count(), 1, 'one of 1,200');
  await follow('Billing: ledger_sync_outage');
  await heading('Billing: ledger_sync_outage');
  await shown('"ledger": "eu-2"');

  await follow('Show incident');
  await shown('▲ open');
  await page.getByLabel('Note (optional)').first().fill('Failing over.\nBack by noon.');
  await press('Acknowledge');
  await shown('● acknowledged');
  await shown('Acknowledged by night-desk');
  assert.equal(await page.getByRole('button', { name: 'Acknowledge' }).count(), 0);

  await menu('Actions');
  await heading('Actions');
  await follow('permission_reset');
  await press('Approve');
  await shown('approved by night-desk');
  assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 0);

  await menu('Reports');
  await heading('Reports');
  await press('Generate report');
  await heading('Governance report');
  const [file] = await Promise.all([page.waitForEvent('download'), follow('CSV')]);
  assert.match(file.suggestedFilename(), /\.csv$/);
  const rows = parseCsv(await readFile(await file.path(), 'utf8'));
  assert.ok(rows.length > 1 && rows.flat().includes('1200'), JSON.stringify(rows));

  await press('Sign out');
  await heading('Sign in');
  await page.goto('/dashboard');
  await heading('Sign in');
  await close(page);
});
