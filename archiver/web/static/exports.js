// Watches exports while they are made: the table is asked for again until nothing moves any more.

import "./desk.js";
import { tell } from "./live.js";

const EVERY = 2000;
const table = document.getElementById("orders");

async function look() {
  let answer;
  try {
    answer = await fetch(location.href, { headers: { accept: "text/html" } });
  } catch {
    return setTimeout(look, EVERY);
  }
  if (!answer.ok) return setTimeout(look, EVERY);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.getElementById("orders");
  if (now === null) return undefined; // the session is over
  if (!table.contains(document.activeElement)) table.innerHTML = now.innerHTML;
  if (now.dataset.moving === "yes") return setTimeout(look, EVERY);
  table.innerHTML = now.innerHTML;
  return tell(table.dataset.ended);
}

if (table.dataset.moving === "yes") setTimeout(look, EVERY);
