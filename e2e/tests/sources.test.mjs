// Goal: wherever a program's pictures come from (a solo host as they come, its own mixer, another room's mixer), nobody who watches
// notices a change: one RTMP connection, one viewer session, time that rises, no gap, no black picture.
// Method: two synthetic hosts who battle and part again; FFmpeg and nginx-rtmp take both programs, a synthetic viewer counts every
// packet. What mixers compose is read from the server's figures, and the recordings of both rooms are compared picture by picture.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { note } from '../lib/figures.mjs';
import { startClipHost, startWatcher } from '../lib/load.mjs';
import { startNginx } from '../lib/nginx.mjs';
import { avSkews, dataHashes, inspect, lumas, record, shiftSound, steps } from '../lib/recording.mjs';
import { startServer } from '../lib/server.mjs';
import { composedFps, composing, passing } from '../lib/sources.mjs';
import { createRoom, director, onStage } from '../lib/stage.mjs';
import { pause, percentile, waitFor } from '../lib/wait.mjs';
import { startWitness } from '../lib/witness.mjs';

/** Changes of source, from passed to composed and back. `make bench ONLY=mixer` and `LIANMAI_SWITCHES=20` try twenty. */
const SWITCHES = Number(process.env.LIANMAI_SWITCHES ?? 6);

let server; let nginx;
const clips = {}; const directors = {};
before(async () => {
  server = await startServer();
  nginx = await startNginx();
  for (const [room, host] of [['a', 'alice'], ['b', 'bob']]) {
    await createRoom(server, room, host);
    clips[room] = startClipHost(server, room, host);
    await onStage(server, room, [host]);
    directors[room] = await director(server, room, host);
  }
  const { status } = await server.call('POST', '/v1/rooms/a/targets', { token: await server.token('a', 'alice', 'host'), body: { url: nginx.url('program') } });
  assert.equal(status, 201);
});
after(async () => { await Promise.all(Object.values(clips).map((clip) => clip.stop())); await nginx?.stop(); await server?.stop(); });

/** Both hosts on one screen; resolves to the battle. */
async function link() {
  // Whoever parted a moment ago may not ask again at once.
  const { pk } = await waitFor('an invitation', () => directors.a.send('pk.invite', { room: 'b', duration_s: 300, punish_s: 0 }));
  await directors.b.event('pk.updated', (battle) => battle.pk === pk && battle.state === 'inviting');
  await directors.b.send('pk.accept', { pk });
  await Promise.all(['a', 'b'].map((room) => onStage(server, room, ['alice', 'bob'])));
  return pk;
}

async function part(pk) {
  await directors.a.send('pk.end', { pk });
  await Promise.all([onStage(server, 'a', ['alice']), onStage(server, 'b', ['bob'])]);
}

const shares = () => server.metric('server_pictures_shared_total');

/** No step back, none over `allowed` ms, nothing black. */
async function assertSeamless(file, allowed) {
  const { videoTimes, audioTimes } = await inspect(file);
  const [video, audio] = [steps(videoTimes), steps(audioTimes)];
  const black = (await lumas(file)).filter(({ luma }) => luma < 20).length;
  assert.ok(video.isMonotonic && audio.isMonotonic, 'time rises');
  assert.ok(video.widest <= allowed && audio.widest <= allowed, `gaps of ${video.widest} and ${audio.widest} ms`);
  assert.equal(black, 0, 'black pictures');
  return { gap: Math.max(video.widest, audio.widest), black, seconds: videoTimes.at(-1) - videoTimes[0] };
}

test('changes between a solo host\'s own pictures and composed ones are not noticed', async () => {
  const witness = startWitness();
  const recording = await record(server.rtmpUrl('a'), 'switches');
  const watcher = startWatcher(server, 'a');
  await waitFor('the push', () => nginx.publishes.length === 1);
  await passing(server);
  for (let round = 0; round < SWITCHES / 2; round++) {
    const pk = await link();
    await composing(server);
    await part(pk);
    await passing(server);
  }
  const sent = await watcher.stop();
  assert.ok(recording.isRunning(), 'the puller kept its connection');
  const file = await recording.stop();
  const allowed = await witness.gapAllowed(100);
  const { gap, black, seconds } = await assertSeamless(file, allowed);
  assert.equal(nginx.publishes.length, 1, 'the target saw one connection');
  assert.ok(sent.video_frames > 25 * seconds && sent.lost === 0, JSON.stringify(sent));
  assert.ok(sent.video_step_max_ms <= allowed && sent.audio_step_max_ms <= allowed, JSON.stringify(sent));
  note({ 'program.switch_gap_max_ms': Math.max(gap, sent.video_step_max_ms, sent.audio_step_max_ms), 'program.black_frames': black });
});

