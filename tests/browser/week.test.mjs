// Every page of the sample week, on the screen and on paper.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desk, launch, leave, open, openSignedIn, reader } from './browser.mjs';
import { look, violations } from './look.mjs';

const browser = await launch();

// The address that a link leads to; its name may be a part of what it says.
async function follow(page, path, name) {
  await page.goto(path);
  return page.getByRole('main').getByRole('link', { name }).first().getAttribute('href');
}

// Those that have pictures.
async function pictured(page) {
  return {
    overview: '/dashboard',
    incidents: '/dashboard/incidents',
    incident: await follow(page, '/dashboard/incidents', 'Billing: ledger_sync_outage'),
    events: '/dashboard/events?severity=HIGH',
    event: await follow(page, '/dashboard/events?severity=CRITICAL', 'Billing: duplicate_charges_detected'),
    actions: '/dashboard/actions',
    action: await follow(page, '/dashboard/actions', 'permission_reset'),
    reports: '/dashboard/reports',
    report: await follow(page, '/dashboard/reports', ' to '),
    engines: '/dashboard/engines',
  };
}

// And the others.
async function others(page) {
  return {
    'all incidents': '/dashboard/incidents?status=all',
    'no incident': '/dashboard/incidents?status=acknowledged',
    'an incident of days': await follow(page, '/dashboard/incidents', 'Billing: invoices_blocked'),
    'an incident that is over': await follow(
      page,
      '/dashboard/incidents?status=resolved',
      'duplicate_charges_detected',
    ),
    'all events': '/dashboard/events',
    'older events': await follow(page, '/dashboard/events', 'Older events'),
    'no event': '/dashboard/events?eventType=nothing',
    'an event without actions': await follow(page, '/dashboard/events?severity=LOW', ': '),
    'all actions': '/dashboard/actions?status=all',
    'an action that is over': await follow(page, '/dashboard/actions?status=all', 'billing_sync_repair'),
    'nothing there': '/dashboard/nothing',
    'a refusal': '/dashboard/incidents?status=lost',
  };
}

test('every page of a week is accessible and fits', async (t) => {
  const page = await openSignedIn(browser, desk);
  const [shown, unshown] = [await pictured(page), await others(page)];
  for (const [name, path] of Object.entries(shown)) await t.test(name, () => look(page, path, name));
  for (const [name, path] of Object.entries(unshown)) await t.test(name, () => look(page, path));
  await leave(page);
});

test('pages without buttons are accessible and fit', async () => {
  const page = await openSignedIn(browser, reader);
  await look(page, await follow(page, '/dashboard/actions', 'permission_reset'));
  await look(page, await follow(page, '/dashboard/incidents', 'Billing: ledger_sync_outage'));
  await leave(page);
});

test('signing in is accessible and fits, refused or not', async () => {
  const page = await open(browser);
  await look(page, '/dashboard/sign-in', 'sign-in');
  await page.getByLabel('Token').fill('none');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  assert.deepEqual(await violations(page), []);
  await leave(page);
});

test('a printed report is one page', async () => {
  const page = await openSignedIn(browser, desk);
  await page.goto(await follow(page, '/dashboard/reports', ' to '));
  const paper = (await page.pdf({ format: 'A4' })).toString('latin1');
  assert.equal(paper.match(/\/Type\s*\/Page\b/g).length, 1);
  await leave(page);
});
