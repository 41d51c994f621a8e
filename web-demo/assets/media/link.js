/**
 * One WebRTC session with the server, kept alive: POST an offer, set the answer, watch, and when the
 * connection dies start over with a fresh one after a back-off. WHIP and WHEP differ only in what goes
 * into the peer connection. The server is ICE-lite and learns our address from the first packet, so
 * gathering candidates is only waited for briefly.
 */

import { refusal } from "../http.js";
import { backoffMs } from "../protocol/backoff.js";

const GATHER_MS = 250;

/** A connection may come back by itself within this time. */
const DISCONNECTED_MS = 3_000;

/** How long a goodbye may take before we hang up without it. */
const DELETE_MS = 2_000;

const TOKEN_CODES = ["UNAUTHENTICATED", "TOKEN_EXPIRED"];

/** How long ICE and DTLS may take before we start over. */
const CONNECT_MS = 8_000;

/** @typedef {"idle" | "connecting" | "live" | "waiting" | "refused"} LinkState */

/**
 * @typedef {object} LinkOptions
 * @property {string} url   where to POST the offer
 * @property {import("../token.js").Tokens} tokens
 * @property {(pc: RTCPeerConnection) => void} build   adds the transceivers and channels
 * @property {(sdp: string) => string} [offer]         a last word on our own offer
 * @property {(sdp: string) => string} [answer]        a last word on the server's answer
 * @property {(pc: RTCPeerConnection) => void} [onNegotiated]
 * @property {(state: LinkState, code: string | null) => void} [onState]
 */

export class MediaLink {
  /** @param {LinkOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {LinkState} */
    this.state = "idle";
    /** @type {string | null} why the last try failed */
    this.code = null;
    /** @type {RTCPeerConnection | null} */
    this.pc = null;
    /** @type {string | null} */
    this.resource = null;
    this.attempt = 0;
    this.timer = 0;
    this.leave = () => this.stop();
  }

  start() {
    window.addEventListener("pagehide", this.leave);
    void this.connect();
  }

  stop() {
    window.removeEventListener("pagehide", this.leave);
    this.hangUp();
    this.setState("idle");
  }

  /** Starts over at once, with what `build` puts in now. */
  restart() {
    this.attempt = 0;
    this.hangUp();
    void this.connect();
  }

  async connect() {
    this.setState("connecting");
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.pc = pc;
    this.options.build(pc);
    pc.addEventListener("connectionstatechange", () => this.handleState(pc));

    try {
      await this.describe(pc);
      await gathered(pc);
      const answer = await this.post(pc);
      if (pc !== this.pc || answer === null) return;
      await pc.setRemoteDescription({ type: "answer", sdp: this.options.answer?.(answer) ?? answer });
      this.options.onNegotiated?.(pc);
      this.again(CONNECT_MS, () => pc.connectionState !== "connected");
    } catch (error) {
      if (pc !== this.pc) return;
      const code = error instanceof Error && "code" in error ? String(error.code) : "LINK_FAILED";
      // Offering the same again would bring the same answer.
      if (code === "OFFER_REFUSED" || (TOKEN_CODES.includes(code) && !this.options.tokens.refuse())) this.giveUp(code);
      else this.retryLater(code);
    }
  }

  /** @param {RTCPeerConnection} pc */
  async describe(pc) {
    if (!this.options.offer) {
      await pc.setLocalDescription();
      return;
    }
    const { type, sdp = "" } = await pc.createOffer();
    await pc.setLocalDescription({ type, sdp: this.options.offer(sdp) });
  }

  /**
   * Returns the answer, or null when this session was left while the server was answering.
   * @param {RTCPeerConnection} pc
   */
  async post(pc) {
    const token = await this.options.tokens.get();
    const response = await fetch(this.options.url, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${token}` },
      body: pc.localDescription?.sdp ?? "",
    });
    const text = await response.text();
    if (!response.ok) throw refusal(response.status, text);
    const location = response.headers.get("Location");
    const resource = location ? new URL(location, response.url).href : null;
    if (pc !== this.pc) {
      if (resource) void this.remove(resource);
      return null;
    }
    this.resource = resource;
    return text;
  }

  /** @param {RTCPeerConnection} pc */
  handleState(pc) {
    if (pc !== this.pc) return;
    switch (pc.connectionState) {
      case "connected":
        this.attempt = 0;
        clearTimeout(this.timer);
        this.setState("live");
        break;
      case "disconnected":
        this.again(DISCONNECTED_MS, () => pc.connectionState === "disconnected");
        break;
      case "failed":
      case "closed":
        this.retryLater("LINK_FAILED");
        break;
      default:
        break;
    }
  }

  /**
   * Starts over after `ms` if things are still bad by then.
   * @param {number} ms
   * @param {() => boolean} isBad
   */
  again(ms, isBad) {
    const pc = this.pc;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      if (pc === this.pc && isBad()) this.retryLater("LINK_FAILED");
    }, ms);
  }

  /** @param {string} code */
  retryLater(code) {
    this.hangUp();
    this.setState("waiting", code);
    this.timer = window.setTimeout(() => void this.connect(), backoffMs(this.attempt++));
  }

  /** @param {string} code */
  giveUp(code) {
    this.hangUp();
    this.setState("refused", code);
  }

  hangUp() {
    clearTimeout(this.timer);
    const { pc, resource } = this;
    this.pc = null;
    this.resource = null;
    // The server forgets a peer that closed, so the DELETE goes first: it ends the session on both sides.
    if (resource) void this.remove(resource).finally(() => pc?.close());
    else pc?.close();
  }

  /** @param {string} resource */
  async remove(resource) {
    try {
      const token = await this.options.tokens.get();
      const signal = AbortSignal.timeout(DELETE_MS);
      await fetch(resource, { method: "DELETE", headers: { Authorization: `Bearer ${token}` }, keepalive: true, signal });
    } catch {
      // The server notices a silent peer by itself.
    }
  }

  /**
   * @param {LinkState} state
   * @param {string | null} [code]
   */
  setState(state, code = null) {
    this.state = state;
    this.code = code;
    this.options.onState?.(state, code);
  }
}

/**
 * Waits until the candidates are in the description, but not for long.
 * @param {RTCPeerConnection} pc
 */
function gathered(pc) {
  if (pc.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => resolve(undefined);
    setTimeout(done, GATHER_MS);
    pc.addEventListener("icegatheringstatechange", () => {
      if (pc.iceGatheringState === "complete") done();
    });
  });
}
