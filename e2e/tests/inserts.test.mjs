// Goal: what a shop plays in is seen and heard in its program and never harms it: a warm-up before the host comes, an advertisement over
// them, a slate while they are away; and whoever looks at what rooms show gets pictures of it.
// Method: a room with a warm-up film that FFmpeg pulls; a synthetic host comes, films are played in by file and by address, the host
// goes. One RTMP connection sees all of it: each film has a colour of its own, looked for in the recording, and gaps are counted.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startClipHost } from '../lib/load.mjs';
import { scratch } from '../lib/machine.mjs';
import { inspect, lumas, record, steps } from '../lib/recording.mjs';
import { startServer } from '../lib/server.mjs';
import { passing } from '../lib/sources.mjs';
import { createRoom, director, onStage } from '../lib/stage.mjs';
import { pause, waitFor } from '../lib/wait.mjs';
import { startWitness } from '../lib/witness.mjs';

const run = promisify(execFile);
const FRAME_SECRET = '0123456789abcdef0123456789abcdef';
/** What each film shows, as FFmpeg calls it, and Y, U and V of its pictures once it is made. */
const COLOURS = { warm: '0x2060ff', ad: '0xd0a020', away: '0x20a040' };
const shown = {};

let server; let cdn; let hook; let token; let viewer; let member; let host; let recording; let witness;
const folder = join(scratch('films'), 'films'); const frames = [];

/** A film of one colour with a tone. */
async function film(name, seconds, size = '360x640') {
  const colour = COLOURS[name];
  const file = join(folder, `${name}.mp4`);
  await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', `color=${colour}:size=${size}:rate=30`, '-f', 'lavfi', '-i', 'sine=frequency=880:sample_rate=48000',
    '-t', String(seconds), '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac', file]);
  shown[name] = (await colours(file))[0].seen;
  return file;
}

/** Y, U and V of the middle of each picture of a recording. */
async function colours(file) {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-of', 'json', '-f', 'lavfi', '-show_entries',
    'frame=pts_time:frame_tags=lavfi.signalstats.YAVG,lavfi.signalstats.UAVG,lavfi.signalstats.VAVG',
    `movie=${file},crop=iw/4:ih/8:iw*3/8:ih/4,signalstats`], { maxBuffer: 256 << 20 });
  return JSON.parse(stdout).frames.map(({ pts_time, tags }) => ({ time: Number(pts_time), seen: ['Y', 'U', 'V'].map((plane) => Number(tags[`lavfi.signalstats.${plane}AVG`])) }));
}

/** Which film a colour is of, or 'other'. */
function nameOf(seen) {
  const distance = (to) => Math.max(...to.map((value, at) => Math.abs(value - seen[at])));
  const [name, colour] = Object.entries(shown).sort(([, a], [, b]) => distance(a) - distance(b))[0];
  return distance(colour) < 22 ? name : 'other';
}

const call = (method, path, body, as = token) => server.call(method, `/v1/rooms/a/${path}`, { token: as, body });

