/**
 * Goal: a question closes on every page at once, and nothing is shown as right before the room says so.
 * Method: made-up quizzes at made-up times; events by hand.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { parts, quizStateAt, worth } from "../assets/quiz.js";
import { applyEvent, emptyRoom } from "../assets/room-state.js";

const asked = { number: 1, text: "?", options: ["A", "B"], asked_at: 0, close_at: 10_000, reveal_at: 13_000, answered: 0 };

test("a question closes by room time and is not right before it is told", () => {
  assert.deepEqual([9_999, 10_000, 20_000].map((now) => quizStateAt({ state: "asking", asked }, now)), ["asking", "closed", "closed"]);
  assert.equal(quizStateAt({ state: "revealed", asked }, 20_000), "revealed");
  assert.equal(quizStateAt({ state: "waiting", asked: null }, 0), "waiting");
});

test("parts are of all answers, and of none nobody has any", () => {
  assert.deepEqual(parts([3, 9]), [0.25, 0.75]);
  assert.deepEqual(parts([0, 0]), [0, 0]);
});

test("what a coupon is worth is said in the shop's words", () => {
  assert.deepEqual([{ amount: 2000, min_spend: 9900 }, { percent: 20, min_spend: 0 }].map(worth), ["满¥99减¥20", "立减 20%"]);
});

test("an older word about a coupon or a quiz does not undo a newer one", () => {
  const model = emptyRoom("a");
  const told = (/** @type {string} */ t, /** @type {number} */ q, /** @type {any} */ d) => applyEvent(model, { v: 1, s: "sale", t, q, d });
  assert.equal(told("coupon.updated", 5, { coupon: "c", left: 8 }), true);
  assert.equal(told("coupon.updated", 4, { coupon: "c", left: 9 }), false);
  assert.equal(told("quiz.updated", 6, { quiz: "z", state: "asking", asked }), true);
  assert.deepEqual([model.coupons.get("c")?.left, model.quizzes.get("z")?.state], [8, "asking"]);
});
