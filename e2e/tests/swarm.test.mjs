// Goal: viewers in numbers get everything, come quickly also when they come together, cost those who are in nothing, and are
// forgotten when they leave.
// Method: `lianmai-load swarm` publishes a 720p film and watches it with viewers that do real ICE, DTLS-SRTP and RTCP; its report
// is held to bounds that a development build on a busy machine keeps. The real figures are those of `make bench ONLY=sfu`.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { swarm } from '../lib/load.mjs';
import { startServer } from '../lib/server.mjs';
import { waitFor } from '../lib/wait.mjs';

let server;
before(async () => { server = await startServer(); });
after(async () => { await server?.stop(); });

const forgotten = () => waitFor('nobody left', async () => await server.metric('sfu_peers') === 0, { seconds: 20 });

test('twenty viewers get every packet of a real stream, authentic, and are forgotten when they leave', async () => {
  const report = await swarm(server, 'twenty', { viewers: 20, 'join-rate': 40, seconds: 3 });
  assert.equal(report.joins.watching, 20);
  assert.equal(report.joins.refused, 0);
  assert.ok(report.steady.delivered_ratio > 0.97, `delivered ${report.steady.delivered_ratio}`);
  assert.ok(report.steady.fps > 28, `${report.steady.fps} fps`);
  assert.equal(report.steady.forged, 0);
  assert.ok(report.latency_ms.count >= 20, 'the latency was sampled');
  assert.ok(report.latency_ms.p50 < 100, `p50 ${report.latency_ms.p50} ms`);
  assert.ok(report.server.us_per_packet > 0);
  await forgotten();
});

test('a hundred who come within a second are let in, and those who watch notice nothing', async () => {
  const report = await swarm(server, 'storm', { settled: 20, viewers: 100, within: 1, seconds: 2 });
  assert.equal(report.joins.watching, 100);
  assert.ok(report.joins.first_packet_ms.p99 < 2_000, `first packet p99 ${report.joins.first_packet_ms.p99} ms`);
  assert.ok(report.settled.silence_ms.max < 1_000, `silence ${report.settled.silence_ms.max} ms`);
  await forgotten();
});

test('pictures lost on the way are asked for and come again, and viewers come and go meanwhile', async () => {
  const report = await swarm(server, 'lossy', { viewers: 10, loss: 5, delay: 20, churn: 2, seconds: 5 });
  const { dropped_by_tester: dropped, recovered, video_lost: lost, left } = report.steady;
  assert.ok(dropped > 200, `only ${dropped} were lost`);
  assert.ok(recovered > 100, `only ${recovered} came again`);
  assert.ok(lost < recovered / 10, `${lost} lost for good, ${recovered} recovered`);
  assert.ok(left >= 8, `${left} left`);
  assert.equal(report.joins.answered, 10 + left);
  await forgotten();
});
