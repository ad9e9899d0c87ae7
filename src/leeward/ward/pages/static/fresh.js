// Keeping a patient's page new: what says the present is read again and put in its place; what is being typed stays.

import { age } from "./frame.js";

const SETTLE_MS = 150; // what arrives together is read together
const AGAIN_MS = 4000; // after a read that failed

/** Whether somebody is filling something in within a node, or has. */
function inUse(node) {
  if (node.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) return true;
  return [...node.querySelectorAll("input:not([type=hidden]), select, textarea")].some((one) => one.matches("select")
    ? [...one.options].some((option) => option.selected !== option.defaultSelected && option.value)
    : one.type === "checkbox" ? one.checked !== one.defaultChecked : one.value !== one.defaultValue);
}

const reached = (node) => [...node.querySelectorAll("a[href], button, summary, [tabindex]")];

/** One part of the page in the place of the one before: what was open stays open, and focus where it was. */
function replace(old, made) {
  const open = new Set([...old.querySelectorAll("details[open]")].map((one) => one.querySelector("summary").textContent));
  if (old.matches("details")) made.open = old.open;
  for (const one of made.querySelectorAll("details")) {
    if (open.has(one.querySelector("summary").textContent)) one.open = true;
  }
  const place = reached(old).indexOf(document.activeElement);
  const held = place < 0 ? null : document.activeElement;
  old.replaceWith(made);
  if (!held) return;
  const now = reached(made);
  const same = now.find((one) => one.getAttribute("href") === held.getAttribute("href") && one.textContent === held.textContent);
  (same ?? now[Math.min(place, now.length - 1)])?.focus({ preventScroll: true });
}

/** Put what is new in its place; whether all of it could be. */
function put(fresh) {
  const top = document.querySelector(".head").getBoundingClientRect().bottom;
  const anchor = [...document.querySelectorAll("main [id]")].find((one) => one.getBoundingClientRect().bottom > top);
  const before = anchor?.getBoundingClientRect().top;
  let whole = true;
  for (const old of document.querySelectorAll("[data-fresh]")) {
    const made = fresh.getElementById(old.id);
    if (!made || made.outerHTML === old.outerHTML) continue;
    if (inUse(old)) whole = false;
    else replace(old, document.adoptNode(made));
  }
  const after = anchor && document.getElementById(anchor.id);
  if (after) scrollBy(0, after.getBoundingClientRect().top - before);
  age();
  return whole;
}

/** Keep the page new; `shown(fresh)` is told of every page that was put in place, `behind(yes)` whether more is known. */
export function keep({ handle, shown, behind }) {
  const note = document.getElementById("fresh");
  let known = document.getElementById("said-now").dataset.said;
  let timer = 0;
  let reading = false;
  let more = false;
  let anew = false;

  function left(why) {
    note.firstElementChild.textContent = why;
    note.hidden = false;
  }

  async function read() {
    timer = 0;
    reading = true;
    more = false;
    try {
      const said = await fetch(`/patient/${handle}/said`, { cache: "no-store" });
      if (!said.ok) throw new Error(said.status);
      if (anew || (await said.text()) !== known) {
        const query = new URLSearchParams(location.search);
        ["charted", "again"].forEach((name) => query.delete(name));
        const answer = await fetch(`/patient/${handle}?${query}`, { cache: "no-store" });
        if (!answer.ok) throw new Error(answer.status);
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const newest = fresh.getElementById("said-now").dataset.said;
        const edition = fresh.documentElement.dataset.edition;
        const whole = put(fresh);
        shown(fresh);
        anew = !whole;
        if (whole) [known, document.documentElement.dataset.edition] = [newest, edition];
      }
      if (anew) left("Something new has arrived that is not shown where you are typing.");
      else note.hidden = true;
      behind(anew || more);
    } catch {
      left("Something new has arrived, and could not be read.");
      timer ||= setTimeout(read, AGAIN_MS);
    }
    reading = false;
    if (more) soon();
  }

  function soon(whole = false) {
    anew ||= whole;
    behind(true);
    more = reading;
    if (!reading) timer ||= setTimeout(read, SETTLE_MS);
  }

  note.querySelector("a").addEventListener("click", (event) => {
    event.preventDefault();
    soon(true);
  });
  addEventListener("focusout", () => { if (!note.hidden) setTimeout(soon); });
  return soon;
}
