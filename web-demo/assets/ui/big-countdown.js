/**
 * "3, 2, 1, link!": the big numeral over the picture. It flips by room time, without waiting for a message.
 */

import { labelAt, nextFlip } from "../countdown.js";
import { el } from "./dom.js";

/** How long the last label stays after the deadline. */
const FIRED_MS = 1_600;

const KINDS = ["sale_open", "auction_start", "packet_open", "coupon_open", "lottery_draw", "pk_start"];

/** What is said under the numeral: before, and at the end. @type {Record<string, [string, string]>} */
const CAPTIONS = {
  sale_open: ["即将上链接 · Link in", "Link is up!"], auction_start: ["即将开拍 · Auction in", "出价吧 · Place your bid"],
  coupon_open: ["优惠券来了 · Coupons in", "快领 · Get one"], packet_open: ["红包来了 · Red packet in", "快抢 · Grab it!"],
  lottery_draw: ["即将开奖 · Draw in", "中奖的是… · And the winner is…"], pk_start: ["PK 即将开始 · Battle in", "开战 · Fight"],
};

/** @typedef {import("../room-state.js").RoomModel} RoomModel */

/** The numeral in the middle of the picture. */
export class BigCountdown {
  /**
   * @param {HTMLElement} root
   * @param {() => number} now room time
   * @param {(fired: {id: string, rev: number, kind: string, openAt: number, at: number}) => void} [onFired]
   */
  constructor(root, now, onFired) {
    this.root = root;
    this.now = now;
    this.onFired = onFired;
    /** @type {Map<string, Wire.Countdown>} */
    this.waiting = new Map();
    /** @type {Set<string>} */
    this.fired = new Set();
    this.timer = 0;
    this.shown = "";
  }

  /** @param {RoomModel} model */
  update(model) {
    this.waiting.clear();
    for (const countdown of model.countdowns.values()) {
      if (KINDS.includes(countdown.kind) && countdown.state !== "cancelled") this.waiting.set(countdown.id, countdown);
    }
    this.flip();
  }

  /** Shows what is due now and sleeps until the next change. */
  flip() {
    clearTimeout(this.timer);
    const now = this.now();
    for (const [id, { open_at }] of this.waiting) if (open_at + FIRED_MS <= now) this.waiting.delete(id);
    const waiting = [...this.waiting.values()].sort((a, b) => a.open_at - b.open_at);
    for (const one of waiting) if (one.open_at <= now) this.fire(one, now);

    const [next] = waiting;
    this.show(next ? labelAt(next, now) : null, next ?? null);
    if (waiting.length === 0) return;
    // Timers may fire a little early; a flip that changes nothing asks again.
    const waits = waiting.map((one) => nextFlip(one, now) ?? one.open_at + FIRED_MS - now);
    this.timer = window.setTimeout(() => this.flip(), Math.max(1, Math.min(...waits)));
  }

  /**
   * @param {Wire.Countdown} countdown
   * @param {number} now
   */
  fire(countdown, now) {
    if (this.fired.has(countdown.id)) return;
    this.fired.add(countdown.id);
    this.onFired?.({ id: countdown.id, rev: countdown.rev, kind: countdown.kind, openAt: countdown.open_at, at: now });
  }

  /**
   * @param {string | null} label
   * @param {Wire.Countdown | null} countdown
   */
  show(label, countdown) {
    const key = label === null ? "" : `${countdown?.id}:${label}`;
    if (key === this.shown) return;
    this.shown = key;
    this.root.hidden = label === null;
    if (label === null || !countdown) return;

    const isLast = label === countdown.labels.at(-1);
    const caption = CAPTIONS[countdown.kind]?.[isLast ? 1 : 0] ?? "";
    this.root.replaceChildren(
      el("div", { class: `big-ring ${isLast ? "last" : ""}` }, el("strong", { class: "big-label", "data-testid": "big-label" }, label)),
      el("p", { class: "big-caption" }, caption),
    );
  }
}
