// Every page, found as a person finds it.

// The address that a link leads to; its name may be a part of what it says.
async function follow(page, path, name) {
  await page.goto(path);
  return page.getByRole('main').getByRole('link', { name }).first().getAttribute('href');
}

// Those of the sample week that have pictures, for whoever is signed in on `page`.
export async function pictured(page) {
  const event = await follow(page, '/dashboard/events?severity=CRITICAL', 'Billing: duplicate_charges_detected');
  return {
    overview: '/dashboard',
    incidents: '/dashboard/incidents',
    incident: await follow(page, '/dashboard/incidents?status=all', 'Billing: duplicate_charges_detected'),
    events: '/dashboard/events?severity=HIGH',
    event,
    actions: '/dashboard/actions',
    action: await follow(page, '/dashboard/actions', 'permission_reset'),
    reports: '/dashboard/reports',
    report: await follow(page, '/dashboard/reports', ' to '),
    engines: '/dashboard/engines',
  };
}

// And the others.
export async function others(page) {
  return {
    'all incidents': '/dashboard/incidents?status=all',
    'no incident': '/dashboard/incidents?status=acknowledged',
    'an open incident': await follow(page, '/dashboard/incidents', 'Billing: ledger_sync_outage'),
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

// Those of a system that has seen nothing yet.
export const empty = {
  overview: '/dashboard',
  incidents: '/dashboard/incidents',
  events: '/dashboard/events',
  actions: '/dashboard/actions',
  reports: '/dashboard/reports',
  engines: '/dashboard/engines',
};
