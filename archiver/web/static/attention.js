// How much of a recording was heard, and for how long its page was looked at: told with the verdict.
// Both are kept in this browser for each person and recording, so that a reload does not lose them.

import { bar } from "./live.js";
import { storage } from "./outbox.js";

const STEP = 1000;

export function attend(record, timeline) {
  const key = `desk.attention.${bar.dataset.user}`;
  const all = new Map(storage.get(key) ?? []);
  const own = all.get(record) ?? { heard: [], spent: 0 };
  const heard = new Set(own.heard);
  let last = null;

  function count() {
    if (document.visibilityState === "visible") own.spent += STEP / 1000;
    const { id, offset, seconds } = timeline.current;
    if (id === record && timeline.isPlaying) {
      // At twice the speed two seconds are heard in one.
      const now = Math.floor(timeline.position - offset);
      const from = last !== null && now >= last && now - last <= 4 ? last : now;
      for (let at = from; at <= now && at < seconds; at += 1) heard.add(at);
      last = now;
    } else last = null;
    own.heard = [...heard];
    all.delete(record);
    all.set(record, own);
    storage.set(key, [...all].slice(-50));
    const form = document.getElementById("card-form");
    if (!form) return;
    form.elements.heard.value = seconds ? Math.min(1, heard.size / Math.max(1, Math.floor(seconds))).toFixed(3) : 0;
    form.elements.spent.value = Math.round(own.spent);
  }
  setInterval(count, STEP);
}
