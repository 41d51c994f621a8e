/**
 * One WebRTC session with the server, kept alive: POST an offer, set the answer, watch. When the path dies
 * the same session looks for another (ICE restart by PATCH), and only when the server has let it go is there
 * a fresh one, after a back-off. WHIP and WHEP differ only in what goes into the peer connection. The server
 * is ICE-lite and learns our address from the first packet, so gathering candidates is only waited for briefly.
 */

import { call, refusal } from "../http.js";
import { backoffMs } from "../protocol/backoff.js";
import { SDP_FRAGMENT, answerWith, fragmentOf } from "./resume.js";

const GATHER_MS = 250;

/** The server keeps a silent session for 30 s; after this a viewer would rather have a new one. */
const RESUME_MS = 15_000;

/** How long one try to resume may take: the request, and then the new path. */
const REQUEST_MS = 3_000;
const PATH_MS = 3_000;

/** Between two tries, while there is no network. */
const RETRY_MS = 500;

/** How long a goodbye may take before we hang up without it. */
const DELETE_MS = 2_000;

const TOKEN_CODES = ["UNAUTHENTICATED", "TOKEN_EXPIRED"];

/** How long ICE and DTLS may take before we start over. */
const CONNECT_MS = 8_000;

/** @typedef {"idle" | "connecting" | "live" | "waiting" | "refused"} LinkState */

/**
 * @typedef {object} LinkOptions
 * @property {string} room
 * @property {"whip" | "whep"} kind
 * @property {string} [query]   what to add to the address to which the offer is POSTed
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
    /** @type {string} the answer that the connection has now */
    this.answer = "";
    /** @type {RTCPeerConnection | null} the connection that looks for another path */
    this.resuming = null;
    /** @type {RTCIceServer[] | null} */
    this.iceServers = null;
    this.leave = () => this.stop();
    // Another network: the path may be dead without anybody having noticed yet.
    this.look = () => void this.resume();
  }

  /** @returns {string} */
  get room() {
    return `/v1/rooms/${encodeURIComponent(this.options.room)}`;
  }

  start() {
    window.addEventListener("pagehide", this.leave);
    window.addEventListener("online", this.look);
    void this.connect();
  }

  stop() {
    window.removeEventListener("pagehide", this.leave);
    window.removeEventListener("online", this.look);
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
    const iceServers = await this.servers();
    // A connection that was left meanwhile takes no configuration any more.
    if (pc !== this.pc) return;
    pc.setConfiguration({ ...pc.getConfiguration(), iceServers });

    try {
      await this.describe(pc);
      await gathered(pc);
      const answer = await this.post(pc);
      if (pc !== this.pc || answer === null) return;
      this.answer = this.options.answer?.(answer) ?? answer;
      await pc.setRemoteDescription({ type: "answer", sdp: this.answer });
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
    const response = await fetch(`${this.room}/${this.options.kind}${this.options.query ?? ""}`, {
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
      case "failed":
        void this.resume();
        break;
      case "closed":
        this.retryLater("LINK_FAILED");
        break;
      default:
        break;
    }
  }

  /** Looks for another path for the same session, and starts over if there is none or no session. */
  async resume() {
    const { pc, resource } = this;
    if (!pc || !resource || this.resuming === pc || pc.signalingState !== "stable") return;
    this.resuming = pc;
    clearTimeout(this.timer);
    if (pc.connectionState !== "connected") this.setState("connecting");
    const until = performance.now() + RESUME_MS;
    try {
      do {
        const outcome = await this.tryToResume(pc, resource);
        if (pc !== this.pc) return;
        if (outcome === "gone") break;
        if (outcome === "unreachable") await pause(RETRY_MS);
        else if (await connected(pc)) {
          this.setState("live");
          return;
        }
      } while (pc === this.pc && performance.now() < until);
      if (pc === this.pc) this.retryLater("LINK_FAILED");
    } finally {
      if (this.resuming === pc) this.resuming = null;
    }
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {string} resource
   * @returns {Promise<"restarted" | "unreachable" | "gone">}
   */
  async tryToResume(pc, resource) {
    try {
      pc.restartIce();
      await this.describe(pc);
      await gathered(pc);
      const token = await this.options.tokens.get();
      const response = await fetch(resource, {
        method: "PATCH",
        headers: { "Content-Type": SDP_FRAGMENT, "If-Match": "*", Authorization: `Bearer ${token}` },
        body: fragmentOf(pc.localDescription?.sdp ?? ""),
        signal: AbortSignal.timeout(REQUEST_MS),
      });
      const text = await response.text();
      if (response.status === 200 && pc === this.pc) {
        this.answer = answerWith(this.answer, text);
        await pc.setRemoteDescription({ type: "answer", sdp: this.answer });
        return "restarted";
      }
      await rollBack(pc);
      // A busy server may have room for it in a moment; every other refusal is final.
      return response.status === 503 || response.status === 429 ? "unreachable" : "gone";
    } catch {
      await rollBack(pc);
      return "unreachable";
    }
  }

  /** Returns the relays that the server knows. Without them most people can connect. */
  async servers() {
    try {
      this.iceServers ??= (await call(this.options.tokens, "GET", `${this.room}/ice-servers`)).iceServers;
    } catch {
      // Asked again with the next connection.
    }
    return this.iceServers ?? [];
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

/** @param {RTCPeerConnection} pc */
async function rollBack(pc) {
  if (pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" }).catch(() => {});
}

/**
 * Waits whether the connection is up within the time that a new path may take.
 * @param {RTCPeerConnection} pc
 */
async function connected(pc) {
  for (const until = performance.now() + PATH_MS; performance.now() < until; await pause(50)) {
    if (pc.connectionState === "connected") return true;
  }
  return false;
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
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
