/** Coupons as chips beside the red packets: one press takes one, and says so from then on. */

import { saleStateAt } from "../countdown.js";
import { worth } from "../quiz.js";
import { randomId } from "../token.js";
import { el } from "./dom.js";
import { attempt, toast } from "./toast.js";

/** What is over stays this long. */
const OVER_MS = 20_000;

export class CouponChips {
  /**
   * @param {object} context
   * @param {() => number} context.now room time
   * @param {(t: string, d: object) => Promise<any>} context.request
   * @param {(isWanted: boolean) => Promise<{keyword?: string} | null>} context.ask
   */
  constructor({ now, request, ask }) {
    this.now = now;
    this.request = request;
    this.ask = ask;
    /** The tickets that this user has, by coupon. @type {Map<string, string>} */
    this.tickets = new Map();
  }

  /** @param {Record<string, string>} tickets */
  restore(tickets) {
    for (const [coupon, ticket] of Object.entries(tickets)) this.tickets.set(coupon, ticket);
  }

  /** @param {{coupon: string, ticket: string}} ticket */
  handleClaimed({ coupon, ticket }) {
    this.tickets.set(coupon, ticket);
  }

  /** @param {Map<string, Wire.Coupon>} coupons */
  chips(coupons) {
    const now = this.now();
    const shown = [...coupons.values()].filter((one) => one.state !== "cancelled" && now < one.close_at + OVER_MS);
    return shown.map((coupon) => this.chip(coupon, saleStateAt(coupon, now)));
  }

  /**
   * @param {Wire.Coupon} coupon
   * @param {Wire.SaleState} state
   */
  chip(coupon, state) {
    const has = this.tickets.has(coupon.coupon);
    const note = has ? "已领 Yours" : { counting: "即将发放 soon", open: `领取 Get · ${coupon.left}`, sold_out: "领完了 gone" }[String(state)] ?? "结束了 over";
    return el("button", { class: `luck-chip coupon ${has ? "" : state}`, type: "button", "data-testid": "coupon", "data-of": coupon.coupon, disabled: !has && state !== "open", onclick: () => void this.press(coupon) },
      el("b", {}, "券"), el("span", {}, `${worth(coupon)} ${coupon.title}`), el("small", {}, note));
  }

  /** @param {Wire.Coupon} coupon */
  async press({ coupon, title, wants_keyword: wantsKeyword, min_spend: least }) {
    const ticket = this.tickets.get(coupon);
    if (ticket !== undefined) {
      toast(`${title}:券号 ${ticket} · Your ticket`, "good");
      return;
    }
    const keyword = await this.ask(wantsKeyword);
    if (keyword === null) return;
    const taken = await attempt(this.request("coupon.claim", { coupon, idem: randomId(), ...keyword }));
    if (!taken) return;
    this.handleClaimed(taken);
    toast(`领到了,付款时自动用${least > 0 ? `(满¥${least / 100})` : ""} · It is yours`, "good");
  }
}
