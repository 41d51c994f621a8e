/**
 * The product on offer and its button, which opens by room time without waiting for a message. Whether an
 * order was in time, drawn or sold out is the server's word, shown as it is.
 */

import { clockText, nextFlip, saleStateAt } from "../countdown.js";
import { isUnpaid } from "../own-orders.js";
import { randomId } from "../token.js";
import { el, icon, price, setText } from "./dom.js";
import { wordsFor } from "./words.js";

/** A closed card stays this long. */
const CLOSED_MS = 15_000;

/** @typedef {import("../room-state.js").RoomModel} RoomModel */

export class SaleCard {
  /**
   * @param {HTMLElement} root
   * @param {object} context
   * @param {() => number} context.now room time
   * @param {(sale: string, idem: string) => Promise<Wire.OrderResult | Wire.OrderQueued>} context.place
   * @param {import("../own-orders.js").OwnOrders} context.orders
   * @param {() => void} context.onOrder  somebody ordered, or wants to see what they ordered
   */
  constructor(root, { now, place, orders, onOrder }) {
    this.root = root;
    this.now = now;
    this.place = place;
    this.orders = orders;
    this.onOrder = onOrder;
    this.title = el("h2", { class: "sale-title", "data-testid": "sale-title" });
    this.price = el("span", { class: "sale-price", "data-testid": "sale-price" });
    this.left = el("span", { class: "sale-left", "data-testid": "sale-left" });
    this.meter = el("span", { class: "sale-meter", "aria-hidden": "true" });
    this.terms = el("span", { class: "sale-terms", "data-testid": "sale-terms" });
    this.button = el("button", { class: "buy", type: "button", "data-testid": "buy", disabled: true, onclick: () => void this.buy() }, "抢 Buy");
    this.answer = el("button", { class: "sale-answer", type: "button", hidden: true, "data-testid": "order-answer", onclick: () => this.onOrder() });
    this.live = el("p", { class: "visually-hidden", role: "status" });
    root.append(
      el("div", { class: "sale-thumb" }, icon("bag")),
      el("div", { class: "sale-body" }, this.title, el("div", { class: "sale-figures" }, this.price, this.left), this.meter, this.terms),
      this.button, this.answer, this.live,
    );
    /** @type {Wire.Sale | null} */
    this.sale = null;
    /** @type {{sale: string, idem: string} | null} an order of which nobody knows what became of it keeps its key */
    this.unanswered = null;
    /** Why the last try failed; an order that stands says more. */
    this.refusal = "";
    this.isBusy = false;
    this.timer = 0;
  }

  /** @param {RoomModel} model */
  update(model) {
    const sale = [...model.sales.values()].sort((a, b) => rank(b) - rank(a) || b.open_at - a.open_at)[0] ?? null;
    if (sale?.sale !== this.sale?.sale) this.refusal = "";
    this.sale = sale;
    this.refresh();
  }

  /** Draws the card as of now and sleeps until it would look different. */
  refresh() {
    clearTimeout(this.timer);
    const { sale } = this;
    const now = this.now();
    const gone = !sale || (rank(sale) === 0 && now > sale.close_at + CLOSED_MS) || sale.state === "cancelled";
    this.root.hidden = gone;
    if (gone) return;

    const state = saleStateAt(sale, now);
    this.root.dataset.state = state;
    setText(this.title, sale.title);
    setText(this.price, `¥${price(sale.price_cents)}`);
    setText(this.left, state === "open" || state === "paused" ? `剩 ${sale.left}/${sale.stock} · ${clockText(sale.close_at - now)}` : `共 ${sale.stock} 件 in stock`);
    this.meter.style.setProperty("--left", String(sale.stock > 0 ? sale.left / sale.stock : 0));
    setText(this.terms, terms(sale, now));
    this.button.disabled = state !== "open" || this.isBusy;
    setText(this.button, buttonText(sale, state, now));
    this.drawAnswer(sale, now);
    this.timer = window.setTimeout(() => this.refresh(), untilChange(sale, now));
  }

