/**
 * Goal: an event shown once is never shown again, whichever carrier repeats it and in whatever order.
 * Method: feed counters as two carriers would, with seeded shuffles.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { backoffMs } from "../assets/protocol/backoff.js";
import { Seen, decode, encode, unpack } from "../assets/protocol/envelope.js";

test("what is not an envelope of version 1 is ignored", () => {
  for (const text of ["", "[]", "null", "{}", '{"v":2,"t":"chat"}', '{"v":1}', "{", 7, null]) assert.equal(decode(text), null);
  assert.deepEqual(decode('{"v":1,"t":"like","x":9}'), { v: 1, t: "like", x: 9, d: {} });
});

test("a message up is one envelope", () => {
  assert.deepEqual(JSON.parse(encode("like", { n: 5 }, "7")), { v: 1, t: "like", rid: "7", d: { n: 5 } });
  assert.deepEqual(JSON.parse(encode("clk.ping", { c0: 1.5 })), { v: 1, t: "clk.ping", d: { c0: 1.5 } });
});

test("the same event by two carriers is shown once, in any order", () => {
  let state = 11;
  const random = () => (state = (Math.imul(state, 48271) >>> 0) % 2147483647) / 2147483647;
  const twice = [...Array(300).keys(), ...Array(300).keys()].map((q) => ({ q: q + 1, at: q + 40 * random() })).sort((a, b) => a.at - b.at);
  const seen = new Seen();
  seen.restart({ gift: 0 });
  const shown = twice.filter(({ q }) => seen.isNew({ s: "gift", q })).map(({ q }) => q);
  assert.equal(shown.length, 300);
  assert.equal(new Set(shown).size, 300);
  assert.notDeepEqual(shown, [...shown].sort((a, b) => a - b), "the shuffle did nothing");
});

test("what the snapshot already holds is not shown again", () => {
  const seen = new Seen();
  seen.restart({ pk: 10, chat: 3 });
  assert.equal(seen.isNew({ s: "pk", q: 10 }), false);
  assert.equal(seen.isNew({ s: "pk", q: 11 }), true);
  assert.equal(seen.isNew({ s: "chat", q: 4 }), true);
});

test("after a restart of the server counters begin again", () => {
  const seen = new Seen();
  seen.restart({ pk: 500 });
  seen.restart({ pk: 0 });
  assert.equal(seen.isNew({ s: "pk", q: 1 }), true);
});

test("a batch is taken apart, and what has a gap is told with where it begins", () => {
  const event = (q) => ({ v: 1, t: "gift", s: "gift", q, d: {} });
  assert.deepEqual(unpack({ v: 1, t: "batch", s: "gift", q: [3, 4], d: [event(3), event(4)] }), [event(3), event(4)]);
  assert.deepEqual(unpack(event(3)), [event(3)]);

  const seen = new Seen();
  seen.restart({ gift: 2, chat: 0 });
  for (const q of [3, 5, 6]) seen.isNew(event(q));
  for (const q of [2, 9]) seen.isNew({ s: "chat", q });
  assert.deepEqual(seen.gaps(), [{ s: "gift", from: 4 }]);
  assert.deepEqual(seen.positions(), { gift: 3, chat: 9 });
  seen.isNew(event(4));
  assert.deepEqual([seen.gaps(), seen.positions().gift], [[], 6]);
});

test("what is told to one user alone begins with the oldest that is kept", () => {
  const seen = new Seen();
  seen.restart({ gift: 2 });
  assert.equal(seen.isNew({ s: "me", q: 7 }), true);
  assert.equal(seen.isNew({ s: "me", q: 8 }), true);
  assert.deepEqual([seen.positions().me, seen.gaps()], [8, []]);
});

test("messages for one member carry no counter and are always new", () => {
  const seen = new Seen();
  assert.equal(seen.isNew({}), true);
  assert.equal(seen.isNew({}), true);
});

test("a lossy stream does not grow the memory without end", () => {
  const seen = new Seen();
  seen.restart({ react: 0 });
  for (let q = 2; q < 20_000; q += 2) assert.equal(seen.isNew({ s: "react", q }), true);
  assert.ok((seen.streams.get("react")?.above.size ?? 0) <= 1024);
  assert.equal(seen.isNew({ s: "react", q: 3 }), false);
});

test("back-off doubles from 0.2 s, spreads by 30 % and stops at 10 s", () => {
  assert.equal(backoffMs(0, () => 0.5), 200);
  assert.equal(backoffMs(3, () => 0.5), 1600);
  assert.ok(Math.abs(backoffMs(0, () => 0) - 140) < 1e-9);
  assert.ok(Math.abs(backoffMs(0, () => 1) - 260) < 1e-9);
  assert.equal(backoffMs(50, () => 1), 10_000);
});
