// Goal: a mixer that is killed costs a second or two of picture, and nobody's connection.
// Method: kill -9 of the real process while Chromium and FFmpeg watch.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../lib/browser.mjs';
import { note } from '../lib/figures.mjs';
import { startClipHost } from '../lib/load.mjs';
import { record, inspect, steps } from '../lib/recording.mjs';
import { startServer } from '../lib/server.mjs';
import { createRoom, onStage } from '../lib/stage.mjs';
import { pause, waitFor } from '../lib/wait.mjs';

let server; let browser; let clip; let viewer; let recording;
before(async () => {
  server = await startServer();
  await createRoom(server, 'a', 'alice');
  clip = startClipHost(server, 'a', 'alice');
  await onStage(server, 'a', ['alice']);
  browser = await launch();
  viewer = await open(browser, `${server.url}/watch?room=a&identity=vera`, { watch: true });
  recording = await record(server.rtmpUrl('a'));
});
after(async () => { await browser?.close(); await recording?.stop(); await clip?.stop(); await server?.stop(); });

test('kill -9 of the mixer: connections stay, the picture is back within 2 s', async () => {
  await waitFor('the program', async () => (await viewer.evaluate(() => window.readTiles('#program', ['solo']))).solo, { seconds: 20 });
  await viewer.evaluate(() => { window.sessionBefore = window.lianmai.pc; });
  const first = await server.mixer();
  await viewer.evaluate(() => window.startWatching('#program', ['solo']));
  await pause(1_000);

  process.kill(first, 'SIGKILL');
  const second = await waitFor('another mixer', () => server.mixers().find((pid) => pid !== first), { seconds: 5 });
  assert.notEqual(second, first);
  await pause(4_000);

  const frames = (await viewer.evaluate(() => window.stopWatching())).filter((frame) => frame.marks.solo);
  const gap = Math.max(...frames.slice(1).map((frame, i) => frame.now - frames[i].now));
  note({ 'mixer.restart_ms': gap });
  assert.ok(gap > 100, `the kill was not even seen (${gap} ms): is this the right process?`);
  assert.ok(gap <= 2_000, `the picture was away for ${gap} ms`);
  assert.deepEqual(await viewer.evaluate(() => [window.lianmai.pc === window.sessionBefore, window.lianmai.pc.connectionState]), [true, 'connected'], 'the viewer kept its session');
  assert.ok(recording.isRunning(), 'the RTMP connection stayed');
  const { videoTimes } = await inspect(await recording.stop());
  assert.ok(steps(videoTimes).isMonotonic);
  assert.ok(videoTimes.at(-1) - videoTimes[0] > 4, 'and went on');
});

test('a server that is told to stop takes its mixer with it', async () => {
  const pid = await server.mixer();
  const { code } = await server.stop();
  assert.equal(code, 0);
  await waitFor('the mixer to be gone', () => { try { process.kill(pid, 0); return false; } catch { return true; } }, { seconds: 3 });
});
