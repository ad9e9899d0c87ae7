// The patient: a chart to look closer at, a cursor that tells every value, and word of what is new.

import { listen } from "./feed.js";
import { typing } from "./frame.js";

const handle = location.pathname.split("/")[2];
const drawing = document.getElementById("drawing");
const told = document.getElementById("cursor");
const held = document.getElementById("moments");
const moments = held ? JSON.parse(held.textContent) : [];
const times = [...new Set(moments.map((one) => one[0]))].sort((a, b) => a - b);
const LEAST_S = 1800;
const NS = "http://www.w3.org/2000/svg";
let place = times.length - 1;
let whole = null;

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

if (drawing && times.length) {
  document.getElementById("chart-keys").hidden = false;
  drawing.tabIndex = 0;
  drawing.setAttribute("role", "group");
  drawing.setAttribute("aria-label", "Course: arrow keys move the cursor, plus and minus zoom, 0 shows all");
  told.setAttribute("aria-live", "off");
  let start = null;
  drawing.addEventListener("pointerdown", (event) => {
    const one = svg();
    if (event.button || event.target.closest("a") || event.pointerType === "touch" || !one) return;
    start = second(one, event.clientX);
  });
  drawing.addEventListener("pointermove", (event) => {
    const one = svg();
    if (!one) return;
    const at = second(one, event.clientX);
    if (start === null) {
      place = nearest(at);
      show(times[place]);
    } else {
      mark(one, "cursor-stretch", Math.min(pixel(one, start), pixel(one, at)), Math.abs(pixel(one, at) - pixel(one, start)));
    }
  });
  addEventListener("pointerup", (event) => {
    const one = svg();
    if (start === null || !one) return;
    const [from, until] = [start, second(one, event.clientX)].sort((a, b) => a - b);
    start = null;
    one.querySelector(".cursor-stretch")?.remove();
    if (pixel(one, until) - pixel(one, from) > 8) zoom(from, until);
  });
  drawing.addEventListener("click", (event) => {
    const one = svg();
    if (!one || event.target.closest("a")) return;
    place = nearest(second(one, event.clientX));
    show(times[place]);
  });
  drawing.addEventListener("keydown", (event) => {
    const one = svg();
    if (!one || event.target !== drawing || typing(event)) return;
    const { from, until } = axis(one);
    const at = times[place];
    whole ??= { from, until };
    const keys = {
      ArrowLeft: () => { place = Math.max(0, place - 1); show(times[place]); },
      ArrowRight: () => { place = Math.min(times.length - 1, place + 1); show(times[place]); },
      Home: () => { place = 0; show(times[0]); },
      End: () => { place = times.length - 1; show(times[place]); },
      "+": () => zoom(at - (until - from) / 4, at + (until - from) / 4),
      "-": () => zoom(at - (until - from), at + (until - from)),
      0: () => zoom(null),
    };
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
      told.setAttribute("aria-live", "polite");
    }
  });
  for (const one of document.querySelectorAll("a.stretch")) {
    one.addEventListener("click", (event) => {
      event.preventDefault();
      const query = new URL(one.href).searchParams;
      if (query.has("from")) zoom(Number(query.get("from")), Number(query.get("until")));
      else zoom(null);
    });
  }
}

// ---------------------------------------------------------------- what is new

if (document.getElementById("live")) {
  const known = document.getElementById("said-now").dataset.said;
  let timer = 0;
  async function look() {
    timer = 0;
    const answer = await fetch(`/patient/${handle}/said`, { cache: "no-store" }).catch(() => null);
    if (answer?.ok && (await answer.text()) !== known) document.getElementById("fresh").hidden = false;
  }
  const soon = () => { timer ||= setTimeout(look, 1000); };
  listen({
    graded: (handles) => { if (handles.includes(handle)) soon(); },
    other: (_, body) => { if (body.patient === handle) soon(); },
    again: soon,
    edition: (id) => { if (id !== document.documentElement.dataset.edition) document.getElementById("fresh").hidden = false; },
  });
}
