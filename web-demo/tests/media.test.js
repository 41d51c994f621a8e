/**
 * Goal: figures mean what their names say, and the one change to an SDP touches only Opus.
 * Method: made-up reports and descriptions.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { downlinkMs, summarise } from "../assets/media/stats.js";
import { stereo } from "../assets/media/whip.js";
import { claimsOf } from "../assets/token.js";

/** @param {number} second @param {object} video */
const report = (second, video) => new Map(Object.entries({
  v: { id: "v", type: "inbound-rtp", kind: "video", timestamp: second * 1000, codecId: "c", ...video },
  c: { id: "c", type: "codec", mimeType: "video/H264" },
  p: { id: "p", type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.02 },
}));

test("two reports make rates and delays", () => {
  const before = report(1, { bytesReceived: 0, jitterBufferDelay: 0, jitterBufferEmittedCount: 0, totalDecodeTime: 0, framesDecoded: 0 });
  const after = report(2, {
    bytesReceived: 125_000, jitterBufferDelay: 1.2, jitterBufferEmittedCount: 30, totalDecodeTime: 0.15, framesDecoded: 30,
    framesPerSecond: 30, frameWidth: 720, frameHeight: 1280, freezeCount: 1, packetsLost: 2, nackCount: 3, pliCount: 4,
  });
  const figures = summarise(before, after);
  assert.deepEqual(figures, {
    kbps: 1000, fps: 30, size: "720×1280", codec: "H264", rttMs: 20, bufferMs: 40, decodeMs: 5, freezes: 1, lost: 2, nacks: 3, plis: 4,
  });
  assert.equal(downlinkMs(figures), 55);
});

test("the first report has no rate yet", () => {
  const figures = summarise(null, report(1, { bytesReceived: 5 }));
  assert.equal(figures.kbps, null);
  assert.equal(downlinkMs(figures), null);
});

test("music asks for two channels in the line of Opus and in no other", () => {
  const sdp = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\nm=video 9 X 102\r\na=fmtp:102 packetization-mode=1\r\n";
  const changed = stereo(sdp);
  assert.match(changed, /a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1;maxaveragebitrate=128000\r\n/);
  assert.match(changed, /a=fmtp:102 packetization-mode=1\r\n/);
  assert.match(stereo("a=rtpmap:96 opus/48000/2\r\n"), /a=rtpmap:96 opus\/48000\/2\r\na=fmtp:96 stereo=1/);
  assert.equal(stereo("v=0\r\n"), "v=0\r\n");
});

test("claims are read from a token, and nonsense is no claims", () => {
  const body = Buffer.from(JSON.stringify({ sub: "bob", name: "小明" })).toString("base64url");
  assert.deepEqual(claimsOf(`x.${body}.y`), { sub: "bob", name: "小明" });
  assert.equal(claimsOf("nonsense"), null);
});
