/**
 * The envelope around every message and the memory of which events were seen. The same event may come
 * twice, once by WebSocket and once by data channel, and a gift may overtake another; both are told
 * apart by the stream's name and its counter.
 */

/** How many counters behind the newest are remembered per stream. */
const MEMORY = 1024;

/**
 * Reads what came down; null for anything that is not an envelope of this version.
 * @param {unknown} text
 * @returns {Wire.Down | null}
 */
export function decode(text) {
  if (typeof text !== "string") return null;

  /** @type {any} */
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    return null;
  }
  if (message === null || typeof message !== "object" || message.v !== 1 || typeof message.t !== "string") return null;
  return { ...message, d: message.d ?? {} };
}

/** What the pages know of the events that a client must know; each is taken in room-state.js. */
const MUST_KNOWN = new Set(["chat.deleted", "chat.wiped", "question.gone"]);

/**
 * Tells whether a message must be understood and is not: the server is newer than this page.
 * @param {Pick<Wire.Down, "t" | "must">} message
 */
export function isBeyondUs({ t, must }) {
  return must === true && !MUST_KNOWN.has(t);
}

/**
 * Takes a frame apart: a batch is several events of one stream.
 * @param {Wire.Down} message
 * @returns {Wire.Down[]}
 */
export function unpack(message) {
  return message.t === "batch" && Array.isArray(message.d) ? message.d : [message];
}

/**
 * Writes a message up.
 * @param {string} t
 * @param {object} d
 * @param {string} [rid]
 */
export function encode(t, d, rid) {
  return JSON.stringify(rid === undefined ? { v: 1, t, d } : { v: 1, t, rid, d });
}

/** Remembers which events were seen, each stream by itself. */
export class Seen {
  constructor() {
    /** @type {Map<string, {floor: number, above: Set<number>}>} */
    this.streams = new Map();
  }

  /**
   * Starts again from a snapshot, which already holds everything up to its counters.
   * @param {Partial<Record<string, number>>} counters
   */
  restart(counters) {
    this.streams.clear();
    for (const [stream, q] of Object.entries(counters)) {
      if (typeof q === "number") this.streams.set(stream, { floor: q, above: new Set() });
    }
  }

  /**
   * Returns up to where each stream was heard. Where nothing may be missing, that is the last event without
   * a gap before it; elsewhere the newest.
   * @returns {Record<string, number>}
   */
  positions() {
    /** @type {Record<string, number>} */
    const positions = {};
    for (const [name, { floor, above }] of this.streams) {
      const heard = name === "chat" || name === "react" ? Math.max(floor, ...above) : floor;
      positions[name] = Math.max(0, heard);
    }
    return positions;
  }

  /** Returns the reliable streams with a gap, and where it begins. */
  gaps() {
    return [...this.streams].filter(([name, { above }]) => above.size > 0 && name !== "chat" && name !== "react").map(([s, { floor }]) => ({ s, from: floor + 1 }));
  }

  /**
   * Returns true the first time an event is shown, false when it is an echo or older than the snapshot.
   * Messages without a counter are for one member alone and always new.
   * @param {Pick<Wire.Down, "s" | "q">} message
   */
  isNew({ s, q }) {
    if (s === undefined || q === undefined) return true;
    let stream = this.streams.get(s);
    // What was told to this user alone begins with the oldest that is kept; the others begin with a snapshot.
    if (!stream) this.streams.set(s, (stream = { floor: s === "me" ? q - 1 : -1, above: new Set() }));

    if (q <= stream.floor || stream.above.has(q)) return false;
    stream.above.add(q);
    // Counters may arrive out of order and, on lossy channels, never; the floor rises over a full memory.
    while (stream.above.delete(stream.floor + 1)) stream.floor += 1;
    while (stream.above.size > MEMORY) {
      const lowest = Math.min(...stream.above);
      stream.above.delete(lowest);
      stream.floor = lowest;
    }
    return true;
  }
}
