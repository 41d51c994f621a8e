/**
 * Goal: room time is right to within half the best round trip, whatever the network does.
 * Method: a made-up local clock, a made-up server and seeded delays.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { RoomClock } from "../assets/clock.js";

const TRUE_OFFSET = 1_790_000_000_000;

/** @param {number} seed */
function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test("the ping with the smallest round trip decides", () => {
  let local = 1_000;
  const clock = new RoomClock(() => local);
  clock.handlePong(0, TRUE_OFFSET + 90, TRUE_OFFSET + 90, 100);
  clock.handlePong(200, TRUE_OFFSET + 205, TRUE_OFFSET + 205, 210);
  clock.handlePong(300, TRUE_OFFSET + 310, TRUE_OFFSET + 310, 400);
  local = 1_100;
  assert.equal(clock.offset(), TRUE_OFFSET);
  assert.equal(clock.now(), TRUE_OFFSET + 1_100);
  assert.equal(clock.uncertainty(), 5);
});

test("the error never exceeds half the best round trip", () => {
  const seed = 7;
  const random = seeded(seed);
  let worst = 0;
  for (let run = 0; run < 300; run += 1) {
    let local = 0;
    const clock = new RoomClock(() => local);
    for (let ping = 0; ping < 5; ping += 1) {
      const up = 5 + 80 * random() ** 3;
      const down = 5 + 80 * random() ** 3;
      const c0 = local;
      const s1 = c0 + up + TRUE_OFFSET;
      const s2 = s1 + 2;
      local = c0 + up + 2 + down;
      clock.handlePong(c0, s1, s2);
      local += 150;
    }
    const error = Math.abs((clock.offset() ?? NaN) - TRUE_OFFSET);
    assert.ok(error <= (clock.uncertainty() ?? 0) + 0.001, `seed ${seed} run ${run}: ${error}`);
    worst = Math.max(worst, error);
  }
  assert.ok(worst > 1, "the delays were too even to show anything");
});

test("an old good ping gives way to a fresh one that is nearly as good", () => {
  let local = 0;
  const clock = new RoomClock(() => local);
  clock.handlePong(0, 5, 5, 10);
  local = 600_000;
  clock.handlePong(local - 20, local + 35, local + 35, local);
  // 50 ppm over ten minutes is 30 ms of doubt, more than the fresh ping's 10.
  assert.equal(clock.offset(), 45);
});

test("answers that make no sense are left out", () => {
  const clock = new RoomClock(() => 100);
  clock.handlePong(50, NaN, 5);
  clock.handlePong(50, 10, 5);
  clock.handlePong(99, 0, 50);
  assert.equal(clock.offset(), null);
});
