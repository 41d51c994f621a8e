/**
 * Goal: a page that is told something it must understand and does not ends there, and says why; what the server marks so today the
 * pages know, and take off the screen.
 * Method: the golden fixtures and made-up events, into a session whose WebSocket only notes what it is closed with.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { isBeyondUs } from "../assets/protocol/envelope.js";
import { RoomSession } from "../assets/protocol/session.js";
import { applyEvent, emptyRoom } from "../assets/room-state.js";

const fixtures = JSON.parse(readFileSync(new URL("../../wire-format/fixtures/down-goods.json", import.meta.url), "utf8"));
const marked = fixtures.map((/** @type {any} */ { message }) => message).filter((/** @type {any} */ message) => message.must === true);

test("what must be understood today is known, and changes what is shown", () => {
  assert.equal(marked.length, 3);
  for (const message of marked) {
    const model = emptyRoom("a");
    const chat = { id: message.d.id, user: message.d.user, name: "", role: "viewer", text: "x" };
    model.chat = /** @type {any} */ ([chat]);
    model.questions = /** @type {any} */ (new Map([[message.d.question, { question: message.d.question }]]));
    assert.equal(isBeyondUs(message), false, message.t);
    assert.equal(applyEvent(model, message), true, message.t);
    assert.equal(model.chat.length + [...model.questions.keys()].length, 1, `${message.t} takes one thing away`);
  }
});

test("a page that does not know what it must ends with 4013, and takes nothing after it", () => {
  /** @type {unknown[]} */
  const heard = [];
  /** @type {unknown[]} */
  const closed = [];
  const session = new RoomSession(/** @type {any} */ ({ room: "a", onEvent: ({ t }) => heard.push(t), onStatus: (/** @type {string} */ status, /** @type {string} */ code) => heard.push([status, code]) }));
  session.socket = /** @type {any} */ ({ close: (/** @type {unknown[]} */ ...words) => closed.push(words) });
  session.seen.restart({ room: 0 });
  const event = (/** @type {number} */ q, /** @type {string} */ t, more = {}) => ({ v: 1, t, s: "room", q, st: 1, d: {}, ...more });

  session.handleText(JSON.stringify(event(1, "news.of.next.year")), "ws");
  const both = [event(2, "law.of.next.year", { must: true }), event(3, "stage.updated")];
  session.handleText(JSON.stringify({ v: 1, t: "batch", s: "room", q: [2, 3], st: 1, d: both }), "ws");
  session.handleText(JSON.stringify(event(4, "stage.updated")), "dc");

  assert.deepEqual(heard, ["news.of.next.year", ["refused", "OUTDATED"]]);
  assert.deepEqual(closed, [[4013, "law.of.next.year"]]);
  assert.equal(session.socket, null);
});
