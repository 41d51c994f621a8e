/**
 * Goal: the gift panel shows the whole catalogue and counts a combo as the room does.
 * Method: made-up gifts, made-up times.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { OwnCombo, pagesOf } from "../assets/gift-choice.js";

test("every gift is on one page, in the order of the catalogue", () => {
  const gifts = Array.from({ length: 17 }, (_, at) => at);
  assert.deepEqual(pagesOf(gifts).map((page) => page.length), [8, 8, 1]);
  assert.deepEqual(pagesOf(gifts).flat(), gifts);
  assert.deepEqual(pagesOf([]), []);
});

test("a combo counts what is given without a pause, of one gift to one room", () => {
  const combo = new OwnCombo();
  assert.equal(combo.handleSent("rose>a", 10, 0), 10);
  assert.equal(combo.handleSent("rose>a", 1, 2_999), 11);
  assert.equal(combo.restAt("rose>a", 3_000), 2_999);
  assert.equal(combo.restAt("rose>b", 3_000), 0);
  assert.equal(combo.handleSent("rose>b", 1, 3_000), 1);
  assert.equal(combo.handleSent("rose>b", 1, 6_000), 1);
});
