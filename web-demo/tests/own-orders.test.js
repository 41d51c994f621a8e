/**
 * Goal: a buyer's list says of each order what became of it, also after the page was closed, and whatever order the news come in.
 * Method: answers and news by hand, a storage that is a map.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { OwnOrders, isUnpaid } from "../assets/own-orders.js";

const sale = /** @type {Wire.Sale} */ ({ sale: "s", title: "Berries", price_cents: 990 });

function storage() {
  const kept = new Map();
  return { getItem: (/** @type {string} */ key) => kept.get(key) ?? null, setItem: (/** @type {string} */ key, /** @type {string} */ text) => void kept.set(key, text) };
}

/** @param {ReturnType<typeof storage>} [kept] */
function orders(kept = storage()) {
  const own = new OwnOrders(kept);
  own.open("a", "vera");
  return own;
}

test("an order waits for its money until its deadline", () => {
  const own = orders();
  own.handleAnswer({ order: "o", seq: 3, sale: "s", qty: 2, stock: 1, pay_by: 500 }, sale, 100);
  assert.deepEqual([own.unpaid(499), own.unpaid(500)], [1, 0]);
  own.handleNews({ state: "paid", order: "o" }, undefined, 200);
  assert.deepEqual(own.list().map(({ title, cents, seq, state }) => [title, cents, seq, state]), [["Berries", 1980, 3, "paid"]]);
  assert.equal(own.unpaid(300), 0);
});

test("an order without a deadline is nobody's debt", () => {
  assert.equal(isUnpaid({ order: "o", of: "s", title: "", cents: 1, qty: 1, state: "placed", at: 0 }, 1), false);
});

test("a queued order is drawn or not", () => {
  const own = orders();
  own.handleAnswer({ order: "o", state: "queued", sale: "s", qty: 1, decided_at: 900 }, sale, 100);
  own.handleAnswer({ order: "p", state: "queued", sale: "s", qty: 1, decided_at: 900 }, sale, 101);
  assert.ok(own.handleNews({ state: "placed", order: "o", sale: "s", seq: 1, qty: 1, pay_by: 2000 }, sale, 900));
  assert.ok(own.handleNews({ state: "not_drawn", order: "p", sale: "s" }, sale, 900));
  assert.deepEqual(own.allOf("s").map(({ order, state }) => [order, state]), [["p", "not_drawn"], ["o", "placed"]]);
});

test("a word that comes twice or late changes nothing", () => {
  const own = orders();
  assert.ok(own.handleNews({ state: "paid", order: "o" }, sale, 1));
  assert.equal(own.handleNews({ state: "placed", order: "o", seq: 1 }, sale, 2), null);
  assert.equal(own.handleNews({ state: "paid", order: "o" }, sale, 3), null);
  assert.equal(own.list()[0]?.state, "paid");
});

test("a page that is opened again knows them, another buyer's page does not", () => {
  const kept = storage();
  orders(kept).handleWon({ auction: "x", price: 1500, currency: "CNY", order: "w" }, /** @type {Wire.Auction} */ ({ title: "Vase" }), 5);
  assert.deepEqual(orders(kept).list().map(({ title, state }) => [title, state]), [["Vase", "won"]]);
  const other = new OwnOrders(kept);
  other.open("a", "walter");
  assert.deepEqual(other.list(), []);
});

test("what somebody else wrote there does no harm", () => {
  const own = new OwnOrders({ getItem: () => '[{"order":1},null,{"order":"o","state":"mine"}]', setItem: () => {} });
  own.open("a", "vera");
  assert.deepEqual(own.list(), []);
});
