/**
 * Goal: the question that is spoken about is first, and everybody is offered what the room lets them do.
 * Method: questions by hand.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { tagsOf } from "../assets/keeping-order.js";
import { deedsOf, inOrder, summary } from "../assets/questions.js";

/** @param {string} question @param {Partial<Wire.Question>} [more] @returns {Wire.Question} */
const asked = (question, more = {}) => ({ question, user: "amy", name: "Amy", text: question, asked_at: Number(question), pinned: false, answered_at: null, ...more });

test("the pinned one comes first, then who waits longest, then what was answered last", () => {
  const all = [asked("1", { answered_at: 10 }), asked("2", { answered_at: 20 }), asked("3"), asked("4"), asked("5", { pinned: true })];
  assert.deepEqual(inOrder(all).map(({ question }) => question), ["5", "3", "4", "2", "1"]);
});

test("one takes back one's own, and those who keep order do the rest", () => {
  const viewer = (/** @type {string} */ user) => ({ isKeeper: false, user });
  const keeper = { isKeeper: true, user: "host" };
  assert.deepEqual([deedsOf(asked("1"), viewer("amy")), deedsOf(asked("1"), viewer("bob"))], [["take"], []]);
  assert.deepEqual(deedsOf(asked("1"), keeper), ["pin", "aloud", "answer", "drop"]);
  assert.deepEqual(deedsOf(asked("1", { pinned: true }), keeper)[0], "unpin");
  assert.deepEqual(deedsOf(asked("1", { answered_at: 2 }), keeper), ["drop"]);
});

test("the way to the questions shows the pinned one, or how many wait", () => {
  assert.equal(summary([]), null);
  assert.deepEqual(summary([asked("1"), asked("2", { pinned: true, text: "Silk?" })]), { text: "Silk?", note: "2 个待答 open", isPinned: true });
  assert.match(summary([asked("1", { answered_at: 3 })])?.note ?? "", /All answered/);
});

test("tags are read with commas of either language, each once", () => {
  assert.deepEqual(tagsOf(" Beauty, 折扣\uff0cbeauty\u3001\u65b0\u54c1,, "), ["beauty", "折扣", "新品"]);
  assert.deepEqual(tagsOf(" , "), []);
});
