/** The host's own picture: camera, preview, the switches under it, and the way up by WHIP. */

import { capture } from "../media/capture.js";
import { WhipPublisher } from "../media/whip.js";
import { byId } from "../ui/dom.js";

/**
 * @typedef {object} OwnFeedOptions
 * @property {string} room
 * @property {import("../token.js").Tokens} tokens
 * @property {URLSearchParams} query
 * @property {(state: import("../media/link.js").LinkState, code: string | null) => void} onState
 * @property {(change: {mic?: boolean, cam?: boolean}) => void} [onSwitch]  the microphone or the camera is on or off now
 */

export class OwnFeed {
  /** @param {OwnFeedOptions} options */
  constructor(options) {
    this.options = options;
    const { query } = options;
    /** @type {import("../media/capture.js").CaptureOptions} */
    this.settings = {
      source: query.get("source") === "test" ? "test" : "camera",
      quality: query.get("quality") === "720p" ? "720p" : "360p",
      music: query.get("music") === "1",
      host: Math.max(1, Math.min(255, Number(query.get("host")) || 1)),
    };
    /** What only the address decides: `&simulcast=1`, `&codec=vp8`, `&layers=L1T2`. */
    this.sending = {
      simulcast: query.get("simulcast") === "1",
      codec: /** @type {import("../media/whip.js").VideoCodec} */ (query.get("codec") ?? "h264"),
      layers: query.get("layers") ?? "",
    };
    this.preview = /** @type {HTMLVideoElement} */ (byId("preview"));
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {WhipPublisher | null} */
    this.publisher = null;
    this.isMicOff = false;
    this.isCamOff = false;
    this.isMutedByHost = false;
    this.isUnseenByHost = false;
    this.wire();
  }

  /** Opens camera and microphone; returns whether there is a picture now. */
  async open() {
    const note = byId("preview-note");
    note.hidden = false;
    try {
      const stream = await capture(this.settings);
      for (const track of this.stream?.getTracks() ?? []) track.stop();
      this.stream = stream;
    } catch (error) {
      note.textContent = `打不开摄像头:${error instanceof Error ? error.message : error}。可以用测试画面:地址加 &source=test · Camera failed; add &source=test for a test picture`;
      return false;
    }
    note.hidden = true;
    this.preview.srcObject = this.stream;
    this.preview.classList.toggle("mirrored", this.settings.source === "camera");
    this.applySwitches();
    return true;
  }

  publish() {
    if (!this.stream || this.publisher) return;
    const { room, tokens, onState } = this.options;
    const { quality, music } = this.settings;
    this.publisher = new WhipPublisher({ room, tokens, stream: this.stream, quality, music, ...this.sending, onState });
    this.publisher.start();
  }

  unpublish() {
    this.publisher?.stop();
    this.publisher = null;
  }

  get pc() {
    return this.publisher?.pc ?? null;
  }

  /**
   * Keeps the microphone and the camera off while the host says so.
   * @param {boolean} isMuted
   * @param {boolean} [isUnseen]
   */
  muteByHost(isMuted, isUnseen = false) {
    this.isMutedByHost = isMuted;
    this.isUnseenByHost = isUnseen;
    this.applySwitches();
  }

  wire() {
    const quality = /** @type {HTMLSelectElement} */ (byId("quality"));
    quality.value = this.settings.quality;
    byId("music").setAttribute("aria-pressed", String(this.settings.music));
    quality.addEventListener("change", () => void this.set({ quality: quality.value === "720p" ? "720p" : "360p" }));
    byId("music").addEventListener("click", () => void this.set({ music: !this.settings.music }));
    byId("mic").addEventListener("click", () => {
      this.isMicOff = !this.isMicOff;
      this.applySwitches();
      this.options.onSwitch?.({ mic: !this.isMicOff });
    });
    byId("cam").addEventListener("click", () => {
      this.isCamOff = !this.isCamOff;
      this.applySwitches();
      this.options.onSwitch?.({ cam: !this.isCamOff });
    });
  }

  /** @param {Partial<import("../media/capture.js").CaptureOptions>} change */
  async set(change) {
    Object.assign(this.settings, change);
    byId("music").setAttribute("aria-pressed", String(this.settings.music));
    if ((await this.open()) && this.stream) {
      const { quality, music } = this.settings;
      await this.publisher?.change({ stream: this.stream, quality, music });
    }
  }

  applySwitches() {
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !this.isMicOff && !this.isMutedByHost;
    for (const track of this.stream?.getVideoTracks() ?? []) track.enabled = !this.isCamOff && !this.isUnseenByHost;
    press(byId("mic"), this.isMicOff || this.isMutedByHost, "mic");
    press(byId("cam"), this.isCamOff || this.isUnseenByHost, "cam");
  }
}

/**
 * @param {HTMLElement} button
 * @param {boolean} isOff
 * @param {string} name
 */
function press(button, isOff, name) {
  button.setAttribute("aria-pressed", String(isOff));
  button.querySelector("use")?.setAttribute("href", `/assets/img/icons.svg#${name}${isOff ? "-off" : ""}`);
}
