// One call as one timeline: its parts are played one after the other, each by an element of its own,
// and a position is a number of seconds from the beginning of the first.

export class Timeline extends EventTarget {
  #current;
  #rate = 1;
  #target = null;
  #loop = null;
  #skips = false;
  #wanted = false;
  #lost = null;
  #seen = { at: -1, when: 0 };

  // `legs`: { id, offset, seconds, plays, element, silences }
  constructor(legs, focus) {
    super();
    this.legs = legs;
    this.#current = legs.find((leg) => leg.id === focus) ?? legs[0];
    for (const leg of legs) if (leg.element) this.#watch(leg);
  }

  get current() { return this.#current; }
  get isPlaying() { return this.#wanted; }
  get isLost() { return this.#lost !== null; }
  // It should play, and has nothing to play just now.
  get isStarved() {
    const { element } = this.#current;
    return this.#wanted && Boolean(element) && !element.ended
      && (this.isLost || element.readyState < HTMLMediaElement.HAVE_FUTURE_DATA);
  }
  get rate() { return this.#rate; }
  get skips() { return this.#skips; }
  get loop() { return this.#loop; }
  get seconds() {
    const last = this.legs.at(-1);
    return last.offset + last.seconds;
  }
  get position() {
    return this.#current.offset + (this.#lost ?? this.#target ?? this.#current.element?.currentTime ?? 0);
  }

  legAt(position) {
    const inside = this.legs.findLast((leg) => leg.offset <= position + 1e-6);
    return inside ?? this.legs[0];
  }

  seek(position) {
    const to = Math.min(Math.max(position, 0), this.seconds);
    const leg = this.legAt(to);
    const within = Math.min(to - leg.offset, Math.max(leg.seconds - 0.05, 0));
    this.#turnTo(leg);
    if (this.isLost) this.#lost = within;
    else if (leg.element) {
      this.#target = leg.element.readyState ? null : within;
      leg.element.currentTime = within;
    }
    if (this.#wanted) this.#start();
    this.#tell("move");
  }

  async play() {
    this.#wanted = true;
    await this.#start();
  }

  pause() {
    this.#wanted = false;
    this.#current.element?.pause();
    this.#tell("state");
  }

  toggle() {
    if (this.#wanted) this.pause(); else this.play();
  }

  setRate(rate) {
    this.#rate = Math.min(Math.max(rate, 0.5), 3);
    for (const { element } of this.legs) if (element) {
      element.preservesPitch = true;
      element.defaultPlaybackRate = this.#rate;
      element.playbackRate = this.#rate;
    }
    this.#tell("rate");
  }

  setSkips(skips) { this.#skips = skips; this.#tell("skips"); }

  // A loop lies within one part; `to` is unknown until its end is set.
  setLoop(loop) { this.#loop = loop; this.#tell("loop"); }

  // What a click on the waveform of a part did.
  took(leg) {
    this.#turnTo(leg);
    this.#target = null;
    if (this.#wanted) this.#start();
    this.#tell("move");
  }

  // Called while the sound goes on, often enough for the ear.
  tick() {
    const { element, offset, silences } = this.#current;
    if (!element || element.paused || element.seeking) return;
    const at = element.currentTime;
    this.#wake(element, at);
    if (this.#loop?.to && offset + at >= this.#loop.to) {
      this.seek(this.#loop.from);
      return;
    }
    if (!this.#skips) return;
    const silence = silences?.find(([from, to]) => at > from + 0.25 && at < to - 0.4);
    if (silence) element.currentTime = silence[1] - 0.2;
  }

  // After one seek in some twenty Chromium falls asleep: it plays, has no sound ahead, and asks for
  // none. Being sent to where it stands wakes it.
  #wake(element, at) {
    const now = performance.now();
    if (at !== this.#seen.at) this.#seen = { at, when: now };
    const isAsleep = element.networkState === HTMLMediaElement.NETWORK_IDLE
      && element.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    if (!isAsleep || now - this.#seen.when < 1000) return;
    this.#seen.when = now;
    element.currentTime = at;
  }

  async #start() {
    const { element } = this.#current;
    if (!element) {
      this.#goOn();
      return;
    }
    this.setRate(this.#rate);
    if (this.isLost) return;
    try {
      await element.play();
    } catch (error) {
      if (error.name === "AbortError" || this.isLost) return;
      if (error.name !== "NotAllowedError") { this.#fail(); return; }
      this.#wanted = false;
      this.#tell(error.name === "NotAllowedError" ? "blocked" : "trouble");
    }
    this.#tell("state");
  }

  // The sound cannot be had, and nobody knows yet for how long. The place is kept.
  #fail() {
    if (this.isLost) return;
    this.#lost = this.#target ?? this.#current.element.currentTime;
    this.#tell("trouble");
  }

  // It can be had again: go on where it was lost.
  async recover() {
    if (!this.isLost) return;
    const { element } = this.#current;
    this.#target = this.#lost;
    this.#lost = null;
    element.load();
    element.currentTime = this.#target;
    if (this.#wanted) await this.#start();
    this.#tell("flow");
  }

  // It cannot be had at all.
  giveUp() {
    this.#target = this.#lost;
    this.#lost = null;
    this.#wanted = false;
    this.#tell("state");
    this.#tell("flow");
  }

  // The decoder knows better than the archive how long a part is.
  measured(leg, seconds) {
    if (!Number.isFinite(seconds) || seconds <= 0 || Math.abs(seconds - leg.seconds) < 0.05) return;
    leg.seconds = seconds;
    for (const [n, one] of this.legs.entries()) if (n) one.offset = this.legs[n - 1].offset + this.legs[n - 1].seconds;
    this.#tell("length");
  }

  #turnTo(leg) {
    if (leg === this.#current) return;
    if (this.isLost) this.giveUp();
    this.#current.element?.pause();
    this.#current = leg;
    this.#target = null;
    this.#tell("leg");
  }

  #goOn() {
    const next = this.legs[this.legs.indexOf(this.#current) + 1];
    if (next) {
      this.#turnTo(next);
      if (next.element) next.element.currentTime = 0;
      this.#start();
    } else {
      this.#wanted = false;
      this.#tell("state");
      this.#tell("end");
    }
  }

  #watch(leg) {
    const { element } = leg;
    element.addEventListener("loadedmetadata", () => {
      if (this.#target !== null && leg === this.#current) element.currentTime = this.#target;
      this.#target = null;
    });
    element.addEventListener("timeupdate", () => {
      if (leg !== this.#current) return;
      this.tick(); // a page in the background gets no other ticks
      this.#tell("move");
    });
    element.addEventListener("play", () => this.#obey(leg, true));
    element.addEventListener("pause", () => this.#obey(leg, false));
    element.addEventListener("ended", () => { if (leg === this.#current) this.#goOn(); });
    element.addEventListener("error", () => { if (leg === this.#current && this.#wanted) this.#fail(); });
    element.addEventListener("durationchange", () => this.measured(leg, element.duration));
    for (const name of ["waiting", "stalled", "playing", "canplay", "pause", "ended"]) {
      element.addEventListener(name, () => { if (leg === this.#current) this.#tell("flow"); });
    }
  }

  // The keys of a keyboard or headset reach the element itself.
  #obey(leg, wanted) {
    if (leg !== this.#current || leg.element.ended || wanted === leg.element.paused) return;
    if (wanted === this.#wanted || this.isLost) return;
    this.#wanted = wanted;
    this.#tell("state");
  }

  #tell(what) { this.dispatchEvent(new Event(what)); }
}
