/**
 * One member's conversation with a room. A WebSocket drives: it says hello, brings the snapshot and
 * carries every command. Data channels of a WHEP session only bring the same events sooner. With
 * `carrier: "dc"` there is no WebSocket and the channels do what they may: everything but money.
 *
 * ```text
 * idle ─▶ connecting ─hello─▶ joined ─socket lost─▶ waiting ─back-off─▶ connecting (and goes on where it broke off)
 *                │                └──4010──▶ ended
 *                └──token refused twice, banned, or older than the server──▶ refused
 * ```
 */

import { backoffMs } from "./backoff.js";
import { Seen, decode, encode, isBeyondUs, unpack } from "./envelope.js";

/** Pings right after joining, and their distance. */
const FIRST_PINGS = 5;
const FIRST_PING_GAP_MS = 150;
const PING_GAP_MS = 10_000;

/** No word for this long, though pings are answered every 10 s, means the socket is dead. */
const SILENCE_MS = 25_000;

const REQUEST_TIMEOUT_MS = 8_000;

/** Data channels that said nothing for this long, though asked every second, are not relied on. */
const CHANNEL_SILENCE_MS = 2_000;
const CHANNEL_CHECK_MS = 1_000;

/** A gap that two carriers do not fill by themselves in this time is asked for. */
const GAP_MS = 2_000;

/** How long what was told to this user alone may wait for its acknowledgement. */
const ME_ACK_MS = 500;

/** What may go up on data channels: nothing that has to do with money. */
export const ON_CHANNELS = new Set(["chat.send", "chat.danmaku", "chat.sticker", "chat.custom", "chat.whisper", "question.ask", "like"]);

/** What a page closes with that was told something that it must know and does not. */
const OUTDATED = 4013;

/** Which share of the pages says when a countdown fired. */
const REPORTED = 0.1;

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
   * @param {number} [retryMs] after so long it is worth to ask again
   */
  constructor(code, message = code, retryMs = undefined) {
    super(message);
    this.name = "Refused";
    this.code = code;
    this.retryMs = retryMs;
  }
}

