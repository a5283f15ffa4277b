// What engines and people write is shown, never obeyed; and it does not break a page.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { call } from './api.mjs';
import { desk, launch, leave, openSignedIn, url } from './browser.mjs';
import { table } from './csv.mjs';
import { isNote, isType, texts } from './hostile.mjs';
import { DEVICES, outside } from './layout.mjs';

const types = texts.filter(isType);
const notes = texts.filter(isNote);
const browser = await launch();

// Every text stands in a type if it can, in the keys and values of details, in a note, and in what a worker says.
async function tell() {
  const details = Object.fromEntries(texts.map((text) => [text, [text]]));
  for (const [place, eventType] of types.entries()) {
    const report = {
      engine: 'billing',
      eventType,
      severity: 'CRITICAL',
      details: place ? { [eventType]: eventType } : details,
    };
    const { id } = await call('POST', '/event', report, 201);
    const outcome = { outcome: 'failed', detail: notes[place % notes.length] };
    await call('POST', `/events/${id}/actions/billing_sync_repair/outcome`, outcome, 200);
  }
  for (const text of texts.filter((text) => !isType(text))) {
    await call('POST', '/event', { engine: 'billing', eventType: text }, 422);
  }
  const { incidents } = await call('GET', '/incidents?limit=200', undefined, 200);
  assert.equal(incidents.length, types.length);
  for (const [place, { id }] of incidents.entries()) {
    await call('POST', `/incidents/${id}/acknowledge`, { note: notes.at(place - notes.length) }, 200);
  }
  await call('POST', '/report', undefined, 201);
}

// Files are no pages, and where one of an event's actions is shown well, so is the other.
const OTHERS = /(csv|json|notify_admin)$/;

// Addresses that somebody might be made to follow.
const FORGED = texts
  .slice(0, 6)
  .map(encodeURIComponent)
  .flatMap((text) => [
    `/dashboard/events?eventType=${text}`,
    `/dashboard/incidents?${text}=${text}`,
    `/dashboard/${text}`,
  ]);

// Looks at every page that can be reached from `starts` by the links on it, all of which stay within the dashboard.
async function everywhere(page, starts, look) {
  const seen = new Set(starts);
  for (const path of seen) {
    await page.goto(path);
    for (const link of await look(path)) {
      const { origin, pathname, search } = new URL(link);
      assert.ok(origin === url && pathname.startsWith('/dashboard'), `a link to ${link} on ${path}`);
      if (!OTHERS.test(pathname)) seen.add(pathname + search);
    }
  }
  return seen;
}

// What a page says and leads to; and what is strange on it: a text that ran, an element that is none of ours, a character
// that reorders or hides others.
function read(page) {
  return page.evaluate(() => {
    const foreign = 'body script, style, meta[http-equiv], base, body link, iframe, object, embed, img, math, animate';
    const isHandler = (element) => element.getAttributeNames().some((name) => name.startsWith('on'));
    const handlers = [...document.querySelectorAll('*')].filter(isHandler);
    const elements = [...document.querySelectorAll(foreign), ...handlers].map((element) => element.outerHTML);
    const deceptive = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
    const hidden = document.documentElement.textContent.match(deceptive) ?? [];
    return {
      said: document.querySelector('main').innerText,
      links: [...document.links].map(({ href }) => href),
      strange: [...(window.pwned ? ['it ran'] : []), ...elements, ...hidden],
    };
  });
}

test('hostile texts are shown on every page, run nowhere and break nothing', async () => {
  await tell();
  const page = await openSignedIn(browser, desk);
  const [wrong, shown] = [[], []];
  const seen = await everywhere(page, ['/dashboard', ...FORGED], async (path) => {
    const { said, links, strange } = await read(page);
    shown.push(said);
    wrong.push(...strange.map((what) => `${path}: ${what}`));
    for (const [device, size] of Object.entries(DEVICES)) {
      await page.setViewportSize(size);
      wrong.push(...(await outside(page)).map((what) => `${path} on a ${device}: ${what}`));
    }
    return links;
  });
  assert.deepEqual(wrong, []);
  assert.ok(seen.size > 3 * types.length, `only ${seen.size} pages were found`);
  for (const text of types) {
    const pages = shown.filter((said) => said.includes(text));
    assert.ok(pages.length >= 3, `${text} is on ${pages.length} pages`);
  }
  await leave(page);
});

test('no cell of a file is a formula', async () => {
  const page = await openSignedIn(browser, desk);
  for (const [path, link] of [
    ['/dashboard/events', 'CSV'],
    ['/dashboard/reports', 'CSV'],
  ]) {
    await page.goto(path);
    if (path.endsWith('reports')) await page.getByRole('main').getByRole('link').first().click();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: link }).click()]);
    const rows = table(await readFile(await file.path(), 'utf8'));
    assert.ok(
      rows.every((row) => row.length === rows[0].length),
      path,
    );
    assert.deepEqual(
      rows.flat().filter((cell) => /^\s*[=+\-@\t\r]/.test(cell)),
      [],
      path,
    );
    if (path.endsWith('events')) {
      // What would begin a cell for a program that cuts at semicolons has an apostrophe before it, too.
      const plain = (text) => text.replaceAll("'", '');
      const cells = new Set(rows.flat().map(plain));
      for (const text of types) assert.ok(cells.has(plain(text)), text);
      assert.deepEqual(
        rows
          .flat()
          .flatMap((cell) => cell.split(/[;\t\r\n]/))
          .filter((cell) => /^\s*"?[=+\-@]/.test(cell)),
        [],
      );
    }
  }
  await leave(page);
});
