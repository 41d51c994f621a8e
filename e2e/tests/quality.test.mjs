// Goal: a host changes how much is made of the picture while it runs: the bit rate follows within seconds, smaller renditions come and
// go, each encoded only while somebody takes it, and whoever takes the program itself notices nothing but what was meant.
// Method: a synthetic host, composed pictures; RTMP pulls and ffprobe measure rates, sizes and gaps; real Chromium on a path that narrows.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { launch, open } from '../lib/browser.mjs';
import { startClipHost } from '../lib/load.mjs';
import { playFeed } from '../lib/pages.mjs';
import { inspect, record, steps } from '../lib/recording.mjs';
import { startServer } from '../lib/server.mjs';
import { createRoom, onStage } from '../lib/stage.mjs';
import { pause, waitFor } from '../lib/wait.mjs';
import { startWitness } from '../lib/witness.mjs';
import { routeThroughWires } from '../lib/wire.mjs';

const run = promisify(execFile);
const LOW = 250;
const HIGH = 3_000;

let server; let clip; let token; let viewers;
before(async () => {
  // A solo host who is passed on sends what he likes.
  server = await startServer({ env: { LIANMAI_PROGRAM_BYPASS: 'false' } });
  await createRoom(server, 'a', 'alice');
  clip = startClipHost(server, 'a', 'alice');
  await onStage(server, 'a', ['alice']);
  token = await server.token('a', 'alice', 'host');
});
after(async () => { await viewers?.close(); await clip?.stop(); await server?.stop(); });

const quality = (method, body, by = token) => server.call(method, '/v1/rooms/a/quality', { token: by, body });
const choose = async (body) => { const answer = await quality('PUT', body); assert.equal(answer.status, 200, JSON.stringify(answer.body)); return answer.body; };
const active = async (name) => (await quality('GET')).body.renditions.find((one) => one.name === name)?.active;

/** Bits of the picture that a file holds between two moments before its end, in kbit/s. */
async function rate(file, from, to) {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'packet=pts_time,size', '-of', 'csv=p=0', file], { maxBuffer: 1 << 26 });
  const packets = stdout.trim().split('\n').map((line) => line.split(',').map(Number));
  const end = packets.at(-1)[0];
  const bytes = packets.filter(([at]) => at >= end - from && at < end - to).reduce((sum, [, size]) => sum + size, 0);
  return Math.round((bytes * 8) / 1000 / (from - to));
}

/** Width and height of what an RTMP player gets. */
async function pulledSize(stream) {
  const args = ['-v', 'error', '-of', 'json', '-show_streams', '-rw_timeout', '10000000', server.rtmpUrl(stream)];
  const { streams } = JSON.parse((await run('ffprobe', args)).stdout);
  assert.ok(streams.some((stream) => stream.codec_type === 'audio'), 'there is sound');
  const video = streams.find((stream) => stream.codec_type === 'video');
  return `${video.width}x${video.height}`;
}

test('who may and what is refused', async () => {
  const { status, body } = await quality('GET', undefined, await server.token('a', 'vi', 'viewer'));
  assert.deepEqual([status, body.video_kbps, body.renditions], [200, 1500, []]);
  assert.deepEqual(body.limits, { min_kbps: 150, max_kbps: 6000, renditions: ['ld', 'sd'] });
  const refused = async (wanted, by) => { const answer = await quality('PUT', wanted, by); return [answer.status, answer.body.code]; };
  assert.deepEqual(await refused({ video_kbps: 900 }, await server.token('a', 'vi', 'viewer')), [403, 'FORBIDDEN']);
  for (const wanted of [{ video_kbps: 100 }, { video_kbps: 7000 }, { renditions: ['hd'] }, { renditions: ['ld', 'ld'] }, { renditions: ['xd'] }, { kbps: 1000 }]) {
    assert.deepEqual(await refused(wanted), [400, 'BAD_REQUEST'], JSON.stringify(wanted));
  }
  assert.equal((await quality('GET')).body.video_kbps, 1500, 'nothing has changed');
  assert.equal((await choose({ video_kbps: 900 })).video_kbps, 900);
  assert.deepEqual((await choose({})), body, 'what is left out is as configured');
});

