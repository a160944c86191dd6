"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const audio = byId("audio"), player = byId("player"), seek = byId("seek"), speed = byId("speed");
  const recordings = [...document.querySelectorAll(".recording[data-src]")];
  const calls = [...document.querySelectorAll(".call")];
  const days = [...document.querySelectorAll(".day")];
  const words = calls.map((call) => fold(call.textContent));
  const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
  let current = null, seeking = false;

  function fold(text) { return text.normalize("NFKC").toLowerCase(); }

  function clock(seconds) {
    if (!Number.isFinite(seconds)) return "–:––";
    const whole = Math.floor(seconds), pad = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return (hours ? `${hours}:${pad(minutes)}` : `${minutes}`) + `:${pad(whole % 60)}`;
  }

  const length = () =>
    Number.isFinite(audio.duration) ? audio.duration : Number(current?.dataset.seconds) || 0;

  function select(recording) {
    if (current === recording) return;
    current?.classList.remove("current", "is-playing");
    current = recording;
    current.classList.add("current");
    player.hidden = false;
    document.body.classList.add("with-player");
    byId("title").textContent = recording.dataset.title;
    byId("trouble").textContent = "";
    audio.src = recording.dataset.src;
    audio.playbackRate = audio.defaultPlaybackRate = Number(speed.value);
    recording.scrollIntoView({ block: "nearest" });
    show();
  }

  function play() {
    audio.play().catch((error) => { if (error.name !== "AbortError") trouble(); });
  }

  function trouble() {
    byId("trouble").textContent = "This browser cannot play the file; open it with another player.";
  }

  function toggle(recording = current ?? visible()[0]) {
    if (!recording) return;
    if (recording !== current) { select(recording); play(); }
    else if (audio.paused) play();
    else audio.pause();
  }

  const visible = () => recordings.filter((one) => !one.closest(".call").hidden);

  function step(by) {
    const shown = visible(), place = shown.indexOf(current);
    const next = place < 0 ? shown[0] : shown[place + by];
    if (next) { select(next); play(); }
  }

  function jump(by) { goTo(audio.currentTime + by); }

  function goTo(seconds) {
    if (!current) return;
    audio.currentTime = Math.min(Math.max(seconds, 0), length());
    show();
  }

  function faster(by) {
    const place = SPEEDS.indexOf(Number(speed.value)) + by;
    if (place < 0 || place >= SPEEDS.length) return;
    speed.value = String(SPEEDS[place]);
    setSpeed();
  }

  function setSpeed() { audio.playbackRate = audio.defaultPlaybackRate = Number(speed.value); }

  function show() {
    const whole = length(), at = audio.currentTime;
    byId("clock").textContent = clock(at);
    byId("whole").textContent = clock(whole);
    seek.max = String(whole);
    if (!seeking) seek.value = String(at);
    seek.setAttribute("aria-valuetext", `${clock(at)} of ${clock(whole)}`);
    current?.style.setProperty("--played", whole ? String(at / whole) : "0");
    const playing = !audio.paused && !audio.ended;
    current?.classList.toggle("is-playing", playing);
    byId("toggle").classList.toggle("is-playing", playing);
    byId("toggle").setAttribute("aria-label", playing ? "Pause" : "Play");
    const button = current?.querySelector(".play");
    button?.setAttribute("aria-label", (playing ? "Pause " : "Play ") + button.dataset.what);
  }

  function search() {
    const wanted = fold(byId("search").value).split(/\s+/).filter(Boolean);
    const way = byId("way").value;
    let shown = 0;
    calls.forEach((call, place) => {
      const fits = wanted.every((word) => words[place].includes(word)) &&
        (!way || (way === "recorded" ? call.querySelector("[data-src]") : call.dataset.way === way));
      call.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    days.forEach((day) => { day.hidden = !day.querySelector(".call:not([hidden])"); });
    byId("found").textContent =
      shown === calls.length ? `${shown} ${shown === 1 ? "call" : "calls"}` : `${shown} of ${calls.length} calls`;
    byId("nothing").hidden = shown > 0;
    highlight(wanted);
  }

  function highlight(wanted) {
    if (!globalThis.CSS?.highlights) return;
    const ranges = [];
    if (wanted.length) {
      for (const call of calls) {
        if (call.hidden) continue;
        const walk = document.createTreeWalker(call, NodeFilter.SHOW_TEXT);
        for (let node = walk.nextNode(); node && ranges.length < 2000; node = walk.nextNode()) {
          const text = node.data.toLowerCase();
          if (text.length !== node.data.length) continue;
          for (const word of wanted) {
            for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
              const range = new Range();
              range.setStart(node, at);
              range.setEnd(node, at + word.length);
              ranges.push(range);
            }
          }
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  const KEYS = {
    " ": () => toggle(), k: () => toggle(),
    ArrowLeft: () => jump(-5), ArrowRight: () => jump(5), j: () => jump(-15), l: () => jump(15),
    Home: () => goTo(0), n: () => step(1), p: () => step(-1),
    "[": () => faster(-1), "]": () => faster(1),
    "/": () => byId("search").focus(), "?": () => byId("keys").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
    const at = event.target;
    if (at.id === "search" && event.key === "Escape") { at.value = ""; search(); at.blur(); return; }
    if (at.matches("input, select, textarea")) return;
    if ((event.key === " " || event.key === "Enter") && at.matches("button, summary, a")) return;
    if (event.key === "Home" && !current) return;
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act) { event.preventDefault(); act(); }
  });

  recordings.forEach((one) => one.querySelector(".play").addEventListener("click", () => toggle(one)));
  byId("toggle").addEventListener("click", () => toggle());
  byId("back").addEventListener("click", () => jump(-15));
  byId("on").addEventListener("click", () => jump(15));
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("help").addEventListener("click", () => byId("keys").showModal());
  byId("close").addEventListener("click", () => byId("keys").close());
  byId("search").addEventListener("input", search);
  byId("way").addEventListener("change", search);
  speed.addEventListener("change", setSpeed);
  seek.addEventListener("input", () => { seeking = true; goTo(Number(seek.value)); });
  seek.addEventListener("change", () => { seeking = false; show(); });
  for (const event of ["timeupdate", "play", "pause", "ended", "seeked", "loadedmetadata"]) {
    audio.addEventListener(event, show);
  }
  audio.addEventListener("error", () => { if (current) trouble(); });
  byId("tools").hidden = false;
  search();
})();
