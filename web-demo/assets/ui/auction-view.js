/**
 * The auction on offer: what it stands at, who leads, how long, and the button that bids the next step. Who
 * wants may name a highest bid, which the room keeps to itself and bids for them.
 */

import { auctionStateAt, minorUnits } from "../auction.js";
import { clockText, nextFlip } from "../countdown.js";
import { randomId } from "../token.js";
import { el, icon, money, setText } from "./dom.js";
import { attempt, toast } from "./toast.js";

/** A card that is over stays this long. */
const OVER_MS = 20_000;
/** From here on the clock hurries. */
const HURRY_MS = 10_000;

/** @type {Record<Wire.AuctionState | "deciding", string>} */
const STATES = {
  scheduled: "即将开拍 Soon", running: "竞拍中 Bidding", closing: "延时中 Extended", deciding: "落槌中… Closing",
  sold: "成交 Sold", unsold: "流拍 Not sold", void: "已取消 Called off",
};

export class AuctionCard {
  /**
   * @param {HTMLElement} root
   * @param {object} context
   * @param {() => number} context.now room time
   * @param {(t: string, d: object) => Promise<any>} context.request
   * @param {import("../auction.js").OwnBids} context.bids
   */
  constructor(root, { now, request, bids }) {
    this.root = root;
    this.now = now;
    this.request = request;
    this.bids = bids;
    this.title = el("h2", { class: "sale-title", "data-testid": "auction-title" });
    this.price = el("span", { class: "sale-price", "data-testid": "auction-price" });
    this.leader = el("span", { class: "sale-left", "data-testid": "auction-leader" });
    this.clock = el("span", { class: "auction-clock", role: "timer", "data-testid": "auction-clock" });
    this.button = el("button", { class: "buy", type: "button", "data-testid": "bid", disabled: true, onclick: () => void this.bid() });
    this.auto = el("button", { class: "auction-auto", type: "button", "aria-expanded": "false", "aria-controls": "auction-max", "data-testid": "auto-bid", onclick: () => this.toggleAuto() }, "自动加价 Auto");
    this.max = el("input", { name: "max", inputmode: "decimal", autocomplete: "off", required: true, "data-testid": "bid-max", "aria-label": "最高出到(元)Highest bid in yuan", placeholder: "最高出到 Up to ¥" });
    this.form = el("form", { class: "auction-max", id: "auction-max", hidden: true }, this.max,
      el("button", { class: "button small primary", type: "submit", "data-testid": "bid-max-send" }, "代我出价 Bid for me"));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.bidUpTo();
    });
    this.answer = el("p", { class: "sale-answer", role: "status", "data-testid": "bid-answer" });
    root.append(el("div", { class: "sale-thumb auction" }, icon("gavel")),
      el("div", { class: "sale-body" }, this.title, el("div", { class: "sale-figures" }, this.price, this.leader), el("div", { class: "sale-figures" }, this.clock, this.auto)),
      this.button, this.form, this.answer);
    /** @type {Wire.Auction | null} */
    this.auction = null;
    this.isBusy = false;
    this.timer = 0;
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update(model) {
    const now = this.now();
    const [auction] = [...model.auctions.values()].filter((one) => isShown(one, now)).sort((a, b) => Number(isOver(a)) - Number(isOver(b)) || a.end_at - b.end_at);
    if (auction?.auction !== this.auction?.auction) this.form.hidden = true;
    this.auction = auction ?? null;
    this.refresh();
  }

  refresh() {
    clearTimeout(this.timer);
    const { auction } = this;
    const now = this.now();
    this.root.hidden = !auction || !isShown(auction, now);
    if (!auction || this.root.hidden) return;

    const state = auctionStateAt(auction, now);
    const own = this.bids.of(auction.auction);
    const isOn = state === "running" || state === "closing";
    this.root.dataset.state = state;
    setText(this.title, auction.title);
    setText(this.price, money(auction.price ?? auction.start_price, auction.currency));
    setText(this.leader, leaderText(auction, own.leads));
    setText(this.clock, clockWords(auction, state, now));
    this.clock.classList.toggle("hurry", isOn && auction.end_at - now < HURRY_MS);
    this.button.disabled = !isOn || own.leads || this.isBusy;
    setText(this.button, isOn ? (own.leads ? "领先中 Leading" : `出价 ${money(auction.next, auction.currency)}`) : STATES[state]);
    this.auto.hidden = !isOn;
    if (!isOn) this.form.hidden = true;
    this.drawAnswer(auction, state, own);
    this.timer = window.setTimeout(() => this.refresh(), nextChange(auction, now));
  }

  /**
   * @param {Wire.Auction} auction
   * @param {Wire.AuctionState | "deciding"} state
   * @param {import("../auction.js").OwnBid} own
   */
  drawAnswer(auction, state, own) {
    const upTo = own.max !== null && auction.price !== null && own.max > auction.price ? `,自动加到 ${money(own.max, auction.currency)}` : "";
    const [text, mood] =
      own.won !== null ? [`恭喜拍得!${money(own.won, auction.currency)} · You won`, "good"]
      : state === "unsold" || state === "void" || state === "sold" ? [own.max === null ? "" : "没有拍到 · Not yours this time", "bad"]
      : own.leads ? [`你领先${upTo} · You lead`, "good"]
      : own.isOutbid ? ["被人超过了,再加一手! · You are outbid", "bad"] : ["", ""];
    this.answer.className = `sale-answer ${mood}`;
    setText(this.answer, text);
  }

  bid() {
    return this.auction ? this.place(this.auction, {}) : Promise.resolve();
  }

  async bidUpTo() {
    const { auction } = this;
    if (!auction) return;
    const max = minorUnits(this.max.value, auction.next);
    if (max === null) {
      toast(`至少 ${money(auction.next, auction.currency)} · At least that much`, "bad");
      return;
    }
    if (!(await this.place(auction, { max }))) return;
    this.form.reset();
    this.toggleAuto();
  }

  /**
   * @param {Wire.Auction} auction
   * @param {{max?: number}} upTo
   */
  async place({ auction, next }, upTo) {
    if (this.isBusy) return false;
    this.isBusy = true;
    this.refresh();
    /** @type {Wire.BidResult | null} */
    const result = await attempt(this.request("bid.place", { auction, amount: next, ...upTo, idem: randomId() }));
    this.isBusy = false;
    if (result) this.bids.handleResult(result);
    this.refresh();
    return result !== null;
  }

  toggleAuto() {
    this.form.hidden = !this.form.hidden;
    this.auto.setAttribute("aria-expanded", String(!this.form.hidden));
    if (!this.form.hidden) this.max.focus();
  }
}

