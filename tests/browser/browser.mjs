// A browser that opens the dashboard, and records faults of its pages.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after } from 'node:test';
import { chromium } from 'playwright-core';

export const { AGE_URL: url, AGE_ADMIN_TOKEN: admin, AGE_DESK_TOKEN: desk, AGE_READER_TOKEN: reader } = process.env;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function launch() {
  const executablePath = execFileSync('./chromium.sh', { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  after(() => browser.close());
  return browser;
}

// Opens a page in a new browser context, without cookies.
export async function open(browser, options = {}) {
  const context = await browser.newContext({ baseURL: url, locale: 'en-GB', timezoneId: 'UTC', ...options });
  const page = await context.newPage();
  page.faults = recordFaults(page);
  return page;
}

export async function openSignedIn(browser, token, options) {
  const page = await open(browser, options);
  await page.goto('/dashboard');
  await signIn(page, token);
  return page;
}

export async function signIn(page, token) {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

// Closes the page, and fails if it had faults.
export async function close(page) {
  await page.context().close();
  assert.deepEqual(page.faults, []);
}

// Records what may not happen on any page: an error of a script or of the content security policy, a dialog, a new window, a
// request that fails or goes to another host.
function recordFaults(page) {
  const faults = [];
  page.on('pageerror', (error) => faults.push(`error: ${error}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    return dialog.dismiss();
  });
  page.on('popup', (popup) => faults.push(`window: ${popup.url()}`));
  page.on('console', (message) => {
    // The browser reports each error page; the handler of `response` below sees the others.
    const isStatus = message.text().startsWith('Failed to load resource');
    const isFault = ['error', 'warning'].includes(message.type()) && !isStatus;
    if (isFault) faults.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== url) faults.push(`request to ${request.url()}`);
  });
  page.on('requestfailed', (request) => {
    // Closing a page aborts its requests, and a download aborts its navigation.
    const { errorText } = request.failure();
    if (errorText !== 'net::ERR_ABORTED') faults.push(`${request.url()} failed: ${errorText}`);
  });
  page.on('response', (response) => {
    const isPage = response.request().isNavigationRequest();
    if (!isPage && response.status() >= 400) faults.push(`${response.url()} responded ${response.status()}`);
  });
  return faults;
}
