/**
 * Publishing by WHIP (RFC 9725): one video and one audio track up, H.264 first. With simulcast the picture
 * goes up in several sizes, of which the server asks for those that somebody takes.
 */

import { MediaLink } from "./link.js";
import { askForRepairs } from "./patience.js";

/** @typedef {"360p" | "720p"} Quality */

/** Portrait pictures and what they may cost. */
export const QUALITIES = {
  "360p": { width: 360, height: 640, kbps: 900 },
  "720p": { width: 720, height: 1280, kbps: 2200 },
};

/** @typedef {"h264" | "vp8" | "vp9" | "av1"} VideoCodec */

/**
 * The sizes of a simulcast, smallest first: the order in which Chromium fills them.
 * @type {Record<Quality, {rid: string, scale: number, kbps: number}[]>}
 */
const SIZES = {
  "360p": [{ rid: "l", scale: 2, kbps: 150 }, { rid: "h", scale: 1, kbps: 900 }],
  "720p": [{ rid: "l", scale: 4, kbps: 150 }, { rid: "m", scale: 2, kbps: 500 }, { rid: "h", scale: 1, kbps: 1600 }],
};

/**
 * @typedef {object} PublisherOptions
 * @property {string} room
 * @property {import("../token.js").Tokens} tokens
 * @property {MediaStream} stream
 * @property {Quality} quality
 * @property {boolean} music   send stereo at a higher rate
 * @property {boolean} [simulcast]   send the picture in several sizes
 * @property {VideoCodec} [codec]    H.264 unless told otherwise; nothing else gets into the program
 * @property {string} [layers]       a scalability mode such as L1T2 or L3T3_KEY
 * @property {(state: import("./link.js").LinkState, code: string | null) => void} [onState]
 */

export class WhipPublisher {
  /** @param {PublisherOptions} options */
  constructor(options) {
    this.options = options;
    this.link = new MediaLink({
      room: options.room,
      kind: "whip",
      tokens: options.tokens,
      build: (pc) => this.build(pc),
      offer: askForRepairs,
      answer: (sdp) => (this.options.music ? stereo(sdp) : sdp),
      onNegotiated: (pc) => void limitRate(pc, this.options.quality, this.options.music),
      onState: options.onState,
    });
  }

  start() {
    this.link.start();
  }

  stop() {
    this.link.stop();
  }

  get pc() {
    return this.link.pc;
  }

  /**
   * Goes on with other tracks. Another quality needs no new negotiation; another kind of sound does.
   * @param {Pick<PublisherOptions, "stream" | "quality" | "music">} next
   */
  async change(next) {
    const isOtherSound = next.music !== this.options.music;
    Object.assign(this.options, next);
    if (!this.pc) return;
    if (isOtherSound) {
      this.link.restart();
      return;
    }
    for (const sender of this.pc.getSenders()) {
      const track = next.stream.getTracks().find(({ kind }) => kind === sender.track?.kind);
      if (track) await sender.replaceTrack(track);
    }
    await limitRate(this.pc, next.quality, next.music);
  }

  /** @param {RTCPeerConnection} pc */
  build(pc) {
    const { stream } = this.options;
    const { codec = "h264" } = this.options;
    for (const track of stream.getTracks()) {
      const sendEncodings = track.kind === "video" ? this.encodings() : [];
      const transceiver = pc.addTransceiver(track, { direction: "sendonly", streams: [stream], sendEncodings });
      if (track.kind === "video") prefer(codec, transceiver);
    }
  }

  /** @returns {RTCRtpEncodingParameters[]} */
  encodings() {
    const { simulcast, quality, layers } = this.options;
    /** @type {RTCRtpEncodingParameters & {scalabilityMode?: string}} */
    const mode = layers ? { scalabilityMode: layers } : {};
    if (!simulcast) return layers ? [mode] : [];
    return SIZES[quality].map(({ rid, scale, kbps }) => ({ rid, scaleResolutionDownBy: scale, maxBitrate: kbps * 1000, ...mode }));
  }

  /**
   * Sends those sizes only that somebody takes: the server's `publish.layers`.
   * @param {{rid: string, active: boolean}[]} layers
   */
  async applyLayers(layers) {
    const sender = this.pc?.getSenders().find(({ track }) => track?.kind === "video");
    if (!sender) return;
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings) {
      const layer = layers.find(({ rid }) => rid === encoding.rid);
      if (layer) encoding.active = layer.active;
    }
    await sender.setParameters(parameters).catch((error) => console.info("sender parameters", error));
  }
}

/**
 * @param {VideoCodec} codec
 * @param {RTCRtpTransceiver} transceiver
 */
function prefer(codec, transceiver) {
  const all = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  // The server would take H.264 if it could, so another codec has to be the only one.
  const repair = ["video/rtx", "video/red", "video/ulpfec", "video/flexfec-03"];
  const wanted = codec === "h264" ? null : [`video/${codec}`, ...repair];
  const codecs = wanted ? all.filter(({ mimeType }) => wanted.includes(mimeType.toLowerCase())) : all;
  /** @param {RTCRtpCodec} codec */
  const rank = ({ mimeType, sdpFmtpLine = "" }) => {
    if (mimeType.toLowerCase() !== "video/h264" || !sdpFmtpLine.includes("packetization-mode=1")) return 2;
    // Constrained baseline is what every phone decodes and what the mixer expects.
    return sdpFmtpLine.includes("profile-level-id=42e0") ? 0 : 1;
  };
  const sorted = [...codecs].sort((a, b) => rank(a) - rank(b));
  if (sorted.length > 0) transceiver.setCodecPreferences?.(sorted);
}

/**
 * @param {RTCPeerConnection} pc
 * @param {Quality} quality
 * @param {boolean} music
 */
async function limitRate(pc, quality, music) {
  for (const sender of pc.getSenders()) {
    const parameters = sender.getParameters();
    const [encoding] = parameters.encodings;
    if (!encoding) continue;
    if (sender.track?.kind === "video") {
      for (const one of parameters.encodings) {
        const size = SIZES[quality].find(({ rid }) => rid === one.rid);
        one.maxBitrate = (size ?? QUALITIES[quality]).kbps * 1000;
        one.maxFramerate = 30;
      }
      parameters.degradationPreference = "maintain-framerate";
    } else {
      encoding.maxBitrate = music ? 128_000 : 48_000;
    }
    // A browser may refuse a field; the defaults still send.
    await sender.setParameters(parameters).catch((error) => console.info("sender parameters", error));
  }
}

/**
 * Lets Opus send two channels: browsers read that from the answer and have no call for it.
 * @param {string} sdp
 */
export function stereo(sdp) {
  const payload = /^a=rtpmap:(\d+) opus\/48000/im.exec(sdp)?.[1];
  if (!payload) return sdp;
  const wish = "stereo=1;sprop-stereo=1;maxaveragebitrate=128000";
  const fmtp = new RegExp(`^(a=fmtp:${payload} )([^\\r\\n]*)`, "m");
  if (fmtp.test(sdp)) return sdp.replace(fmtp, (_, head, rest) => `${head}${rest};${wish}`);
  return sdp.replace(new RegExp(`^(a=rtpmap:${payload} [^\\r\\n]*)`, "m"), `$1\r\na=fmtp:${payload} ${wish}`);
}
