/**
 * Goal: the bar shows every room of a battle in the order of the picture, and none of them vanishes; a host is offered what the room
 * would do, and nothing else.
 * Method: made-up battles of two and of four.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { deedsOf, factorAt, invitationTo, standing, supporters } from "../assets/battle.js";

/** @param {Record<string, number>} scores @param {Partial<Wire.Battle>} [more] @returns {Wire.Battle} */
const battle = (scores, more = {}) => ({ pk: "p", state: "battling", rooms: Object.keys(scores), start_at: 0, end_at: 9, scores, version: 0, result: null, ...more });

test("rooms stand in the order of the picture with their points", () => {
  assert.deepEqual(standing(battle({ b: 30, a: 10 })).map(({ room, points }) => [room, points]), [["b", 30], ["a", 10]]);
});

test("the parts of the bar make a whole and no room vanishes", () => {
  for (const scores of [{ a: 0, b: 0 }, { a: 1_000, b: 0 }, { a: 30, b: 10 }, { a: 5, b: 0, c: 900, d: 1 }]) {
    const shares = standing(battle(scores)).map(({ share }) => share);
    assert.ok(Math.abs(shares.reduce((sum, one) => sum + one, 0) - 1) < 1e-9, JSON.stringify(shares));
    assert.ok(Math.min(...shares) >= 0.08);
  }
  assert.deepEqual(standing(battle({ a: 0, b: 0 })).map(({ share }) => share), [0.5, 0.5]);
  const [own, other] = standing(battle({ a: 30, b: 10 }));
  assert.ok(own && other && own.share > other.share);
});

test("who left is marked, and a room without points has none", () => {
  const sides = [{ room: "a", state: /** @type {const} */ ("in"), host: "x" }, { room: "b", state: /** @type {const} */ ("out"), host: null }];
  assert.deepEqual(standing(battle({ a: 1 }, { rooms: ["a", "b"], sides })).map(({ points, isOut }) => [points, isOut]), [[1, false], [0, true]]);
});

test("givers stand with the side they gave to, in the order of the picture, without rooms that left", () => {
  const bob = { user: "bob", name: "Bob", points: 109 };
  const sides = [{ room: "b", state: /** @type {const} */ ("in"), name: "Ben" }, { room: "a", state: /** @type {const} */ ("in") }, { room: "c", state: /** @type {const} */ ("out") }];
  const shown = supporters(battle({ b: 109, a: 0, c: 1 }, { sides, top: { b: [bob], c: [bob] } }));
  assert.deepEqual(shown, [{ room: "b", name: "Ben", givers: [bob] }, { room: "a", name: "a", givers: [] }]);
  assert.deepEqual(supporters({ rooms: ["a"] }), [{ room: "a", name: "a", givers: [] }]);
});

test("a coin counts more from the rush on, and once where there is none", () => {
  assert.deepEqual([factorAt({ rush: { from: 100, factor: 3 } }, 99), factorAt({ rush: { from: 100, factor: 3 } }, 100), factorAt({}, 1e9)], [1, 3, 1]);
});

test("only the inviter calls an invitation off, and begins once somebody has come", () => {
  const side = (/** @type {string} */ room, /** @type {Wire.BattleSide["state"]} */ state) => ({ room, state });
  const asked = { rooms: ["a", "b", "c"], state: /** @type {const} */ ("inviting"), sides: [side("a", "in"), side("b", "asked"), side("c", "asked")] };
  assert.deepEqual([deedsOf(battle({}, asked), "a"), deedsOf(battle({}, asked), "b")], [["cancel"], []]);
  assert.deepEqual(deedsOf(battle({}, { ...asked, sides: [side("a", "in"), side("b", "in"), side("c", "asked")] }), "a"), ["start", "cancel"]);
});

test("a link begins a battle, a battle can be given up once, and a battle that was fought can be fought again", () => {
  assert.deepEqual(deedsOf(battle({ a: 0 }, { state: "linked" }), "b"), ["start", "end"]);
  assert.deepEqual(deedsOf(battle({ a: 0 }), "a"), ["surrender"]);
  assert.deepEqual(deedsOf(battle({ a: 0 }, { sides: [{ room: "a", state: "surrendered" }] }), "a"), []);
  assert.deepEqual(deedsOf(battle({ a: 0 }, { state: "punishing" }), "a"), ["end"]);
  assert.deepEqual([deedsOf(null, "a"), deedsOf(battle({}, { state: "idle" }), "a")], [[], []]);
  const over = (/** @type {string} */ reason) => battle({}, { state: "idle", result: { winner: null, reason } });
  assert.deepEqual(["time", "surrender", "left", "rejected", "timeout"].map((reason) => deedsOf(over(reason), "a").length), [1, 1, 1, 0, 0]);
});

test("an invitation says what differs from the usual, and one room as the protocol always had it", () => {
  const usual = { seconds: 60, punishS: 10, rush: "", link: "battle" };
  assert.deepEqual(invitationTo(["b"], usual), { room: "b", duration_s: 60, punish_s: 10 });
  assert.deepEqual(invitationTo(["b", "c"], { ...usual, rush: "30x3", link: "only" }), { rooms: ["b", "c"], duration_s: 60, punish_s: 10, rush: { last_s: 30, factor: 3 }, link: "only" });
});
