// What is said to the reader of a page, and small wishes that are sent to the desk on the way.

export const bar = document.getElementById("bar");
const fault = document.getElementById("fault");
let hiding;

export function tell(text) {
  document.getElementById("told").textContent = text;
}

// `page`: where it happened, if that is not here.
export function complain(text, page = "") {
  fault.textContent = text || bar.dataset.fault;
  if (page && page !== location.pathname) {
    const link = document.createElement("a");
    link.href = page;
    link.textContent = page;
    fault.append(" ", link);
  }
  fault.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { fault.hidden = true; }, 10_000);
}

// Sends what may be lost without harm, such as the theme.
export async function send(path, fields) {
  const headers = { "X-CSRF-Token": bar.dataset.csrf, "X-Desk-Live": "1" };
  try {
    await fetch(path, { method: "POST", body: new URLSearchParams(fields), headers });
  } catch {
    complain("");
  }
}
