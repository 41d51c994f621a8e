// Goal: one program through solo -> co-host -> PK -> solo: the right hosts in the right tiles, both heard, no gap, no black
// picture, no renegotiation of the host, one RTMP connection.
// Method: three Chromium hosts whose cameras carry the test mark, a Chromium viewer that reads it from every frame, nginx-rtmp
// as target, FFmpeg on our own RTMP URL and a synthetic WebRTC viewer that counts every packet all the way through.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../lib/browser.mjs';
import { cuesOf, upperLumas } from '../lib/cues.mjs';
import { note } from '../lib/figures.mjs';
import { startWatcher } from '../lib/load.mjs';
import { startNginx } from '../lib/nginx.mjs';
import { goLive, takeSeat } from '../lib/pages.mjs';
import { inspect, lumas, record, steps } from '../lib/recording.mjs';
import { startServer } from '../lib/server.mjs';
import { battle, createRoom, director, onStage } from '../lib/stage.mjs';
import { pause, waitFor } from '../lib/wait.mjs';
import { startWitness } from '../lib/witness.mjs';

const HOSTS = { alice: { id: 1, hue: 340, tone: 440 }, bob: { id: 2, hue: 210, tone: 660 }, carol: { id: 3, hue: 120, tone: 880 } };
const DWELL_MS = 4_000;
const SLATE = 47; // the background as full-range gray

let server; let browser; let nginx; let viewer; let recording; let watcher; let witness;
const pages = {}; const directors = {};
before(async () => {
  // A solo host who is passed on shows its own pauses, and Chromium beside three others has some; what is passed on is held to the same
  // bars in sources.test.mjs, with hosts who keep their pace.
  server = await startServer({ env: { LIANMAI_PROGRAM_BYPASS: 'false' } });
  nginx = await startNginx();
  browser = await launch();
  for (const [room, host] of [['a', 'alice'], ['b', 'bob']]) {
    await createRoom(server, room, host);
    pages[host] = await open(browser, `${server.url}/studio?room=${room}&identity=${host}&quality=360p`, { host: HOSTS[host] });
    await goLive(pages[host]);
    await onStage(server, room, [host]);
    directors[host] = await director(server, room, host);
  }
  const target = await server.call('POST', '/v1/rooms/a/targets', { token: await server.token('a', 'alice', 'host'), body: { url: nginx.url('program') } });
  assert.equal(target.status, 201);
  viewer = await open(browser, `${server.url}/watch?room=a&identity=vera`, { watch: true });
  witness = startWitness();
  recording = await record(server.rtmpUrl('a'));
  watcher = startWatcher(server, 'a');
  await waitFor('the push', () => nginx.publishes.length === 1);
});
after(async () => { await browser?.close(); await recording?.stop(); await nginx?.stop(); await server?.stop(); });

const tiles = (wanted) => waitFor(`tiles ${JSON.stringify(wanted)}`, async () => {
  const seen = await viewer.evaluate((names) => window.readTiles('#program', names), Object.keys(wanted));
  if (Object.entries(wanted).every(([tile, id]) => seen[tile]?.id === id)) return seen;
  throw new Error(JSON.stringify(seen));
}, { seconds: 20 });

const hears = (tones) => waitFor(`tones ${tones}`, async () => {
  const levels = await viewer.evaluate((list) => window.toneLevels('#program', list), tones);
  if (tones.every((tone) => levels[tone] > 15)) return levels;
  throw new Error(JSON.stringify(levels));
});

test('a solo host fills the program', async () => {
  await tiles({ solo: HOSTS.alice.id });
  await hears([HOSTS.alice.tone]);
});

