/**
 * Goal: however much is said, the picture is never covered by lines, and lines do not touch.
 * Method: two hundred lines a second for ten seconds of made-up time.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { Lanes } from "../assets/lanes.js";

test("of two hundred lines a second at most twenty fly, and a lane is left alone until its line is out of the way", () => {
  const lanes = new Lanes(5, 2_600);
  /** @type {{lane: number, at: number}[]} */
  const flown = [];
  for (let at = 0; at < 10_000; at += 5) {
    const lane = lanes.take(at);
    if (lane !== null) flown.push({ lane, at });
  }
  assert.ok(flown.length >= 15, "lines do fly");
  for (let second = 0; second < 10; second += 1) assert.ok(flown.filter(({ at }) => Math.floor(at / 1000) === second).length <= 20);
  for (const [n, one] of flown.entries()) {
    const next = flown.slice(n + 1).find(({ lane }) => lane === one.lane);
    assert.ok(!next || next.at - one.at >= 2_600);
  }
});

test("a quiet chat flies every line", () => {
  const lanes = new Lanes(5, 2_600);
  assert.deepEqual([0, 1_000, 2_000, 3_000].map((at) => lanes.take(at)), [0, 1, 2, 0]);
});
