// Every page of the sample week, on screens and on paper.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admin, close, desk, launch, open, openSignedIn, reader } from './browser.mjs';
import { checkPage, findViolations } from './page-checks.mjs';

const browser = await launch();

// Returns the target of the first link on the page at `path` whose text has `name` in it.
async function findLink(page, path, name) {
  await page.goto(path);
  return page.getByRole('main').getByRole('link', { name }).first().getAttribute('href');
}

// The pages with screenshots, by the names of these.
async function pagesWithScreenshots(page) {
  return {
    overview: '/dashboard',
    incidents: '/dashboard/incidents',
    incident: await findLink(page, '/dashboard/incidents', 'Billing: ledger_sync_outage'),
    events: '/dashboard/events?severity=HIGH',
    event: await findLink(page, '/dashboard/events?severity=CRITICAL', 'Billing: duplicate_charges_detected'),
    actions: '/dashboard/actions',
    action: await findLink(page, '/dashboard/actions', 'permission_reset'),
    decisions: '/dashboard/decisions',
    decision: await findLink(page, '/dashboard/decisions', 'Billing: refund'),
    reports: '/dashboard/reports',
    report: await findLink(page, '/dashboard/reports', ' to '),
    engines: '/dashboard/engines',
    'set-hold': '/dashboard/engines/hold?engine=billing',
    channels: '/dashboard/channels',
    policy: '/dashboard/policy',
  };
}

// The other pages.
async function otherPages(page) {
  return {
    'all incidents': '/dashboard/incidents?status=all',
    'no incidents': '/dashboard/incidents?status=acknowledged',
    'incident of several days': await findLink(page, '/dashboard/incidents', 'Billing: invoices_blocked'),
    'resolved incident': await findLink(page, '/dashboard/incidents?status=resolved', 'duplicate_charges_detected'),
    'all events': '/dashboard/events',
    'older events': await findLink(page, '/dashboard/events', 'Older events'),
    'default policy': await findLink(page, '/dashboard/policy', 'Default policy'),
    'no events': '/dashboard/events?eventType=nothing',
    'event without actions': await findLink(page, '/dashboard/events?severity=LOW', ': '),
    'all actions': '/dashboard/actions?status=all',
    'completed action': await findLink(page, '/dashboard/actions?status=all', 'billing_sync_repair'),
    'allowed operations': '/dashboard/decisions?verdict=allow',
    'no decisions': '/dashboard/decisions?approval=denied',
    'decision that used an approval': await findLink(page, '/dashboard/decisions?verdict=allow', '2026-4698'),
    'denied operation': await findLink(page, '/dashboard/decisions?verdict=deny', 'delete'),
    hold: await findLink(page, '/dashboard/engines', 'End hold'),
    channel: '/dashboard/channels/ops-chat',
    'not found': '/dashboard/nothing',
    'invalid request': '/dashboard/incidents?status=lost',
  };
}

test('every page of a week is accessible and fits its screen', async (t) => {
  const page = await openSignedIn(browser, desk);
  const [withScreenshots, others] = [await pagesWithScreenshots(page), await otherPages(page)];
  for (const [name, path] of Object.entries(withScreenshots)) await t.test(name, () => checkPage(page, path, name));
  for (const [name, path] of Object.entries(others)) await t.test(name, () => checkPage(page, path));
  await close(page);
});

test('pages of a reader are accessible and fit their screen', async () => {
  const page = await openSignedIn(browser, reader);
  await checkPage(page, await findLink(page, '/dashboard/actions', 'permission_reset'));
  await checkPage(page, await findLink(page, '/dashboard/incidents', 'Billing: ledger_sync_outage'));
  await checkPage(page, await findLink(page, '/dashboard/decisions', 'Billing: refund'));
  await checkPage(page, await findLink(page, '/dashboard/engines', 'Show hold'));
  await close(page);
});

test('pages with forms of an admin are accessible and fit their screen', async (t) => {
  const page = await openSignedIn(browser, admin);
  for (const path of ['ops-chat', 'ops-teams', 'pager', 'ops-chat/remove']) {
    await t.test(path, () => checkPage(page, `/dashboard/channels/${path}`));
  }
  await close(page);
});

test('sign-in page is accessible and fits its screen, with an error or without', async () => {
  const page = await open(browser);
  await checkPage(page, '/dashboard/sign-in', 'sign-in');
  await page.getByLabel('Token').fill('none');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  assert.deepEqual(await findViolations(page), []);
  await close(page);
});

test('printed report is one page', async () => {
  const page = await openSignedIn(browser, desk);
  await page.goto(await findLink(page, '/dashboard/reports', ' to '));
  const paper = (await page.pdf({ format: 'A4' })).toString('latin1');
  assert.equal(paper.match(/\/Type\s*\/Page\b/g).length, 1);
  await close(page);
});
