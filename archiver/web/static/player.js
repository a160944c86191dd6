// The page of a recording: sound, waveform, keys, and what is kept of a reader's place and habits.

import { attend } from "./attention.js";
import { clock } from "./clock.js";
import "./desk.js";
import { listen } from "./keys.js";
import { tell } from "./live.js";
import { ask, isAway, watch } from "./presence.js";
import { unsent } from "./outbox.js";
import { open as openCard } from "./scorecard.js";
import { Sides } from "./sides.js";
import { Timeline } from "./timeline.js";
import { Wave } from "./wave.js";

const $ = (id) => document.getElementById(id);
const player = $("player");
const words = JSON.parse(player.dataset.words);
const record = Number(player.dataset.record);
const legs = JSON.parse(player.dataset.legs);
const ZOOMS = [1, 2, 4, 8, 16];
let zoomed = 0;
const SPEEDS = [...$("speed").options].map((option) => Number(option.value));

for (const leg of legs) {
  leg.figure = $(`leg-${leg.id}`);
  leg.element = leg.figure.querySelector("audio");
  leg.figure.style.flexGrow = Math.max(leg.seconds, 1);
}
const timeline = new Timeline(legs, record);
const sides = new Sides();
attend(record, timeline);
const say = (key, values = {}) =>
  Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), words[key]);

// What is kept

const keep = {
  get(name, or) { try { return JSON.parse(localStorage.getItem(`desk.${name}`)) ?? or; } catch { return or; } },
  set(name, value) { try { localStorage.setItem(`desk.${name}`, JSON.stringify(value)); } catch { /* private mode */ } },
};
let keptAt = 0;
let flowing;

function keepPlace() {
  const { id, offset, seconds } = timeline.current;
  const within = timeline.position - offset;
  const places = keep.get("places", []).filter(([one]) => one !== id);
  if (within > 2 && within < seconds - 3) places.push([id, Math.round(within * 10) / 10]);
  keep.set("places", places.slice(-500));
  keptAt = performance.now();
}

function startingPlace() {
  const asked = Number.parseFloat(new URLSearchParams(location.search).get("t") ?? "");
  const { offset } = timeline.current;
  if (Number.isFinite(asked)) return offset + asked;
  return offset + (keep.get("places", []).find(([id]) => id === record)?.[1] ?? 0);
}

// What is shown

function showPlace() {
  const at = timeline.position;
  $("clock").textContent = clock(at);
  $("seek").value = at;
  // Read out while it is being moved, not while it moves by itself.
  if (!timeline.isPlaying || document.activeElement !== $("seek")) $("seek").setAttribute("aria-valuetext", clock(at));
  if ($("note-at") && document.activeElement?.id !== "note") aimNote();
  if (timeline.isPlaying && performance.now() - keptAt > 2000) keepPlace();
}

function showState() {
  player.classList.toggle("is-playing", timeline.isPlaying);
  tell(timeline.isPlaying ? say("playing") : say("paused", { at: clock(timeline.position) }));
  if (timeline.isPlaying) requestAnimationFrame(tick); else keepPlace();
}

function showLeg() {
  for (const leg of legs) leg.figure.toggleAttribute("data-current", leg === timeline.current);
}

