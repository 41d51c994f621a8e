/**
 * Goal: a restart of ICE says all that the server needs and changes nothing else.
 * Method: made-up descriptions.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { answerWith, fragmentOf } from "../assets/media/resume.js";

const lines = (/** @type {string[]} */ ...all) => all.map((line) => `${line}\r\n`).join("");

const offer = lines(
  "v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=ice-ufrag:new1", "a=ice-pwd:newpassword", "a=fingerprint:sha-256 AA", "a=mid:0",
  "a=candidate:1 1 udp 5 192.0.2.1 9 typ host",
  "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=ice-ufrag:new1", "a=ice-pwd:newpassword", "a=mid:1",
);

test("a fragment has the first section's credentials and candidates, and no more", () => {
  assert.equal(fragmentOf(offer), lines(
    "a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=ice-ufrag:new1", "a=ice-pwd:newpassword", "a=mid:0",
    "a=candidate:1 1 udp 5 192.0.2.1 9 typ host",
  ));
});

test("the answer keeps everything but credentials and candidates", () => {
  const section = (/** @type {string} */ mid, /** @type {string} */ ufrag, /** @type {string} */ pwd, /** @type {string[]} */ candidates) => lines(
    "m=audio 9 UDP/TLS/RTP/SAVPF 111", ...candidates, `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, "a=fingerprint:sha-256 BB", `a=mid:${mid}`,
  );
  const head = lines("v=0", "o=- 1 1 IN IP4 0.0.0.0", "a=ice-lite");
  const old = ["a=candidate:1 1 udp 5 192.0.2.7 7882 typ host"];
  const fresh = ["a=candidate:1 1 udp 5 192.0.2.8 7882 typ host", "a=candidate:2 1 tcp 4 192.0.2.8 7882 typ host tcptype passive"];
  const fragment = lines("a=ice-lite", "a=mid:0", "a=ice-ufrag:theirs2", "a=ice-pwd:secret2", ...fresh, "a=end-of-candidates");
  assert.equal(
    answerWith(head + section("0", "theirs1", "secret1", old) + section("1", "theirs1", "secret1", old), fragment),
    head + section("0", "theirs2", "secret2", fresh) + section("1", "theirs2", "secret2", []),
  );
  assert.throws(() => answerWith(offer, "a=mid:0\r\n"));
});
