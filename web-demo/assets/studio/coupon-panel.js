/** Coupons that the host gives out, and how many are left of each. */

import { saleStateAt } from "../countdown.js";
import { worth } from "../quiz.js";
import { el } from "../ui/dom.js";
import { choice, field, smallButton } from "../ui/fields.js";
import { attempt, toast } from "../ui/toast.js";

/** @type {Record<string, string>} */
const STATES = { counting: "倒计时 Counting", open: "领取中 Open", sold_out: "领完 Gone", closed: "结束 Closed", cancelled: "收回 Taken back" };

export class CouponPanel {
  /**
   * @param {HTMLElement} root
   * @param {object} context
   * @param {() => number} context.now room time
   * @param {(t: string, d: object) => Promise<any>} context.request
   */
  constructor(root, { now, request }) {
    this.now = now;
    this.request = request;
    const form = el("form", { class: "sale-form", "data-testid": "coupon-form" },
      field("优惠券 Coupon", "title", { required: true, maxlength: 100, value: "直播间专享" }),
      el("div", { class: "sale-grid" },
        choice("怎么减 Kind", "kind", [["amount", "减金额 Amount ¥"], ["percent", "减百分比 Percent"]]),
        field("减多少 Worth", "worth", { required: true, type: "number", min: "0.01", step: "0.01", value: "20" }),
        field("满多少 From ¥", "least", { required: true, type: "number", min: "0", step: "0.01", value: "99" }),
        field("张数 How many", "count", { required: true, type: "number", min: 1, max: 100_000, step: 1, value: 100 }),
        field("发放 Open s", "duration", { required: true, type: "number", min: 1, max: 3600, step: 1, value: 60 }),
        field("口令 Keyword", "keyword", { maxlength: 100 })),
      el("button", { class: "button primary wide", type: "submit", "data-testid": "issue-coupon" }, "发券 Give coupons"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.issue(new FormData(form));
    });
    this.list = el("ul", { class: "list", "data-testid": "coupons" });
    root.append(form, el("h3", {}, "本场 This show"), this.list);
    this.drawn = "";
  }

  /** @param {FormData} data */
  async issue(data) {
    const text = (/** @type {string} */ name) => String(data.get(name)).trim();
    const worthOf = text("kind") === "amount" ? { amount: Math.round(Number(text("worth")) * 100) } : { percent: Math.round(Number(text("worth"))) };
    const issued = await attempt(this.request("coupon.issue", {
      title: text("title"), ...worthOf, min_spend: Math.round(Number(text("least")) * 100), count: Number(text("count")),
      duration_ms: Number(text("duration")) * 1000, ...(text("keyword") === "" ? {} : { keyword: text("keyword") }),
    }));
    if (issued) toast("券已发出 · The coupons are out", "good");
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update({ coupons }) {
    const now = this.now();
    const key = JSON.stringify([...coupons.values()].map((one) => [one, saleStateAt(one, now)]));
    if (key === this.drawn) return;
    this.drawn = key;
    this.list.replaceChildren(...[...coupons.values()].reverse().map((one) => {
      const state = saleStateAt(one, now);
      return el("li", { class: "list-row" }, el("span", { class: "grow two" }, el("b", {}, one.title), el("small", {}, `${worth(one)} · 已领 ${one.count - one.left}/${one.count}`)),
        el("span", { class: `chip ${state}` }, STATES[state] ?? state),
        ...(state === "open" || state === "counting" ? [smallButton("收回 Stop", "coupon-cancel", () => attempt(this.request("coupon.cancel", { coupon: one.coupon })), "danger")] : []));
    }));
    if (coupons.size === 0) this.list.append(el("li", { class: "empty" }, "还没有发券 · No coupons yet"));
  }
}