  /**
   * @param {Wire.Sale} sale
   * @param {number} now
   */
  drawAnswer(sale, now) {
    const [order] = this.orders.allOf(sale.sale);
    const [text, mood] = this.refusal !== "" ? [this.refusal, "bad"] : order ? orderText(order, now) : ["", ""];
    this.answer.hidden = text === "";
    this.answer.className = `sale-answer ${mood}`;
    setText(this.answer, text);
    // A ticking clock is not read aloud every second.
    setText(this.live, text.replace(/\d\d:\d\d/, ""));
  }

  async buy() {
    const { sale } = this;
    if (!sale || this.isBusy) return;
    if (this.unanswered?.sale !== sale.sale) this.unanswered = { sale: sale.sale, idem: randomId() };
    this.isBusy = true;
    this.refusal = "";
    this.refresh();
    try {
      const answer = await this.place(sale.sale, this.unanswered.idem);
      this.unanswered = null;
      this.orders.handleAnswer(answer, sale, this.now());
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      // A busy room may have taken the order after the server gave up waiting for it.
      if (code !== "TIMEOUT" && code !== "OFFLINE" && code !== "BUSY") this.unanswered = null;
      this.refusal = wordsFor(error);
    }
    this.isBusy = false;
    this.refresh();
  }
}

/**
 * Returns what an order of ours says on the card, and its mood.
 * @param {import("../own-orders.js").OwnOrder} order
 * @param {number} now
 */
function orderText(order, now) {
  switch (order.state) {
    case "queued":
      return [now < (order.decidedAt ?? 0) ? "已报名,马上抽签 · In the draw" : "抽签中… · Drawing", ""];
    case "placed":
      if (isUnpaid(order, now)) return [`抢到了!${clockText((order.payBy ?? now) - now)} 内付款 · Yours, pay in time`, "good"];
      return [order.seq === undefined ? "抢到了! · Yours" : `抢到了!第 ${order.seq} 单 · Order no. ${order.seq}`, "good"];
    case "paid":
      return ["已付款,等发货 · Paid", "good"];
    case "not_drawn":
      return ["没抽中,下次好运 · Not drawn", "bad"];
    case "cancelled":
      return ["链接撤了,订单取消 · Called off", "bad"];
    default:
      return ["没有按时付款,订单已取消 · Not paid in time", "bad"];
  }
}

/**
 * Returns what is special about a sale, in a few words.
 * @param {Wire.Sale} sale
 * @param {number} now
 */
function terms({ draw, pay_within_ms: payWithin, buyers }, now) {
  const drawn = draw?.result ? `抽签 ${draw.result.orders}/${draw.result.entries} drawn` : draw && now < draw.decided_at ? "抽签购 By draw" : "";
  const pay = payWithin === undefined ? "" : `${payWithin >= 60_000 ? `${Math.round(payWithin / 60_000)} 分钟` : `${Math.round(payWithin / 1000)} 秒`}内付款`;
  return [drawn, pay, buyers === undefined || buyers === 0 ? "" : `${buyers} 人已抢`].filter(Boolean).join(" · ");
}

/** @param {Wire.Sale} sale */
function rank(sale) {
  return sale.state === "open" || sale.state === "counting" || sale.state === "paused" ? 1 : 0;
}

/**
 * @param {Wire.Sale} sale
 * @param {Wire.SaleState} state
 * @param {number} now
 */
function buttonText({ open_at, draw }, state, now) {
  const rest = open_at - now;
  switch (state) {
    case "counting":
      return rest > 3_600_000 ? "即将 Soon" : `${Math.ceil(rest / 1000)}s 后开抢`;
    case "open":
      return draw && now < draw.decided_at ? "参与抽签 Draw" : "马上抢 Buy";
    case "paused":
      return "稍等 Paused";
    case "sold_out":
      return "抢光了 Sold out";
    default:
      return "已结束 Closed";
  }
}

/**
 * @param {Wire.Sale} sale
 * @param {number} now
 */
function untilChange(sale, now) {
  const toOpen = nextFlip(sale, now);
  if (toOpen !== null) return Math.max(1, toOpen);
  const toDraw = sale.draw && now < sale.draw.decided_at ? sale.draw.decided_at - now : CLOSED_MS;
  const toTick = nextFlip({ open_at: sale.close_at }, now);
  return Math.max(1, Math.min(toTick ?? 1000, toDraw));
}
