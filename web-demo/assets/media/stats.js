/**
 * What `getStats` means for people: rates instead of totals, milliseconds instead of sums of seconds.
 * `summarise` is pure: two reports in, one line of figures out.
 */

/**
 * @typedef {object} Figures
 * @property {number | null} kbps
 * @property {number | null} fps
 * @property {string | null} size
 * @property {string | null} codec
 * @property {number | null} rttMs
 * @property {number | null} bufferMs   time a frame waits in the jitter buffer
 * @property {number | null} decodeMs
 * @property {number | null} freezes
 * @property {number | null} lost       packets
 * @property {number | null} nacks
 * @property {number | null} plis
 */

/** @typedef {Map<string, any>} Report */

/**
 * @param {Report | null} before
 * @param {Report} after
 * @returns {Figures}
 */
export function summarise(before, after) {
  const video = find(after, (entry) => isRtp(entry) && entry.kind === "video");
  const old = (video && before?.get(video.id)) ?? null;
  const pair = find(after, (entry) => entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded");
  const remote = find(after, (entry) => entry.type === "remote-inbound-rtp" && entry.kind === "video");
  const seconds = old ? (video.timestamp - old.timestamp) / 1000 : 0;
  const codec = video ? (after.get(video.codecId)?.mimeType ?? null) : null;
  const bytes = video?.bytesReceived ?? video?.bytesSent;
  const oldBytes = old?.bytesReceived ?? old?.bytesSent;
  const rtt = remote?.roundTripTime ?? pair?.currentRoundTripTime;

  return {
    kbps: seconds > 0 ? Math.round(((bytes - oldBytes) * 8) / 1000 / seconds) : null,
    fps: number(video?.framesPerSecond),
    size: video?.frameWidth ? `${video.frameWidth}×${video.frameHeight}` : null,
    codec: codec?.replace("video/", "") ?? null,
    rttMs: rtt === undefined ? null : Math.round(rtt * 1000),
    bufferMs: perUnit(old, video, "jitterBufferDelay", "jitterBufferEmittedCount"),
    decodeMs: perUnit(old, video, "totalDecodeTime", "framesDecoded"),
    freezes: number(video?.freezeCount),
    lost: number(video?.packetsLost ?? remote?.packetsLost),
    nacks: number(video?.nackCount),
    plis: number(video?.pliCount),
  };
}

/**
 * The way from the server to the eye: half a round trip, the jitter buffer and the decoder.
 * @param {Figures} figures
 */
export function downlinkMs({ rttMs, bufferMs, decodeMs }) {
  if (bufferMs === null) return null;
  return Math.round((rttMs ?? 0) / 2 + bufferMs + (decodeMs ?? 0));
}

/**
 * Follows one peer connection; `read` returns fresh figures.
 */
export class StatsReader {
  constructor() {
    /** @type {Report | null} */
    this.before = null;
    /** @type {RTCPeerConnection | null} */
    this.pc = null;
  }

  /**
   * @param {RTCPeerConnection | null} pc
   * @returns {Promise<Figures | null>}
   */
  async read(pc) {
    if (!pc) return null;
    if (pc !== this.pc) this.before = null;
    this.pc = pc;
    const report = await pc.getStats();
    /** @type {Report} */
    const after = new Map();
    report.forEach((entry, id) => after.set(id, entry));
    const figures = summarise(this.before, after);
    this.before = after;
    return figures;
  }
}

/**
 * @param {Report} report
 * @param {(entry: any) => boolean} matches
 */
function find(report, matches) {
  for (const entry of report.values()) if (matches(entry)) return entry;
  return undefined;
}

/** @param {any} entry */
function isRtp(entry) {
  return entry.type === "inbound-rtp" || entry.type === "outbound-rtp";
}

/** @param {unknown} value */
function number(value) {
  return typeof value === "number" ? Math.round(value * 10) / 10 : null;
}

/**
 * @param {any} before
 * @param {any} after
 * @param {string} sum    a growing sum of seconds
 * @param {string} count  a growing count of units
 */
function perUnit(before, after, sum, count) {
  if (!after || typeof after[sum] !== "number") return null;
  const units = after[count] - (before?.[count] ?? 0);
  const spent = after[sum] - (before?.[sum] ?? 0);
  return units > 0 ? Math.round((spent / units) * 1000) : null;
}
