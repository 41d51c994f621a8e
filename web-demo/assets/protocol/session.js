/**
 * One member's conversation with a room. A WebSocket drives: it says hello, brings the snapshot and
 * carries every command. Data channels of a WHEP session only bring the same events sooner. With
 * `carrier: "dc"` there is no WebSocket and the channels do what they may: everything but money.
 *
 * ```text
 * idle ─▶ connecting ─hello─▶ joined ─socket lost─▶ waiting ─back-off─▶ connecting
 *                │                └──4010──▶ ended
 *                └──token refused twice──▶ refused
 * ```
 */

import { backoffMs } from "./backoff.js";
import { Seen, decode, encode } from "./envelope.js";

/** Pings right after joining, and their distance. */
const FIRST_PINGS = 5;
const FIRST_PING_GAP_MS = 150;
const PING_GAP_MS = 10_000;

/** No word for this long, though pings are answered every 10 s, means the socket is dead. */
const SILENCE_MS = 25_000;

const REQUEST_TIMEOUT_MS = 8_000;

/** @typedef {"idle" | "connecting" | "joined" | "waiting" | "ended" | "refused"} Status */

/**
 * @typedef {object} SessionOptions
 * @property {string} room
 * @property {import("../token.js").Tokens} tokens
 * @property {import("../clock.js").RoomClock} clock
 * @property {"both" | "ws" | "dc"} [carrier]
 * @property {(snapshot: Wire.Snapshot) => void} onSnapshot
 * @property {(event: Wire.Down, carrier: "ws" | "dc") => void} onEvent  each event once, whichever carrier was first
 * @property {(status: Status, code: string | null) => void} [onStatus]
 */

/** What the server said no with, or `OFFLINE` / `TIMEOUT` when it said nothing. */
export class Refused extends Error {
  /**
   * @param {string} code
   * @param {string} [message]
   */
  constructor(code, message = code) {
    super(message);
    this.name = "Refused";
    this.code = code;
  }
}

export class RoomSession {
  /** @param {SessionOptions} options */
  constructor(options) {
    this.options = options;
    this.carrier = options.carrier ?? "both";
    /** @type {Status} */
    this.status = "idle";
    this.seen = new Seen();
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {Record<string, RTCDataChannel>} */
    this.channels = {};
    /** @type {Map<string, {resolve: (d: any) => void, reject: (error: Refused) => void, timer: number}>} */
    this.requests = new Map();
    this.lastRid = 0;
    this.attempt = 0;
    this.refusals = 0;
    this.lastHeard = 0;
    this.timers = { retry: 0, ping: 0 };
    this.isWatchingNetwork = false;
    /** What came by which carrier, for the health line and for tests. */
    this.received = { ws: 0, dc: 0, echoes: 0 };
  }

  start() {
    if (this.carrier === "dc") {
      this.setStatus("connecting");
      return;
    }
    if (!this.isWatchingNetwork) {
      this.isWatchingNetwork = true;
      window.addEventListener("online", () => this.retryNow());
      document.addEventListener("visibilitychange", () => {
        if (document.visibilityState === "visible") this.retryNow();
      });
    }
    void this.connect();
  }

  stop() {
    this.setStatus("idle");
    clearTimeout(this.timers.retry);
    clearTimeout(this.timers.ping);
    this.socket?.close(1000);
    this.socket = null;
  }

