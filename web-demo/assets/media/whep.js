/** Playing by WHEP: one feed or the program, and the room's events on five data channels beside it. */

import { MediaLink } from "./link.js";
import { Patience, askForRepairs, countersOf } from "./patience.js";

/** The channels of docs/PROTOCOL.md section 3; both sides know them, so nothing is announced. */
const CHANNELS = {
  ctl: { id: 0, ordered: true },
  gift: { id: 1, ordered: false },
  chat: { id: 2, ordered: true, maxPacketLifeTime: 2000 },
  react: { id: 3, ordered: false, maxRetransmits: 0 },
  clk: { id: 4, ordered: false, maxRetransmits: 0 },
};

/** How often the receivers are asked how they fare. */
const LOOK_MS = 500;

/**
 * @typedef {object} PlayerOptions
 * @property {string} room
 * @property {import("../token.js").Tokens} tokens
 * @property {HTMLVideoElement} video
 * @property {string} [feed]  one performer's own feed; without it the program
 * @property {(channels: Record<string, RTCDataChannel>) => void} [onChannels]  asks for the room's events too
 * @property {(state: import("./link.js").LinkState, code: string | null) => void} [onState]
 */

export class WhepPlayer {
  /** @param {PlayerOptions} options */
  constructor(options) {
    this.options = options;
    const query = options.feed ? `?feed=${encodeURIComponent(options.feed)}` : "";
    this.link = new MediaLink({
      room: options.room,
      kind: "whep",
      query,
      tokens: options.tokens,
      build: (pc) => this.build(pc),
      offer: askForRepairs,
      onState: options.onState,
    });
  }

  start() {
    this.link.start();
  }

  stop() {
    this.link.stop();
    this.options.video.srcObject = null;
  }

  get pc() {
    return this.link.pc;
  }

  /** @param {RTCPeerConnection} pc */
  build(pc) {
    const stream = new MediaStream();
    for (const kind of ["video", "audio"]) {
      const { receiver } = pc.addTransceiver(kind, { direction: "recvonly" });
      waitFor(receiver, 0);
      stream.addTrack(receiver.track);
    }
    waitAsLongAsRepairsTake(pc);
    const { video } = this.options;
    video.srcObject = stream;
    void video.play().catch(() => {
      // Autoplay with sound is not allowed before a tap; the page shows the button for it.
    });
    if (this.options.onChannels) this.options.onChannels(openChannels(pc));
  }
}

/**
 * Asks for the smallest jitter buffer while nothing is lost: a live sale is worth more than a rare freeze.
 * @param {RTCPeerConnection} pc
 */
function waitAsLongAsRepairsTake(pc) {
  const patience = new Patience();
  const timer = setInterval(async () => {
    if (pc.connectionState === "closed") {
      clearInterval(timer);
      return;
    }
    const before = patience.targetMs;
    const target = patience.handle(countersOf(await pc.getStats()), performance.now());
    if (target !== before) for (const receiver of pc.getReceivers()) waitFor(receiver, target);
  }, LOOK_MS);
}

/**
 * Older browsers know the wish by another name, and setting an unknown name does nothing.
 * @param {RTCRtpReceiver} receiver
 * @param {number} ms
 */
function waitFor(receiver, ms) {
  Object.assign(receiver, { jitterBufferTarget: ms, playoutDelayHint: ms / 1000 });
}

/** @param {RTCPeerConnection} pc */
function openChannels(pc) {
  /** @type {Record<string, RTCDataChannel>} */
  const channels = {};
  for (const [label, init] of Object.entries(CHANNELS)) {
    channels[label] = pc.createDataChannel(label, { ...init, negotiated: true, protocol: "lianmai.v1" });
  }
  return channels;
}
