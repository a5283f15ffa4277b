// The deployed dashboard, behind the gateway: a person follows the link in an e-mail and acknowledges the incident.

import { test } from 'node:test';
import { close, desk, launch, open } from './browser.mjs';

const browser = await launch();

test('incident is acknowledged from the link of its e-mail', async () => {
  const page = await open(browser, { timezoneId: 'Asia/Kolkata' });
  await page.goto(process.env.AGE_LINK);
  await page.getByLabel('Token').fill(desk);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('▲ open').first().waitFor();
  await page.getByText('Times are in Asia/').waitFor();
  await page.getByLabel('Note (optional)').first().fill('Seen.');
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByText('● acknowledged').waitFor();
  for (const section of ['Overview', 'Incidents', 'Events', 'Actions', 'Reports', 'Engines']) {
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: section }).click();
    await page.getByRole('heading', { level: 1, name: section }).waitFor();
  }
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  await close(page);
});
