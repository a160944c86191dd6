// What was written and is on its way to the desk. An entry is kept in this browser from before it is
// sent until the desk has answered, so that neither a reload nor a closed lid nor a desk that is away
// loses it; whatever page is open sends it again. The desk takes a repeated entry for what it is (see
// desk/review/basis.py), so sending twice does no harm.

import { bar } from "./live.js";

const PREFIX = `desk.unsent.${bar.dataset.user}.`;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
const PATIENCE = 15_000;
const FORM = "application/x-www-form-urlencoded";
const MOST_KEPT_ALIVE = 60_000; // browsers send no more than 64 KiB for a page that is left

const memory = new Map(); // where the browser keeps nothing for us
const inFlight = new Set();
const listeners = new Set();
let wait = FIRST_WAIT;
let timer;

export const storage = {
  get(key) { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
  // Whether it is kept.
  set(key, value) { try { localStorage.setItem(key, JSON.stringify(value)); return true; } catch { return false; } },
  drop(key) { try { localStorage.removeItem(key); } catch { /* nothing is kept */ } },
  keys(prefix) { try { return Object.keys(localStorage).filter((key) => key.startsWith(prefix)); } catch { return []; } },
};

// Tells `heard(entry, outcome, answer)` of every attempt: "sending", "saved", "later" or "refused".
export function onOutcome(heard) { listeners.add(heard); }

function announce(entry, outcome, answer = null) {
  for (const heard of listeners) heard(entry, outcome, answer);
}

export function unsent() {
  const kept = storage.keys(PREFIX).map((key) => storage.get(key)).filter((entry) => entry?.id);
  return [...kept, ...memory.values()].sort((a, b) => a.at - b.at);
}

export const find = (id) => memory.get(id) ?? storage.get(PREFIX + id);
// Whether leaving now would lose something.
export const wouldLose = () => memory.size > 0;

export function drop(id) {
  memory.delete(id);
  storage.drop(PREFIX + id);
}

function keep(entry) {
  if (storage.set(PREFIX + entry.id, entry)) memory.delete(entry.id); else memory.set(entry.id, entry);
}

// entry: { id, path, fields, key }. A newer entry of the same id takes the place of the older one.
export function post(entry) {
  const dated = { ...entry, at: Date.now(), stamp: crypto.getRandomValues(new Uint32Array(1))[0] };
  keep(dated);
  return send(dated);
}

async function send(entry) {
  if (inFlight.has(entry.id)) return;
  inFlight.add(entry.id);
  announce(entry, "sending");
  let outcome = "later";
  let answer = null;
  try {
    const body = new URLSearchParams(entry.fields).toString();
    const response = await fetch(entry.path, {
      method: "POST",
      body,
      headers: { "X-CSRF-Token": bar.dataset.csrf, "X-Desk-Live": "1", "Content-Type": FORM },
      keepalive: body.length < MOST_KEPT_ALIVE,
      signal: AbortSignal.timeout(PATIENCE),
    });
    answer = {
      status: response.status,
      field: response.headers.get("X-Desk-Field"),
      isStale: response.headers.has("X-Desk-Session"),
      url: response.headers.get("X-Desk-Go") ?? "",
      text: await response.text(),
    };
    if (response.ok) outcome = "saved";
    else if (response.status < 500 && response.status !== 429 && !answer.isStale) outcome = "refused";
  } catch {
    // No answer: the desk or the network is away.
  }
  inFlight.delete(entry.id);
  const newest = find(entry.id);
  const isNewest = !newest || newest.stamp === entry.stamp;
  if (outcome !== "later" && isNewest) drop(entry.id);
  if (outcome === "saved") wait = FIRST_WAIT;
  announce(entry, outcome, answer);
  if (!isNewest && outcome !== "later") await send(find(entry.id));
  if (outcome === "later" && !answer?.isStale) tryLater();
}

function tryLater() {
  clearTimeout(timer);
  timer = setTimeout(flush, wait);
  wait = Math.min(wait * 2, LONGEST_WAIT);
}

// Sends everything that waits, the oldest first.
export async function flush() {
  clearTimeout(timer);
  for (const entry of unsent()) await send(entry);
}

addEventListener("online", () => { wait = FIRST_WAIT; flush(); });
document.addEventListener("desk-back", () => { wait = FIRST_WAIT; flush(); });
