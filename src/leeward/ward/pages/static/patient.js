// The patient: a chart to look closer at, a cursor that tells every value, and word of what is new.

import { behind, listen } from "./feed.js";
import { typing } from "./frame.js";
import { keep } from "./fresh.js";

const handle = location.pathname.split("/")[2];
const drawing = document.getElementById("drawing");
const told = document.getElementById("cursor");
const held = document.getElementById("moments");
let moments = held ? JSON.parse(held.textContent) : [];
let times = [...new Set(moments.map((one) => one[0]))].sort((a, b) => a - b);
const LEAST_S = 1800;
const NS = "http://www.w3.org/2000/svg";
let place = times.length - 1;

// ---------------------------------------------------------------- the chart

function svg() {
  return [...(drawing?.querySelectorAll("svg") ?? [])].find((one) => one.getClientRects().length);
}

function axis(one) {
  const { from, until, left, plot } = one.dataset;
  return { from: Number(from), until: Number(until), left: Number(left), plot: Number(plot) };
}

function second(one, clientX) {
  const { from, until, left, plot } = axis(one);
  const box = one.getBoundingClientRect();
  const x = ((clientX - box.left) / box.width) * one.viewBox.baseVal.width;
  return from + ((x - left) / plot) * (until - from);
}

function pixel(one, at) {
  const { from, until, left, plot } = axis(one);
  return left + ((at - from) / (until - from)) * plot;
}

function mark(one, name, x, width) {
  let rect = one.querySelector(`.${name}`);
  if (!rect) {
    rect = document.createElementNS(NS, "rect");
    rect.setAttribute("class", name);
    rect.setAttribute("y", "0");
    rect.setAttribute("height", String(one.viewBox.baseVal.height));
    one.append(rect);
  }
  rect.setAttribute("x", String(x));
  rect.setAttribute("width", String(width));
}

/** What was charted last of each thing up to a moment, the values of that very moment first. */
function show(at) {
  const one = svg();
  if (!one) return;
  mark(one, "cursor-line", pixel(one, at) - 0.6, 1.2);
  const last = new Map();
  for (const row of moments) {
    if (row[0] > at) break;
    if (row[1] === null || row[1] > at || row[0] === at) last.set(row[2], row);
    else last.delete(row[2]);
  }
  const rows = [...last.values()].sort((a, b) => b[0] - a[0]);
  told.replaceChildren(...rows.slice(0, 14).map(([from, , name, figure, spelt]) => {
    const link = document.createElement("a");
    link.href = `/patient/${handle}/at/${from}`;
    link.textContent = `${name} ${figure}`;
    const when = document.createElement("small");
    when.textContent = from === at ? spelt : `last ${spelt}`;
    const item = document.createElement("span");
    if (from === at) item.className = "here";
    item.append(link, when);
    return item;
  }));
  told.hidden = false;
}

async function zoom(from, until) {
  const query = new URLSearchParams(location.search);
  if (from === null) ["from", "until"].forEach((name) => query.delete(name));
  else {
    query.set("from", Math.round(from));
    query.set("until", Math.round(Math.max(until, from + LEAST_S)));
  }
  const answer = await fetch(`/patient/${handle}/course?${query}`, { cache: "no-store" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  drawing.querySelectorAll("svg").forEach((one) => one.remove());
  drawing.prepend(...fresh.querySelectorAll("svg"));
  history.replaceState(null, "", `?${query}${location.hash}`);
  if (!told.hidden) show(times[place]);
}

function nearest(at) {
  let best = 0;
  times.forEach((one, index) => {
    if (Math.abs(one - at) < Math.abs(times[best] - at)) best = index;
  });
  return best;
}

/** The stretch that is drawn now, made so many times as long about a second, or moved by a share of its length. */
function closer(one, factor, at = times[place]) {
  const { from, until } = axis(one);
  const middle = Math.min(Math.max(at, from), until);
  zoom(middle - (middle - from) * factor, middle + (until - middle) * factor);
}

function along(one, share) {
  const { from, until } = axis(one);
  zoom(from + (until - from) * share, until + (until - from) * share);
}

// One pointer marks a stretch, be it a mouse or a finger; two fingers stretch the chart, and move it.
const fingers = new Map();
let start = null;
let pinch = null;

function ended() {
  const one = svg();
  one?.querySelector(".cursor-stretch")?.remove();
  drawing.classList.remove("pinched");
  if (one) one.style.transform = "";
  start = pinch = null;
}

/** Where the chart's edges come to lie when the two seconds that were under the fingers stay under them. */
function stretched(one) {
  const { left, plot } = axis(one);
  const box = one.getBoundingClientRect();
  const scale = pinch.width / one.viewBox.baseVal.width;
  const [x1, x2] = [...fingers.values()].map((x) => (x - pinch.left) / scale).sort((a, b) => a - b);
  const perPixel = (pinch.second2 - pinch.second1) / Math.max(x2 - x1, 12);
  const from = pinch.second1 - (x1 - left) * perPixel;
  return { from, until: from + plot * perPixel, box };
}

function pinching(one) {
  const { from, until } = stretched(one);
  const drawn = axis(one);
  const grows = (drawn.until - drawn.from) / (until - from);
  const moved = ((drawn.from - from) / (until - from)) * drawn.plot + drawn.left * (1 - grows);
  one.style.transform = `translateX(${(moved * pinch.width) / one.viewBox.baseVal.width}px) scaleX(${grows})`;
}

function down(event) {
  const one = svg();
  if (event.button || event.target.closest("a") && event.pointerType !== "touch" || !one) return;
  fingers.set(event.pointerId, event.clientX);
  if (fingers.size === 1) {
    start = second(one, event.clientX);
  } else if (fingers.size === 2) {
    start = null;
    one.querySelector(".cursor-stretch")?.remove();
    const box = one.getBoundingClientRect();
    const [second1, second2] = [...fingers.values()].map((x) => second(one, x)).sort((a, b) => a - b);
    if (second2 - second1 < 1) return;
    pinch = { second1, second2, left: box.left, width: box.width };
    drawing.classList.add("pinched");
  }
}

function move(event) {
  const one = svg();
  if (!one) return;
  if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event.clientX);
  const at = second(one, event.clientX);
  if (pinch && fingers.size === 2) {
    pinching(one);
  } else if (start !== null) {
    mark(one, "cursor-stretch", Math.min(pixel(one, start), pixel(one, at)), Math.abs(pixel(one, at) - pixel(one, start)));
  } else if (event.pointerType !== "touch") {
    place = nearest(at);
    show(times[place]);
  }
}

function up(event) {
  const one = svg();
  if (!fingers.has(event.pointerId) || !one) return;
  const asked = pinch ? stretched(one) : null;
  const [from, until] = start === null ? [0, 0] : [start, second(one, event.clientX)].sort((a, b) => a - b);
  const marked = start !== null && pixel(one, until) - pixel(one, from) > 8;
  fingers.delete(event.pointerId);
  if (asked) fingers.clear();
  ended();
  if (asked) zoom(asked.from, asked.until);
  else if (marked) zoom(from, until);
}

function key(event) {
  const one = svg();
  if (!one || event.target !== drawing || typing(event)) return;
  const keys = {
    ArrowLeft: () => { place = Math.max(0, place - 1); show(times[place]); },
    ArrowRight: () => { place = Math.min(times.length - 1, place + 1); show(times[place]); },
    Home: () => { place = 0; show(times[0]); },
    End: () => { place = times.length - 1; show(times[place]); },
    "+": () => closer(one, 0.5), "=": () => closer(one, 0.5), "-": () => closer(one, 2), 0: () => zoom(null),
    "<": () => along(one, -0.5), ">": () => along(one, 0.5),
  };
  if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
    told.setAttribute("aria-live", "polite");
  }
}

