// Texts of engines and people are shown, never executed, and do not break a page.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ask, call } from './api.mjs';
import { close, desk, launch, openSignedIn, url } from './browser.mjs';
import { parseCsv } from './csv.mjs';
import { isEventType, isName, isNote, texts } from './hostile.mjs';
import { DEVICES, findOverflows } from './layout.mjs';

const types = texts.filter(isEventType);
const notes = texts.filter(isNote);
const names = texts.filter(isName);
// Some days after the time of the test's clock.
const HOLD_END = '2026-11-28T00:00:00Z';
const browser = await launch();

// Asks about operations with each text in every field, and sets holds with each text.
async function askTexts() {
  for (const [index, text] of names.entries()) {
    const entity = { type: text, id: text, properties: { [text]: text } };
    await ask({ subject: entity, action: { name: text }, resource: entity, context: { [text]: [text] } });
    const operation = [...text].slice(0, 200).join('');
    const hold = { engine: 'qa', operation, reason: notes[index % notes.length], until: HOLD_END };
    await call('POST', '/holds', hold, 201);
  }
}

// Reports each text as an event type if AGE accepts it, in the keys and values of details, as a note, and as a worker's detail.
async function reportTexts() {
  const details = Object.fromEntries(texts.map((text) => [text, [text]]));
  for (const [index, eventType] of types.entries()) {
    const report = {
      engine: 'billing',
      eventType,
      severity: 'CRITICAL',
      details: index ? { [eventType]: eventType } : details,
    };
    const { id } = await call('POST', '/event', report, 201);
    const outcome = { outcome: 'failed', detail: notes[index % notes.length] };
    await call('POST', `/events/${id}/actions/billing_sync_repair/outcome`, outcome, 200);
  }
  for (const text of texts.filter((text) => !isEventType(text))) {
    await call('POST', '/event', { engine: 'billing', eventType: text }, 422);
  }
  const { incidents } = await call('GET', '/incidents?limit=200', undefined, 200);
  assert.equal(incidents.length, types.length);
  for (const [index, { id }] of incidents.entries()) {
    await call('POST', `/incidents/${id}/acknowledge`, { note: notes.at(index - notes.length) }, 200);
  }
  await call('POST', '/report', undefined, 201);
}

// Links that are not followed: files, and the second action of each event.
const SKIPPED = /(csv|json|notify_admin)$/;

// URLs that an attacker might make a reader follow.
const FORGED_PATHS = texts
  .slice(0, 6)
  .map(encodeURIComponent)
  .flatMap((text) => [
    `/dashboard/events?eventType=${text}`,
    `/dashboard/incidents?${text}=${text}`,
    `/dashboard/${text}`,
  ]);

// Visits every page that links lead to from `starts`, and returns their paths. Fails if a link leaves the dashboard. `visit`
// returns the links of a page.
async function visitAll(page, starts, visit) {
  const seen = new Set(starts);
  for (const path of seen) {
    await page.goto(path);
    for (const link of await visit(path)) {
      const { origin, pathname, search } = new URL(link);
      assert.ok(origin === url && pathname.startsWith('/dashboard'), `link to ${link} on ${path}`);
      if (!SKIPPED.test(pathname)) seen.add(pathname + search);
    }
  }
  return seen;
}

// Returns the text and the links of a page, and its faults: a text that was executed, an element that is not the dashboard's, a
// character that reorders or hides others.
function inspect(page) {
  return page.evaluate(() => {
    const foreign = 'body script, style, meta[http-equiv], base, body link, iframe, object, embed, img, math, animate';
    const isHandler = (element) => element.getAttributeNames().some((name) => name.startsWith('on'));
    const handlers = [...document.querySelectorAll('*')].filter(isHandler);
    const elements = [...document.querySelectorAll(foreign), ...handlers].map((element) => element.outerHTML);
    const deceptive = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
    const hidden = document.documentElement.textContent.match(deceptive) ?? [];
    return {
      text: document.querySelector('main').innerText,
      links: [...document.links].map(({ href }) => href),
      faults: [...(window.pwned ? ['a text was executed'] : []), ...elements, ...hidden],
    };
  });
}

test('hostile texts are shown, not executed, and fit every page', async () => {
  await reportTexts();
  await askTexts();
  const page = await openSignedIn(browser, desk);
  const [faults, shown] = [[], []];
  const seen = await visitAll(page, ['/dashboard', ...FORGED_PATHS], async (path) => {
    const { text, links, faults: found } = await inspect(page);
    shown.push(text);
    faults.push(...found.map((fault) => `${path}: ${fault}`));
    for (const [device, size] of Object.entries(DEVICES)) {
      await page.setViewportSize(size);
      const overflows = await findOverflows(page);
      faults.push(...overflows.map((overflow) => `${path} on a ${device}: ${overflow}`));
    }
    return links;
  });
  assert.deepEqual(faults, []);
  assert.ok(seen.size > 3 * types.length, `found only ${seen.size} pages`);
  for (const text of types) {
    const pages = shown.filter((page) => page.includes(text));
    assert.ok(pages.length >= 3, `${text} is on ${pages.length} pages`);
  }
  await close(page);
});

test('no cell of a CSV file is a formula', async () => {
  const page = await openSignedIn(browser, desk);
  for (const [path, link] of [
    ['/dashboard/events', 'CSV'],
    ['/dashboard/reports', 'CSV'],
  ]) {
    await page.goto(path);
    if (path.endsWith('reports')) await page.getByRole('main').getByRole('list').getByRole('link').first().click();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: link }).click()]);
    const rows = parseCsv(await readFile(await file.path(), 'utf8'));
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
      // Some programs cut cells at semicolons: what would begin such a cell has an apostrophe as well.
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
  await close(page);
});
