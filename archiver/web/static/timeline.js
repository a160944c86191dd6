// One call as one timeline: its parts are played one after the other, each by an element of its own,
// and a position is a number of seconds from the beginning of the first.

export class Timeline extends EventTarget {
  #current;
  #rate = 1;
  #target = null;
  #loop = null;
  #skips = false;
  #wanted = false;
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
  get rate() { return this.#rate; }
  get skips() { return this.#skips; }
  get loop() { return this.#loop; }
  get seconds() {
    const last = this.legs.at(-1);
    return last.offset + last.seconds;
  }
  get position() {
    return this.#current.offset + (this.#target ?? this.#current.element?.currentTime ?? 0);
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
    if (leg.element) {
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
    try {
      await element.play();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#wanted = false;
      this.#tell(error.name === "NotAllowedError" ? "blocked" : "trouble");
    }
    this.#tell("state");
  }

  #turnTo(leg) {
    if (leg === this.#current) return;
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
    element.addEventListener("error", () => {
      if (leg === this.#current && this.#wanted) {
        this.#wanted = false;
        this.#tell("trouble");
        this.#tell("state");
      }
    });
  }

  // The keys of a keyboard or headset reach the element itself.
  #obey(leg, wanted) {
    if (leg !== this.#current || leg.element.ended || wanted === leg.element.paused) return;
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.#tell("state");
  }

  #tell(what) { this.dispatchEvent(new Event(what)); }
}
