/**
 * How long a viewer lets media wait before it is played. While nothing is lost: not at all. While packets get
 * lost, repairs are under way that take their time (docs/decisions/0014-loss.md), and what is played before
 * they arrive is a gap for nothing. Up at once, down slowly: a wait that comes and goes is heard.
 */

/**
 * @typedef {object} Counters  sums since the beginning, as getStats has them
 * @property {number} received   packets, of the kind that lost most since the last look
 * @property {number} lost
 * @property {number} samples    of sound
 * @property {number} concealed
 */

/** From this share of lost packets on, that long. The sums are the server's: what it repeats is there by then. */
const STEPS = [
  { loss: 0.5, ms: 300 },
  { loss: 0.15, ms: 200 },
  { loss: 0.03, ms: 100 },
];

/** A share of fewer packets than this says little. */
const FEW = 15;
const CALM_MS = 5_000;
const STEP_MS = 50;

export class Patience {
  constructor() {
    this.targetMs = 0;
    /** @type {Record<string, Counters>} */
    this.before = {};
    this.calmSince = 0;
  }

  /**
   * Takes the counters of each kind; returns how long media is to wait now.
   * @param {Record<string, Counters>} counters
   * @param {number} nowMs
   */
  handle(counters, nowMs) {
    const losses = Object.entries(counters).map(([kind, now]) => this.lossOf(kind, now));
    const loss = Math.max(0, ...losses);
    const wanted = STEPS.find((step) => loss >= step.loss)?.ms ?? 0;
    if (wanted >= this.targetMs) {
      this.targetMs = wanted;
      this.calmSince = nowMs;
    } else if (nowMs - this.calmSince >= CALM_MS) {
      this.targetMs = Math.max(wanted, this.targetMs - STEP_MS);
    }
    return this.targetMs;
  }

  /**
   * @param {string} kind
   * @param {Counters} now
   */
  lossOf(kind, now) {
    const before = this.before[kind];
    if (before && now.received >= before.received) {
      const lost = now.lost - before.lost;
      const all = now.received - before.received + lost;
      const gaps = (now.concealed - before.concealed) / Math.max(1, now.samples - before.samples);
      // Few packets are kept for the next look, so that a bad second does not go unnoticed.
      if (all < FEW && gaps < 0.03) return 0;
      this.before[kind] = now;
      return Math.max(all < FEW ? 0 : lost / all, gaps);
    }
    this.before[kind] = now;
    return 0;
  }
}

/**
 * @param {Iterable<[string, any]>} report
 * @returns {Record<string, Counters>}
 */
export function countersOf(report) {
  /** @type {Record<string, Counters>} */
  const out = {};
  for (const [, entry] of report) {
    if (entry.type !== "inbound-rtp") continue;
    out[entry.kind] = {
      received: entry.packetsReceived ?? 0,
      lost: entry.packetsLost ?? 0,
      samples: entry.totalSamplesReceived ?? 0,
      concealed: (entry.concealedSamples ?? 0) - (entry.silentConcealedSamples ?? 0),
    };
  }
  return out;
}

/**
 * Lets lost sound be asked for, too, and lets a browser that only receives measure the round trip (RFC 3611
 * section 4.4): browsers know both, but do either only if the offer says so.
 * @param {string} sdp
 */
export function askForRepairs(sdp) {
  return sdp.replace(/^a=rtpmap:(\d+) (opus|H264|VP8|VP9|AV1)\/[^\r\n]*/gim, (line, payload, codec) => {
    const wishes = codec.toLowerCase() === "opus" ? ["nack", "rrtr"] : ["rrtr"];
    const missing = wishes.map((wish) => `a=rtcp-fb:${payload} ${wish}`).filter((wish) => !sdp.includes(`${wish}\r\n`));
    return [line, ...missing].join("\r\n");
  });
}
