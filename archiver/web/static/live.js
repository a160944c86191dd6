// Forms that are sent without leaving the page, so that the sound goes on: the answer is a piece of
// the page, made by the server, which takes the place of the one named in `data-live`.

const bar = document.getElementById("bar");
const fault = document.getElementById("fault");
let hiding;

export function tell(text) {
  document.getElementById("told").textContent = text;
}

export function complain(text) {
  fault.textContent = text || bar.dataset.fault;
  fault.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { fault.hidden = true; }, 6000);
}

// The answer of the desk as text, or null when it refused; the reader is told why.
export async function send(path, fields) {
  const body = new URLSearchParams(fields);
  const headers = { "X-CSRF-Token": bar.dataset.csrf, "X-Desk-Live": "1" };
  let answer;
  try {
    answer = await fetch(path, { method: "POST", body, headers });
  } catch {
    complain("");
    return null;
  }
  const text = await answer.text();
  if (answer.ok) return text;
  complain(text.length < 500 ? text : "");
  return null;
}

// Sends the form and puts the answer into its place. Tells those who listen for `replaced`.
export async function submit(form, button) {
  const fields = [...new FormData(form)];
  if (button?.name) fields.push([button.name, button.value]);
  const isDraft = button?.value === "draft" && form.dataset.draft;
  const place = document.getElementById(isDraft ? form.dataset.draft : form.dataset.live);
  const markup = await send(form.getAttribute("action"), fields);
  if (markup === null) return false;
  place.innerHTML = markup;
  place.dispatchEvent(new CustomEvent("replaced", { bubbles: true }));
  return true;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.live) return;
  event.preventDefault();
  submit(form, event.submitter);
});