/** @param {Wire.Auction} auction */
function isOver({ state }) {
  return state === "sold" || state === "unsold" || state === "void";
}

/**
 * @param {Wire.Auction} auction
 * @param {number} now
 */
function isShown(auction, now) {
  return auction.state !== "void" && (!isOver(auction) || now < auction.end_at + OVER_MS);
}

/**
 * @param {Wire.Auction} auction
 * @param {boolean} leads
 */
function leaderText({ leader, bids, reserve_met: isMet }, leads) {
  if (bids === 0) return "起拍价 Start";
  return `${leads ? "你 You" : leader ?? ""} · ${bids} 次 bids${isMet === false ? " · 未到底价" : ""}`;
}

/**
 * @param {Wire.Auction} auction
 * @param {Wire.AuctionState | "deciding"} state
 * @param {number} now
 */
function clockWords({ start_at, end_at, extensions }, state, now) {
  if (state === "scheduled") return `${clockText(start_at - now)} 后开拍`;
  if (state === "running" || state === "closing") return `剩 ${clockText(end_at - now)}${extensions > 0 ? ` · 延时 ${extensions}` : ""}`;
  return STATES[state];
}

/**
 * @param {Wire.Auction} auction
 * @param {number} now
 */
function nextChange({ start_at, end_at }, now) {
  return Math.max(1, nextFlip({ open_at: start_at }, now) ?? nextFlip({ open_at: end_at }, now) ?? 1000);
}
