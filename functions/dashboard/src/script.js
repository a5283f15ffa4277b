// What is nicer with a script: times in the reader's zone, and pages that keep up by themselves. All works without it.
"use strict";
(() => {
  const EVERY_MS = 20000;
  const WORDS = {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  };
  const inWords = new Intl.DateTimeFormat("en-GB", WORDS);
  const ofHour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", hourCycle: "h23" });

  /** Shows the moments below `root` in the reader's zone, and in UTC when pointed at. Whole days are UTC days and stay. */
  function localise(root) {
    for (const time of root.querySelectorAll("time[datetime*='T']")) {
      const at = new Date(time.dateTime);
      time.title = time.dataset.show === "hour" ? `${time.dateTime.slice(0, 16)} UTC` : time.textContent;
      time.textContent = (time.dataset.show === "hour" ? ofHour : inWords).format(at);
    }
  }

  /** Whether the reader is in the middle of something that a new page would take away. */
  function isBusy(main) {
    const filled = [...main.querySelectorAll("textarea, input:not([type=hidden])")].some(
      (field) => field.value !== field.defaultValue,
    );
    const focused = document.activeElement;
    return filled || (focused !== main && main.contains(focused)) || String(document.getSelection()) !== "";
  }

  let skipped = 0;

  function say(notice, text) {
    notice.textContent = text;
    notice.hidden = false;
  }

  async function refresh(notice) {
    const main = document.querySelector("main[data-live]");
    if (document.hidden) return;
    if (isBusy(main)) {
      skipped += 1;
      if (skipped >= 3) say(notice, "This page waits while something on it is in use.");
      return;
    }
    try {
      const answer = await fetch(location.href, { redirect: "manual", headers: { Accept: "text/html" } });
      // Signed out, or refused: loading the page says so in full.
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (!fresh || isBusy(main)) return;
      localise(fresh);
      const open = [...main.querySelectorAll("details")].map((details) => details.open);
      fresh.querySelectorAll("details").forEach((details, place) => {
        details.open = Boolean(open[place]);
      });
      main.replaceChildren(...fresh.childNodes);
      skipped = 0;
      notice.hidden = true;
    } catch {
      say(notice, "This page is no longer up to date. Load it again.");
    }
  }

  localise(document);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const said = document.querySelector("[data-zone]");
  if (said && zone !== "UTC") said.textContent = `Times are those of ${zone}; point at one for UTC.`;
  if (document.querySelector("main[data-live]")) {
    const notice = document.createElement("p");
    notice.className = "notice";
    notice.setAttribute("role", "status");
    notice.hidden = true;
    document.body.append(notice);
    setInterval(refresh, EVERY_MS, notice);
  }
})();
