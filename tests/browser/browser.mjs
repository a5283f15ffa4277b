// A browser before the dashboard, and an eye on what its pages do behind a person's back.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after } from 'node:test';
import { chromium } from 'playwright-core';

export const { AGE_URL: url, AGE_DESK_TOKEN: desk, AGE_READER_TOKEN: reader } = process.env;

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

// A page of a person who has not been here before.
export async function open(browser, options = {}) {
  const context = await browser.newContext({ baseURL: url, locale: 'en-GB', timezoneId: 'UTC', ...options });
  const page = await context.newPage();
  page.faults = watch(page);
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

// Whoever leaves says that nothing has happened that should not have.
export async function leave(page) {
  await page.context().close();
  assert.deepEqual(page.faults, []);
}

// What may not happen on any page: a script's error or one of the content policy, a dialog, a window, a request that fails or
// goes elsewhere.
function watch(page) {
  const faults = [];
  page.on('pageerror', (error) => faults.push(`an error: ${error}`));
  page.on('dialog', (dialog) => {
    faults.push(`a dialog: ${dialog.message()}`);
    return dialog.dismiss();
  });
  page.on('popup', (popup) => faults.push(`a window: ${popup.url()}`));
  page.on('console', (message) => {
    // The browser's own remark on a page that is a refusal; `response` below sees all others.
    const isStatus = message.text().startsWith('Failed to load resource');
    const isFault = ['error', 'warning'].includes(message.type()) && !isStatus;
    if (isFault) faults.push(`on the console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== url) faults.push(`a request to ${request.url()}`);
  });
  page.on('requestfailed', (request) => {
    // Leaving a page breaks off what it asks for, and a download its navigation.
    const { errorText } = request.failure();
    if (errorText !== 'net::ERR_ABORTED') faults.push(`${request.url()} failed: ${errorText}`);
  });
  page.on('response', (response) => {
    const isPage = response.request().isNavigationRequest();
    if (!isPage && response.status() >= 400) faults.push(`${response.url()} was answered ${response.status()}`);
  });
  return faults;
}
