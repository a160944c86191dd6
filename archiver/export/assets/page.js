"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const head = JSON.parse(byId("head").textContent);
  const audio = byId("audio"), player = byId("player"), seek = byId("seek"), speed = byId("speed");
  const SPEEDS = [...speed.options].map((one) => Number(one.value));
  const SHOWN = 100, AT_ONCE = 12, PRINTED = 5000, MARKS = 2000;
  const chunks = head.chunks.map(() => null), drawn = new Map();
  const plural = new Intl.PluralRules(head.language), number = new Intl.NumberFormat(head.say.locale);
  const longDay = new Intl.DateTimeFormat(head.say.locale,
    { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  const plainDay = new Intl.DateTimeFormat(head.say.locale,
    { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  const month = new Intl.DateTimeFormat(head.say.locale,
    { month: "long", year: "numeric", timeZone: "UTC" });
  let calls = [], chosen = [], first = 0, current = null, row = null, seeking = false, loaded = 0, drawing = 0;

  // Words

  function say(key, values = {}) {
    let text = head.say[key];
    if (typeof text === "object") text = text[plural.select(values.count)] ?? text.other ?? text.many;
    return text.replace(/\{(\w+)\}/g, (_, name) =>
      typeof values[name] === "number" ? number.format(values[name]) : values[name]);
  }
  const fold = (text) => text.normalize("NFKC").toLowerCase();
  const dated = (day, format) => format.format(new Date(`${day}T00:00:00Z`));

  function clock(seconds) {
    if (!Number.isFinite(seconds)) return "–:––";
    const whole = Math.floor(seconds), pad = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return (hours ? `${hours}:${pad(minutes)}` : `${minutes}`) + `:${pad(whole % 60)}`;
  }

  function spoken(code) { return head.ways[code] ?? code; }

  // Data: chunks come one after the other; the first is shown at once.

  globalThis.chunk = (place, rows) => {
    for (const call of rows) {
      call.recordings ??= [];
      call.recordings.forEach((one) => { one.call = call; one.chunk = place; });
      call.files = call.recordings.filter((one) => one.file).length;
      call.seconds = call.recordings.reduce((sum, one) => sum + (one.file && one.seconds || 0), 0);
      call.words = words(call);
    }
    chunks[place - 1] = rows;
  };
  globalThis.peaks = (place, found) => drawn.set(place, found);

  function load(path, then) {
    const script = document.createElement("script");
    script.src = path;
    script.onload = then;
    script.onerror = () => { byId("broken").hidden = false; };
    document.head.append(script);
  }

  function loadFrom(place) {
    if (place >= head.chunks.length) { choose(); goToAddress(); return; }
    load(`view/calls-${String(place + 1).padStart(4, "0")}.js`, () => {
      calls = calls.concat(chunks[place]);
      loaded = place + 1;
      if (place === 0) choose();
      else count();
      setTimeout(() => loadFrom(place + 1), 0);
    });
  }

  function words(call) {
    return fold([call.id, call.day, call.agent, call.phone, call.status, call.order,
      spoken(call.way ?? ""), call.why, ...(call.notes ?? []), ...call.recordings.flatMap((one) =>
        [one.id, one.agent, one.summary, one.file, one.why])].filter(Boolean).join("\n"));
  }

  // Choosing

  function filters() {
    return {
      wanted: fold(byId("search").value).split(/\s+/).filter(Boolean),
      way: byId("way").value, agent: byId("agent").value,
      from: byId("from").value, to: byId("to").value,
    };
  }

  function fits(call, { wanted, way, agent, from, to }) {
    if (from && !(call.day >= from)) return false;
    if (to && !(call.day <= to)) return false;
    if (agent && call.agent !== agent && !call.recordings.some((one) => one.agent === agent)) return false;
    if (way === "recorded" ? !call.files : way && call.way !== way) return false;
    if (!wanted.length) return true;
    return wanted.every((word) => call.words.includes(word));
  }

  function choose() {
    const by = filters();
    chosen = isFiltered(by) ? calls.filter((call) => fits(call, by)) : calls;
    first = 0;
    for (const button of byId("agents").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.value === by.agent));
    }
    count();
    sum(by);
    show(0, SHOWN, AT_ONCE);
  }

  const isFiltered = (by) => Boolean(by.wanted.length || by.way || by.agent || by.from || by.to);

  function count() {
    const total = head.days.reduce((sum, [, some]) => sum + some, 0);
    byId("found").textContent = loaded < head.chunks.length
      ? say("loading", { count: calls.length })
      : chosen.length === total ? say("found.all", { count: total })
        : say("found.some", { count: chosen.length, total });
  }

  function sum(by) {
    const filtered = isFiltered(by);
    byId("clear").hidden = !filtered;
    byId("chosen").hidden = !filtered;
    if (!filtered && loaded < head.chunks.length) return; // the page says the sums of all
    const parts = [byId("search").value.trim() && `“${byId("search").value.trim()}”`,
      by.way && byId("way").selectedOptions[0].textContent, by.agent,
      by.from && `${say("from")} ${dated(by.from, plainDay)}`, by.to && `${say("to")} ${dated(by.to, plainDay)}`];
    byId("chosen").textContent = `${say("chosen", { count: chosen.length, total: calls.length })} ${parts.filter(Boolean).join(", ")}`;
    byId("fact-calls").textContent = number.format(chosen.length);
    byId("fact-recordings").textContent = number.format(chosen.reduce((sum, call) => sum + call.files, 0));
    byId("fact-length").textContent = clock(chosen.reduce((sum, call) => sum + call.seconds, 0));
    const ends = [...new Set([chosen.find((call) => call.day)?.day, chosen.findLast((call) => call.day)?.day])].filter(Boolean).map((day) => dated(day, plainDay));
    byId("fact-period").textContent = ends.join(" – ") || "–";
    if (byId("fact-agents")) byId("fact-agents").textContent = agentsChosen() || "–";
  }

  // Those with most calls, as the page names them for all calls.
  function agentsChosen() {
    const counts = new Map(), add = (name) => name && counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const call of chosen) {
      add(call.agent);
      for (const one of call.recordings) if (one.agent !== call.agent) add(one.agent);
    }
    const names = [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
    const more = names.length - head.agentsNamed;
    return [...names.slice(0, head.agentsNamed), ...more > 0 ? [say("more", { count: more })] : []].join(", ");
  }

  // Rows. A search shows a screen of them at once and the rest after it, so that typing never waits.

  function show(from = first, most = SHOWN, atOnce = most) {
    first = Math.max(0, Math.min(from, Math.max(0, chosen.length - 1)));
    const some = chosen.slice(first, first + most), mine = ++drawing, wanted = filters().wanted;
    byId("calls").replaceChildren();
    append(some.slice(0, atOnce));
    const rest = (start) => {
      if (mine !== drawing) return; // something else is shown by now
      append(some.slice(start, start + atOnce));
      mark();
      highlight(wanted);
      if (start + atOnce < some.length) setTimeout(() => rest(start + atOnce), 0);
    };
    if (some.length > atOnce) requestAnimationFrame(() => setTimeout(() => rest(atOnce), 0));
    byId("nothing").hidden = chosen.length > 0 || loaded < head.chunks.length;
    const last = first + some.length;
    for (const bar of [byId("above"), byId("below")]) {
      bar.hidden = chosen.length <= most;
      bar.querySelector(".where").textContent = say("where", { first: first + 1, last, total: chosen.length });
      bar.querySelector(".earlier").disabled = first === 0;
      bar.querySelector(".later").disabled = last >= chosen.length;
    }
    mark();
    requestAnimationFrame(() => highlight(wanted));
  }

  function append(some) {
    let section = byId("calls").lastElementChild;
    for (const call of some) {
      const day = call.day ?? "";
      if (section?.dataset.day !== day) {
        section = element("section", "day");
        section.dataset.day = day;
        section.append(element("h2", "", day ? dated(day, longDay) : say("undated")));
        byId("calls").append(section);
      }
      section.append(rowOf(call));
    }
  }

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function rowOf(call) {
    const made = document.importNode(byId("call").content, true).firstElementChild;
    const part = (selector) => made.querySelector(selector);
    made.id = `call-${call.id}`;
    part("time").textContent = call.time ?? "–";
    if (call.day) part("time").dateTime = `${call.day}T${call.time}`;
    part(".way").textContent = call.way ? spoken(call.way) : "";
    if (call.way === "incoming" || call.way === "outgoing") part(".way").classList.add(call.way);
    part(".who b").textContent = call.agent ?? say("nobody");
    part(".who b").classList.toggle("nobody", !call.agent);
    part(".who span").textContent = call.phone ?? "";
    if (call.status) part(".status").textContent = call.status;
    else part(".status").replaceWith(element("i"));
    part(".talk").textContent = call.talk ? say("talk", { length: clock(call.talk) }) : "";
    for (const note of call.notes ?? []) made.append(element("p", "difference", `${say("note")}: ${note}.`));
    call.recordings.forEach((one, place) => made.append(recordingRow(call, one, place)));
    if (!call.recordings.length) {
      const none = call.state === "none";
      made.append(element("p", none ? "none" : "absent", none ? `${call.why[0].toUpperCase()}${call.why.slice(1)}.`
        : `${say("absent")}: ${call.why}.`));
    }
    return made;
  }

  function recordingRow(call, one, place) {
    const made = document.importNode(byId("recording").content, true).firstElementChild;
    const part = (selector) => made.querySelector(selector);
    made.id = `recording-${one.id}`;
    part(".length").textContent = one.seconds ? clock(one.seconds) : "";
    const leg = [call.recordings.length > 1 && say("part", { place: place + 1, total: call.recordings.length }),
      one.transfer && say("transfer"), one.agent, one.time && say("recorded_at", { time: one.time })];
    part(".leg").textContent = leg.filter(Boolean).join(" · ");
    if (!one.file) {
      part(".play").replaceWith(element("span"));
      part("details").remove();
      part(".summary").className = "absent";
      part(".text > p:nth-of-type(2)").textContent = `${say("recording_absent")} ${one.id}: ${one.why}.`;
      return made;
    }
    made.dataset.record = one.id;
    part(".play").setAttribute("aria-label", `${say("play")}: ${nameOf(one)}`);
    part(".play").addEventListener("click", () => toggle(one));
    part(".summary").textContent = one.summary ?? say("no_summary");
    part(".summary").classList.toggle("none", !one.summary);
    if (one.redacted) part(".summary").after(element("p", "difference", `${one.why[0].toUpperCase()}${one.why.slice(1)}.`));
    const facts = part("dl");
    for (const [name, said, link] of [["record", String(one.id)], ["file", one.file, true],
      ["size", one.size], ["sidecar", one.sidecar, true], ["sha256", one.sha256], ["key", one.key],
      ["archived", one.archived]]) {
      if (!said) continue;
      const fact = element("dd", name === "sha256" || name === "key" ? "hash" : "", link ? undefined : said);
      if (link) {
        const anchor = element("a", "", said);
        anchor.href = addressOf(said);
        fact.append(anchor);
      }
      facts.append(element("dt", "", say(`fact.${name}`)), fact);
    }
    return made;
  }

  const addressOf = (path) => path.split("/").map(encodeURIComponent).join("/");
  const nameOf = (one) => [one.call.day && dated(one.call.day, plainDay), one.time ?? one.call.time,
    one.agent ?? one.call.agent ?? say("nobody"), one.call.phone].filter(Boolean).join(" · ");

  function highlight(wanted) {
    if (!globalThis.CSS?.highlights) return;
    const ranges = [];
    if (wanted.length) {
      const walk = document.createTreeWalker(byId("calls"), NodeFilter.SHOW_TEXT);
      for (let node = walk.nextNode(); node && ranges.length < MARKS; node = walk.nextNode()) {
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
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  // The index of days and agents

  function fillIndex() {
    const months = new Map(), nav = byId("days");
    for (const [day, some] of head.days) {
      const key = day.slice(0, 7);
      if (!months.has(key)) months.set(key, []);
      months.get(key).push([day, some]);
    }
    for (const [key, days] of months) {
      const box = element("details"), total = days.reduce((sum, [, some]) => sum + some, 0);
      box.append(element("summary", "", `${key ? dated(`${key}-01`, month) : say("undated")} (${number.format(total)})`));
      const fill = () => {
        if (box.open && box.childElementCount === 1) box.append(dayList(days));
      };
      box.addEventListener("toggle", fill);
      nav.append(box);
      if (months.size === 1) { box.open = true; fill(); }
    }
    for (const [agent, some] of head.agents) {
      const option = element("option", "", `${agent} (${number.format(some)})`);
      option.value = agent;
      byId("agent").append(option);
    }
    fillAgents();
    const known = head.days.map(([day]) => day).filter(Boolean);
    for (const field of [byId("from"), byId("to")]) {
      field.min = known[0] ?? "";
      field.max = known.at(-1) ?? "";
    }
    nav.hidden = head.days.length < 2;
  }

  function fillAgents() {
    const list = element("ul");
    for (const [agent, some] of head.agents) {
      const item = element("li"), button = element("button");
      button.type = "button";
      button.value = agent;
      button.setAttribute("aria-pressed", "false");
      button.append(element("b", "", agent), element("span", "", number.format(some)));
      button.firstChild.dir = "auto";
      button.addEventListener("click", () => {
        byId("agent").value = byId("agent").value === agent ? "" : agent;
        choose();
      });
      item.append(button);
      list.append(item);
    }
    byId("agents").append(list);
    byId("agents").hidden = head.agents.length < 2;
    byId("index").hidden = byId("agents").hidden && head.days.length < 2;
  }

  function dayList(days) {
    const list = element("ul");
    for (const [day, some] of days) {
      const item = element("li"), button = element("button", "", day ? String(Number(day.slice(8))) : "–");
      button.type = "button";
      button.setAttribute("aria-label", `${day ? dated(day, longDay) : say("undated")}: ${say("found.all", { count: some })}`);
      button.append(element("span", "", number.format(some)));
      button.addEventListener("click", () => goToDay(day));
      item.append(button);
      list.append(item);
    }
    return list;
  }

  function goToDay(day) {
    let place = chosen.findIndex((call) => (call.day ?? "") >= day);
    if (place < 0) place = chosen.length - 1;
    show(place);
    byId("calls").scrollIntoView();
  }

  function goToCall(call) {
    let place = chosen.indexOf(call);
    if (place < 0) { clear(); place = chosen.indexOf(call); }
    if (!byId(`call-${call.id}`)) show(place - (place % SHOWN));
    byId(`call-${call.id}`)?.scrollIntoView({ block: "nearest" });
  }

  function goToAddress() {
    const [, kind, id] = /^#(call|recording)-(\d+)$/.exec(location.hash) ?? [];
    const call = kind && calls.find((one) => kind === "call" ? one.id === Number(id)
      : one.recordings.some((each) => each.id === Number(id)));
    if (call) goToCall(call);
  }

  function clear() {
    for (const id of ["search", "way", "agent", "from", "to"]) byId(id).value = "";
    choose();
  }

  // The player

  const length = () => Number.isFinite(audio.duration) ? audio.duration : current?.seconds ?? 0;
  const playable = () => chosen.flatMap((call) => call.recordings.filter((one) => one.file));

  function mark() {
    row?.classList.remove("current", "is-playing");
    row = current && byId(`recording-${current.id}`);
    row?.classList.add("current");
    progress();
  }

  function select(recording) {
    if (current === recording) return;
    current = recording;
    goToCall(recording.call);
    mark();
    player.hidden = false;
    document.body.classList.add("with-player");
    byId("title").textContent = nameOf(recording);
    byId("trouble").textContent = "";
    audio.src = addressOf(recording.file);
    setSpeed();
    row?.scrollIntoView({ block: "nearest" });
    loadPeaks(recording);
    progress();
  }

  function play() { audio.play().catch((error) => { if (error.name !== "AbortError") trouble(); }); }
  function trouble() { byId("trouble").textContent = say("unplayable"); }

  function toggle(recording = current ?? playable()[0]) {
    if (!recording) return;
    if (recording !== current) { select(recording); play(); }
    else if (audio.paused) play();
    else audio.pause();
  }

  function step(by) {
    const all = playable(), place = all.indexOf(current);
    const next = place < 0 ? all[0] : all[place + by];
    if (next) { select(next); play(); }
  }

  function goTo(seconds) {
    if (!current) return;
    audio.currentTime = Math.min(Math.max(seconds, 0), length());
    progress();
  }
  const jump = (by) => goTo(audio.currentTime + by);

  function faster(by) {
    const place = SPEEDS.indexOf(Number(speed.value)) + by;
    if (place < 0 || place >= SPEEDS.length) return;
    speed.value = String(SPEEDS[place]);
    setSpeed();
  }
  function setSpeed() { audio.playbackRate = audio.defaultPlaybackRate = Number(speed.value); }

  function progress() {
    const whole = length(), at = audio.currentTime, played = whole ? at / whole : 0;
    byId("clock").textContent = clock(at);
    byId("whole").textContent = clock(whole);
    seek.max = String(whole);
    if (!seeking) seek.value = String(at);
    seek.setAttribute("aria-valuetext", `${clock(at)} / ${clock(whole)}`);
    row?.style.setProperty("--played", String(played));
    byId("wave").style.setProperty("--played", String(played));
    const playing = !audio.paused && !audio.ended;
    row?.classList.toggle("is-playing", playing);
    byId("toggle").classList.toggle("is-playing", playing);
    byId("toggle").setAttribute("aria-label", say(playing ? "pause" : "play"));
    if (row && current) row.querySelector(".play").setAttribute("aria-label", `${say(playing ? "pause" : "play")}: ${nameOf(current)}`);
  }

  // Waveforms: a path a channel, drawn from bytes

  function loadPeaks(recording) {
    byId("wave").hidden = true;
    if (!head.hasPeaks) return;
    const then = () => { if (current === recording) draw(drawn.get(recording.chunk)?.[recording.id]); };
    if (drawn.has(recording.chunk)) then();
    else load(`view/peaks-${String(recording.chunk).padStart(4, "0")}.js`, then);
  }

  function draw(channels) {
    const wave = byId("wave");
    wave.hidden = !channels;
    wave.replaceChildren();
    (channels ?? []).forEach((channel, side) => {
      const bytes = Uint8Array.from(atob(channel), (letter) => letter.charCodeAt(0));
      const box = element("div", "side");
      if (channels.length > 1) box.append(element("span", "", say(side ? "right" : "left")));
      for (const kind of ["behind", "before"]) {
        const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
        svg.setAttribute("viewBox", `0 -1 ${bytes.length} 2`);
        svg.setAttribute("preserveAspectRatio", "none");
        svg.setAttribute("class", kind);
        path.setAttribute("d", [...bytes].map((peak, at) => {
          const height = Math.max(peak / 255, 0.02).toFixed(3);
          return `M${at} -${height}h.7v${(height * 2).toFixed(3)}h-.7z`;
        }).join(""));
        svg.append(path);
        box.append(svg);
      }
      wave.append(box);
    });
  }

  byId("wave").addEventListener("click", (event) => {
    const box = event.currentTarget.querySelector(".side svg").getBoundingClientRect();
    goTo((event.clientX - box.left) / box.width * length());
  });

  // Keys and controls

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
    if (at.id === "search" && event.key === "Escape") { at.value = ""; choose(); at.blur(); return; }
    if (at.matches("input, select, textarea")) return;
    if ((event.key === " " || event.key === "Enter") && at.matches("button, summary, a")) return;
    if (event.key === "Home" && !current) return;
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act) { event.preventDefault(); act(); }
  });

  const turn = (by) => { show(first + by * SHOWN); byId("calls").scrollIntoView(); };
  for (const bar of [byId("above"), byId("below")]) {
    bar.querySelector(".earlier").addEventListener("click", () => turn(-1));
    bar.querySelector(".later").addEventListener("click", () => turn(1));
  }
  byId("toggle").addEventListener("click", () => toggle());
  byId("back").addEventListener("click", () => jump(-15));
  byId("on").addEventListener("click", () => jump(15));
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("help").addEventListener("click", () => byId("keys").showModal());
  byId("close").addEventListener("click", () => byId("keys").close());
  byId("clear").addEventListener("click", clear);
  byId("search").addEventListener("input", choose);
  for (const id of ["way", "agent", "from", "to"]) byId(id).addEventListener("change", choose);
  speed.addEventListener("change", setSpeed);
  seek.addEventListener("input", () => { seeking = true; goTo(Number(seek.value)); });
  seek.addEventListener("change", () => { seeking = false; progress(); });
  for (const event of ["timeupdate", "play", "pause", "ended", "seeked", "loadedmetadata"]) {
    audio.addEventListener(event, progress);
  }
  audio.addEventListener("error", () => { if (current) trouble(); });
  addEventListener("hashchange", goToAddress);
  let before = 0;
  addEventListener("beforeprint", () => { before = first; show(0, PRINTED); });
  addEventListener("afterprint", () => show(before));

  byId("tools").hidden = false;
  fillIndex();
  loadFrom(0);
})();
