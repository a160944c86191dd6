// The list by keyboard: the focus itself moves, so that what is read out and what is lit is the same.

import "./desk.js";
import { listen } from "./keys.js";

const links = [...document.querySelectorAll(".rows a.open")];
const KEPT = "desk.row";

function move(step) {
  const now = links.indexOf(document.activeElement);
  const next = now < 0 ? (step > 0 ? 0 : links.length - 1) : now + step;
  const link = links[Math.min(Math.max(next, 0), links.length - 1)];
  link?.focus();
  link?.closest("tr").scrollIntoView({ block: "nearest" });
}

for (const link of links) {
  link.closest("tr").addEventListener("click", (event) => {
    if (!event.target.closest("a") && !String(getSelection())) link.click();
  });
  link.addEventListener("click", () => sessionStorage.setItem(KEPT, link.closest("tr").dataset.record));
}

// Whoever comes back from a recording stands where he left.
const left = sessionStorage.getItem(KEPT);
if (left && !location.hash) {
  document.querySelector(`tr[data-record="${CSS.escape(left)}"] a.open`)?.focus();
  sessionStorage.removeItem(KEPT);
}

listen({
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  n: () => document.getElementById("more")?.click(),
  f: () => document.querySelector(".facets ul a")?.focus(),
});
