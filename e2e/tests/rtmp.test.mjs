// Goal: any RTMP player and any CDN gets H.264 + AAC in sync, and a dying target disturbs nobody.
// Method: a synthetic host with an exact flash and beep; real nginx-rtmp and FFmpeg; ffprobe measures the recordings.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startBackEnd } from '../lib/back-end.mjs';
import { note } from '../lib/figures.mjs';
import { startClipHost } from '../lib/load.mjs';
import { scratch } from '../lib/machine.mjs';
import { startNginx } from '../lib/nginx.mjs';
import { avSkews, inspect, record, shiftSound, steps } from '../lib/recording.mjs';
import { startServer } from '../lib/server.mjs';
import { createRoom, onStage } from '../lib/stage.mjs';
import { pause, percentile, waitFor } from '../lib/wait.mjs';
import { startWitness } from '../lib/witness.mjs';

let server; let nginx; let clip; let token; let films; let backEnd;
before(async () => {
  // Composed pictures; those of a solo host as they come are in sources.test.mjs.
  films = scratch('recordings');
  backEnd = await startBackEnd(['recording.*', 'room.ended']);
  server = await startServer({ config: backEnd.config, env: { LIANMAI_PROGRAM_BYPASS: 'false', LIANMAI_RECORDINGS_DIR: films } });
  nginx = await startNginx();
  await createRoom(server, 'a', 'alice');
  clip = startClipHost(server, 'a', 'alice');
  await onStage(server, 'a', ['alice']);
  token = await server.token('a', 'alice', 'host');
  const { status, body } = await server.call('POST', '/v1/rooms/a/targets', { token, body: { url: nginx.url('program') } });
  assert.equal(status, 201);
  assert.ok(!JSON.stringify(body).includes('program'), 'the stream key is not shown');
});
after(async () => { await clip?.stop(); await nginx?.stop(); await server?.stop(); await backEnd?.stop(); });

const recordings = (method, path = '') => server.call(method, `/v1/rooms/a/recordings${path}`, { token });
const target = async () => (await server.call('GET', '/v1/rooms/a/targets', { token })).body.targets[0];

test('nginx-rtmp and our own URL carry the program, in sync', async () => {
  await waitFor('the push to be live', async () => (await target()).state === 'live');
  const begun = await recordings('POST');
  assert.deepEqual([begun.status, begun.body.state], [201, 'recording']);
  assert.equal((await recordings('POST')).status, 409, 'one at a time');
  const [pushed, pulled] = await Promise.all([record(nginx.url('program'), 'pushed'), record(server.rtmpUrl('a'), 'pulled')]);
  await pause(12_000);
  const { status, body } = await recordings('POST', `/${begun.body.id}/stop`);
  const files = [...await Promise.all([pushed.stop(), pulled.stop()]), join(films, body.file)];
  const skews = [];
  for (const file of files) {
    const { video, audio, videoTimes, audioTimes } = await inspect(file);
    assert.deepEqual([video.codec_name, video.width, video.height, video.has_b_frames], ['h264', 720, 1280, 0]);
    assert.deepEqual([audio.codec_name, audio.sample_rate, audio.channels], ['aac', '48000', 2]);
    if (file === files[2]) {
      assert.deepEqual([status, body.state, body.error, body.dropped], [200, 'ready', null, 0]);
      const seconds = Number(videoTimes.at(-1)) - Number(videoTimes[0]);
      assert.ok(Math.abs(seconds - body.duration_ms / 1000) < 0.5 && seconds > 10, `${seconds} s, said ${body.duration_ms} ms`);
      assert.ok(Math.abs(Date.now() - body.started_at - body.duration_ms) < 60_000, 'it began in room time');
      assert.deepEqual((await recordings('GET')).body.recordings, [body]);
    }
    assert.ok(steps(videoTimes).isMonotonic && steps(audioTimes).isMonotonic, 'timestamps go forward');
    const measured = await avSkews(file);
    assert.ok(measured.length >= 6, `${measured.length} flashes with a beep`);
    skews.push(percentile(measured, 0.5));
  }
  note({ 'rtmp.av_skew_ms': skews.reduce((worst, skew) => (Math.abs(skew) > Math.abs(worst) ? skew : worst), 0) });
  assert.ok(skews.every((skew) => Math.abs(skew) <= 60), `skews ${skews}`);

  const control = percentile(await avSkews(await shiftSound(files[1], 200)), 0.5) - skews[1];
  assert.ok(Math.abs(control - 200) <= 20, `a deliberate 200 ms was measured as ${control}`);
});

test('a target that dies for 4 s does not disturb the program and comes back by itself', async () => {
  const witness = startWitness();
  const pulled = await record(server.rtmpUrl('a'), 'undisturbed');
  await pause(1_000);
  await nginx.kill();
  await pause(4_000);
  assert.notEqual((await target()).state, 'live');
  const before = nginx.publishes.length;
  await nginx.start();
  await waitFor('the push to be back', async () => nginx.publishes.length > before && (await target()).state === 'live', { seconds: 15 });
  const again = await record(nginx.url('program'), 'again');
  await pause(2_000);
  await again.stop();
  assert.ok(pulled.isRunning(), 'the puller kept its connection');
  const { videoTimes, audioTimes } = await inspect(await pulled.stop());
  const allowed = await witness.gapAllowed(100);
  assert.ok(steps(videoTimes).widest <= allowed, `a video gap of ${steps(videoTimes).widest} ms`);
  assert.ok(steps(audioTimes).widest <= allowed, `an audio gap of ${steps(audioTimes).widest} ms`);
});

test('back ends are told of a recording, and one that nobody stops ends whole with its room', async () => {
  const told = (id) => backEnd.letters.filter((letter) => letter.data.recording === id);
  const [first] = (await recordings('GET')).body.recordings;
  await waitFor('both letters about the first', () => told(first.id).length === 2);
  const { id, file, started_at, duration_ms, bytes } = first;
  assert.deepEqual(told(id).map(({ event, data }) => [event, data]), [
    ['recording.started', { recording: id, file, started_at }],
    ['recording.ready', { recording: id, file, started_at, duration_ms, bytes }],
  ]);

  const second = (await recordings('POST')).body;
  await waitFor('its first three seconds', async () => (await recordings('GET', `/${second.id}`)).body.duration_ms >= 3_000, { seconds: 20 });
  assert.equal((await server.call('DELETE', '/v1/rooms/a', { token })).status, 204);
  await waitFor('the letters about the second', () => told(second.id).length === 2);
  const [started, ready] = told(second.id);
  assert.deepEqual([started.event, ready.event, ready.data.file], ['recording.started', 'recording.ready', `${second.id}.mp4`]);
  assert.ok(ready.data.duration_ms >= 3_000);
  assert.equal(statSync(join(films, ready.data.file)).size, ready.data.bytes);
  const { videoTimes } = await inspect(join(films, ready.data.file));
  assert.ok(videoTimes.at(-1) - videoTimes[0] >= 2.5, `${videoTimes.length} pictures`);
  await waitFor('the room to be over for back ends, too', () => backEnd.letters.some((letter) => letter.event === 'room.ended'));
});
