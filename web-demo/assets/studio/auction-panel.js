/** Auctions: opening one, and how those of this show stand. */

import { auctionStateAt } from "../auction.js";
import { clockText } from "../countdown.js";
import { el, money, setText } from "../ui/dom.js";
import { choice, field, smallButton } from "../ui/fields.js";
import { attempt, toast } from "../ui/toast.js";

/** @type {Record<Wire.AuctionState | "deciding", string>} */
const STATES = {
  scheduled: "倒计时 Counting", running: "竞拍中 Open", closing: "延时 Extended", deciding: "落槌 Closing",
  sold: "成交 Sold", unsold: "流拍 Not sold", void: "取消 Called off",
};
/** The colours that chips of sales have. @type {Record<string, string>} */
const MOODS = { scheduled: "counting", running: "open", closing: "open" };

export class AuctionPanel {
  /**
   * @param {HTMLElement} root
   * @param {object} context
   * @param {() => number} context.now room time
   * @param {(t: string, d: object) => Promise<any>} context.request
   */
  constructor(root, { now, request }) {
    this.now = now;
    this.request = request;
    this.form = el("form", { class: "sale-form", "data-testid": "auction-form" },
      field("拍品 Lot", "title", { required: true, maxlength: 100, value: "手工青瓷花瓶 Celadon vase" }),
      el("div", { class: "sale-grid" },
        field("起拍价 Start ¥", "start", { required: true, type: "number", min: "0", step: "0.01", value: "1.00" }),
        field("保留价 Reserve ¥", "reserve", { type: "number", min: "0.01", step: "0.01", placeholder: "无 none" }),
        field("加价 Step ¥", "step", { type: "number", min: "0.01", step: "0.01", placeholder: "自动 auto" }),
        field("倒数 Lead s", "lead", { required: true, type: "number", min: 0, max: 60, step: 1, value: 3 }),
        field("时长 Length s", "duration", { required: true, type: "number", min: 5, max: 3600, step: 1, value: 60 }),
        choice("末尾出价 Late bids", "close", [["10", "延时 10 秒 Extend"], ["30", "延时 30 秒 Extend"], ["0", "到点就停 Sudden death"]])),
      el("button", { class: "button primary wide", type: "submit", "data-testid": "open-auction" }, "开拍 Open the auction"));
    this.list = el("ul", { class: "list", "data-testid": "auctions" });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.open(new FormData(this.form));
    });
    root.append(this.form, el("h3", {}, "本场竞拍 Auctions of this show"), this.list);
    this.drawn = "";
  }

  /** @param {FormData} data */
  async open(data) {
    const seconds = (/** @type {string} */ name) => Number(data.get(name)) * 1000;
    const cents = (/** @type {string} */ name) => Math.round(Number(data.get(name)) * 100);
    const extend = seconds("close");
    const opened = await attempt(this.request("auction.open", {
      title: String(data.get("title")).trim(), sku: `lot-${Date.now().toString(36)}`, start_price: cents("start"),
      ...(data.get("reserve") ? { reserve: cents("reserve") } : {}),
      ...(data.get("step") ? { steps: [{ from: 0, step: cents("step") }] } : {}),
      lead_ms: seconds("lead"), duration_ms: seconds("duration"),
      ...(extend === 0 ? { sudden_death: true } : { window_ms: extend, extend_ms: extend }),
    }));
    if (opened) toast("竞拍已上架 · The auction is announced", "good");
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update(model) {
    const now = this.now();
    const auctions = [...model.auctions.values()].sort((a, b) => b.start_at - a.start_at);
    for (const { auction, end_at } of auctions) {
      const clock = this.list.querySelector(`[data-clock="${CSS.escape(auction)}"]`);
      if (clock) setText(clock, clockText(end_at - now));
    }
    const key = JSON.stringify(auctions.map((one) => [one, auctionStateAt(one, now)]));
    if (key === this.drawn) return;
    this.drawn = key;
    this.list.replaceChildren(...auctions.map((auction) => this.row(auction, auctionStateAt(auction, now))));
    if (auctions.length === 0) this.list.append(el("li", { class: "empty" }, "还没有竞拍 · No auctions yet"));
  }

  /**
   * @param {Wire.Auction} auction
   * @param {Wire.AuctionState | "deciding"} state
   */
  row(auction, state) {
    const { title, price, start_price: start, currency, leader, bids, reserve_met: isMet, extensions } = auction;
    const isOn = state === "running" || state === "closing";
    const notes = [
      price === null ? `起拍 start ${money(start, currency)}` : `${money(price, currency)} · ${leader ?? ""} · ${bids} 次 bids`,
      isMet === undefined ? "" : isMet ? "过底价 reserve met" : "未到底价 below reserve", extensions > 0 ? `延时 ${extensions}` : "",
    ];
    return el("li", { class: "list-row wrap", "data-testid": `auction-${auction.auction}` },
      el("span", { class: "grow two" }, el("b", {}, title), el("small", {}, notes.filter(Boolean).join(" · "))),
      el("span", { class: `chip ${MOODS[state] ?? ""}` }, STATES[state], ...(isOn ? [" ", el("span", { "data-clock": auction.auction }, clockText(auction.end_at - this.now()))] : [])),
      ...(bids === 0 && (isOn || state === "scheduled")
        ? [el("span", { class: "row-actions" }, smallButton("取消 Call off", "auction-cancel", () => attempt(this.request("auction.cancel", { auction: auction.auction })), "danger"))] : []));
  }
}
