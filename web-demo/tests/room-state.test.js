/**
 * Goal: after any mix of snapshot and events the page knows the newest word about everything.
 * Method: apply events by hand, late ones too.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { placesOf, plateAt, tiles } from "../assets/layout.js";
import { applyEvent, applySnapshot, emptyRoom } from "../assets/room-state.js";

/** @param {Partial<Wire.Snapshot>} [some] */
function joined(some = {}) {
  const model = emptyRoom("a");
  applySnapshot(model, {
    room: "a", title: "Fruit", state: "live", you: { user: "bob", name: "Bob", role: "viewer" }, seats: [], stage: [], battle: null,
    sales: [], countdowns: [], chat: [], online: 1, likes: 0, coins: 0, st: 1, q: {}, ...some,
  });
  return model;
}

/** @param {Wire.Stream} s @param {string} t @param {number} q @param {any} d @returns {Wire.Down} */
const event = (s, t, q, d) => ({ v: 1, s, t, q, d });

test("an older word about a seat does not undo a newer one", () => {
  const model = joined();
  assert.equal(applyEvent(model, event("seat", "seat.updated", 6, { index: 1, state: "idle", user: null, muted: false })), true);
  assert.equal(applyEvent(model, event("seat", "seat.updated", 5, { index: 1, state: "live", user: "bob", muted: false })), false);
  assert.equal(applyEvent(model, event("seat", "seat.updated", 4, { index: 2, state: "live", user: "eve", muted: false })), true);
  assert.deepEqual(model.seats.map(({ index, state }) => [index, state]), [[1, "idle"], [2, "live"]]);
});

test("the score with the highest version stands", () => {
  const battle = { pk: "p", state: /** @type {const} */ ("battling"), rooms: ["a", "b"], start_at: 0, end_at: 9, scores: { a: 0, b: 0 }, version: 0, result: null };
  const model = joined({ battle });
  assert.equal(applyEvent(model, event("pk", "pk.score", 2, { pk: "p", version: 2, scores: { a: 20, b: 0 } })), true);
  assert.equal(applyEvent(model, event("pk", "pk.score", 1, { pk: "p", version: 1, scores: { a: 10, b: 0 } })), false);
  assert.equal(applyEvent(model, event("pk", "pk.score", 3, { pk: "other", version: 9, scores: { a: 1 } })), false);
  applyEvent(model, event("pk", "pk.updated", 4, { ...battle, state: "punishing", version: 1 }));
  assert.equal(model.battle?.scores.a, 20);
  assert.equal(model.battle?.state, "punishing");
});

test("the givers of the highest version stand, also where a score without givers has overtaken them", () => {
  const battle = { pk: "p", state: /** @type {const} */ ("battling"), rooms: ["a", "b"], start_at: 0, end_at: 9, scores: { a: 0, b: 0 }, version: 1, result: null };
  const giver = (/** @type {string} */ user, /** @type {number} */ points) => ({ a: [{ user, name: user, points }] });
  const model = joined({ battle });
  const score = (/** @type {number} */ q, /** @type {number} */ version, /** @type {object} */ more = {}) => applyEvent(model, event("pk", "pk.score", q, { pk: "p", version, scores: { a: version, b: 0 }, ...more }));
  assert.equal(score(1, 2, { top: giver("bob", 2) }), true);
  assert.equal(score(3, 4), true, "nobody else gave most");
  assert.deepEqual([model.battle?.scores.a, model.battle?.top], [4, giver("bob", 2)]);
  assert.equal(score(2, 3, { top: giver("cara", 3) }), true, "it was overtaken, and its givers are news");
  assert.deepEqual([model.battle?.scores.a, model.battle?.version, model.battle?.top], [4, 4, giver("cara", 3)]);
  assert.equal(score(2, 3, { top: giver("cara", 3) }), false);
  applyEvent(model, event("pk", "pk.updated", 4, { ...battle, version: 2, top: giver("bob", 2) }));
  assert.deepEqual([model.battle?.version, model.battle?.top], [4, giver("cara", 3)]);
  applyEvent(model, event("pk", "pk.updated", 5, { ...battle, version: 9 }));
  assert.equal(model.battle?.top, undefined, "a new battle begins with an empty board");
});

test("a countdown of an older revision is ignored, the same revision may fire", () => {
  const countdown = { id: "c", rev: 2, kind: "sale_open", open_at: 5, close_at: null, state: "counting", labels: [], payload: { ref: "s" } };
  const model = joined();
  applyEvent(model, event("sale", "countdown", 1, countdown));
  assert.equal(applyEvent(model, event("sale", "countdown", 2, { ...countdown, rev: 1 })), false);
  applyEvent(model, event("sale", "countdown", 3, { ...countdown, state: "fired" }));
  assert.equal(model.countdowns.get("c")?.state, "fired");
});

test("a snapshot replaces the state and keeps the chat without doubles", () => {
  const line = (/** @type {string} */ id) => ({ id, user: "u", name: "U", role: /** @type {const} */ ("viewer"), text: id });
  const model = joined({ chat: [line("1"), line("2")] });
  applyEvent(model, event("chat", "chat", 3, line("3")));
  assert.equal(applyEvent(model, event("chat", "chat", 3, line("3"))), false);
  applySnapshot(model, { ...JSON.parse(JSON.stringify({ room: "a", title: "t", state: "ended", you: model.you, seats: [], stage: [], battle: null,
    sales: [], countdowns: [], online: 0, likes: 0, coins: 0, st: 2, q: {} })), chat: [line("3"), line("4")] });
  assert.deepEqual(model.chat.map(({ id }) => id), ["1", "2", "3", "4"]);
  assert.equal(model.state, "ended");
});

test("plates sit where the mixer draws", () => {
  assert.deepEqual(tiles(1), [{ x: 0, y: 0, w: 1, h: 1 }]);
  assert.deepEqual(tiles(2), [{ x: 0, y: 0.125, w: 0.5, h: 0.5 }, { x: 0.5, y: 0.125, w: 0.5, h: 0.5 }]);
  assert.equal(tiles(4).length, 4);
  assert.deepEqual(tiles(6)[5], { x: 0.5, y: 2 / 3, w: 0.5, h: 1 / 3 });
  assert.equal(tiles(9).length, 9);
  assert.deepEqual(tiles(0), []);
});

test("a name is written where neither the chat nor the page's head covers it", () => {
  assert.deepEqual(tiles(2).map(plateAt), ["foot", "foot"]);
  assert.deepEqual(tiles(4).map(plateAt), ["foot", "foot", "head", "head"]);
  assert.deepEqual(tiles(1).map(plateAt), ["below-head"]);
});

test("who is only heard has no place in the picture", () => {
  const tile = { feed: "a/alice", user: "alice", x: 360, y: 0, width: 360, height: 640, z: 0, seen: true };
  const places = placesOf({ canvas: { width: 720, height: 1280 }, tiles: [tile, { ...tile, feed: "a/bob", seen: false }] });
  assert.deepEqual([...places], [["a/alice", { x: 0.5, y: 0, w: 0.5, h: 0.5 }]]);
});
