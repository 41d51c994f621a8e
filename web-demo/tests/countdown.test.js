/**
 * Goal: every page shows the same label at the same room time, whenever it was opened.
 * Method: labels from made-up deadlines; no timers.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { battleDeadline, clockText, labelAt, nextFlip, saleStateAt } from "../assets/countdown.js";

const countdown = { open_at: 10_000, labels: ["3", "2", "1", "上链接!"] };

test("a label is a function of the deadline alone", () => {
  const seen = [6_999, 7_000, 7_001, 8_000, 8_999, 9_000, 9_999, 10_000, 60_000].map((now) => labelAt(countdown, now));
  assert.deepEqual(seen, [null, "3", "3", "2", "2", "1", "1", "上链接!", "上链接!"]);
});

test("the wait until the next flip ends exactly on the flip", () => {
  for (const now of [0, 1, 6_500, 7_000, 8_999.5, 9_000, 9_999]) {
    const wait = nextFlip(countdown, now);
    assert.ok(wait !== null && wait > 0 && wait <= 1000, `at ${now}`);
    assert.notEqual(Math.ceil((10_000 - now) / 1000), Math.ceil((10_000 - now - wait) / 1000));
    assert.ok(Math.abs((10_000 - now - wait) % 1000) < 1e-6);
  }
  assert.equal(nextFlip(countdown, 10_000), null);
});

test("a sale opens and closes by room time without a message", () => {
  const sale = { state: /** @type {const} */ ("counting"), open_at: 10_000, close_at: 20_000, left: 3 };
  assert.equal(saleStateAt(sale, 9_999), "counting");
  assert.equal(saleStateAt(sale, 10_000), "open");
  assert.equal(saleStateAt(sale, 20_000), "closed");
  assert.equal(saleStateAt({ ...sale, left: 0 }, 10_000), "sold_out");
  assert.equal(saleStateAt({ ...sale, state: "cancelled" }, 10_000), "cancelled");
});

test("a battle runs towards its start, its end, and the end of the forfeit", () => {
  const battle = { start_at: 1_000, end_at: 61_000 };
  const punish = { kind: /** @type {const} */ ("punish"), open_at: 91_000, state: /** @type {const} */ ("counting") };
  assert.deepEqual(battleDeadline({ ...battle, state: "preparing" }, []), { kind: "pk_start", at: 1_000 });
  assert.deepEqual(battleDeadline({ ...battle, state: "battling" }, []), { kind: "pk_end", at: 61_000 });
  assert.deepEqual(battleDeadline({ ...battle, state: "punishing" }, [punish]), { kind: "punish", at: 91_000 });
  assert.equal(battleDeadline({ ...battle, state: "linking" }, [punish]), null);
});

test("a started second still counts on the clock", () => {
  assert.equal(clockText(60_001), "01:01");
  assert.equal(clockText(60_000), "01:00");
  assert.equal(clockText(1), "00:01");
  assert.equal(clockText(-5), "00:00");
});
