// Forms that are sent without leaving the page, so that the sound goes on. The answer is a piece of the
// page, made by the server, which takes the place of the one named in `data-live`.
//
// A form without `data-live` leaves the page, once the desk has taken it.
//
// A form with a `data-key` says whether what is in it is saved, and what was typed into it is kept in
// this browser until the desk has it: a reload, a crash or an expired session brings it back.

import { bar, complain, tell } from "./live.js";
import { drop, find, flush, onOutcome, post, storage, unsent, wouldLose } from "./outbox.js";

const words = JSON.parse(bar.dataset.words);
const TYPED = `desk.typed.${bar.dataset.user}.${location.pathname}#`;
const KEPT_OF_FORM = new Set(["version", "writer", "token", "seconds", "card", "heard", "spent"]);
const NEVER_KEPT = new Set(["csrf", "act", "password", "password_again"]);

const formOf = (key) => (key ? document.querySelector(`form[data-key="${CSS.escape(key)}"]`) : null);
const say = (key, values = {}) =>
  Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), words[key]);

// States

function show(form, state, text) {
  const place = form?.id ? document.querySelector(`[data-state-of="${form.id}"]`) : null;
  const told = place ?? form?.querySelector("[data-state]");
  if (!told) return;
  told.dataset.state = state;
  told.textContent = text;
}

function showUnsent() {
  const place = document.getElementById("unsent");
  const count = unsent().length;
  place.hidden = !count || !("failed" in place.dataset);
  if (!count) delete place.dataset.failed;
  place.querySelector("span").textContent = say("unsent", { count });
}

// What was typed

const contents = (form) => [...new FormData(form)].filter(([name]) => !NEVER_KEPT.has(name));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function keepTyped(form) {
  const key = TYPED + form.dataset.key;
  const isKept = storage.set(key, contents(form));
  form.toggleAttribute("data-unkept", !isKept);
  if (find(entryId(form))) post(entryOf(form, find(entryId(form)).act));
}

function fill(form, [name, value]) {
  for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"], [form="${form.id}"][name="${CSS.escape(name)}"]`)) {
    if (field.type === "radio") field.checked = field.value === value;
    else if (field.type !== "checkbox") field.value = value;
    else if (field.value === value) field.checked = true;
  }
  if (name === "version") for (const field of document.querySelectorAll(`[form="${form.id}"][name=version]`)) field.value = value;
}

function isWorth(form, kept) {
  const now = contents(form).filter(([name]) => !KEPT_OF_FORM.has(name));
  return !same(now, kept.filter(([name]) => !KEPT_OF_FORM.has(name)));
}

// Puts back what was typed into forms of this place and never saved.
export function restore(place) {
  for (const form of place.querySelectorAll("form[data-key]")) {
    const kept = storage.get(TYPED + form.dataset.key);
    if (!kept) continue;
    if (!isWorth(form, kept)) { storage.drop(TYPED + form.dataset.key); continue; }
    for (const field of form.querySelectorAll("[type=checkbox]")) field.checked = false;
    for (const one of kept) fill(form, one);
    form.closest("details")?.setAttribute("open", "");
    show(form, "kept", say("kept"));
    form.dispatchEvent(new CustomEvent("restored", { bubbles: true }));
  }
}

// Sending

// A password waits in no browser: such a form is sent by the browser itself, once.
const isSecret = (form) => form.querySelector("[type=password]") !== null;

function entryId(form) {
  const { pathname, search } = new URL(form.action, location.href);
  return form.elements.token?.value || pathname + search;
}

function entryOf(form, act) {
  const fields = [...new FormData(form)].filter(([name]) => name !== "csrf" && name !== "act");
  if (act) fields.push(act);
  return { id: entryId(form), path: form.getAttribute("action"), fields, act, key: form.dataset.key ?? "",
    page: location.pathname, live: form.dataset.live };
}

export function submit(form, button) {
  clearRefusal(form);
  return post(entryOf(form, button?.name ? [button.name, button.value] : null));
}

function onRefused(entry, form, answer) {
  if (answer.status === 409) {
    if (!form) complain(say("conflict.elsewhere"), entry.page);
    else showConflict(form, entry, answer.text);
    return;
  }
  const reason = answer.text.length < 500 ? answer.text : "";
  show(form, "refused", say("refused", { reason }));
  if (!form) complain(reason, entry.page); else showRefusal(form, answer.field, reason);
}

// A refusal names its field, and leads to it.
function showRefusal(form, name, reason) {
  const field = name && form.querySelector(`[name="${CSS.escape(name)}"]`);
  if (!field) { complain(reason); return; }
  const told = document.createElement("p");
  told.className = "refused";
  told.id = `refused-${form.dataset.key || form.id}`;
  told.setAttribute("role", "alert");
  told.textContent = reason;
  (field.closest("fieldset") ?? field).after(told);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", told.id);
  field.focus();
}

