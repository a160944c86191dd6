// The waveform of one part, drawn from what the server has computed: the sound itself is never
// decoded here. Markers of notes and the loop lie on it.

import Hover from "./wavesurfer/hover.esm.js";
import Regions from "./wavesurfer/regions.esm.js";
import Timestamps from "./wavesurfer/timeline.esm.js";
import WaveSurfer from "./wavesurfer/wavesurfer.esm.js";
import { clock } from "./clock.js";

const NONCE = document.querySelector("link[rel=stylesheet]").nonce;
const HEIGHT = 112;

// A canvas knows no custom properties, so the page is asked what one of them is just now.
const probe = document.getElementById("player");

function color(name) {
  probe.style.caretColor = `var(--${name})`;
  return getComputedStyle(probe).caretColor;
}

function looks(channels) {
  const sides = [
    { waveColor: color("wave"), progressColor: color("wave-played") },
    { waveColor: color("wave-b"), progressColor: color("wave-b-played") },
  ];
  const height = Math.round(HEIGHT / channels);
  const common = { height, barWidth: 2, barGap: 1, barRadius: 1, cursorWidth: 2, cursorColor: color("ink"),
    normalize: false };
  return channels > 1 ? { ...common, splitChannels: sides } : { ...common, ...sides[0] };
}

const STEPS = [300, 600, 900, 1800, 3600];
const LABEL = 70;

// Labels that do not run into one another, also where they have hours.
function axis(seconds, width) {
  if (seconds < 3600) return {};
  const step = STEPS.find((one) => (seconds / one) * LABEL < width) ?? 3600;
  return { timeInterval: step / 5, primaryLabelInterval: 5, secondaryLabelInterval: 5 };
}

function levels(shape) {
  const loudest = Math.max(40, ...shape.channels.map((channel) => channel.reduce((a, b) => Math.max(a, b), 0)));
  return shape.channels.map((channel) => Float32Array.from(channel, (value) => value / loudest));
}

export class Wave {
  #place;
  #seconds;
  #surfer;
  #regions;
  #notes = [];
  #loop = null;
  #channels;

  // `shape` is the server's answer: { seconds, channels, silences }.
  constructor(place, leg, shape, onSeek) {
    this.#channels = shape.channels.length;
    this.#place = place;
    this.#seconds = shape.seconds;
    this.#surfer = WaveSurfer.create({
      container: place,
      media: leg.element,
      peaks: levels(shape),
      duration: shape.seconds,
      cspNonce: NONCE,
      dragToSeek: true,
      hideScrollbar: true,
      ...looks(this.#channels),
    });
    this.#regions = this.#surfer.registerPlugin(Regions.create());
    this.#surfer.registerPlugin(Hover.create({
      lineColor: "var(--accent)", labelBackground: "var(--ink)", labelColor: "var(--card)",
      labelSize: "12px", formatTimeCallback: (seconds) => clock(leg.offset + seconds),
    }));
    this.#surfer.registerPlugin(Timestamps.create({
      ...axis(shape.seconds, place.clientWidth),
      height: 16, secondaryLabelOpacity: 1, formatTimeCallback: (seconds) => clock(leg.offset + seconds),
      style: { fontSize: "11px", color: "var(--faint)" },
    }));
    this.#surfer.on("interaction", onSeek);
    this.ready = new Promise((done) => { this.#surfer.once("ready", done); });
  }

  // The whole, in the place of a sketch.
  refine(shape) {
    this.#seconds = shape.seconds;
    this.#surfer.setOptions({ peaks: levels(shape), duration: shape.seconds });
  }

  // How many times wider than its place it is drawn; it scrolls along with the sound.
  zoom(times) {
    this.#surfer.setOptions({ hideScrollbar: times === 1 });
    this.#surfer.zoom(times === 1 ? 0 : (this.#place.clientWidth / this.#seconds) * times);
  }

  recolor() { this.#surfer.setOptions(looks(this.#channels)); }

  // `notes`: { seconds, text }
  async mark(notes) {
    await this.ready;
    for (const region of this.#notes) region.remove();
    this.#notes = notes.map(({ seconds, text }) => {
      const region = this.#regions.addRegion({ start: seconds, color: "var(--note)", drag: false, resize: false });
      region.element.title = text;
      return region;
    });
  }

  // A loop in seconds of this part, or null.
  async loop(span) {
    await this.ready;
    this.#loop?.remove();
    this.#loop = span && this.#regions.addRegion({ ...span, color: "var(--loop)", drag: false, resize: false });
  }
}
