/** Flash sales: announcing one or preparing it, its terms, and what the host may do while it runs. */

import { saleStateAt } from "../countdown.js";
import { el, price } from "../ui/dom.js";
import { check, choice, field, smallButton } from "../ui/fields.js";
import { attempt, toast } from "../ui/toast.js";

/** @type {Record<Wire.SaleState, string>} */
const STATES = { counting: "倒计时 Counting", open: "抢购中 Open", paused: "暂停 Paused", sold_out: "抢光 Sold out", closed: "结束 Closed", cancelled: "取消 Cancelled" };

/** A step by which a sale is put off. */
const POSTPONE_MS = 10_000;

export class SalePanel {
  /**
   * @param {HTMLElement} root
   * @param {object} context
   * @param {() => number} context.now room time
   * @param {(t: string, d: object) => Promise<any>} context.request
   * @param {import("../room-state.js").RoomModel} context.model
   * @param {import("./sold-sheet.js").SoldSheet} context.sold
   */
  constructor(root, { now, request, model, sold }) {
    this.now = now;
    this.request = request;
    this.model = model;
    this.sold = sold;
    this.form = el("form", { class: "sale-form", "data-testid": "sale-form" },
      field("商品 Product", "title", { required: true, maxlength: 80, value: "云南高山蓝莓 Blueberries 500 g", "data-testid": "sale-title-input" }),
      el("div", { class: "sale-grid" },
        field("价格 Price ¥", "price", { required: true, type: "number", min: "0.01", step: "0.01", value: "9.90", "data-testid": "sale-price-input" }),
        field("库存 Stock", "stock", { required: true, type: "number", min: 1, max: 100_000, step: 1, value: 100, "data-testid": "sale-stock-input" }),
        field("限购 Per user", "per_user", { required: true, type: "number", min: 1, step: 1, value: 1, "data-testid": "sale-per-user-input" }),
        field("倒数 Lead s", "lead", { required: true, type: "number", min: 2, max: 60, step: 1, value: 5, "data-testid": "sale-lead-input" }),
        field("开售 Open s", "duration", { required: true, type: "number", min: 5, max: 3600, step: 1, value: 60, "data-testid": "sale-duration-input" }),
        choice("付款时限 Pay within", "pay", [["", "不限 No limit"], [60, "1 分钟 min"], [300, "5 分钟 min"], [900, "15 分钟 min"]], { "data-testid": "sale-pay-input" }),
        choice("谁能买到 Who gets it", "policy", [["arrival", "先到先得 First"], ["lottery_window", "抽签 By draw"]], { "data-testid": "sale-policy-input" }),
        choice("抽签窗口 Draw window", "window", [[500, "0.5 秒 s"], [1000, "1 秒 s"], [2000, "2 秒 s"]], { "data-testid": "sale-window-input" })),
      el("div", { class: "sale-grid" },
        check("立即上架 No lead", "immediate", { "data-testid": "sale-immediate-input" }),
        check("显示人数 Buyers", "buyers", { checked: true })),
      el("div", { class: "row nowrap" },
        el("button", { class: "button primary grow wide shout", type: "submit", "data-testid": "announce" }, "3 · 2 · 1 · 上链接!"),
        el("button", { class: "button wide-height", type: "button", "data-testid": "sale-draft", onclick: () => void this.draft() }, "存草稿 Draft")));
    this.list = el("ul", { class: "list", "data-testid": "sales" });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.announce();
    });
    this.form.addEventListener("change", () => this.suit());
    this.suit();
    root.append(this.form, el("h3", {}, "本场 This show"), this.list);
    this.drawn = "";
    /** What the form was filled with. @type {{product: string, title: string, sku: string} | null} */
    this.product = null;
  }

  /**
   * Fills the form with a product of the shelf.
   * @param {Wire.Product} product
   */
  take({ product, title, price: cents, sku }) {
    const control = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name));
    control("title").value = title.slice(0, 80);
    control("price").value = price(cents);
    this.product = { product, title: control("title").value, sku };
  }

  /** Terms that have no meaning together cannot be chosen together. */
  suit() {
    const control = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name));
    control("window").disabled = control("policy").value === "arrival";
    control("lead").disabled = control("immediate").checked;
  }

  /** @returns {{title: string, sku: string, price_cents: number, stock: number, per_user: number, duration_ms: number, policy: string, [more: string]: unknown}} */
  offer() {
    const data = new FormData(this.form);
    const number = (/** @type {string} */ name) => Number(data.get(name));
    const policy = String(data.get("policy"));
    const title = String(data.get("title")).trim();
    // Under another title it is another product.
    const shelf = this.product?.title === title ? { product: this.product.product, sku: this.product.sku } : {};
    return {
      title,
      sku: `sku-${Date.now().toString(36)}`,
      ...shelf,
      price_cents: Math.round(number("price") * 100),
      stock: number("stock"),
      per_user: number("per_user"),
      duration_ms: number("duration") * 1000,
      policy,
      ...(policy === "lottery_window" ? { window_ms: number("window") } : {}),
      ...(data.get("pay") ? { pay_within_ms: number("pay") * 1000 } : {}),
      ...(data.has("buyers") ? {} : { show_buyers: false }),
      ...(data.has("immediate") ? { immediate: true, lead_ms: 0 } : { lead_ms: number("lead") * 1000 }),
    };
  }

  async announce() {
    const offer = this.offer();
    const announced = await attempt(this.request("sale.announce", offer));
    if (announced) toast(offer.immediate ? "已上链接 · The link is up" : `${Number(offer.lead_ms) / 1000} 秒后上链接 · Link in ${Number(offer.lead_ms) / 1000} s`, "good");
  }

  async draft() {
    if (!this.form.reportValidity()) return;
    const offer = this.offer();
    const drafted = await attempt(this.request("sale.draft", offer));
    if (!drafted) return;
    const policy = offer.policy === "lottery_window" ? "lottery_window" : "arrival";
    this.model.drafts.set(drafted.sale, { ...offer, policy, sale: drafted.sale });
    this.update(this.model);
    toast("草稿已存 · Draft kept", "good");
  }

  /**
   * Announces a draft, or throws it away.
   * @param {"sale.arm" | "sale.cancel"} t
   * @param {string} sale
   */
  async useDraft(t, sale) {
    const lead = /** @type {HTMLInputElement} */ (this.form.elements.namedItem("lead"));
    const done = await attempt(this.request(t, t === "sale.arm" ? { sale, lead_ms: Number(lead.value) * 1000 } : { sale }));
    if (!done) return;
    this.model.drafts.delete(sale);
    this.update(this.model);
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update(model) {
    const now = this.now();
    const drafts = [...model.drafts.values()];
    const sales = [...model.sales.values()].sort((a, b) => b.open_at - a.open_at);
    // Whoever is about to press a button must find it where it was.
    const key = JSON.stringify([drafts, sales.map((sale) => [sale, saleStateAt(sale, now)])]);
    if (key === this.drawn) return;
    this.drawn = key;
    this.list.replaceChildren(...drafts.map((draft) => this.draftRow(draft)), ...sales.map((sale) => this.row(sale, saleStateAt(sale, now))));
    if (drafts.length + sales.length === 0) this.list.append(el("li", { class: "empty" }, "还没有上过链接 · Nothing sold yet"));
  }

  /** @param {Wire.SaleDraft} draft */
  draftRow({ sale, title, price_cents, stock, policy }) {
    return el("li", { class: "list-row wrap", "data-testid": `draft-${sale}` },
      el("span", { class: "grow two" }, el("b", {}, title), el("small", {}, `¥${price(price_cents)} · ${stock} 件${policy === "lottery_window" ? " · 抽签 draw" : ""}`)),
      el("span", { class: "chip" }, "草稿 Draft"),
      el("span", { class: "row-actions" },
        smallButton("上架 Announce", "draft-arm", () => this.useDraft("sale.arm", sale), "primary"),
        smallButton("删 Delete", "draft-delete", () => this.useDraft("sale.cancel", sale), "danger")));
  }

  /**
   * @param {Wire.Sale} sale
   * @param {Wire.SaleState} state
   */
  row(sale, state) {
    const sold = sale.stock - sale.left;
    const notes = [`¥${price(sale.price_cents)}`, `已售 sold ${sold}/${sale.stock}`, sale.draw ? (sale.draw.result ? `抽中 ${sale.draw.result.orders}/${sale.draw.result.entries}` : "抽签 draw") : ""];
    return el("li", { class: "list-row wrap", "data-testid": `sale-${sale.sale}` },
      el("span", { class: "grow two" }, el("b", {}, sale.title), el("small", {}, notes.filter(Boolean).join(" · "))),
      el("span", { class: `chip ${state}` }, STATES[state]),
      el("span", { class: "row-actions" }, ...this.actions(sale, state),
        smallButton("订单 Orders", "sale-orders", () => this.sold.open(sale))));
  }

  /**
   * @param {Wire.Sale} sale
   * @param {Wire.SaleState} state
   */
  actions({ sale, draw }, state) {
    const act = (/** @type {string} */ words, /** @type {string} */ t, /** @type {string} */ testId, mood = "", more = {}) =>
      smallButton(words, testId, () => attempt(this.request(t, { sale, ...more })), mood);
    const cancel = act("撤 Cancel", "sale.cancel", "sale-cancel", "danger");
    switch (state) {
      case "counting":
        return [act("推迟 +10 s", "sale.postpone", "sale-postpone", "", { by_ms: POSTPONE_MS }), cancel];
      case "open":
        return [...(draw && !draw.result ? [] : [act("暂停 Pause", "sale.pause", "sale-pause")]), act("结束 Close", "sale.close", "sale-close"), cancel];
      case "paused":
        return [act("继续 Resume", "sale.resume", "sale-resume", "primary"), act("结束 Close", "sale.close", "sale-close"), cancel];
      default:
        return [];
    }
  }
}