function clearRefusal(form) {
  for (const told of form.querySelectorAll(".refused, .conflict")) told.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}

// Nothing is merged and nothing overwritten: whoever wrote both decides.
function showConflict(form, entry, markup) {
  show(form, "refused", say("conflict"));
  const place = document.createElement("div");
  place.innerHTML = markup;
  const box = place.firstElementChild;
  form.append(box);
  box.querySelector("[data-mine]").addEventListener("click", (event) => {
    event.preventDefault();
    fill(form, ["version", box.dataset.version]);
    box.remove();
    submit(form, entry.act && { name: entry.act[0], value: entry.act[1] });
  });
  box.querySelector("[data-theirs]").addEventListener("click", (event) => {
    event.preventDefault();
    storage.drop(TYPED + form.dataset.key);
    drop(entry.id);
    location.reload();
  });
  box.querySelector("h3").focus();
}

function onSaved(entry, form, answer) {
  const isHere = entry.page === location.pathname;
  const sent = entry.fields.filter(([name]) => !NEVER_KEPT.has(name));
  const typed = storage.get(`desk.typed.${bar.dataset.user}.${entry.page}#${entry.key}`);
  const isWhole = !typed || same(typed, sent) || !isHere;
  if (isWhole) storage.drop(`desk.typed.${bar.dataset.user}.${entry.page}#${entry.key}`);
  if (!isHere) return;
  if (!entry.live) { leave(answer.url); return; }
  const isDraft = entry.act?.[1] === "draft" && form?.dataset.draft;
  const place = document.getElementById(isDraft ? form.dataset.draft : entry.live);
  if (!place) return;
  const focused = focusOf(place);
  place.innerHTML = answer.text;
  if (!isDraft) restore(place);
  refocus(place, focused);
  show(formOf(entry.key), "saved", say("saved"));
  place.dispatchEvent(new CustomEvent("replaced", { bubbles: true, detail: { key: entry.key } }));
}

// A page that is here already is loaded anew, at the place that was saved.
function leave(to) {
  const there = new URL(to || location.href, location.href);
  const isHere = there.pathname + there.search === location.pathname + location.search;
  if (!isHere) { location.assign(there); return; }
  if (there.hash) {
    history.scrollRestoration = "manual";
    history.replaceState(history.state, "", there);
  }
  location.reload();
}

// Where the reader stood in a piece of the page that is replaced: the focus stays there, or goes to
// what is next to it.
function focusOf(place) {
  if (!place.contains(document.activeElement)) return null;
  const items = [...place.querySelectorAll("[data-item]")];
  const item = document.activeElement.closest("[data-item]");
  const { selectionStart } = document.activeElement;
  return { name: document.activeElement.name, id: document.activeElement.id, selectionStart,
    item: item?.dataset.item, index: items.indexOf(item) };
}

function refocus(place, focused) {
  if (!focused) return;
  const items = [...place.querySelectorAll("[data-item]")];
  const stayed = items.find((one) => one.dataset.item === focused.item);
  const beside = stayed ?? (focused.item === undefined ? null : items[Math.min(focused.index, items.length - 1)]);
  const target = (focused.id && place.querySelector(`#${CSS.escape(focused.id)}`))
    || beside?.querySelector("summary, button") || place.querySelector("[data-home]");
  target?.focus();
}

onOutcome((entry, outcome, answer) => {
  const form = entry.page === location.pathname ? formOf(entry.key) : null;
  if (outcome === "sending") show(form, "saving", say("saving"));
  else if (outcome === "saved") onSaved(entry, form, answer);
  else if (outcome === "refused") onRefused(entry, form, answer);
  else {
    show(form, "unsaved", answer?.isStale ? say("session") : say("unsaved"));
    document.getElementById("unsent").dataset.failed = "";
    if (answer?.isStale) complain(answer.text);
    else tell(say("unsaved"));
  }
  showUnsent();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.live && (!form.dataset.key || isSecret(form))) return;
  event.preventDefault();
  submit(form, event.submitter);
});
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.dataset.key) {
    keepTyped(form);
    if (!form.dataset.draft) show(form, "typed", "");
  }
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  const isLeft = form.action?.endsWith("/log-out") && unsent().length;
  if (isLeft && !confirm(say("leave", { count: unsent().length }))) event.preventDefault();
  else if (form.dataset.key && isSecret(form)) storage.drop(TYPED + form.dataset.key);
}, true);
addEventListener("beforeunload", (event) => {
  if (wouldLose() || document.querySelector("form[data-unkept]")) event.preventDefault();
});
document.getElementById("unsent").querySelector("button").addEventListener("click", flush);

restore(document);
if (unsent().length) document.getElementById("unsent").dataset.failed = "";
showUnsent();
flush();
