/**
 * Goal: the pages understand every message the server's golden fixtures show.
 * Method: find every envelope in `wire-format/fixtures/*.json`, whatever lies around it, and put it through the same
 * functions the pages use.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { Seen, decode } from "../assets/protocol/envelope.js";
import { applyEvent, applySnapshot, emptyRoom } from "../assets/room-state.js";

const folder = fileURLToPath(new URL("../../wire-format/fixtures/", import.meta.url));
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
const skip = files.length === 0 ? "there are no fixtures" : false;

/** Events the pages draw; a fixture of each must change or confirm what is known. */
const DRAWN = ["room.state", "stage.updated", "seat.updated", "pk.updated", "pk.score", "countdown", "sale.updated", "packet.updated", "lottery.updated", "chat", "react", "speaker", "uplink", "uplink.bad", "uplink.good"];

/**
 * @param {unknown} value
 * @returns {any[]}
 */
function envelopes(value) {
  if (typeof value === "string") return value.startsWith("{") ? envelopes(JSON.parse(value)) : [];
  if (value === null || typeof value !== "object") return [];
  const isEnvelope = "v" in value && "t" in value && typeof value.t === "string";
  return isEnvelope ? [value] : Object.values(value).flatMap(envelopes);
}

const all = files.flatMap((name) => envelopes(JSON.parse(readFileSync(folder + name, "utf8"))).map((message) => ({ name, message })));
const down = all.filter(({ message }) => message.v === 1 && ("s" in message || "st" in message || message.t === "clk.pong"));

test("every envelope down is read as it is", { skip }, () => {
  assert.ok(down.length > 0, "the fixtures hold no message down");
  for (const { name, message } of down) {
    const read = decode(JSON.stringify(message));
    assert.ok(read, name);
    assert.equal(read.t, message.t, name);
    assert.equal(new Seen().isNew(read), true, name);
  }
});

test("every snapshot becomes a room", { skip }, () => {
  const snapshots = down.map(({ message }) => message.d).filter((d) => d && Array.isArray(d.seats) && d.q);
  assert.ok(snapshots.length > 0, "the fixtures hold no snapshot");
  for (const snapshot of snapshots) {
    const model = emptyRoom("");
    applySnapshot(model, snapshot);
    assert.equal(model.joined, true);
    assert.equal(model.room, snapshot.room);
    assert.equal(model.sales.size, snapshot.sales.length);
    assert.equal(model.countdowns.size, snapshot.countdowns.length);
    assert.equal(model.you.user, snapshot.you.user);
  }
});

test("every event is taken by the room", { skip }, () => {
  const events = down.filter(({ message }) => DRAWN.includes(message.t));
  assert.ok(events.length > 0, "the fixtures hold no event");
  for (const { name, message } of events) {
    const model = emptyRoom("a");
    if (message.t === "pk.score") {
      model.battle = { pk: message.d.pk, state: "battling", rooms: Object.keys(message.d.scores), start_at: 0, end_at: 1, scores: {}, version: 0, result: null };
    }
    assert.equal(applyEvent(model, decode(JSON.stringify(message)) ?? assert.fail(name)), true, name);
    for (const value of Object.values(model)) assert.notEqual(value, undefined, `${name} ${message.t}`);
  }
});
