// Which key was meant, whatever the layout: a letter of another script stands for the Latin letter
// in its place, so that the keys of the help work on a Russian keyboard too.

const SIGNS = new Map([["Slash", "/"], ["BracketLeft", "["], ["BracketRight", "]"], ["Backslash", "\\"],
  ["Minus", "-"], ["Equal", "="]]);

export function keyName(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return "";
  const { key, code, shiftKey } = event;
  if (code === "Slash" && (key === "." || key === ",")) return key === "," ? "?" : "/";
  if (key === " ") return "Space";
  if (key.length > 1) return shiftKey ? `Shift ${key}` : key;
  if (key > "~") {
    if (/^Key[A-Z]$/.test(code)) return code.at(-1).toLowerCase();
    return SIGNS.get(code) ?? "";
  }
  return key.toLowerCase();
}

// Whether the element under the focus wants the key for itself.
export function wants(target, name) {
  if (!(target instanceof Element) || document.querySelector("dialog[open]")) return true;
  const field = target.closest("input, textarea, select, [contenteditable]");
  const isChoice = field?.matches('[type="radio"], [type="checkbox"]');
  if (field?.matches('[type="range"]')) return /Arrow|Home|End|Page/.test(name);
  if (field && !isChoice) return true;
  if (isChoice) return name === "Space" || /Arrow/.test(name);
  return Boolean(target.closest("button, a, summary")) && (name === "Enter" || name === "Space");
}

// Calls the handler of the key that is pressed. A handler gets the event and may return false to let
// the browser have the key.
export function listen(handlers) {
  document.addEventListener("keydown", (event) => {
    const name = keyName(event);
    const handler = handlers[name] ?? (/^[0-9]$/.test(name) ? handlers.digit : undefined);
    if (!handler || event.defaultPrevented || wants(event.target, name)) return;
    if (handler(event, name) !== false) event.preventDefault();
  });
}
