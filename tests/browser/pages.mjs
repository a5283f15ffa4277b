// Every page, found as a person finds it.

// The address that a link leads to; its name may be a part of what it says.
async function follow(page, path, name) {
  await page.goto(path);
  return page.getByRole('link', { name }).first().getAttribute('href');
}

// Those of the sample week that have pictures, for whoever is signed in on `page`.
export async function pictured(page) {
  return {
    overview: '/dashboard',
    incidents: '/dashboard/incidents',
    incident: await follow(page, '/dashboard/incidents?status=all', 'Billing: duplicate_charges_detected'),
  };
}

// And the others.
export async function others(page) {
  return {
    'all incidents': '/dashboard/incidents?status=all',
    'no incident': '/dashboard/incidents?status=acknowledged',
    'an open incident': await follow(page, '/dashboard/incidents', 'Billing: ledger_sync_outage'),
    'nothing there': '/dashboard/nothing',
    'a refusal': '/dashboard/incidents?status=lost',
  };
}

// Those of a system that has seen nothing yet.
export const empty = {
  overview: '/dashboard',
  incidents: '/dashboard/incidents',
};
