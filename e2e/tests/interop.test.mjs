// Goal: WebRTC clients that share no code with us or with each other publish to and play from the server, and pictures come out.
// Method: FFmpeg 9 (`-f whip`: DTLS `passive`, no candidates) and aiortc as publishers, aiortc as the viewer, which decodes and counts;
// once by WHEP, once by SRS's JSON. str0m and webrtc do the same in interop/tests and sfu/tests, Chromium in every other file here.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aiortcViews, startAiortcHost, startFfmpeg } from '../lib/interop.mjs';
import { startServer } from '../lib/server.mjs';
import { createRoom, onStage } from '../lib/stage.mjs';

const FRAMES = 50;
let server;
before(async () => {
  server = await startServer();
  await createRoom(server, 'a', 'alice');
  await createRoom(server, 'b', 'bob');
});
after(() => server.stop());

/** Both kinds were decoded, the picture is no single colour, the sound no silence, and DELETE was understood. */
function sawAll(seen, { width, height }) {
  assert.deepEqual([seen.timeout, seen.width, seen.height, seen.deleted], [undefined, width, height, 200], JSON.stringify(seen));
  assert.ok(seen.video >= FRAMES && seen.audio >= FRAMES && seen.shades > 20 && seen.loudest > 500, JSON.stringify(seen));
}

test('what FFmpeg 9 publishes by WHIP, aiortc decodes by WHEP and by the JSON of SRS', async () => {
  const host = startFfmpeg(`${server.url}/v1/rooms/a/whip`, await server.token('a', 'alice', 'host'));
  await onStage(server, 'a', ['alice']);
  const token = await server.token('a', 'vera', 'viewer');

  const [byWhep, bySrs] = await Promise.all([
    aiortcViews(`${server.url}/v1/rooms/a/whep?feed=a/alice`, token, FRAMES),
    aiortcViews(`${server.url}/rtc/v1/play/?webrtc://${server.http}/a/alice`, token, FRAMES),
  ]);
  const { code, log } = await host.stop();

  sawAll(byWhep, { width: 480, height: 270 });
  sawAll(bySrs, { width: 480, height: 270 });
  assert.equal(code, 0, log);
  assert.match(log, /DTLS handshake is done/);
  assert.equal((await server.call('GET', '/v1/rooms/a')).body.state, 'interrupted', 'the session ended with the DELETE');
});

test('what aiortc publishes by WHIP, aiortc decodes by WHEP', async () => {
  const host = startAiortcHost(`${server.url}/v1/rooms/b/whip`, await server.token('b', 'bob', 'host'));
  await onStage(server, 'b', ['bob']);
  const seen = await aiortcViews(`${server.url}/v1/rooms/b/whep?feed=b/bob`, await server.token('b', 'vera', 'viewer'), FRAMES);
  const { code, out, log } = await host.stop();

  sawAll(seen, { width: 320, height: 240 });
  assert.equal(code, 0, log);
  const { sent, deleted } = JSON.parse(out);
  assert.equal(deleted, 200);
  assert.ok(sent['outbound-rtp-video'] > FRAMES && sent['outbound-rtp-audio'] > FRAMES, out);
});
