// The scorecard by keyboard: in a question, 1 to 5, Y, N and X answer it and go on to the next one.
// Every change is saved as a draft.

import { clock } from "./clock.js";
import { keyName } from "./keys.js";
import { submit } from "./saving.js";

const ANSWERS = { y: "yes", n: "no", x: "na" };
const PAUSE = 600;
let saving;

const form = () => document.getElementById("card-form");
const questions = () => [...form().querySelectorAll(".question")];
const enter = (question) => (question.querySelector("input:checked") ?? question.querySelector("input")).focus();

export function open() {
  if (!form()) return false;
  const all = questions();
  enter(all.find((one) => !one.querySelector("input:checked")) ?? all[0]);
  return true;
}

function answer(question, value) {
  const input = question.querySelector(`input[value="${value}"]`);
  if (!input) return;
  input.checked = true;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  const all = questions();
  const next = all[all.indexOf(question) + 1];
  if (next) enter(next); else document.getElementById("comment").focus();
}

function saveSoon() {
  if (!form().dataset.draft) return; // what was submitted changes by being submitted again
  clearTimeout(saving);
  saving = setTimeout(save, PAUSE);
}

function stopSaving() {
  clearTimeout(saving);
  saving = undefined;
}

async function save() {
  stopSaving();
  if (form()?.dataset.draft) await submit(form(), { name: "act", value: "draft" });
}

// Where the player is, as the evidence of a question; it is a place in this recording, not in its call.
function takePosition(button) {
  const player = document.getElementById("player");
  const leg = JSON.parse(player.dataset.legs).find((one) => one.id === Number(player.dataset.record));
  const at = Math.max(0, Number(document.getElementById("seek").value) - leg.offset);
  const field = button.closest("form").elements[button.dataset.here];
  field.value = clock(at);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-here]");
  if (button) takePosition(button);
  if (event.target.closest("[data-unanswered]") && open()) event.preventDefault();
});
document.addEventListener("input", (event) => { if (event.target.closest("#card-form")) saveSoon(); });
document.addEventListener("restored", (event) => { if (event.target.id === "card-form") saveSoon(); });
document.addEventListener("submit", (event) => { if (event.target.id === "card-form") stopSaving(); }, true);
addEventListener("pagehide", () => { if (saving !== undefined) save(); });
document.addEventListener("keydown", (event) => {
  const inForm = event.target.closest?.("#card-form");
  const isElsewhere = event.target.closest?.("form, dialog") && !inForm;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form() && !isElsewhere) {
    event.preventDefault();
    form().querySelector('button[value="submit"]').click();
    return;
  }
  if (!inForm || !event.target.closest(".answers")) return;
  const question = event.target.closest(".question");
  const name = keyName(event);
  if (!question || !/^[1-5ynx]$/.test(name)) return;
  // An answer that this question does not have must not reach the player: N would leave the call.
  event.preventDefault();
  answer(question, ANSWERS[name] ?? name);
});
