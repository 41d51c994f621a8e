// What a battle between two rooms costs, both watched over WebRTC and RTMP, beside the program of one of them: all processes of the
// server. The second room's takers leave and come back between the turns; the battle goes on.
import { startClipHost, startWatcher } from '../../lib/load.mjs';
import { cores } from '../../lib/processor.mjs';
import { record } from '../../lib/recording.mjs';
import { startServer } from '../../lib/server.mjs';
import { composedFps } from '../../lib/sources.mjs';
import { battle as fight, createRoom, director, onStage } from '../../lib/stage.mjs';
import { waitFor } from '../../lib/wait.mjs';

const SECONDS = 8;
const TURNS = 2;

export default async function battle() {
  const server = await startServer({ env: { LIANMAI_PROGRAM_LINGER_S: '1' } });
  const [clips, directors] = [[], []];
  for (const [room, host] of [['a', 'alice'], ['b', 'bob']]) {
    await createRoom(server, room, host);
    clips.push(startClipHost(server, room, host));
    await onStage(server, room, [host]);
    directors.push(await director(server, room, host));
  }
  const takers = await take(server, 'a');
  let [one, two] = [0, 0];
  try {
    await fight(server, directors, ['a', 'b'], { seconds: 290 });
    for (let turn = 0; turn < TURNS; turn++) {
      await waitFor('one mixer', () => server.mixers().length === 1, { seconds: 20 });
      one += await used(server) / TURNS;
      const before = await server.metric('server_pictures_shared_total');
      const others = await take(server, 'b');
      await waitFor('shared pictures', async () => await server.metric('server_pictures_shared_total') > before);
      two += await used(server) / TURNS;
      await others.stop();
    }
  } finally {
    await takers.stop();
    await Promise.all(clips.map((clip) => clip.stop()));
    await server.stop();
  }
  console.log(`battle: one room ${one.toFixed(3)} cores, both rooms ${two.toFixed(3)} cores`);
  return { 'mixer.battle_one_room_cores': one, 'mixer.battle_cores': two, 'mixer.battle_cost_ratio': two / one };
}

/** A WebRTC viewer and an RTMP player of a room. */
async function take(server, room) {
  const watcher = startWatcher(server, room);
  const recording = await record(server.rtmpUrl(room), `battle-${room}`);
  return { stop: () => Promise.all([watcher.stop(), recording.stop()]) };
}

async function used(server) {
  const result = await cores([server.pid, ...server.mixers()], SECONDS);
  const fps = await composedFps(server);
  if (fps < 25 || fps > 35) throw new Error(`${fps} pictures a second were composed`);
  return result;
}
