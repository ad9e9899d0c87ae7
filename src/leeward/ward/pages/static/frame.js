// What every page shares: the server's clock, told from the page's own monotonic one, and ages that follow it.

const root = document.documentElement;
let serverMs = Date.parse(root.dataset.now);
let readMs = performance.now();

/** Now by the server's clock: the browser's own is never asked, since it may be wrong. */
export function now() {
  return new Date(serverMs + (performance.now() - readMs));
}

/** What the server said its clock showed, just now. */
export function heard(iso) {
  const said = Date.parse(iso);
  if (!Number.isNaN(said)) {
    serverMs = said;
    readMs = performance.now();
  }
}

/** A moment as the ward's wall shows it, with seconds. */
export function wall(moment) {
  const shifted = new Date(moment.getTime() + Number(root.dataset.zoneMinutes) * 60000);
  return shifted.toISOString().slice(11, 19);
}

/** A length of time as the server spells it (report/words.py). */
export function span(seconds) {
  const minutes = Math.round(Math.abs(seconds) / 60);
  if (minutes < 100) return `${minutes} min`;
  let hours = Math.floor(minutes / 60);
  if (hours < 10 && minutes % 60) return `${hours} h ${minutes % 60} min`;
  hours = Math.round(minutes / 60);
  if (hours < 72) return `${hours} h`;
  const rest = hours % 24;
  return rest ? `${Math.floor(hours / 24)} d ${rest} h` : `${Math.floor(hours / 24)} d`;
}

/** Let every age within a node be counted to now. */
export function age(within = document) {
  const at = now().getTime();
  for (const one of within.querySelectorAll("time.age")) {
    const gone = (at - Date.parse(one.dateTime)) / 1000;
    const said = Math.abs(gone) < 60 ? "now" : gone > 0 ? `${span(gone)} ago` : `in ${span(gone)}`;
    if (one.textContent !== said) one.textContent = said;
  }
}

// A session lasts while somebody sits here: a page that is touched says so, and one that only follows the ward never does.
const HERE_MS = Number(root.dataset.hereS || 0) * 1000;
let saidMs = performance.now();

function touched() {
  if (!HERE_MS || performance.now() - saidMs < HERE_MS) return;
  saidMs = performance.now();
  fetch("/me", { method: "POST", headers: { "X-CSRF-Token": root.dataset.csrf } }).catch(() => null);
}

for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"]) addEventListener(kind, touched, { passive: true });

/** Whether keys now belong to something that is being filled in. */
export function typing(event) {
  const one = event.target;
  return event.ctrlKey || event.metaKey || event.altKey || one.isContentEditable ||
    ["INPUT", "SELECT", "TEXTAREA"].includes(one.tagName) || document.querySelector("dialog[open]") !== null;
}