test('solo, co-host, PK and solo again follow one another without a seam', async (t) => {
  const uplinkBefore = await pages.alice.evaluate(() => window.uplinks());
  await viewer.evaluate(() => window.startWatching('#program', [], { luma: true }));
  await pause(DWELL_MS);

  await t.test('co-host', async () => {
    pages.carol = await open(browser, `${server.url}/studio?room=a&identity=carol&role=guest&quality=360p`, { host: HOSTS.carol });
    await takeSeat(pages.carol);
    await onStage(server, 'a', ['alice', 'carol']);
    await tiles({ left: HOSTS.alice.id, right: HOSTS.carol.id });
    await hears([HOSTS.alice.tone, HOSTS.carol.tone]);
    await pause(DWELL_MS);
  });
  await t.test('PK', async () => {
    await battle(server, [directors.alice, directors.bob], ['a', 'b']);
    await onStage(server, 'a', ['alice', 'bob']);
    await onStage(server, 'b', ['alice', 'bob']);
    await tiles({ left: HOSTS.alice.id, right: HOSTS.bob.id });
    await hears([HOSTS.alice.tone, HOSTS.bob.tone]);
    await pause(DWELL_MS);
  });
  await t.test('solo', async () => {
    await pages.carol.close();
    const { pk } = directors.alice.events.findLast((event) => event.t === 'pk.updated').d;
    await directors.alice.send('pk.end', { pk });
    await waitFor('the guest and the battle to be gone', async () => {
      const { body } = await server.call('GET', '/v1/rooms/a');
      return !body.stage.some((performer) => performer.user === 'bob');
    });
    await directors.alice.send('seat.kick', { user: 'carol' }).catch(() => {}); // her page may have left the seat already
    await onStage(server, 'a', ['alice']);
    await tiles({ solo: HOSTS.alice.id });
    await pause(DWELL_MS);
  });

  const frames = await viewer.evaluate(() => window.stopWatching());
  const file = await recording.stop();
  const allowed = await witness.gapAllowed(100);
  const { videoTimes, audioTimes } = await inspect(file);
  const cues = await cuesOf(file);
  const uppers = await upperLumas(file);
  const video = steps(videoTimes);
  const audio = steps(audioTimes);
  const shown = Math.max(...frames.slice(1).map((frame, i) => ((frame.rtp - frames[i].rtp) >>> 0) / 90));
  const sent = await watcher.stop();
  const recorded = await lumas(file);
  const black = recorded.filter(({ luma }) => luma < 20).length + frames.filter(({ luma }) => luma < 20).length;
  note({
    'program.switch_gap_max_ms': Math.max(video.widest, audio.widest, sent.video_step_max_ms, sent.audio_step_max_ms),
    'program.switch_gap_shown_ms': shown,
    'program.black_frames': black,
  });

  assert.deepEqual(await pages.alice.evaluate(() => window.uplinks()), uplinkBefore, 'the host was never offered again');
  assert.equal(uplinkBefore.filter((uplink) => uplink.state === 'connected').length, 1);
  assert.equal(nginx.publishes.length, 1, 'the target saw one connection');
  assert.ok(video.isMonotonic && audio.isMonotonic);
  assert.ok(video.widest <= allowed, `a video gap of ${video.widest} ms`);
  assert.ok(audio.widest <= allowed, `an audio gap of ${audio.widest} ms`);
  assert.ok(sent.video_frames > 20 * 25 && sent.lost === 0, JSON.stringify(sent));
  assert.ok(sent.video_step_max_ms <= allowed && sent.audio_step_max_ms <= allowed, JSON.stringify(sent));
  assert.ok(recorded.length > 20 * 25, `${recorded.length} pictures recorded`);
  assert.equal(black, 0, 'black pictures');

  const gaps = cues.slice(1).map(({ picture }, i) => picture - cues[i].picture);
  assert.ok(Math.max(...gaps) <= 31, `a cue at least every second: ${gaps}`);
  const shows = (picture) => cues.findLast((cue) => cue.picture <= picture)?.cue.l.length;
  // With two tiles the upper eighth is nothing but background.
  const wrong = uppers.map((luma, n) => [n, luma, shows(n)]).filter(([, luma, tiles]) => tiles && (tiles === 2) !== (Math.abs(luma - SLATE) <= 1));
  assert.deepEqual(wrong, [], 'each cue is in the first picture that shows what it says');
  const rooms = new Set(cues.flatMap(({ cue }) => cue.l.map(([feed]) => feed)));
  assert.deepEqual([...rooms].sort(), ['a/alice', 'a/carol', 'b/bob']);
  const late = cues.map(({ cue, picture }) => Math.abs(cue.st - cues[0].cue.st - (videoTimes[picture] - videoTimes[cues[0].picture]) * 1_000));
  // RTMP has one timeline for both kinds: a picture that comes after later sound is stamped later than it was.
  assert.ok(late.filter((ms) => ms <= 2).length > late.length * 0.8, `room time runs with the pictures: ${late}`);
  for (const page of Object.values(pages)) assert.deepEqual(page.problems, []);
});
