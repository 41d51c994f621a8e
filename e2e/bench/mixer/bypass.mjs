// What a solo host costs who is passed on, beside the same host composed: server and mixer together, with one WebRTC viewer and one
// RTMP player each. The two take turns.
import { startClipHost, startWatcher } from '../../lib/load.mjs';
import { cores } from '../../lib/processor.mjs';
import { record } from '../../lib/recording.mjs';
import { startServer } from '../../lib/server.mjs';
import { composedFps, composing, passing } from '../../lib/sources.mjs';
import { createRoom, onStage } from '../../lib/stage.mjs';

const SECONDS = 8;
/** The clip is a film of 1280x720. */
const FILM = { LIANMAI_PROGRAM_WIDTH: '1280', LIANMAI_PROGRAM_HEIGHT: '720', LIANMAI_PROGRAM_VIDEO_KBPS: '2500' };
const TURNS = 4;

export default async function bypass() {
  let [passed, mixed] = [0, 0];
  for (let turn = 0; turn < TURNS; turn++) {
    passed += await solo(true) / TURNS;
    mixed += await solo(false) / TURNS;
  }
  console.log(`solo: passed on ${passed.toFixed(3)} cores, composed ${mixed.toFixed(3)} cores`);
  return { 'mixer.bypass_cores': passed, 'mixer.solo_cores': mixed, 'mixer.bypass_cpu_ratio': passed / mixed };
}

async function solo(isPassed) {
  const server = await startServer({ env: { ...FILM, LIANMAI_PROGRAM_BYPASS: String(isPassed) } });
  await createRoom(server, 'a', 'film');
  const clip = startClipHost(server, 'a', 'film');
  await onStage(server, 'a', ['film']);
  const watcher = startWatcher(server, 'a');
  const recording = await record(server.rtmpUrl('a'), 'solo');
  try {
    await (isPassed ? passing : composing)(server);
    const used = await cores([server.pid, await server.mixer()], SECONDS);
    const fps = await composedFps(server);
    if (isPassed ? fps > 0 : fps < 25) throw new Error(`${fps} pictures a second were composed`);
    return used;
  } finally {
    await watcher.stop();
    await recording.stop();
    await clip.stop();
    await server.stop();
  }
}
