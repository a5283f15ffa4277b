// A responder approves one operation, denies another, pauses an engine and ends the pause. With scripts and without.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, desk, launch, open, signIn } from './browser.mjs';
import { findViolations } from './page-checks.mjs';

const scripts = process.env.AGE_SCRIPTS === 'on';
const browser = await launch();

test(`operations are approved and denied, and an engine is paused, scripts ${scripts ? 'on' : 'off'}`, async () => {
  const page = await open(browser, { javaScriptEnabled: scripts });
  const menu = (name) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();
  const follow = (name) => page.getByRole('main').getByRole('link', { name }).first().click();
  const press = (name) => page.getByRole('button', { name, exact: true }).click();
  const heading = (name) => page.getByRole('heading', { level: 1, name }).waitFor();
  const shown = (text) => page.getByText(text).first().waitFor();

  await page.goto('/dashboard');
  await signIn(page, desk);
  await shown('Pending approvals of operations');
  await menu('Decisions');
  await heading('Decisions');
  const waiting = page.getByRole('region', { name: 'Pending approvals' });
  assert.equal(await waiting.getByRole('link').count(), 2);
  await follow('Billing: refund, invoice 1');
  await heading('Billing: refund');
  await shown('refunds over 1,000 need approval');
  await press('Approve');
  await shown('✓ approval approved');
  assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 0);

  await menu('Decisions');
  await follow('Billing: refund, invoice 2');
  await press('Deny');
  await shown('■ approval denied');
  await menu('Decisions');
  await heading('Decisions');
  assert.equal(await waiting.count(), 0);
  await page.getByLabel('Approval').selectOption('denied');
  await press('Filter');
  await shown('Denied by night-desk');
  assert.equal(await page.getByRole('main').getByRole('heading', { level: 2 }).count(), 1);

  await menu('Engines');
  const billing = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'Billing' }) });
  await billing.getByRole('link', { name: 'Set a hold' }).click();
  await heading('Set a hold');
  assert.equal(await page.getByLabel('Engine').inputValue(), 'billing');
  await page.getByLabel('Operation').fill('refund');
  await page.getByLabel('Reason').fill('Refunds do not match\nthe ledger.');
  // The browser would refuse a time that is too late; the server does as well.
  await page.getByLabel('Until').evaluate((field) => field.removeAttribute('max'));
  await page.getByLabel('Until').fill('2027-11-23T06:00');
  await press('Set hold');
  await page.getByRole('alert').waitFor();
  assert.equal(await page.getByLabel('Reason').inputValue(), 'Refunds do not match\nthe ledger.');
  assert.equal(await page.getByLabel('Until').inputValue(), '2027-11-23T06:00');
  if (scripts) assert.deepEqual(await findViolations(page), []);
  await page.getByLabel('Until').fill('2026-11-23T06:00');
  await press('Set hold');
  await heading('Engines');
  await shown('by night-desk because: Refunds do not match');
  await menu('Overview');
  await shown('‖ Paused');
  await follow('Show hold');
  await heading('Hold of Billing');
  await page.getByLabel('Reason for the end').fill('They match.');
  await press('End hold');
  await shown('■ ended');
  await shown('They match.');
  await close(page);
});
