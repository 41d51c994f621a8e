/**
 * Goal: whoever follows the events has the list that the room has, and no product leads where it must not.
 * Method: events by hand.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { applyGoods, goodsOf, ownPicture, shopAddress } from "../assets/products.js";

/** @param {string} product @param {number} [rev] @returns {Wire.Product} */
const item = (product, rev = 1) => ({ product, title: product, sku: product, price: 990, currency: "CNY", rev });

/** @param {string} t @param {any} d @returns {Wire.Down} */
const event = (t, d) => ({ v: 1, t, d });

test("products are put in at their place, moved and taken out", () => {
  const goods = goodsOf({ products: [item("a"), item("b"), item("c")] });
  const names = () => goods.products.map(({ product }) => product).join("");
  applyGoods(goods, event("product.updated", { ...item("d"), index: 3 }));
  assert.equal(names(), "abcd");
  applyGoods(goods, event("product.updated", { ...item("d", 2), index: 0 }));
  assert.equal(names(), "dabc");
  assert.deepEqual(goods.products[0], item("d", 2));
  applyGoods(goods, event("product.removed", { product: "b" }));
  assert.equal(names(), "dac");
});

test("one is pinned and one explained; the end of an older explanation ends no newer one", () => {
  const goods = goodsOf({ products: [item("a"), item("b")] });
  applyGoods(goods, event("product.pinned", { product: "a" }));
  applyGoods(goods, event("product.explained", { product: "a", from: 1, to: null }));
  applyGoods(goods, event("product.explained", { product: "b", from: 2, to: null }));
  applyGoods(goods, event("product.explained", { product: "a", from: 1, to: 2 }));
  assert.deepEqual([goods.pinned, goods.explaining?.product], ["a", "b"]);
  applyGoods(goods, event("product.explained", { product: "b", from: 2, to: 3 }));
  applyGoods(goods, event("product.pinned", { product: null }));
  assert.deepEqual([goods.pinned, goods.explaining], [null, null]);
  assert.equal(applyGoods(goods, event("chat", {})), false);
});

test("pictures are this server's own, and addresses are addresses of pages", () => {
  assert.deepEqual(["/a.png", "//evil/a.png", "https://x/a.png", undefined].map((image) => ownPicture(image)), ["/a.png", null, null, null]);
  assert.deepEqual(["https://x/", "http://x/", "/p/1", "//x", "data:text/html,x", undefined].map((url) => shopAddress(url)), ["https://x/", "http://x/", "/p/1", null, null, null]);
});