test('bit rate and renditions change in a running program without a gap', async (t) => {
  const witness = startWitness();
  const main = await record(server.rtmpUrl('a'), 'quality');
  await pause(1_500);
  await choose({ video_kbps: LOW });
  await pause(6_000);
  await choose({ video_kbps: HIGH, renditions: ['ld'] });
  assert.equal(await active('ld'), false, 'nobody takes it yet');
  const begun = Date.now();
  assert.equal(await pulledSize('a_ld'), '360x640');
  t.diagnostic(`the rendition was there after ${Date.now() - begun} ms`);
  const small = await record(server.rtmpUrl('a_ld'), 'small');
  assert.equal(await active('ld'), true);
  await assert.rejects(pulledSize('a_sd'), 'a rendition that nobody chose is not found');
  await pause(3_000);
  assert.deepEqual((await choose({ video_kbps: HIGH })).renditions, []);
  await waitFor('the pull of the rendition to end', () => !small.isRunning(), { seconds: 5 });
  const seconds = 6;
  await pause(seconds * 1_000);
  assert.ok(main.isRunning(), 'the program\'s puller kept its connection');
  const file = await main.stop();

  const { videoTimes, audioTimes } = await inspect(file);
  const allowed = await witness.gapAllowed(100);
  for (const [what, times] of [['picture', videoTimes], ['sound', audioTimes]]) {
    const { isMonotonic, widest } = steps(times);
    t.diagnostic(`widest gap of the ${what}: ${widest} ms`);
    assert.ok(isMonotonic && widest <= allowed, `a gap of ${widest} ms in the ${what}, monotonic: ${isMonotonic}`);
  }
  const whole = Number(videoTimes.at(-1)) - Number(videoTimes[0]);
  const [low, high] = [await rate(file, whole - 5, whole - 7), await rate(file, 3, 0)];
  t.diagnostic(`${low} kbit/s, then ${high} kbit/s`);
  assert.ok(low < LOW * 1.4 && high > 2.5 * low && high < HIGH * 1.2, `${low} kbit/s, then ${high} kbit/s`);
  const ended = await inspect(small.file);
  assert.ok(steps(ended.videoTimes).isMonotonic && ended.videoTimes.length > 60, `${ended.videoTimes.length} pictures of the rendition`);
});

test('what was chosen outlives the mixer', async () => {
  await choose({ video_kbps: LOW, renditions: ['ld'] });
  process.kill(await server.mixer(), 'SIGKILL');
  const pulled = await record(server.rtmpUrl('a'), 'after');
  await pause(6_000);
  const file = await pulled.stop();
  const kbps = await rate(file, 3, 0);
  assert.ok(kbps > 50 && kbps < LOW * 1.4, `${kbps} kbit/s`);
  assert.equal(await pulledSize('a_ld'), '360x640');
});

/** Plays the program; with `options` through a wire (lib/wire.mjs), which becomes `page.wire`. */
async function play(name, options) {
  const page = await open(viewers, `${server.url}/`);
  if (options) await routeThroughWires(page, 'whep', options, (wire) => { page.wire = wire; });
  await playFeed(page, { room: 'a', feed: 'a/program', token: await server.token('a', name, 'viewer') });
  return page;
}

const sees = (page, lines, seconds) => waitFor(`a picture of ${lines} lines`, async () => {
  const seen = await page.evaluate(() => document.querySelector('#direct').videoHeight);
  if (seen !== lines) throw new Error(`${seen} lines`);
  return true;
}, { seconds });

test('a viewer whose path narrows gets the rendition, which begins for it', async (t) => {
  viewers = await launch();
  await choose({ video_kbps: 1500, renditions: ['ld'] });
  const page = await play('nora', { set: ['both delay 10'] });
  t.after(() => page.wire.stop());
  await sees(page, 1280, 30);
  await waitFor('the rendition to rest', async () => !await active('ld'), { seconds: 20 });
  await pause(2_000);

  const began = Date.now();
  page.wire.set('down rate 600');
  await waitFor('the rendition to be wanted', () => active('ld'), { seconds: 10 });
  const wanted = Date.now();
  await sees(page, 640, 10);
  t.diagnostic(`wanted after ${wanted - began} ms, seen ${Date.now() - wanted} ms later`);
  assert.ok(Date.now() - wanted < 2_500, `${Date.now() - wanted} ms from want to picture`);
  await page.close();
});

test('a viewer of a rendition that is taken away goes on with the whole picture', async (t) => {
  await choose({ video_kbps: 1500, renditions: ['ld'] });
  const page = await play('paul');
  await sees(page, 1280, 30);
  await page.evaluate(async () => {
    const { link } = window.directPlayer;
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${await link.options.tokens.get()}` };
    await fetch(`${link.resource}/layer`, { method: 'PUT', headers, body: JSON.stringify({ picture: 'low' }) });
  });
  await sees(page, 640, 10);
  await page.evaluate(() => {
    const video = document.querySelector('#direct');
    window.frames = [performance.now()];
    const each = () => { window.frames.push(performance.now()); video.requestVideoFrameCallback(each); };
    video.requestVideoFrameCallback(each);
  });
  await choose({ video_kbps: 1500, renditions: [] });
  await sees(page, 1280, 10);
  await pause(1_000);
  const gap = await page.evaluate(() => Math.round(Math.max(...window.frames.slice(1).map((at, index) => at - window.frames[index]))));
  t.diagnostic(`longest gap when it was taken away: ${gap} ms`);
  assert.ok(gap < 1_000, `a gap of ${gap} ms`);
});
