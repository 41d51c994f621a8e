/** Announcing a flash sale: what, for how much, how many, and how long the countdown. */

import { saleStateAt } from "../countdown.js";
import { el, price } from "../ui/dom.js";
import { attempt, toast } from "../ui/toast.js";

/** @type {Record<Wire.SaleState, string>} */
const STATES = { counting: "倒计时 Counting", open: "抢购中 Open", sold_out: "抢光 Sold out", closed: "结束 Closed", cancelled: "取消 Cancelled" };

export class SalePanel {
  /**
   * @param {HTMLElement} root
   * @param {() => number} now room time
   * @param {(t: string, d: object) => Promise<any>} request
   */
  constructor(root, now, request) {
    this.now = now;
    this.request = request;
    this.form = el("form", { class: "sale-form" },
      field("商品 Product", "title", { required: true, maxlength: 80, value: "云南高山蓝莓 Blueberries 500 g", "data-testid": "sale-title-input" }),
      el("div", { class: "sale-grid" },
        field("价格 Price ¥", "price", { required: true, type: "number", min: "0.01", step: "0.01", value: "9.90", "data-testid": "sale-price-input" }),
        field("库存 Stock", "stock", { required: true, type: "number", min: 1, step: 1, value: 100, "data-testid": "sale-stock-input" }),
        field("限购 Per user", "per_user", { required: true, type: "number", min: 1, step: 1, value: 1, "data-testid": "sale-per-user-input" }),
        field("倒数 Lead s", "lead", { required: true, type: "number", min: 2, max: 60, step: 1, value: 5, "data-testid": "sale-lead-input" }),
        field("开售 Open s", "duration", { required: true, type: "number", min: 5, max: 3600, step: 1, value: 60, "data-testid": "sale-duration-input" })),
      el("button", { class: "button primary wide shout", type: "submit", "data-testid": "announce" }, "3 · 2 · 1 · 上链接!"));
    this.list = el("ul", { class: "list", "data-testid": "sales" });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.announce();
    });
    root.append(this.form, el("h3", {}, "本场 This show"), this.list);
  }

  async announce() {
    const data = new FormData(this.form);
    /** @param {string} name */
    const number = (name) => Number(data.get(name));
    const title = String(data.get("title")).trim();
    const announced = await attempt(this.request("sale.announce", {
      title,
      sku: `sku-${Date.now().toString(36)}`,
      price_cents: Math.round(number("price") * 100),
      stock: number("stock"),
      per_user: number("per_user"),
      lead_ms: number("lead") * 1000,
      duration_ms: number("duration") * 1000,
    }));
    if (announced) toast(`${number("lead")} 秒后上链接 · Link in ${number("lead")} s`, "good");
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update(model) {
    const sales = [...model.sales.values()].sort((a, b) => b.open_at - a.open_at);
    this.list.replaceChildren(...sales.map((sale) => this.row(sale)));
    if (sales.length === 0) this.list.append(el("li", { class: "empty" }, "还没有上过链接 · Nothing sold yet"));
  }

  /** @param {Wire.Sale} sale */
  row(sale) {
    const state = saleStateAt(sale, this.now());
    const isOn = state === "counting" || state === "open";
    const cancel = () => void attempt(this.request("sale.cancel", { sale: sale.sale }));
    return el("li", { class: "list-row", "data-testid": `sale-${sale.sale}` },
      el("span", { class: "grow two" }, el("b", {}, sale.title), el("small", {}, `¥${price(sale.price_cents)} · 已售 sold ${sale.stock - sale.left}/${sale.stock}`)),
      el("span", { class: `chip ${state}` }, STATES[state]),
      ...(isOn ? [el("button", { class: "button small danger", type: "button", "data-testid": "sale-cancel", onclick: cancel }, "撤 Cancel")] : []));
  }
}

/**
 * @param {string} text
 * @param {string} name
 * @param {Record<string, string | number | boolean>} attributes
 */
function field(text, name, attributes) {
  return el("label", { class: "field" }, text, el("input", { name, autocomplete: "off", ...attributes }));
}
