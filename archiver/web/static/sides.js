// The two sides of a stereo recording, each of which can be muted. The sound goes through Web Audio
// only from the first mute on: whoever hears both sides hears the file as it is.

let context;

export class Sides {
  #gains = new Map();
  #open = [true, true];

  // Whether a side is heard.
  isOpen(side) {
    return this.#open[side];
  }

  toggle(side, elements) {
    this.#open[side] = !this.#open[side];
    for (const element of elements) this.#route(element);
    for (const gains of this.#gains.values()) this.#apply(gains);
    context?.resume();
    return this.#open[side];
  }

  // The side that is left alone is heard in both ears.
  #apply(gains) {
    const [left, right] = this.#open;
    const both = left && right;
    gains.leftToLeft.gain.value = left ? 1 : 0;
    gains.leftToRight.gain.value = left && !both ? 1 : 0;
    gains.rightToRight.gain.value = right ? 1 : 0;
    gains.rightToLeft.gain.value = right && !both ? 1 : 0;
  }

  #route(element) {
    if (this.#gains.has(element)) return;
    context ??= new AudioContext();
    const source = context.createMediaElementSource(element);
    const splitter = context.createChannelSplitter(2);
    const merger = context.createChannelMerger(2);
    source.connect(splitter);
    const gain = (from, to) => {
      const node = context.createGain();
      splitter.connect(node, from);
      node.connect(merger, 0, to);
      return node;
    };
    this.#gains.set(element, {
      leftToLeft: gain(0, 0), leftToRight: gain(0, 1), rightToRight: gain(1, 1), rightToLeft: gain(1, 0),
    });
    merger.connect(context.destination);
  }
}