  /**
   * Sends a command and waits for the server's answer.
   * @param {string} t
   * @param {object} [d]
   * @returns {Promise<any>} the `d` of the ack
   */
  request(t, d = {}) {
    const rid = String(++this.lastRid);
    const sent = this.sendText(encode(t, d, rid), t);
    if (!sent) return Promise.reject(new Refused("OFFLINE", "没有连接 · Not connected"));

    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => {
        this.requests.delete(rid);
        reject(new Refused("TIMEOUT", "服务器没有回答 · No answer from the server"));
      }, REQUEST_TIMEOUT_MS);
      this.requests.set(rid, { resolve, reject, timer });
    });
  }

  /**
   * Takes the data channels of a fresh WHEP session.
   * @param {Record<string, RTCDataChannel>} channels by label
   */
  attachChannels(channels) {
    this.channels = channels;
    for (const channel of Object.values(channels)) {
      channel.addEventListener("message", ({ data }) => this.handleText(data, "dc"));
    }
    channels.clk?.addEventListener("open", () => this.pingSoon());
    channels.ctl?.addEventListener("close", () => {
      const isOurs = channels === this.channels && this.carrier === "dc" && this.status === "joined";
      if (isOurs) this.setStatus("waiting");
    });
  }

  /** Tells whether commands can go up now. */
  get isOnline() {
    return this.status === "joined";
  }

  // ---- the socket ----

  async connect() {
    this.setStatus("connecting");
    /** @type {string} */
    let token;
    try {
      token = await this.options.tokens.get();
    } catch (error) {
      console.info("no token", error);
      this.retryLater("UNAUTHENTICATED");
      return;
    }
    if (this.status !== "connecting") return;

    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/v1/ws?token=${encodeURIComponent(token)}`);
    this.socket = socket;
    let wasLetIn = false;
    socket.addEventListener("open", () => {
      wasLetIn = true;
      void this.hello(socket);
    });
    socket.addEventListener("message", ({ data }) => this.handleText(data, "ws"));
    socket.addEventListener("close", ({ code }) => {
      // A page is not told why a socket never opened; a stale demo token is one reason.
      if (!wasLetIn) this.options.tokens.refuse();
      this.handleClose(socket, code);
    });
  }

  /** @param {WebSocket} socket */
  async hello(socket) {
    const left = this.options.clock.local();
    try {
      /** @type {Wire.Snapshot} */
      const snapshot = await this.request("hello", { room: this.options.room });
      this.options.clock.handlePong(left, snapshot.st, snapshot.st);
      this.enter(snapshot);
    } catch (error) {
      const code = error instanceof Refused ? error.code : "OFFLINE";
      if (socket !== this.socket) return;
      this.socket = null;
      socket.close(1000);
      if (code === "UNAUTHENTICATED" || code === "TOKEN_EXPIRED" || code === "FORBIDDEN") this.handleRefusedToken(code);
      else this.retryLater(code);
    }
  }

  /** @param {Wire.Snapshot} snapshot */
  enter(snapshot) {
    this.attempt = 0;
    this.refusals = 0;
    this.lastHeard = performance.now();
    this.seen.restart(snapshot.q);
    this.options.onSnapshot(snapshot);
    this.setStatus("joined");
    this.pingSoon();
  }

  /**
   * @param {WebSocket} socket
   * @param {number} code
   */
  handleClose(socket, code) {
    if (socket !== this.socket) return;
    this.socket = null;
    this.failRequests("OFFLINE");
    if (code === 4010) this.setStatus("ended", "CLOSED");
    else if (code === 4001) this.handleRefusedToken("UNAUTHENTICATED");
    else this.retryLater(null);
  }

  /** @param {string} code */
  handleRefusedToken(code) {
    this.refusals += 1;
    // A demo token may only be old; a token from the page's address will not get better.
    if (this.options.tokens.refuse() && this.refusals < 2) this.retryLater(code);
    else this.setStatus("refused", code);
  }

  /** @param {string | null} code */
  retryLater(code) {
    this.setStatus("waiting", code);
    clearTimeout(this.timers.retry);
    this.timers.retry = window.setTimeout(() => void this.connect(), backoffMs(this.attempt++));
  }

  retryNow() {
    if (this.status !== "waiting") return;
    clearTimeout(this.timers.retry);
    void this.connect();
  }

  // ---- messages ----

  /**
   * @param {unknown} text
   * @param {"ws" | "dc"} carrier
   */
  handleText(text, carrier) {
    const message = decode(text);
    if (!message) return;
    if (carrier === "ws") this.lastHeard = performance.now();

    if (message.t === "clk.pong") {
      this.options.clock.handlePong(message.d.c0, message.d.s1, message.d.s2);
    } else if (message.t === "ack" || message.t === "err") {
      this.settle(message);
    } else if (message.t === "welcome") {
      // While the WebSocket drives, its own snapshot is the one that counts.
      if (carrier === "ws" || this.status !== "joined" || this.carrier === "dc") this.enter(message.d);
    } else if (this.seen.isNew(message)) {
      this.received[carrier] += 1;
      this.options.onEvent(message, carrier);
    } else {
      this.received.echoes += 1;
    }
  }

  /** @param {Wire.Down} message */
  settle(message) {
    const request = this.requests.get(message.rid ?? "");
    if (!request) return;
    this.requests.delete(message.rid ?? "");
    clearTimeout(request.timer);
    if (message.t === "ack") request.resolve(message.d);
    else request.reject(new Refused(message.code ?? "BAD_REQUEST", message.d.message));
  }

  /**
   * Sends by the socket if there is one, else by the channel that fits.
   * @param {string} text
   * @param {string} t
   */
  sendText(text, t) {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(text);
      return true;
    }
    const allowed = t === "chat.send" || t === "like";
    return allowed && this.sendOn("ctl", text);
  }

  /**
   * @param {string} label
   * @param {string} text
   */
  sendOn(label, text) {
    const channel = this.channels[label];
    if (channel?.readyState !== "open") return false;
    channel.send(text);
    return true;
  }

  // ---- the clock ----

  /** Pings five times at once, then every ten seconds. */
  pingSoon() {
    clearTimeout(this.timers.ping);
    /** @param {number} count */
    const next = (count) => {
      this.ping();
      const gap = count < FIRST_PINGS ? FIRST_PING_GAP_MS : PING_GAP_MS;
      this.timers.ping = window.setTimeout(() => next(count + 1), gap);
    };
    next(1);
  }

  ping() {
    const text = encode("clk.ping", { c0: this.options.clock.local() });
    this.sendOn("clk", text);
    if (this.socket?.readyState !== WebSocket.OPEN) return;

    if (performance.now() - this.lastHeard > SILENCE_MS) {
      const socket = this.socket;
      socket.close(1000);
      // A dead socket takes a long time to say so.
      this.handleClose(socket, 1006);
      return;
    }
    this.socket.send(text);
  }

  // ---- housekeeping ----

  /**
   * @param {Status} status
   * @param {string | null} [code]
   */
  setStatus(status, code = null) {
    this.status = status;
    this.options.onStatus?.(status, code);
  }

  /** @param {string} code */
  failRequests(code) {
    for (const { reject, timer } of this.requests.values()) {
      clearTimeout(timer);
      reject(new Refused(code, "连接断开 · Connection lost"));
    }
    this.requests.clear();
  }
}
