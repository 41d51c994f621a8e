/**
 * Goal: a page knows the room time of each picture.
 * Method: timestamps around an anchor, across the wrap, and anchors of other sessions.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { MediaClock } from "../assets/media/media-clock.js";

const media = "0123456789abcdef0123456789abcdef";
const url = `https://shop.example/v1/rooms/a/whep/${media}`;

test("a picture's room time is counted from the anchor, either way and across the wrap", () => {
  const clock = new MediaClock(() => url);
  assert.equal(clock.roomTimeOf(0), null);
  clock.handle({ media, rtp_ts: 4_294_967_295, shown_at: 1_790_000_000_000.5 });
  assert.equal(clock.roomTimeOf(4_294_967_295), 1_790_000_000_000.5);
  assert.equal(clock.roomTimeOf(89), 1_790_000_000_001.5);
  assert.equal(clock.roomTimeOf(4_294_967_295 - 900), 1_789_999_999_990.5);
});

test("what is said of another session is none of ours", () => {
  /** @type {string | null} */
  let ours = null;
  const clock = new MediaClock(() => ours);
  clock.handle({ media, rtp_ts: 1, shown_at: 1 });
  ours = url;
  assert.equal(clock.roomTimeOf(1), null);
  clock.handle({ media: "ffff", rtp_ts: 1, shown_at: 1 });
  assert.equal(clock.roomTimeOf(1), null);
  clock.handle({ media, rtp_ts: 1, shown_at: 1 });
  assert.equal(clock.roomTimeOf(1), 1);
  ours = "https://shop.example/v1/rooms/a/whep/ffff";
  assert.equal(clock.roomTimeOf(1), null, "a new session counts from elsewhere");
});
