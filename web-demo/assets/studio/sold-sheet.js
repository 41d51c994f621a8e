/** The orders of one sale: who bought, what is paid, what is not and until when; and the word that money came. */

import { clockText } from "../countdown.js";
import { call } from "../http.js";
import { byId, el, setText } from "../ui/dom.js";
import { smallButton } from "../ui/fields.js";
import { attempt } from "../ui/toast.js";

const REFRESH_MS = 2_000;
/** The most that one look brings; what is above it is told as a number. */
const MOST = 500;

/** @type {Record<Wire.Sold["state"] | "unpaid", string>} */
const STATES = { placed: "已下单 Placed", unpaid: "待付款 Unpaid", paid: "已付款 Paid", expired: "超时取消 Expired" };

export class SoldSheet {
  /**
   * @param {object} context
   * @param {string} context.room
   * @param {import("../token.js").Tokens} context.tokens
   * @param {() => number} context.now room time
   * @param {(t: string, d: object) => Promise<any>} context.request
   */
  constructor({ room, tokens, now, request }) {
    this.path = `/v1/rooms/${encodeURIComponent(room)}/sales`;
    this.tokens = tokens;
    this.now = now;
    this.request = request;
    this.sale = "";
    this.drawn = "";
    this.sheet = /** @type {HTMLDialogElement} */ (byId("sold-sheet"));
    this.title = el("h2", { id: "sold-title" }, "");
    this.figures = el("p", { class: "sold-figures", "data-testid": "sold-figures", role: "status" });
    this.list = el("ul", { class: "order-list", "data-testid": "sold" });
    this.sheet.replaceChildren(this.title, this.figures, this.list,
      el("form", { method: "dialog", class: "row" }, el("button", { class: "button primary", value: "ok", "data-testid": "sold-close" }, "关闭 Close")));
    setInterval(() => {
      if (this.sheet.open) void this.refresh();
    }, REFRESH_MS);
  }

  /** @param {Wire.Sale} sale */
  async open({ sale, title }) {
    this.sale = sale;
    this.drawn = "";
    setText(this.title, `订单 · ${title}`);
    setText(this.figures, "…");
    this.list.replaceChildren();
    if (!this.sheet.open) this.sheet.showModal();
    await this.refresh();
  }

  async refresh() {
    /** @type {Wire.SaleOrders | null} */
    const told = await attempt(call(this.tokens, "GET", `${this.path}/${encodeURIComponent(this.sale)}/orders?limit=${MOST}`));
    if (told && told.sale.sale === this.sale) this.draw(told);
  }

  /** @param {Wire.SaleOrders} told */
  draw({ sale, orders, cursor }) {
    const count = (/** @type {Wire.Sold["state"]} */ state) => orders.filter((order) => order.state === state).length;
    const waits = orders.filter((order) => order.pay_by !== undefined).length;
    setText(this.figures, [`库存 stock ${sale.left}/${sale.stock}`, `${orders.length}${cursor === null ? "" : "+"} 单 orders`, waits > 0 ? `${waits} 待付款 unpaid` : "", `${count("paid")} 已付 paid`, count("expired") > 0 ? `${count("expired")} 超时 expired` : ""].filter(Boolean).join(" · "));
    for (const clock of /** @type {Iterable<HTMLElement>} */ (this.list.querySelectorAll("[data-until]"))) setText(clock, clockText(Number(clock.dataset.until) - this.now()));
    const key = JSON.stringify(orders);
    if (key === this.drawn) return;
    this.drawn = key;
    // What waits for money comes first.
    const sorted = [...orders].sort((a, b) => Number(b.pay_by !== undefined) - Number(a.pay_by !== undefined) || b.seq - a.seq);
    this.list.replaceChildren(...sorted.map((order) => this.row(order)));
    if (orders.length === 0) this.list.append(el("li", { class: "empty" }, "还没有订单 · No orders yet"));
  }

  /** @param {Wire.Sold} order */
  row({ seq, order, user, qty, at, state, pay_by: payBy }) {
    const shown = payBy === undefined ? state : "unpaid";
    const time = new Date(at).toLocaleTimeString("zh-CN", { hour12: false });
    const confirm = async () => {
      await attempt(this.request("order.paid", { order }));
      await this.refresh();
    };
    return el("li", { class: `order-row ${shown}`, "data-testid": `sold-${seq}` },
      el("b", {}, `${seq}. ${user}`), el("small", {}, `×${qty} · ${time}`),
      el("span", { class: "order-state" }, STATES[shown], ...(payBy === undefined ? [] : [" ", el("b", { "data-until": payBy }, clockText(payBy - this.now()))])),
      ...(state === "placed" ? [smallButton("收到款 Paid", `paid-${seq}`, confirm, "primary")] : []));
  }
}
