/** The host's list of products: adding, ordering, pinning, speaking about one, and taking one into a flash sale. */

import { el, money } from "../ui/dom.js";
import { field, smallButton } from "../ui/fields.js";
import { attempt, toast } from "../ui/toast.js";

export class GoodsPanel {
  /**
   * @param {HTMLElement} root
   * @param {object} context
   * @param {(t: string, d: object) => Promise<any>} context.request
   * @param {(product: Wire.Product) => void} context.onSell  the host wants to sell it now
   */
  constructor(root, { request, onSell }) {
    this.request = request;
    this.onSell = onSell;
    const form = el("form", { class: "sale-form", "data-testid": "goods-form" },
      field("商品 Product", "title", { required: true, maxlength: 100, value: "云南高山蓝莓 Blueberries 500 g" }),
      el("div", { class: "sale-grid" },
        field("价格 Price ¥", "price", { required: true, type: "number", min: "0.01", step: "0.01", value: "19.90" }),
        field("库存 Stock", "stock", { type: "number", min: 0, step: 1, placeholder: "不显示 not told" }),
        field("货号 SKU", "sku", { maxlength: 100, placeholder: "自动 auto" }),
        field("图片 Picture", "image", { maxlength: 300, placeholder: "/assets/img/…" })),
      field("购买链接 Shop address", "url", { maxlength: 300, placeholder: "https://…" }),
      el("button", { class: "button primary wide", type: "submit", "data-testid": "goods-add" }, "上货 Add"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.add(new FormData(form));
    });
    this.list = el("ol", { class: "list", "data-testid": "goods" });
    root.append(form, el("h3", {}, "货架 On the shelf"), this.list);
    this.drawn = "";
  }

  /** @param {FormData} data */
  async add(data) {
    const text = (/** @type {string} */ name) => String(data.get(name)).trim();
    const added = await attempt(this.request("product.add", {
      title: text("title"), sku: text("sku") || `sku-${Date.now().toString(36)}`, price: Math.round(Number(data.get("price")) * 100),
      ...(text("stock") === "" ? {} : { stock: Number(text("stock")) }), ...(text("image") === "" ? {} : { image: text("image") }), ...(text("url") === "" ? {} : { url: text("url") }),
    }));
    if (added) toast("已上架 · On the shelf", "good");
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update({ goods }) {
    const key = JSON.stringify(goods);
    if (key === this.drawn) return;
    this.drawn = key;
    this.list.replaceChildren(...goods.products.map((product, at) => this.row(product, at, goods)));
    if (goods.products.length === 0) this.list.append(el("li", { class: "empty" }, "货架还是空的 · Nothing on the shelf"));
  }

  /**
   * @param {Wire.Product} one
   * @param {number} at
   * @param {import("../products.js").Goods} goods
   */
  row(one, at, { products, pinned, explaining }) {
    const { product, title, price, currency, stock, sku } = one;
    const isPinned = pinned === product;
    const isExplained = explaining?.product === product;
    const act = (/** @type {string} */ words, /** @type {string} */ testId, /** @type {string} */ t, /** @type {object} */ more = {}, mood = "") =>
      smallButton(words, `${testId}-${at}`, () => attempt(this.request(t, { product, ...more })), mood);
    return el("li", { class: "list-row wrap", "data-testid": `shelf-${at}` }, el("span", { class: "seat-number" }, String(at + 1)),
      el("span", { class: "grow two" }, el("b", {}, title), el("small", {}, [money(price, currency), stock === undefined ? "" : `余 ${stock}`, sku].filter(Boolean).join(" · "))),
      ...(isExplained ? [el("span", { class: "chip live" }, "讲解中 On now")] : []),
      el("span", { class: "row-actions" },
        act(isExplained ? "讲完 Done" : "讲解 Explain", "explain", isExplained ? "explain.end" : "explain.start", {}, isExplained ? "" : "primary"),
        act(isPinned ? "取消置顶 Unpin" : "置顶 Pin", "pin", isPinned ? "product.unpin" : "product.pin"),
        smallButton("秒杀 Sell", `sell-${at}`, () => this.onSell(one)),
        ...(at > 0 ? [act("↑", "up", "product.move", { to: at - 1 })] : []),
        ...(at < products.length - 1 ? [act("↓", "down", "product.move", { to: at + 1 })] : []),
        act("下架 Remove", "remove", "product.remove", {}, "danger")));
  }
}
