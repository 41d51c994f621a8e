/** Publishing by WHIP (RFC 9725): one video and one audio track up, H.264 first. */

import { MediaLink } from "./link.js";
import { askForLostSound } from "./patience.js";

/** @typedef {"360p" | "720p"} Quality */

/** Portrait pictures and what they may cost. */
export const QUALITIES = {
  "360p": { width: 360, height: 640, kbps: 900 },
  "720p": { width: 720, height: 1280, kbps: 2200 },
};

/**
 * @typedef {object} PublisherOptions
 * @property {string} room
 * @property {import("../token.js").Tokens} tokens
 * @property {MediaStream} stream
 * @property {Quality} quality
 * @property {boolean} music   send stereo at a higher rate
 * @property {(state: import("./link.js").LinkState, code: string | null) => void} [onState]
 */

export class WhipPublisher {
  /** @param {PublisherOptions} options */
  constructor(options) {
    this.options = options;
    this.link = new MediaLink({
      url: `/v1/rooms/${encodeURIComponent(options.room)}/whip`,
      tokens: options.tokens,
      build: (pc) => this.build(pc),
      offer: askForLostSound,
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
    for (const track of stream.getTracks()) {
      const transceiver = pc.addTransceiver(track, { direction: "sendonly", streams: [stream] });
      if (track.kind === "video") preferH264(transceiver);
    }
  }
}

/** @param {RTCRtpTransceiver} transceiver */
function preferH264(transceiver) {
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
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
      encoding.maxBitrate = QUALITIES[quality].kbps * 1000;
      encoding.maxFramerate = 30;
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
