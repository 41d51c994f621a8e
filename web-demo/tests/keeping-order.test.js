/**
 * Goal: those who keep order see what stands, and whoever is silenced is told so where they would write.
 * Method: snapshots and events by hand.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { binds, silenceText, untilText } from "../assets/keeping-order.js";
import { lineText } from "../assets/ui/chat-view.js";
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

/** @param {string} t @param {any} d @returns {Wire.Down} */
const event = (t, d) => ({ v: 1, t, d });

const settings = { features: { chat: true }, seat_mode: /** @type {const} */ ("apply"), seats: 9, hidden: false, slow_mode_s: 0, all_muted: false };

test("orders bind lower roles only", () => {
  assert.equal(binds("moderator", "guest"), true);
  assert.equal(binds("host", "assistant"), true);
  assert.equal(binds("moderator", "moderator"), false);
  assert.equal(binds("viewer", "viewer"), false);
  assert.equal(binds("host", "admin"), false);
});

test("who is muted may talk again when the time is over or somebody says so", () => {
  const model = joined({ muted_until: 5_000, settings });
  assert.match(silenceText(model, 4_999) ?? "", /muted/);
  assert.equal(silenceText(model, 5_000), null);
  applyEvent(model, event("me.muted", { until: null }));
  assert.match(silenceText(model, 9e12) ?? "", /for good/);
  applyEvent(model, event("me.unmuted", {}));
  assert.equal(silenceText(model, 0), null);
});

test("everybody is muted but those who run the room", () => {
  const all = { ...settings, all_muted: true };
  assert.notEqual(silenceText(joined({ settings: all }), 0), null);
  assert.equal(silenceText(joined({ settings: all, you: { user: "m", name: "M", role: "moderator" } }), 0), null);
  assert.notEqual(silenceText(joined({ settings: { ...settings, features: { chat: false } } }), 0), null);
});

test("mutes, bans and words follow what the others do", () => {
  const model = joined({ moderation: { mutes: [], bans: [], words: [] } });
  const mute = { user: "eve", until: null, by: "milo", reason: null };
  applyEvent(model, event("mod.muted", mute));
  applyEvent(model, event("mod.muted", { ...mute, until: 9 }));
  applyEvent(model, event("mod.banned", { ...mute, user: "dan" }));
  applyEvent(model, event("mod.words", { words: ["spam"] }));
  assert.deepEqual(model.moderation, { mutes: [{ ...mute, until: 9 }], bans: [{ ...mute, user: "dan" }], words: ["spam"] });
  applyEvent(model, event("mod.unmuted", { user: "eve" }));
  applyEvent(model, event("mod.unbanned", { user: "dan" }));
  assert.deepEqual([model.moderation?.mutes, model.moderation?.bans], [[], []]);
});

test("a term is told in the unit that fits", () => {
  assert.deepEqual([1, 60_000 * 59, 60_000 * 61, 60_000 * 1_441].map((ms) => untilText(ms, 0).match(/\d+ \S+/)?.[0]), ["1 分钟", "59 分钟", "2 小时", "2 天"]);
});

test("a line that is taken back is gone, a user who is wiped with all lines and questions", () => {
  const line = (/** @type {string} */ id, /** @type {string} */ user) => ({ id, user, name: user, role: /** @type {const} */ ("viewer"), text: id });
  const model = joined({ chat: [line("1", "eve"), line("2", "dan"), line("3", "eve")] });
  applyEvent(model, event("question.updated", { question: "q", user: "eve", name: "Eve", text: "?", asked_at: 1, pinned: true, answered_at: null }));
  applyEvent(model, event("question.updated", { question: "r", user: "dan", name: "Dan", text: "?", asked_at: 2, pinned: true, answered_at: null }));
  assert.deepEqual([...model.questions.values()].map(({ pinned }) => pinned), [false, true]);
  applyEvent(model, event("chat.deleted", { id: "2" }));
  assert.deepEqual(model.chat.map(({ id }) => id), ["1", "3"]);
  applyEvent(model, event("chat.wiped", { user: "eve" }));
  assert.deepEqual([model.chat.length, [...model.questions.keys()]], [0, ["r"]]);
});

test("a page leaves out kinds of chat and stickers that it does not know", () => {
  const line = { id: "1", user: "u", name: "U", role: /** @type {const} */ ("viewer") };
  assert.equal(lineText({ ...line, kind: "sticker", sticker: "clap" }), "👏");
  assert.equal(lineText({ ...line, kind: "sticker", sticker: "toString" }), null);
  assert.equal(lineText({ ...line, kind: "custom" }), null);
  assert.equal(lineText({ ...line, kind: "danmaku", text: "hi" }), "hi");
});
