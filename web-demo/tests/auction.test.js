/**
 * Goal: a bidder's page says who leads by the room's own answers, and ends by room time.
 * Method: answers and events by hand, in both orders.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { OwnBids, auctionStateAt, minorUnits } from "../assets/auction.js";
import { applyEvent, emptyRoom } from "../assets/room-state.js";

/** @type {Wire.Auction} */
const auction = {
  auction: "x", rev: 1, price: null, next: 100, leader: null, bids: 0, end_at: 9_000, extensions: 0, title: "Vase", sku: "v", currency: "CNY",
  start_price: 100, start_at: 1_000, hard_end: null, soft_close: true, state: "scheduled",
};

test("an auction starts and ends by room time; who won is the room's word", () => {
  assert.deepEqual([999, 1_000, 8_999, 9_000].map((now) => auctionStateAt(auction, now)), ["scheduled", "running", "running", "deciding"]);
  assert.equal(auctionStateAt({ ...auction, state: "closing" }, 8_000), "closing");
  assert.equal(auctionStateAt({ ...auction, state: "sold" }, 8_000), "sold");
});

test("the highest revision of a price stands", () => {
  const model = emptyRoom("a");
  const bid = (/** @type {number} */ rev, /** @type {number} */ price) => ({ v: /** @type {const} */ (1), t: "bid.update", d: { auction: "x", rev, price, next: price + 100, leader: "B***", bids: rev, end_at: 9_000, extensions: 0 } });
  assert.equal(applyEvent(model, bid(2, 100)), false);
  applyEvent(model, { v: 1, t: "auction.updated", d: auction });
  assert.equal(applyEvent(model, bid(4, 300)), true);
  assert.equal(applyEvent(model, bid(3, 200)), false);
  assert.deepEqual([model.auctions.get("x")?.price, model.auctions.get("x")?.title], [300, "Vase"]);
});

test("who is outbid leads no more until they bid again", () => {
  const own = new OwnBids();
  own.handleResult({ auction: "x", bid: 1, leading: true, price: 100, max: 500, end_at: 9_000 });
  assert.deepEqual(own.of("x"), { leads: true, max: 500, isOutbid: false, won: null });
  own.handleOutbid({ ...auction, rev: 3 });
  assert.deepEqual([own.of("x").leads, own.of("x").isOutbid], [false, true]);
  own.handleResult({ auction: "x", bid: 3, leading: false, price: 600, max: 550, end_at: 9_000 });
  assert.deepEqual([own.of("x").leads, own.of("x").isOutbid], [false, true]);
  own.handleResult({ auction: "x", bid: 4, leading: true, price: 700, max: 700, end_at: 9_000 });
  own.handleWon({ auction: "x", price: 700, currency: "CNY", order: "o" });
  assert.deepEqual(own.of("x"), { leads: true, max: 700, isOutbid: false, won: 700 });
});

test("a page that comes back learns from the room what it leads", () => {
  const own = new OwnBids();
  own.handleResult({ auction: "x", bid: 1, leading: true, price: 100, max: 500, end_at: 9_000 });
  own.restore({ y: 900 });
  assert.deepEqual([own.of("x").isOutbid, own.of("y").leads, own.of("y").max], [true, true, 900]);
});

test("money is read as people write it", () => {
  assert.deepEqual(["15", "15.5", " 0.29 ", "14.99", "-1", "1e3", "1,5", "", "1.234"].map((text) => minorUnits(text, 0)), [1500, 1550, 29, 1499, null, null, null, null, null]);
  assert.equal(minorUnits("14.99", 1500), null);
});