function showLoop() {
  const { loop } = timeline;
  $("loop").setAttribute("aria-pressed", String(Boolean(loop?.to)));
  const text = loop?.to ? say("loop.on", { from: clock(loop.from), to: clock(loop.to) })
    : loop ? say("loop.from", { at: clock(loop.from) }) : say("loop.cleared");
  $("loop-span").textContent = loop?.to ? `${clock(loop.from)}–${clock(loop.to)}` : say("loop.off");
  tell(text);
  for (const leg of legs) {
    const inside = loop?.to && loop.from >= leg.offset && loop.to <= leg.offset + leg.seconds + 0.01;
    leg.wave?.loop(inside ? { start: loop.from - leg.offset, end: loop.to - leg.offset } : null);
  }
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

// A failure of the element says nothing of its reason: the desk does. What may pass is waited for.
async function explain() {
  const { audio } = timeline.current;
  let answer;
  try {
    answer = await fetch(audio, { headers: { Range: "bytes=0-0", "X-Desk-Live": "1" } });
  } catch {
    await ask();
    if (!isAway()) setTimeout(explain, 1000);
    showFlow();
    return;
  }
  if (answer.status >= 500) {
    trouble(await answer.text());
    setTimeout(explain, 3000);
  } else if (!answer.ok) {
    trouble(await answer.text());
    timeline.giveUp();
  } else if (timeline.current.hasFailed) {
    trouble(say("unplayable"));
    timeline.giveUp();
  } else {
    timeline.current.hasFailed = true; // once more: the desk may have come back in between
    trouble("");
    await timeline.recover();
  }
}

// Whether there is sound to play, in words and with a sign; what passes in half a second is not said.
function showFlow() {
  clearTimeout(flowing);
  const state = isAway() && (timeline.isPlaying || unsent().length) ? "away" : timeline.isStarved ? "loading" : "";
  const show = () => {
    $("flow").hidden = !state;
    $("flow").dataset.flow = state;
    $("flow").querySelector("span").textContent = state ? say(`flow.${state}`) : "";
  };
  if (state === "loading") flowing = setTimeout(show, 500); else show();
  if (!state && timeline.isPlaying) timeline.current.hasFailed = false;
}

function showLength() {
  $("seek").max = timeline.seconds;
  $("whole").textContent = clock(timeline.seconds);
}

function tick() {
  if (!timeline.isPlaying) return;
  timeline.tick();
  requestAnimationFrame(tick);
}

// What is done

function step(seconds) { timeline.seek(timeline.position + seconds); }

function changeRate(step) {
  const now = SPEEDS.findIndex((speed) => speed >= timeline.rate - 1e-6);
  timeline.setRate(SPEEDS[Math.min(Math.max(now + step, 0), SPEEDS.length - 1)]);
}

function toggleSide(side) {
  if ($("sides").hidden) return false;
  const isOpen = sides.toggle(side, legs.map((leg) => leg.element).filter(Boolean));
  const button = $(side ? "right" : "left");
  button.setAttribute("aria-pressed", String(isOpen));
  tell(say(isOpen ? "side.on" : "side.off", { side: button.textContent.trim() }));
  return true;
}

function toggleSilence() {
  timeline.setSkips(!timeline.skips);
  tell(say(timeline.skips ? "silence.on" : "silence.off"));
}

function zoom(step) {
  zoomed = Math.min(Math.max(zoomed + step, 0), ZOOMS.length - 1);
  for (const leg of legs) leg.wave?.zoom(ZOOMS[zoomed]);
  tell(say("zoom", { zoom: ZOOMS[zoomed] }));
}

function loopFrom() { timeline.setLoop({ from: timeline.position, to: null }); }

function loopTo() {
  const from = timeline.loop?.from ?? timeline.current.offset;
  const to = timeline.position;
  if (to <= from + 0.2 || timeline.legAt(from) !== timeline.legAt(to)) { flash(say("loop.short")); return; }
  timeline.setLoop({ from, to });
  timeline.seek(from);
}

// A loop within the recording of this page is the span to redact, as long as nobody typed another.
function aimRedaction() {
  const { loop } = timeline;
  const form = $("redaction-form");
  const leg = legs.find(({ id }) => id === record);
  if (!form || !loop?.to || timeline.legAt(loop.from) !== leg) return;
  form.elements.start.value = (loop.from - leg.offset).toFixed(2);
  form.elements.end.value = (loop.to - leg.offset).toFixed(2);
}

function pressLoop() {
  if (timeline.loop?.to) timeline.setLoop(null);
  else if (timeline.loop) loopTo();
  else loopFrom();
}

async function copyLink() {
  const address = new URL(`${player.dataset.path}/${timeline.current.id}`, location.href);
  address.searchParams.set("t", Math.max(timeline.position - timeline.current.offset, 0).toFixed(1));
  history.replaceState(null, "", timeline.current.id === record ? withPlace(address) : location.href);
  try {
    await navigator.clipboard.writeText(String(address));
    flash(say("copied", { at: clock(timeline.position) }));
  } catch {
    flash(say("link", { link: String(address) }));
  }
}

function withPlace(address) {
  const here = new URL(location.href);
  here.searchParams.set("t", address.searchParams.get("t"));
  return here;
}

function flash(text) {
  tell(text);
  trouble("");
  $("flash").textContent = text;
  $("flash").hidden = false;
  setTimeout(() => { $("flash").hidden = true; }, 4000);
}

function toggleAutoplay() {
  const isOn = !keep.get("autoplay", false);
  keep.set("autoplay", isOn);
  $("autoplay")?.setAttribute("aria-pressed", String(isOn));
  tell(say(isOn ? "autoplay.on" : "autoplay.off"));
}

const isJudged = () => Boolean(document.querySelector("#judge .onward"));

// A review queue goes on by itself only from what was judged: a verdict is what it is for.
function goOn() {
  tell(say("end"));
  if (!keep.get("autoplay", false)) return;
  if (!player.dataset.queue) $("next")?.click();
  else if (isJudged()) $("take-next").requestSubmit();
}

// Whoever lets the desk play on hears the next one at once, however it was come to.
function playsNext() {
  if (keep.get("autoplay", false)) keep.set("autoplay.go", Date.now());
}

// Notes

function aimNote() {
  const form = $("note-form");
  if (!form) return;
  const { id, offset, notes } = timeline.current;
  form.setAttribute("action", notes);
  form.elements.seconds.value = Math.max(timeline.position - offset, 0).toFixed(1);
  form.dataset.leg = id;
  $("note-at").textContent = clock(timeline.position);
}

function writeNote() {
  if (!$("note")) return;
  aimNote();
  $("note").focus();
}

function markNotes() {
  const notes = [...document.querySelectorAll("[data-note]")].map(({ dataset }) => dataset);
  for (const leg of legs) {
    const own = notes.filter((note) => Number(note.record) === leg.id);
    leg.wave?.mark(own.map(({ seconds, text }) => ({ seconds: Number(seconds), text })));
  }
}

// Waveforms

async function draw(leg) {
  const flat = leg.figure.querySelector(".flat");
  const place = leg.figure.querySelector(".wave");
  if (!leg.plays) return;
  flat.textContent = words.drawing;
  flat.hidden = false;
  place.hidden = true;
  const shape = await shapeOf(leg.sketch || leg.peaks);
  if (shape.rough) {
    show(leg, shape, place, flat);
    flat.textContent = words.rough;
    flat.hidden = false;
    const whole = await shapeOf(leg.peaks);
    flat.hidden = true;
    if (whole.none) return;
    leg.silences = whole.silences;
    leg.wave.refine(whole);
    timeline.measured(leg, whole.seconds);
    return;
  }
  show(leg, shape, place, flat);
}

// The page has begun to load the first one: with a header of its own this would be another request.
async function shapeOf(address) {
  try {
    const answer = await fetch(address);
    return answer.ok ? await answer.json() : { none: await answer.text() };
  } catch {
    return { none: words.flat };
  }
}

function show(leg, shape, place, flat) {
  flat.hidden = true;
  place.hidden = false;
  if (shape.none) {
    flat.textContent = shape.none;
    flat.hidden = false;
    place.hidden = true;
    return;
  }
  leg.silences = shape.silences;
  timeline.measured(leg, shape.seconds);
  leg.wave = new Wave(place, leg, shape, () => timeline.took(leg));
  place.dataset.drawn = shape.channels.length;
  if (shape.channels.length === 2) $("sides").hidden = false;
}

// The page

timeline.addEventListener("move", showPlace);
timeline.addEventListener("state", showState);
timeline.addEventListener("leg", () => { showLeg(); showPlace(); });
timeline.addEventListener("rate", () => {
  $("speed").value = String(timeline.rate);
  keep.set("speed", timeline.rate);
  tell(say("speed", { speed: timeline.rate }));
});
timeline.addEventListener("skips", () => {
  $("silence").setAttribute("aria-pressed", String(timeline.skips));
  keep.set("skips", timeline.skips);
});
timeline.addEventListener("loop", () => { showLoop(); aimRedaction(); });
timeline.addEventListener("flow", showFlow);
timeline.addEventListener("length", showLength);
document.addEventListener("desk-away", showFlow);
document.addEventListener("desk-back", async () => {
  await timeline.recover();
  showFlow();
  tell(say("flow.back"));
});
watch(() => timeline.isPlaying || unsent().length > 0);
timeline.addEventListener("trouble", explain);
timeline.addEventListener("blocked", () => trouble(say("blocked")));
timeline.addEventListener("end", goOn);
document.addEventListener("theme", () => { for (const leg of legs) leg.wave?.recolor(); });
document.addEventListener("replaced", (event) => {
  if (event.target.id === "notes") { markNotes(); aimNote(); }
  if (event.target.id === "judge" && isJudged()) {
    $("skip")?.remove();
    document.querySelector("#judge .onward button").focus();
  }
});
document.addEventListener("click", (event) => {
  const at = event.target.closest("[data-at]")?.dataset.at;
  if (at !== undefined) timeline.seek(Number(at));
});
document.addEventListener("focusin", (event) => { if (event.target.id === "note") aimNote(); });
document.addEventListener("keydown", (event) => {
  const isDone = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  if (!isDone || !event.target.matches?.("#notes textarea")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});
addEventListener("pagehide", keepPlace);
$("next")?.addEventListener("click", playsNext);
if (player.dataset.queue) $("take-next")?.addEventListener("submit", playsNext);

$("toggle").addEventListener("click", () => timeline.toggle());
$("rewind").addEventListener("click", () => step(-5));
$("forward").addEventListener("click", () => step(5));
$("seek").addEventListener("input", () => timeline.seek(Number($("seek").value)));
$("speed").addEventListener("change", () => timeline.setRate(Number($("speed").value)));
$("left").addEventListener("click", () => toggleSide(0));
$("right").addEventListener("click", () => toggleSide(1));
$("silence").addEventListener("click", toggleSilence);
$("loop").addEventListener("click", pressLoop);
$("link").addEventListener("click", copyLink);
$("zoom-in").addEventListener("click", () => zoom(1));
$("zoom-out").addEventListener("click", () => zoom(-1));
$("autoplay")?.addEventListener("click", toggleAutoplay);
$("autoplay")?.setAttribute("aria-pressed", String(keep.get("autoplay", false)));

listen({
  Space: () => timeline.toggle(),
  ArrowLeft: () => step(-5),
  ArrowRight: () => step(5),
  "Shift ArrowLeft": () => step(-30),
  "Shift ArrowRight": () => step(30),
  Home: () => timeline.seek(0),
  digit: (event, name) => timeline.seek((timeline.seconds * Number(name)) / 10),
  "-": () => changeRate(-1),
  "+": () => changeRate(1),
  "=": () => changeRate(1),
  s: toggleSilence,
  l: () => toggleSide(0),
  r: () => toggleSide(1),
  "[": loopFrom,
  "]": loopTo,
  "\\": () => timeline.setLoop(null),
  n: () => (player.dataset.queue ? $("take-next").requestSubmit() : $("next")?.click()),
  p: () => $("previous")?.click(),
  a: toggleAutoplay,
  y: copyLink,
  i: writeNote,
  t: () => $("tag")?.focus(),
  k: () => $("reason")?.focus(),
  z: () => zoom(1),
  x: () => zoom(-1),
  g: () => openCard(),
});

timeline.setRate(keep.get("speed", 1));
timeline.setSkips(keep.get("skips", false));
timeline.seek(startingPlace());
tell("");
if (Date.now() - keep.get("autoplay.go", 0) < 10_000) timeline.play();
keep.set("autoplay.go", 0);
await Promise.all(legs.map(draw));
markNotes();
player.dataset.ready = "";
