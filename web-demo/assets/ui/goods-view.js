/** What the host has to sell, on the viewer's page: the bag with all products, and a card of the one that is pinned. */

import { ownPicture, shopAddress } from "../products.js";
import { byId, el, icon, money, setText } from "./dom.js";

export class GoodsView {
  /**
   * @param {HTMLElement} card  the pinned product
   * @param {HTMLElement} bag   the button that opens the list
   */
  constructor(card, bag) {
    this.card = card;
    this.bag = bag;
    this.count = el("span", { class: "bag-count" });
    bag.append(this.count);
    this.sheet = /** @type {HTMLDialogElement} */ (byId("goods-sheet"));
    this.list = el("ol", { class: "goods-list", "data-testid": "goods" });
    this.sheet.replaceChildren(el("h2", { id: "goods-title" }, "商品 · Products"), this.list,
      el("form", { method: "dialog", class: "row" }, el("button", { class: "button primary", value: "ok", "data-testid": "goods-close" }, "好 OK")));
    this.sheet.addEventListener("click", ({ target }) => {
      if (target === this.sheet) this.sheet.close();
    });
    bag.addEventListener("click", () => {
      if (!this.sheet.open) this.sheet.showModal();
    });
    this.drawn = "";
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update({ goods, sales }) {
    // A product that a sale offers has the sale's card already.
    const isOnSale = (/** @type {Wire.Product} */ { product }) => [...sales.values()].some((sale) => sale.product === product && ["counting", "open", "paused"].includes(sale.state));
    const key = JSON.stringify([goods, goods.products.filter(isOnSale).length]);
    if (key === this.drawn) return;
    this.drawn = key;
    this.bag.hidden = goods.products.length === 0;
    setText(this.count, String(goods.products.length));
    this.bag.setAttribute("aria-label", `商品 ${goods.products.length} Products`);
    const marks = (/** @type {Wire.Product} */ { product }) => [
      ...(goods.explaining?.product === product ? [el("span", { class: "goods-mark live" }, "讲解中 On now")] : []),
      ...(goods.pinned === product ? [el("span", { class: "goods-mark" }, "置顶 Pinned")] : []),
    ];
    this.list.replaceChildren(...goods.products.map((product, at) => el("li", { class: "goods-row", "data-testid": `goods-${product.product}` },
      thumb(product, String(at + 1)), ...facts(product, marks(product)), ...way(product))));
    const pinned = goods.products.find(({ product }) => product === goods.pinned);
    this.card.hidden = !pinned || isOnSale(pinned);
    if (pinned) this.card.replaceChildren(thumb(pinned), ...facts(pinned, marks(pinned).slice(0, 1)), ...way(pinned));
  }
}

/**
 * @param {Wire.Product} product
 * @param {string} [number]  its place in the list, as hosts say it aloud
 */
function thumb({ image }, number) {
  const src = ownPicture(image);
  return el("span", { class: "goods-thumb" }, src ? el("img", { src, alt: "", width: 56, height: 56, loading: "lazy" }) : icon("bag"), ...(number ? [el("b", {}, number)] : []));
}

/**
 * @param {Wire.Product} product
 * @param {HTMLElement[]} marks
 */
function facts({ title, price, currency, stock }, marks) {
  return [el("span", { class: "goods-facts" }, el("b", { class: "goods-name" }, title),
    el("span", { class: "goods-price" }, money(price, currency), ...(stock === undefined ? [] : [el("small", {}, ` 余 ${stock} left`)])),
    el("span", { class: "goods-marks" }, ...marks))];
}

/** @param {Wire.Product} product */
function way({ url, title }) {
  const href = shopAddress(url);
  return href ? [el("a", { class: "goods-go", href, target: "_blank", rel: "noopener noreferrer", "aria-label": `去看 ${title} · View` }, "去看 View")] : [];
}