export class RoomSession {
  /** @param {SessionOptions} options */
  constructor(options) {
    this.options = options;
    this.carrier = options.carrier ?? "both";
    /** @type {Status} */
    this.status = "idle";
    /** Why it is as it is, by the server's word. @type {string | null} */
    this.code = null;
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
    this.timers = { retry: 0, ping: 0, gap: 0, meAck: 0, channels: 0 };
    /** What names this session when it comes back; null: begin anew. @type {{sid: string, epoch: string} | null} */
    this.name = null;
    /** When the server asked to be left alone for a while, in ms; null: no wish. @type {number | null} */
    this.returnAfter = null;
    /** Whether gifts, chat and reactions are left to the data channels. */
    this.isOnChannels = false;
    this.lastHeardOnChannels = 0;
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
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
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
    channels.clk?.addEventListener("open", () => {
      this.pingSoon();
      this.watchChannels();
    });
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
      const resume = this.name && { ...this.name, q: this.seen.positions() };
      /** @type {Wire.Entered} */
      const entered = await this.request("hello", resume ? { room: this.options.room, resume } : { room: this.options.room });
      this.options.clock.handlePong(left, entered.st, entered.st);
      this.name = entered.sid ? { sid: entered.sid, epoch: entered.epoch } : null;
      this.isOnChannels = false;
      if (entered.resumed) this.goOn();
      else this.enter(/** @type {Wire.Snapshot} */ (entered));
    } catch (error) {
      const code = error instanceof Refused ? error.code : "OFFLINE";
      if (socket !== this.socket) return;
      this.socket = null;
      socket.close(1000);
      // Each of those who found the door crowded was told a time of their own.
      if (error instanceof Refused && error.retryMs !== undefined) this.returnAfter = error.retryMs;
      if (code === "BANNED") this.setStatus("refused", code);
      else if (code === "UNAUTHENTICATED" || code === "TOKEN_EXPIRED" || code === "FORBIDDEN") this.handleRefusedToken(code);
      else this.retryLater(code);
    }
  }

  /** @param {Wire.Snapshot} snapshot */
  enter(snapshot) {
    this.seen.restart(snapshot.q);
    this.options.onSnapshot(snapshot);
    this.goOn();
  }

  /** Goes on from a snapshot, or from where the connection broke. */
  goOn() {
    this.attempt = 0;
    this.refusals = 0;
    this.returnAfter = null;
    this.lastHeard = performance.now();
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
    // Somebody else goes on under this name.
    if (code === 4009) this.name = null;
    if (code === 4010) this.setStatus("ended", "CLOSED");
    else if (code === 4003) this.setStatus("refused", "BANNED");
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
    const wait = Math.max(this.returnAfter ?? 0, backoffMs(this.attempt++));
    this.returnAfter = null;
    this.timers.retry = window.setTimeout(() => void this.connect(), wait);
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
    else this.lastHeardOnChannels = performance.now();
    for (const one of unpack(message)) this.handleMessage(one, carrier);
  }

  /**
   * @param {Wire.Down} message
   * @param {"ws" | "dc"} carrier
   */
  handleMessage(message, carrier) {
    if (this.code === "OUTDATED") return;
    if (isBeyondUs(message)) {
      this.giveUp(message.t);
    } else if (message.t === "clk.pong") {
      this.options.clock.handlePong(message.d.c0, message.d.s1, message.d.s2);
    } else if (message.t === "ack" || message.t === "err") {
      this.settle(message);
    } else if (message.t === "welcome") {
      // While the WebSocket drives, its own snapshot is the one that counts.
      if (carrier === "ws" || this.status !== "joined" || this.carrier === "dc") this.enter(message.d);
    } else if (message.t === "reconnect") {
      this.returnAfter = message.d.after_ms;
    } else if (this.seen.isNew(message)) {
      this.received[carrier] += 1;
      this.options.onEvent(message, carrier);
      this.fillGaps();
      if (message.s === "me") this.ackMe();
    } else {
      this.received.echoes += 1;
    }
  }

  /**
   * Ends, because what must be understood is not: reloading brings a page that knows it.
   * @param {string} t
   */
  giveUp(t) {
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    const { socket } = this;
    this.socket = null;
    socket?.close(OUTDATED, t.slice(0, 64));
    this.failRequests("OUTDATED");
    this.setStatus("refused", "OUTDATED");
  }

  /** @param {Wire.Down} message */
  settle(message) {
    const request = this.requests.get(message.rid ?? "");
    if (!request) return;
    this.requests.delete(message.rid ?? "");
    clearTimeout(request.timer);
    if (message.t === "ack") request.resolve(message.d);
    else request.reject(new Refused(message.code ?? "BAD_REQUEST", message.d.message, message.retry_ms));
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
    return ON_CHANNELS.has(t) && this.sendOn("ctl", text);
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

  // ---- what is missing ----

  /** Asks for what neither carrier brings; what is not kept any more costs a new beginning. */
  fillGaps() {
    if (this.timers.gap || this.seen.gaps().length === 0) return;
    const before = this.seen.gaps();
    this.timers.gap = window.setTimeout(() => {
      this.timers.gap = 0;
      const still = this.seen.gaps().filter(({ s, from }) => before.some((gap) => gap.s === s && gap.from === from));
      for (const gap of still) this.request("resync", gap).catch((error) => error.code === "EXPIRED" && this.beginAnew());
      this.fillGaps();
    }, GAP_MS);
  }

  beginAnew() {
    this.name = null;
    const socket = this.socket;
    if (!socket) return;
    socket.close(1000);
    this.handleClose(socket, 1000);
  }

  ackMe() {
    if (this.timers.meAck) return;
    this.timers.meAck = window.setTimeout(() => {
      this.timers.meAck = 0;
      if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(encode("me.ack", { q: this.seen.positions().me ?? 0 }));
    }, ME_ACK_MS);
  }

  /**
   * Tells of one countdown in ten how far from its deadline it fired here.
   * @param {{id: string, rev: number, openAt: number, at: number}} fired
   */
  reportFired({ id, rev, openAt, at }) {
    const unsure = this.options.clock.uncertainty();
    // A page that nobody sees fires when the browser lets it.
    if (unsure === null || document.hidden || Math.random() >= REPORTED) return;
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(encode("cd.fired", { id, rev, lag_ms: at - openAt, unc_ms: unsure }));
  }

  /** Leaves gifts, chat and reactions to the data channels as long as these answer. */
  watchChannels() {
    clearTimeout(this.timers.channels);
    if (this.channels.clk?.readyState !== "open") {
      this.setOnChannels(false);
      return;
    }
    this.sendOn("clk", encode("clk.ping", { c0: this.options.clock.local() }));
    const silence = performance.now() - this.lastHeardOnChannels;
    this.setOnChannels(silence < CHANNEL_SILENCE_MS);
    this.timers.channels = window.setTimeout(() => this.watchChannels(), CHANNEL_CHECK_MS);
  }

  /** @param {boolean} isOnChannels */
  setOnChannels(isOnChannels) {
    if (isOnChannels === this.isOnChannels || this.status !== "joined" || this.socket?.readyState !== WebSocket.OPEN) return;
    this.isOnChannels = isOnChannels;
    this.socket.send(encode("carrier", { dc: isOnChannels }));
    // What the channels swallowed comes again; a gap shows only with the next gift.
    if (!isOnChannels) this.request("resync", { s: "gift", from: (this.seen.positions().gift ?? 0) + 1 }).catch((error) => error.code === "EXPIRED" && this.beginAnew());
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
    this.code = code;
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
