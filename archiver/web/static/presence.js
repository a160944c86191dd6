// Whether the desk answers. It is asked every second while somebody listens or something waits to be
// saved, so that its absence is noticed within two seconds; who cares hears `desk-away`, `desk-back`.

import { bar } from "./live.js";

const EVERY = 1000;
const PATIENCE = 900;
let away = false;
let isAsking = false;

export const isAway = () => away;

export async function ask() {
  if (isAsking) return;
  isAsking = true;
  let answers = false;
  try {
    const answer = await fetch(`${bar.dataset.base}/healthz`, { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
    answers = answer.ok;
  } catch {
    // Nobody there.
  }
  isAsking = false;
  if (answers !== away) return;
  away = !answers;
  document.dispatchEvent(new CustomEvent(away ? "desk-away" : "desk-back"));
}

// `isWanted()`: whether anybody cares just now. Once the desk is away it is asked until it is back.
export function watch(isWanted) {
  setInterval(() => { if (away || isWanted()) ask(); }, EVERY);
}
