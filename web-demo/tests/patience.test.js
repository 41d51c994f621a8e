// Goal: media waits while it pays and no longer. Method: counters by hand, time by hand.
import assert from "node:assert/strict";
import test from "node:test";
import { Patience, askForRepairs, countersOf } from "../assets/media/patience.js";

/** Looks every half second for `seconds` at a stream of 100 packets a second of which `loss` are lost. Returns the targets. */
function look(patience, state, seconds, loss, { concealed = 0 } = {}) {
  const targets = [];
  for (let i = 0; i < seconds * 2; i++) {
    state.ms += 500;
    state.received += Math.round(50 * (1 - loss));
    state.lost += Math.round(50 * loss);
    state.samples += 24_000;
    state.concealed += 24_000 * concealed;
    const { ms, ...counters } = state;
    targets.push(patience.handle({ video: counters }, ms));
  }
  return targets;
}

const fresh = () => ({ ms: 0, received: 0, lost: 0, samples: 0, concealed: 0 });

test("without loss nothing waits", () => {
  assert.deepEqual([...new Set(look(new Patience(), fresh(), 20, 0.01))], [0]);
});

test("more loss, more patience, at the second look", () => {
  for (const [loss, ms] of [[0.1, 100], [0.4, 200], [0.8, 300]]) {
    assert.deepEqual(look(new Patience(), fresh(), 1, loss), [0, ms], `${loss}`);
  }
});

test("gaps in the sound count where copies hide the loss", () => {
  assert.equal(look(new Patience(), fresh(), 1, 0, { concealed: 0.2 }).at(-1), 200);
});

test("patience goes slowly, and not before five calm seconds", () => {
  const patience = new Patience();
  const state = fresh();
  look(patience, state, 5, 0.4);
  const targets = look(patience, state, 10, 0);
  assert.ok(targets.slice(0, 9).every((ms) => ms === 200), targets.join());
  assert.deepEqual(targets.slice(9, 13), [150, 100, 50, 0]);
});

test("a new connection, whose counters begin again, is no loss", () => {
  const patience = new Patience();
  look(patience, { ...fresh(), lost: 1_000, received: 1_000 }, 2, 0);
  assert.equal(patience.handle({ video: { received: 10, lost: 0, samples: 0, concealed: 0 } }, 5_000), 0);
});

test("what getStats says is read, and only of what is received", () => {
  const report = new Map([
    ["a", { type: "inbound-rtp", kind: "audio", packetsReceived: 3, packetsLost: 1, totalSamplesReceived: 9, concealedSamples: 5, silentConcealedSamples: 2 }],
    ["b", { type: "outbound-rtp", kind: "audio" }],
  ]);
  assert.deepEqual(countersOf(report), { audio: { received: 3, lost: 1, samples: 9, concealed: 3 } });
});

test("the offer asks for lost sound and for the round trip, once", () => {
  const sdp = "m=audio 9 X 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\na=rtpmap:102 H264/90000\r\na=rtpmap:103 rtx/90000\r\n";
  const asking = askForRepairs(sdp);
  assert.match(asking, /a=rtpmap:111 opus\/48000\/2\r\na=rtcp-fb:111 nack\r\na=rtcp-fb:111 rrtr\r\na=fmtp/);
  assert.match(asking, /a=rtpmap:102 H264\/90000\r\na=rtcp-fb:102 rrtr\r\na=rtpmap:103/);
  assert.equal(askForRepairs(asking), asking);
  assert.equal(askForRepairs("v=0\r\n"), "v=0\r\n");
});
