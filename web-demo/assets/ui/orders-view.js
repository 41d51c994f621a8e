/** "My orders": a button that counts what is unpaid, and the sheet behind it with what became of each order. */

import { clockText } from "../countdown.js";
import { call } from "../http.js";
import { isUnpaid } from "../own-orders.js";
import { Tokens } from "../token.js";
import { byId, el, price, setText } from "./dom.js";
import { attempt, toast } from "./toast.js";

/** @type {Record<string, string>} */
const STATES = {
  queued: "等抽签 In the draw", placed: "已下单 Placed", unpaid: "待付款 Unpaid", paid: "已付款 Paid", expired: "超时取消 Expired",
  not_drawn: "没抽中 Not drawn", cancelled: "已撤单 Called off", won: "竞拍成交 Won",
};

/** What is said when the room tells what became of an order. @type {Record<string, [string, "good" | "bad"]>} */
const NEWS = {
  placed: ["抽中了!订单已生成 · You were drawn", "good"], paid: ["付款成功 · Your order is paid", "good"],
  not_drawn: ["没抽中 · You were not drawn", "bad"], expired: ["没有按时付款,订单已取消 · Your order ran out", "bad"],
  cancelled: ["主播撤了链接,订单取消 · The sale was called off", "bad"],
};

export class OrdersView {
  /**
   * @param {HTMLElement} button
   * @param {object} context
   * @param {string} context.room
   * @param {import("../token.js").Tokens} context.tokens
   * @param {() => number} context.now room time
   * @param {import("../own-orders.js").OwnOrders} context.orders
   */
  constructor(button, { room, tokens, now, orders }) {
    this.button = button;
    this.room = room;
    this.tokens = tokens;
    this.now = now;
    this.orders = orders;
    this.badge = el("span", { class: "rail-badge", hidden: true, "data-testid": "unpaid" });
    button.append(this.badge);
    button.addEventListener("click", () => this.open());
    this.sheet = /** @type {HTMLDialogElement} */ (byId("orders-sheet"));
    this.list = el("ul", { class: "order-list", "data-testid": "orders" });
    this.sheet.replaceChildren(el("h2", { id: "orders-title" }, "我的订单 · My orders"), this.list,
      el("form", { method: "dialog", class: "row" }, el("button", { class: "button primary", value: "ok" }, "好 OK")));
    this.sheet.addEventListener("click", ({ target }) => {
      if (target === this.sheet) this.sheet.close();
    });
    this.drawn = "";
    setInterval(() => this.update(), 1000);
  }

  open() {
    this.update();
    if (!this.sheet.open) this.sheet.showModal();
  }

  /**
   * Says what became of an order.
   * @param {import("../own-orders.js").OwnOrder | null} order  null if that was known
   */
  tell(order) {
    if (!order) return;
    const news = NEWS[order.state];
    if (news) toast(`${order.title}:${news[0]}`, news[1]);
    this.update();
  }

  update() {
    const now = this.now();
    const unpaid = this.orders.unpaid(now);
    this.badge.hidden = unpaid === 0;
    setText(this.badge, String(unpaid));
    this.button.setAttribute("aria-label", unpaid === 0 ? "我的订单 My orders" : `我的订单,${unpaid} 单待付款 My orders, ${unpaid} unpaid`);
    const list = this.orders.list();
    // Rows stay where they are while one may press their buttons.
    const key = list.map((order) => `${order.order}:${shownState(order, now)}`).join();
    if (key !== this.drawn) {
      this.drawn = key;
      this.list.replaceChildren(...list.map((order) => this.row(order, now)));
      if (list.length === 0) this.list.append(el("li", { class: "empty" }, "还没有订单 · Nothing ordered yet"));
    }
    for (const clock of this.list.querySelectorAll("[data-until]")) setText(clock, clockText(Number(/** @type {HTMLElement} */ (clock).dataset.until) - now));
  }

  /**
   * @param {import("../own-orders.js").OwnOrder} order
   * @param {number} now
   */
  row(order, now) {
    const state = shownState(order, now);
    const until = state === "unpaid" ? order.payBy : state === "queued" ? order.decidedAt : undefined;
    // A shop's own page opens its till here; under `serve --dev` the till is made up.
    const canPay = state === "unpaid" && this.tokens.fixed === null;
    return el("li", { class: `order-row ${state}`, "data-testid": `order-${order.order}` },
      el("b", {}, order.title), el("small", {}, [order.seq === undefined ? "" : `第 ${order.seq} 单 no. ${order.seq}`, `×${order.qty}`, `¥${price(order.cents)}`].filter(Boolean).join(" · ")),
      el("span", { class: "order-state" }, STATES[state] ?? state, ...(until === undefined ? [] : [" ", el("b", { "data-until": until }, "")])),
      ...(canPay ? [el("button", { class: "button small primary", type: "button", "data-testid": "pay", onclick: () => void this.pay(order) }, "付款(演示)Pay")] : []));
  }

  /** @param {import("../own-orders.js").OwnOrder} order */
  async pay({ order }) {
    const till = new Tokens({ room: this.room, identity: "till", name: "till", role: "admin" }, null);
    await attempt(call(till, "POST", `/v1/rooms/${encodeURIComponent(this.room)}/orders/${encodeURIComponent(order)}/paid`));
  }
}

/**
 * @param {import("../own-orders.js").OwnOrder} order
 * @param {number} now
 */
function shownState(order, now) {
  return isUnpaid(order, now) ? "unpaid" : order.state;
}