if (drawing && times.length) {
  for (const one of document.querySelectorAll("#chart-keys, #chart-buttons")) one.hidden = false;
  drawing.tabIndex = 0;
  drawing.setAttribute("role", "group");
  drawing.setAttribute("aria-label", "Course: arrow keys move the cursor, plus and minus zoom, less and greater move, 0 shows all");
  told.setAttribute("aria-live", "off");
  drawing.addEventListener("pointerdown", down);
  drawing.addEventListener("pointermove", move);
  addEventListener("pointerup", up);
  addEventListener("pointercancel", (event) => { if (fingers.delete(event.pointerId)) ended(); });
  drawing.addEventListener("click", (event) => {
    const one = svg();
    if (!one || event.target.closest("a")) return;
    place = nearest(second(one, event.clientX));
    show(times[place]);
  });
  drawing.addEventListener("keydown", key);
  const buttons = { closer: (one) => closer(one, 0.5), wider: (one) => closer(one, 2), earlier: (one) => along(one, -0.5),
    later: (one) => along(one, 0.5) };
  document.getElementById("chart-buttons").addEventListener("click", (event) => {
    const one = svg();
    if (one) buttons[event.target.closest("button")?.value]?.(one);
  });
  document.querySelector(".tools").addEventListener("click", (event) => {
    const link = event.target.closest("a.stretch");
    if (!link) return;
    event.preventDefault();
    const query = new URL(link.href).searchParams;
    if (query.has("from")) zoom(Number(query.get("from")), Number(query.get("until")));
    else zoom(null);
  });
}

// ---------------------------------------------------------------- what is folded

/** Browsers open what an address leads into; those that do not are helped. */
function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  let opened = false;
  for (let one = target && target.closest("details:not([open])"); one; one = one.parentElement.closest("details:not([open])")) {
    one.open = opened = true;
  }
  if (opened) target.scrollIntoView();
}
addEventListener("hashchange", unfold);
unfold();
const all = document.getElementById("unfold");
all.hidden = false;
all.addEventListener("click", () => document.querySelectorAll("main details").forEach((one) => { one.open = true; }));

// ---------------------------------------------------------------- what is new

/** The drawings of a page that was read again, and what the cursor tells of them. */
function redrawn(fresh) {
  const held = fresh.getElementById("moments");
  if (!drawing || !held) return;
  moments = JSON.parse(held.textContent);
  const at = times[place];
  const last = place === times.length - 1;
  times = [...new Set(moments.map((one) => one[0]))].sort((a, b) => a - b);
  place = last ? times.length - 1 : nearest(at);
  fingers.clear();
  ended();
  drawing.querySelectorAll("svg").forEach((one) => one.remove());
  drawing.prepend(...fresh.querySelectorAll("#drawing svg"));
  if (!told.hidden) show(times[place]);
}

if (document.getElementById("live")) {
  const soon = keep({ handle, shown: redrawn, behind });
  listen({
    graded: (handles) => { if (handles.includes(handle)) soon(); },
    other: (_, body) => { if (body.patient === handle) soon(); },
    again: () => soon(),
    edition: (id) => { if (id !== document.documentElement.dataset.edition) soon(true); },
  });
}