async function snapshot(query = '', as = viewer) {
  const response = await fetch(`${server.url}/v1/rooms/a/snapshot.jpg${query}`, { headers: { authorization: `Bearer ${as}` } });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

const jpegSize = async (bytes) => {
  const file = join(folder, 'seen.jpg');
  writeFileSync(file, bytes);
  const { stdout } = await run('ffprobe', ['-v', 'error', '-of', 'json', '-show_streams', file]);
  const { width, height } = JSON.parse(stdout).streams[0];
  return [width, height];
};

before(async () => {
  mkdirSync(folder, { recursive: true });
  await film('warm', 2);
  await film('away', 2);
  const ad = await film('ad', 3, '640x360');
  // The address of a film: one that is there, and one that leads elsewhere.
  cdn = createServer((request, response) => {
    if (request.url.startsWith('/ad.mp4')) response.end(readFileSync(ad));
    else { response.writeHead(302, { location: `http://${server.ops}/metrics` }); response.end(); }
  }).listen(0, '127.0.0.1');
  hook = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    frames.push({ headers: request.headers, body: Buffer.concat(parts) });
    response.end();
  }).listen(0, '127.0.0.1');
  await Promise.all([once(cdn, 'listening'), once(hook, 'listening')]);
  server = await startServer({ env: {
    LIANMAI_PROGRAM_INSERTS_DIR: folder, LIANMAI_PROGRAM_INSERT_HOSTS: `127.0.0.1:${cdn.address().port}`,
    LIANMAI_MODERATION_FRAME_URL: `http://127.0.0.1:${hook.address().port}/frames`, LIANMAI_MODERATION_FRAME_EVERY_S: '2', LIANMAI_MODERATION_SECRET: FRAME_SECRET,
  } });
  await createRoom(server, 'a', 'alice');
  [token, viewer] = [await server.token('a', 'alice', 'host'), await server.token('a', 'vera', 'viewer')];
  member = await director(server, 'a', 'alice');
});
after(async () => { await host?.stop(); await recording?.stop(); await server?.stop(); cdn?.close(); hook?.close(); });

test('before anybody was live there is nothing to see, or the warm-up', async () => {
  const nothing = await snapshot();
  assert.equal(nothing.status, 409, 'nothing to be seen');
  assert.equal((await call('PUT', 'warmup', { src: 'warm.mp4' }, viewer)).status, 403);
  assert.equal((await call('PUT', 'warmup', { src: 'none.mp4' })).status, 400);
  assert.equal((await call('PUT', 'warmup', { src: 'warm.mp4' })).status, 200);
  assert.equal((await call('PUT', 'slate', { src: 'away.mp4', volume: 50 })).status, 200);
  witness = startWitness();
  recording = await record(server.rtmpUrl('a'), 'inserts');
  await waitFor('the warm-up', async () => (await call('GET', 'warmup')).body.state === 'ready');
  await pause(2_500);
});

test('the host comes, films are played over them, and each is told of', async () => {
  host = startClipHost(server, 'a', 'alice');
  await onStage(server, 'a', ['alice']);
  await passing(server);
  for (const src of ['ad.mp4', `http://127.0.0.1:${cdn.address().port}/ad.mp4?sig=secret`]) {
    const skip = member.events.length;
    const { status, body } = await call('POST', 'inserts', { src, fit: 'cover', transition: { kind: 'fade', ms: 200 } });
    assert.equal(status, 201, JSON.stringify(body));
    assert.ok(!body.src.includes('secret'));
    const { d: { length_ms } } = await member.event('insert.started', ({ id }) => id === body.id, { after: skip });
    assert.ok(Math.abs(length_ms - 3_000) < 100, `${length_ms}`);
    assert.equal((await call('GET', 'inserts')).body.inserts[0].state, 'playing');
    const { d } = await member.event('insert.ended', ({ id }) => id === body.id, { after: skip });
    assert.deepEqual([d.reason, d.error], ['end', null]);
    await pause(500);
  }
  const { body } = await call('POST', 'inserts', { src: 'ad.mp4', mode: 'pip', loop: true });
  await member.event('insert.started', ({ id }) => id === body.id);
  const seen = await snapshot();
  if (process.env.E2E_KEEP) writeFileSync(join(process.env.E2E_KEEP, 'pip.jpg'), seen.bytes);
  assert.equal((await call('DELETE', `inserts/${body.id}`)).status, 204);
  assert.equal((await member.event('insert.ended', ({ id }) => id === body.id)).d.reason, 'stopped');
});

test('what is not on the list is not played, and a bad film ends alone', async () => {
  const port = cdn.address().port;
  for (const src of ['../ad.mp4', 'file:///etc/passwd', 'http://evil.example/ad.mp4', `http://127.0.0.1:${server.http.split(':')[1]}/ad.mp4`, `rtsp://127.0.0.1:${port}/ad.mp4`]) {
    assert.equal((await call('POST', 'inserts', { src })).status, 400, src);
  }
  writeFileSync(join(folder, 'words.mp4'), 'these are words and not a film');
  for (const [src, told] of [['words.mp4', 'MP4'], [`http://127.0.0.1:${port}/away`, 'may not come']]) {
    const { body } = await call('POST', 'inserts', { src });
    const { d } = await member.event('insert.ended', ({ id }) => id === body.id);
    assert.equal(d.reason, 'failed');
    assert.ok(d.error.includes(told), d.error);
  }
});