test('the voice fits the lips of a host who is passed on', async () => {
  await passing(server);
  const recording = await record(server.rtmpUrl('a'), 'lips');
  await pause(6_000);
  const file = await recording.stop();
  const { video } = await inspect(file);
  assert.deepEqual([video.width, video.height, video.has_b_frames], [360, 640, 0], 'the host\'s own size');
  const skews = await avSkews(file, [0, 0, 360]);
  const skew = percentile(skews, 0.5);
  note({ 'program.bypass_av_skew_ms': skew });
  assert.ok(skews.length >= 4 && Math.abs(skew) <= 60, `skews ${skews}`);
  const control = percentile(await avSkews(await shiftSound(file, 200), [0, 0, 360]), 0.5) - skew;
  assert.ok(Math.abs(control - 200) <= 20, `a deliberate 200 ms was measured as ${control}`);
});

test('two rooms of a battle show and hear the same, made once, and part without a seam', async () => {
  const witness = startWitness();
  const recordings = await Promise.all(['a', 'b'].map((room) => record(server.rtmpUrl(room), `battle-${room}`)));
  await passing(server);
  const watchers = ['a', 'b'].map((room) => startWatcher(server, room));
  const [before, beforeSound] = [await shares(), await server.metric('server_sound_shared_total')];
  const pk = await link();
  await waitFor('one room to take the other\'s pictures', async () => await shares() > before);
  await waitFor('and its sound', async () => await server.metric('server_sound_shared_total') > beforeSound);
  const fps = await composedFps(server, 3);
  assert.ok(fps > 20 && fps < 40, `${fps} pictures a second are composed for two rooms`);
  await part(pk);
  await passing(server);

  const sent = await Promise.all(watchers.map((watcher) => watcher.stop()));
  const files = await Promise.all(recordings.map((recording) => recording.stop()));
  const allowed = await witness.gapAllowed(100);
  for (const file of files) await assertSeamless(file, allowed);
  for (const { video_step_max_ms, audio_step_max_ms, lost } of sent) assert.ok(video_step_max_ms <= allowed && audio_step_max_ms <= allowed && lost === 0, JSON.stringify(sent));
  const [a, b] = await Promise.all(files.map(dataHashes));
  // Some carry what each room tells of itself; the others are the same to the last bit.
  const same = b.video.filter((hash) => a.video.includes(hash)).length;
  assert.ok(same > 3 * 25, `${same} pictures are the same in both rooms`);
  const sameSound = b.audio.filter((hash) => a.audio.includes(hash)).length;
  assert.ok(sameSound > 2 * 47, `${sameSound} pieces of sound are the same in both rooms`);
  assert.ok(sameSound < b.audio.length * 0.9, 'alone each room makes its own');
});

test('RTMP goes on while the only host is away', async () => {
  const witness = startWitness();
  const recording = await record(server.rtmpUrl('a'), 'away');
  const publishes = nginx.publishes.length;
  await clips.a.stop();
  await composing(server);
  await pause(2_000);
  clips.a = startClipHost(server, 'a', 'alice');
  await onStage(server, 'a', ['alice']);
  await passing(server);
  assert.ok(recording.isRunning(), 'the puller kept its connection');
  assert.equal(nginx.publishes.length, publishes, 'so did the target');
  const file = await recording.stop();
  const { videoTimes, audioTimes } = await inspect(file);
  assert.ok(steps(videoTimes).isMonotonic && steps(audioTimes).isMonotonic);
  // Until a host is known to be gone its pictures simply stop; the mixer steps in after half a second.
  const stoodStill = await witness.gapAllowed(0);
  assert.ok(steps(videoTimes).widest <= 1_000 + stoodStill && steps(audioTimes).widest <= 100 + stoodStill, `${steps(videoTimes).widest} ms`);
  assert.equal((await lumas(file)).filter(({ luma }) => luma < 20).length, 0, 'the slate is not black');
});
