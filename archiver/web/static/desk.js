// What every page can do: help, search, the queue, the list, and the theme.

import { listen } from "./keys.js";
import { send } from "./live.js";
import "./saving.js";

const bar = document.getElementById("bar");
const dialog = document.getElementById("keys");

function help() {
  if (!dialog.open) dialog.showModal();
}

function search() {
  const field = document.getElementById("search");
  if (field) {
    field.focus();
    field.select();
  } else {
    location.assign(`${bar.dataset.list}#search`);
  }
}

function list() {
  location.assign(document.getElementById("back")?.href ?? bar.dataset.list);
}

async function turnTheme() {
  const root = document.documentElement;
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme || (isDark ? "dark" : "light");
  const theme = now === "dark" ? "light" : "dark";
  root.dataset.theme = theme;
  document.dispatchEvent(new CustomEvent("theme"));
  await send(document.getElementById("language").getAttribute("action"), { theme });
}

document.getElementById("help").addEventListener("click", help);
document.getElementById("theme").addEventListener("click", turnTheme);
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

// A form that asks with an address leaves out what was not filled in.
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches?.("input, textarea, select")) event.target.blur();
});
if (location.hash === "#search") search();

listen({
  "?": help,
  "/": search,
  u: list,
  q: () => document.getElementById("take-next")?.requestSubmit(),
});