test('a snapshot is of now, whoever makes the pictures, and has a pace', async () => {
  await passing(server);
  const seen = await snapshot('?width=360');
  assert.equal(seen.status, 200);
  assert.deepEqual(await jpegSize(seen.bytes), [360, 640]);
  const age = Date.now() - Number(seen.headers.get('x-lianmai-at'));
  assert.ok(age < 1_500, `${age} ms old`);
  if (process.env.E2E_KEEP) writeFileSync(join(process.env.E2E_KEEP, 'host.jpg'), seen.bytes);
  const again = await Promise.all(Array.from({ length: 8 }, () => snapshot('?width=360')));
  assert.ok(again.some(({ status }) => status === 429) && again.some(({ status }) => status === 200), again.map(({ status }) => status).join());
  await passing(server);
});

test('the host goes, the slate comes, and one connection saw all of it without a gap', async () => {
  await host.stop();
  await waitFor('the slate', async () => (await call('GET', 'slate')).body.state === 'ready', { seconds: 40 });
  await pause(2_500);
  assert.ok(recording.isRunning(), 'one RTMP connection');
  const file = await recording.stop();
  if (process.env.E2E_KEEP) cpSync(file, join(process.env.E2E_KEEP, 'inserts.flv'));
  const { videoTimes, audioTimes } = await inspect(file);
  assert.ok(steps(videoTimes).isMonotonic && steps(audioTimes).isMonotonic, 'time rises');
  const stoodStill = await witness.gapAllowed(0);
  assert.ok(steps(audioTimes).widest <= 100 + stoodStill, `${steps(audioTimes).widest} ms`);
  assert.equal((await lumas(file)).filter(({ luma }) => luma < 20).length, 0, 'nothing is black');

  const seen = (await colours(file)).map(({ time, seen }) => ({ time, name: nameOf(seen) }));
  const runs = seen.map(({ name }) => name).filter((name, at, all) => name !== all[at - 1]);
  assert.deepEqual(runs.filter((name) => name !== 'other'), ['warm', 'ad', 'ad', 'away'], runs.join());
  const of = (name) => seen.filter((one) => one.name === name);
  assert.ok(of('ad').length > 2 * 75 && of('ad').length < 2 * 95, `${of('ad').length} pictures of the advertisement`);
  // Up to the host's going there is no gap; that it is gone is known half a second later.
  const gone = of('away')[0].time;
  const living = videoTimes.filter((time) => time < gone - 12);
  assert.ok(steps(living).widest <= 100 + stoodStill, `a gap of ${steps(living).widest} ms`);
  assert.ok(steps(videoTimes).widest <= 1_000 + stoodStill, `${steps(videoTimes).widest} ms`);
});

test('whoever moderates gets signed frames of the running program', async () => {
  assert.ok(frames.length >= 4, `${frames.length} frames`);
  for (const { headers, body } of frames) {
    assert.equal(headers['x-lianmai-room'], 'a');
    assert.ok(Number(headers['x-lianmai-at']) > 1e12 && Number(headers['x-lianmai-layout']) > 0);
    const [head, claims, signature] = headers.authorization.split('.');
    assert.equal(createHmac('sha256', FRAME_SECRET).update(`${head}.${claims}`).digest('base64url'), signature);
    const { sha256 } = JSON.parse(Buffer.from(claims, 'base64url'));
    assert.equal(createHash('sha256').update(body).digest('base64'), sha256);
    assert.ok(body.subarray(0, 2).equals(Buffer.from([0xff, 0xd8])), 'a JPEG');
  }
  assert.ok(await server.metric('server_moderation_frames_total') >= frames.length);
});
