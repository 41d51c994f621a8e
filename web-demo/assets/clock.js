/**
 * Room time, estimated in the browser. Every ping says how far the server's clock is from ours, give or
 * take half a round trip; the ping with the smallest round trip says it best, so it alone decides. What
 * surprises: an old good ping slowly loses to a new middling one, because crystals drift apart.
 */

/** How many pings are remembered. */
const WINDOW = 20;

/** How fast two clocks may drift apart: 50 parts per million. */
const DRIFT = 50e-6;

/**
 * @typedef {object} Sample
 * @property {number} offset  server time minus local time, ms
 * @property {number} rtt     round trip without the server's own share, ms
 * @property {number} at      local time of the answer, ms
 */

export class RoomClock {
  /** @param {() => number} [local] a local clock in ms that never steps */
  constructor(local = () => performance.now()) {
    this.local = local;
    /** @type {Sample[]} */
    this.samples = [];
  }

  /**
   * Takes one answered ping.
   * @param {number} c0 local time when the ping left
   * @param {number} s1 server time when it came in
   * @param {number} s2 server time when the answer left
   * @param {number} [c1] local time when the answer came in
   */
  handlePong(c0, s1, s2, c1 = this.local()) {
    const rtt = c1 - c0 - (s2 - s1);
    const usable = [c0, s1, s2, c1].every(Number.isFinite) && s2 >= s1 && rtt >= 0;
    if (!usable) return;

    this.samples.push({ offset: (s1 - c0 + (s2 - c1)) / 2, rtt, at: c1 });
    if (this.samples.length > WINDOW) this.samples.shift();
  }

  /** Server time minus local time in ms, or null before the first answer. */
  offset() {
    return this.best()?.offset ?? null;
  }

  /** Half the best round trip: the estimate cannot be further off than this. */
  uncertainty() {
    const best = this.best();
    return best ? best.rtt / 2 : null;
  }

  /** Room time now. Before the first answer the device's own clock has to do. */
  now() {
    const offset = this.offset();
    return offset === null ? Date.now() : this.local() + offset;
  }

  /** Forgets everything, for a server that may be another one. */
  reset() {
    this.samples.length = 0;
  }

  /** @returns {Sample | null} */
  best() {
    const now = this.local();
    /** @param {Sample} sample */
    const doubt = (sample) => sample.rtt / 2 + (now - sample.at) * DRIFT;

    /** @type {Sample | null} */
    let best = null;
    for (const sample of this.samples) {
      if (best === null || doubt(sample) < doubt(best)) best = sample;
    }
    return best;
  }
}
