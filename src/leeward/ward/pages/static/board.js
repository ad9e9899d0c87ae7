// The ward: rows that follow what arrives, filters, finding, keys.

import { age, now, typing, wall } from "./frame.js";
import { listen } from "./feed.js";

const rows = document.getElementById("rows");
const form = document.querySelector("form.filters[role=search]");
const find = document.getElementById("find");
const MANY = 40; // more changed rows than this are fetched as the whole board
const WAIT_MS = 500;
const waiting = new Set();
let timer = 0;
let edition = document.documentElement.dataset.edition;

for (const one of document.querySelectorAll("form.filters [hidden], form.filters ~ [hidden].keys")) one.hidden = false;

// ---------------------------------------------------------------- which rows are shown

function fits(row) {
  const { unit, show } = form.elements;
  const sought = find.value.trim().toLowerCase();
  return (!unit.value || row.dataset.unit === unit.value) &&
    (!show.value || row.dataset.tags.split(" ").includes(show.value)) &&
    (!sought || row.textContent.toLowerCase().includes(sought));
}

function filter() {
  for (const row of rows.children) row.hidden = !fits(row);
}

function before(one, other) {
  const mine = one.dataset.need.split("|");
  const theirs = other.dataset.need.split("|");
  for (let place = 0; place < Math.max(mine.length, theirs.length); place += 1) {
    const [left, right] = [Number(mine[place]), Number(theirs[place])];
    if (Number.isNaN(left) || Number.isNaN(right)) return String(mine[place]).localeCompare(String(theirs[place]));
    if (left !== right) return left - right;
  }
  return 0;
}

function sort() {
  const held = document.activeElement;
  const wanted = [...rows.children].sort(before);
  wanted.forEach((row, place) => {
    if (rows.children[place] !== row) rows.insertBefore(row, rows.children[place]);
  });
  if (held && held !== document.activeElement && held.isConnected) held.focus();
}

// ---------------------------------------------------------------- rows that changed

function grade(row) {
  return [...row.querySelectorAll(".range")].map((one) => one.textContent.trim().replace(/\s+/g, " ")).join(", ICANS ");
}

/** The row that has the focus, or had it last: a row that is swapped or moved keeps it. */
let here = "";

rows.addEventListener("focusin", (event) => { here = event.target.closest("tr").id; });

function link(row) {
  return row?.querySelector(".patient > a");
}

function put(fresh, asked) {
  const told = [];
  const within = rows.contains(document.activeElement);
  const seen = new Set();
  for (const row of [...fresh.querySelectorAll("tbody > tr")]) {
    seen.add(row.id);
    const old = document.getElementById(row.id);
    if (old) {
      if (grade(old) !== grade(row)) {
        told.push(`Bed ${row.querySelector(".bed").textContent.replace(/\s*Bed\s*/, "").trim()}: CRS ${grade(row)}`);
        row.classList.add("changed");
      }
      old.replaceWith(row);
    } else {
      rows.append(row);
    }
  }
  const gone = asked ? asked.map((handle) => `row-${handle}`) : [...rows.children].map((row) => row.id);
  for (const id of gone) if (!seen.has(id)) document.getElementById(id)?.remove();
  filter();
  sort();
  if (within && !rows.contains(document.activeElement)) link(document.getElementById(here))?.focus({ preventScroll: true });
  age(rows);
  document.getElementById("nobody").hidden = rows.children.length > 0;
  const glass = fresh.getElementById("glass");
  if (glass) document.getElementById("glass").replaceWith(glass);
  const tally = fresh.documentElement.dataset.tally;
  if (tally) document.getElementById("tally").textContent = tally;
  if (told.length) document.getElementById("said").textContent = told.slice(0, 3).join(". ");
}

async function fetchRows(handles) {
  const answer = await fetch(`/rows${handles ? `?of=${handles.join(",")}` : ""}`, { cache: "no-store" });
  if (!answer.ok) {
    if (answer.status === 401) location.reload();
    throw new Error(`rows: ${answer.status}`);
  }
  put(new DOMParser().parseFromString(await answer.text(), "text/html"), handles);
}

async function drain() {
  timer = 0;
  const some = [...waiting];
  waiting.clear();
  try {
    await fetchRows(some.length > MANY || some.includes("*") ? null : some);
  } catch {
    some.forEach((one) => waiting.add(one));
    timer ||= setTimeout(drain, 10 * WAIT_MS);
  }
}

function changed(handles) {
  handles.forEach((one) => waiting.add(one));
  if (waiting.size && !timer) timer = setTimeout(drain, WAIT_MS);
}

listen({
  graded: changed,
  other: (_, body) => changed([body.patient || "*"]),
  again: () => changed(["*"]),
  edition: (id) => {
    if (id === edition) return;
    const said = document.getElementById("edition-changed");
    said.textContent = `The edition of knowledge changed from ${edition} to ${id} at ${wall(now())}: every grade is read anew.`;
    said.hidden = false;
    document.getElementById("edition-said").textContent = `Edition of knowledge: ${id}.`;
    edition = id;
    changed(["*"]);
  },
});

// ---------------------------------------------------------------- time

setInterval(() => {
  if (!document.body.classList.contains("stale")) {
    const at = now();
    const clock = document.getElementById("server-clock");
    clock.textContent = wall(at);
    clock.dateTime = at.toISOString();
  }
}, 1000);
setInterval(() => age(rows), 15000);

// ---------------------------------------------------------------- by hand

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", filter);
form.addEventListener("change", () => {
  const kept = new URLSearchParams();
  for (const name of ["unit", "show"]) if (form.elements[name].value) kept.set(name, form.elements[name].value);
  history.replaceState(null, "", kept.size ? `/?${kept}` : "/");
  filter();
});
document.getElementById("print").addEventListener("click", () => window.print());

function step(by) {
  const shown = [...rows.querySelectorAll("tr:not([hidden])")];
  const place = shown.findIndex((row) => row.id === here);
  link(shown[Math.min(Math.max(place + by, 0), shown.length - 1)])?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.activeElement === find) {
    find.value = "";
    filter();
    find.blur();
  }
  if (typing(event)) return;
  const keys = {
    "/": () => find.focus(), j: () => step(1), k: () => step(-1), p: () => window.print(),
    "?": () => document.getElementById("help").showModal(),
    Escape: () => { find.value = ""; form.elements.unit.value = ""; form.elements.show.value = ""; filter(); },
  };
  if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});
filter();

// ---------------------------------------------------------------- the demo

const ended = document.getElementById("ended");
if (ended) {
  const look = async () => {
    const answer = await fetch("/demo/speed", { cache: "no-store" }).catch(() => null);
    if (answer?.ok) ended.hidden = !(await answer.json()).ended;
  };
  look();
  setInterval(look, 10000);
}
