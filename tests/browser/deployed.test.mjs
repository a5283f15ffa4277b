// The dashboard as it is deployed, behind the gateway: a person comes by the link in an e-mail, and takes the incident.

import { test } from 'node:test';
import { desk, launch, leave, open } from './browser.mjs';

const browser = await launch();

test('an incident is taken by the link of its e-mail', async () => {
  const page = await open(browser, { timezoneId: 'Asia/Kolkata' });
  await page.goto(process.env.AGE_LINK);
  await page.getByLabel('Token').fill(desk);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('▲ open').first().waitFor();
  await page.getByText('Times are those of Asia/').waitFor();
  await page.getByLabel('Note, if you like').first().fill('Seen.');
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByText('● acknowledged').waitFor();
  for (const part of ['Overview', 'Incidents', 'Events', 'Actions', 'Reports', 'Engines']) {
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: part }).click();
    await page.getByRole('heading', { level: 1, name: part }).waitFor();
  }
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  await leave(page);
});
