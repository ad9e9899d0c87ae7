// The live feed: what the ward says as it happens, and whether it still says anything.

import { heard, now, wall } from "./frame.js";

const SILENT_MS = 9000; // the page greys out within ten seconds of the last word
const LOOK_MS = 500;
const FIRST_WAIT_MS = 1000;
const LAST_WAIT_MS = 30000;
const ALERTS = ["opened", "overtaken", "resolved", "withdrawn", "corrected", "left", "acknowledged", "quieted", "escalated",
  "again"];
const KINDS = ["hello", "beat", "graded", "break-glass", "break-glass-seen", ...ALERTS.map((one) => `alert-${one}`)];

let old = false;

/** Whether something newer is known than the page shows: then it is not live, however well the feed is heard. */
export function behind(yes) {
  old = yes;
  const state = document.getElementById("live");
  if (!document.body.classList.contains("stale") && state.dataset.heard) said(state);
}

function said(state) {
  const words = old ? "newer is known, being read" : "live";
  if (state.textContent !== words) state.textContent = words;
  state.classList.toggle("is-live", !old);
}

/** Listen to the feed; `on.graded(handles)`, `on.other(kind, body)`, `on.edition(id)`, `on.again()` after a loss. */
export function listen(on) {
  const state = document.getElementById("live");
  const lost = document.getElementById("lost");
  let last = performance.now();
  let lastWall = Date.now();
  let lastHeard = now();
  let greyed = false;
  let source;
  let asking = false;
  let tries = 0; // since the feed was heard last
  const main = document.getElementById("main");

  function word() {
    last = performance.now();
    lastWall = Date.now();
    lastHeard = now();
    tries = 0;
    if (greyed) {
      greyed = false;
      document.body.classList.remove("stale");
      lost.hidden = true;
      on.again();
    }
    state.dataset.heard = "yes";
    said(state);
  }

  function take(event, kind) {
    let body = {};
    try {
      body = JSON.parse(event.data || "{}");
    } catch {
      return;
    }
    if (body.now) heard(body.now);
    word();
    if (kind === "hello") {
      on.edition(body.edition);
      if (body.reload || String(body.last) !== main.dataset.last) on.again();
      main.dataset.last = body.last;
    } else if (kind === "graded") {
      on.graded(body.patients || []);
    } else if (kind !== "beat") {
      on.other(kind, body);
    }
    const trouble = document.getElementById("trouble");
    if (trouble && "trouble" in body) trouble.hidden = !body.trouble;
  }

  function open() {
    source = new EventSource("/events");
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => take(event, kind));
    }
  }

  function look() {
    // A tab that slept has a clock that stood: the wall clock tells how long, and only how long.
    const silent = Math.max(performance.now() - last, Date.now() - lastWall);
    if (silent > SILENT_MS && !greyed) {
      greyed = true;
      document.body.classList.add("stale");
      state.textContent = "not live";
      state.classList.remove("is-live");
      lost.textContent = `The live feed is lost. What stands here is as of ${wall(lastHeard)} and may have changed since.`;
      lost.hidden = false;
    }
    if (source.readyState === EventSource.CLOSED) refused();
  }

  /** A lost line the browser mends by itself; a refusal it takes for final. Who is signed out goes to sign in. */
  async function refused() {
    if (asking) return;
    asking = true;
    const me = await fetch("/me", { cache: "no-store" }).catch(() => null);
    if (me?.ok && (await me.json().catch(() => ({ role: "" }))).role === null) {
      location.reload(); // the answer says "sign in", shows nobody, and leads back to this address
      return;
    }
    const wait = Math.min(FIRST_WAIT_MS * 2 ** tries, LAST_WAIT_MS);
    tries += 1;
    setTimeout(() => {
      asking = false;
      open();
    }, wait);
  }

  open();
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);
}
