// Local times, and pages that refresh themselves. Every page works without this script.
"use strict";
(() => {
  const REFRESH_INTERVAL_MS = 20000;
  // With so many refreshes skipped in a row, the page shows why.
  const MAX_SKIPPED_REFRESHES = 3;
  const TIME_FORMAT = new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const HOUR_FORMAT = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", hourCycle: "h23" });
  const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

  let showsUtc = false;

  /** Shows the times below `root` in the reader's zone, or in UTC. Whole days are UTC days and do not change. */
  function showTimes(root) {
    for (const time of root.querySelectorAll("time[datetime*='T']")) {
      const isHour = time.dataset.show === "hour";
      time.dataset.utc ??= time.textContent;
      time.title = isHour ? `${time.dateTime.slice(0, 16)} UTC` : time.dataset.utc;
      const local = isHour ? HOUR_FORMAT : TIME_FORMAT;
      time.textContent = showsUtc ? time.dataset.utc : local.format(new Date(time.dateTime));
    }
  }

  /** Adds the button that switches between the reader's zone and UTC. */
  function addZoneSwitch(text) {
    const label = document.createElement("span");
    const button = document.createElement("button");
    button.className = "link";
    const update = () => {
      label.textContent = `Times are in ${showsUtc ? "UTC" : ZONE}.`;
      button.textContent = showsUtc ? "Show local time" : "Show UTC";
      showTimes(document);
    };
    button.addEventListener("click", () => {
      showsUtc = !showsUtc;
      update();
    });
    text.replaceChildren(label, " ", button);
    update();
  }

  /** Whether the reader is using something that a refresh would take away. */
  function isInUse(main) {
    const hasInput = [...main.querySelectorAll("textarea, input:not([type=hidden])")].some(
      (field) => field.value !== field.defaultValue,
    );
    const focused = document.activeElement;
    return hasInput || (focused !== main && main.contains(focused)) || String(document.getSelection()) !== "";
  }

  let skippedRefreshes = 0;

  function showStatus(status, text) {
    status.textContent = text;
    status.hidden = false;
  }

  async function refresh(status) {
    const main = document.querySelector("main[data-live]");
    if (document.hidden) return;
    if (isInUse(main)) {
      skippedRefreshes += 1;
      if (skippedRefreshes >= MAX_SKIPPED_REFRESHES) showStatus(status, "Updates are paused while you use this page.");
      return;
    }
    try {
      const response = await fetch(location.href, { redirect: "manual", headers: { Accept: "text/html" } });
      // For example, the reader is no longer signed in: loading the page again shows why.
      if (!response.ok) throw new Error(String(response.status));
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("main");
      if (!fresh || isInUse(main)) return;
      showTimes(fresh);
      const wasOpen = [...main.querySelectorAll("details")].map((details) => details.open);
      fresh.querySelectorAll("details").forEach((details, index) => {
        details.open = Boolean(wasOpen[index]);
      });
      main.replaceChildren(...fresh.childNodes);
      skippedRefreshes = 0;
      status.hidden = true;
    } catch {
      showStatus(status, "This page is out of date. Reload it.");
    }
  }

  const zoneText = document.querySelector("[data-zone]");
  if (zoneText && ZONE !== "UTC") addZoneSwitch(zoneText);
  else showTimes(document);
  if (document.querySelector("main[data-live]")) {
    const status = document.createElement("p");
    status.className = "live-status";
    status.setAttribute("role", "status");
    status.hidden = true;
    document.body.append(status);
    setInterval(refresh, REFRESH_INTERVAL_MS, status);
  }
})();
