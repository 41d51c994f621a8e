// Goal: a host that sends its picture in several sizes serves each viewer the one that suits: a viewer that pins the small one
// gets it, one that does not gets the large one, the program gets what its tile needs, changes are no freeze, and what nobody takes
// is not sent. VP9 and AV1 play too.
// Method: our own studio page publishes from real Chromium, our own player plays the host's own feed; sizes and gaps are read off
// the frames that Chromium presents, the host's effort off its statistics.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { launch, open } from '../lib/browser.mjs';
import { startWatcher } from '../lib/load.mjs';
import { goLive, playFeed } from '../lib/pages.mjs';
import { startServer } from '../lib/server.mjs';
import { pause, waitFor } from '../lib/wait.mjs';
import { routeThroughWires } from '../lib/wire.mjs';

const LARGE = 640;
const SMALL = 320;
const MAX_GAP_MS = 1000;

let server; let hosts; let viewers;
before(async () => {
  // A solo host who is passed on is seen in the size that he sends.
  server = await startServer({ env: { LIANMAI_PROGRAM_RENDITIONS: 'ld', LIANMAI_PROGRAM_BYPASS: 'false' } });
  [hosts, viewers] = [await launch(), await launch()];
});
after(async () => { await hosts?.close(); await viewers?.close(); await server?.stop(); });

async function publish(room, query) {
  const page = await open(hosts, `${server.url}/studio?room=${room}&identity=host&source=test&host=1&quality=360p&${query}`);
  await goLive(page);
  return page;
}

/** Plays the host's own feed; with `options` through a wire (lib/wire.mjs), which becomes `page.wire`; whoever takes one stops it. */
async function play(room, name, options, feed = `${room}/host`) {
  // Not the viewer's page, which would play the program, too: that is made of the large picture.
  const page = await open(viewers, `${server.url}/`);
  if (options) await routeThroughWires(page, 'whep', options, (wire) => { page.wire = wire; });
  await playFeed(page, { room, feed, token: await server.token(room, name, 'viewer') });
  return page;
}

const height = (page) => page.evaluate(() => document.querySelector('#direct').videoHeight);
const sees = (page, wanted, seconds = 20) => waitFor(`a picture of ${wanted} lines`, async () => {
  const [seen, stats] = [await height(page), await inbound(page)];
  if (seen === wanted) return true;
  throw new Error(`${seen} lines, ${JSON.stringify(stats)}`);
}, { seconds });

/** What the viewer's video came to so far. */
const inbound = (page) => page.evaluate(async () => {
  const all = [...(await window.directPlayer.pc.getStats()).values()];
  const video = all.find((one) => one.type === 'inbound-rtp' && one.kind === 'video');
  const codec = all.find((one) => one.id === video?.codecId)?.mimeType;
  return video && { codec, framesDecoded: video.framesDecoded, freezeCount: video.freezeCount, pliCount: video.pliCount, nackCount: video.nackCount };
});

/** Frames that the host has sent, by encoding. */
const sent = (page) => page.evaluate(async () => Object.fromEntries([...(await window.lianmai.pc.getStats()).values()]
  .filter((one) => one.type === 'outbound-rtp' && one.kind === 'video').map((one) => [one.rid ?? 'only', one.framesSent])));

/** The viewer chooses the size of its picture. */
const pin = (page, picture) => page.evaluate(async (wanted) => {
  const { link } = window.directPlayer;
  const token = await link.options.tokens.get();
  const answer = await fetch(`${link.resource}/layer`, {
    method: 'PUT', headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }, body: JSON.stringify({ picture: wanted }),
  });
  return answer.status;
}, picture);

/** The host lays the program out. */
async function lay(room, body) {
  const { status } = await server.call('PUT', `/v1/rooms/${room}/layout`, { token: await server.token(room, 'host', 'host'), body });
  assert.equal(status, 200);
}

/** The longest time without a new frame while `change` takes place, in ms. */
async function longestGap(page, change) {
  await page.evaluate(() => {
    const video = document.querySelector('#direct');
    window.gaps = [performance.now()];
    const each = () => { window.gaps.push(performance.now()); video.requestVideoFrameCallback(each); };
    video.requestVideoFrameCallback(each);
  });
  await change();
  await pause(1000);
  return page.evaluate(() => Math.round(Math.max(...window.gaps.slice(1).map((at, index) => at - window.gaps[index]))));
}

for (const codec of ['h264', 'vp8']) {
  test(`two sizes in ${codec}: each viewer gets its own${codec === 'h264' ? ', and what nobody takes rests' : ''}`, async (t) => {
    const room = `two-${codec}`;
    const host = await publish(room, `simulcast=1&codec=${codec}`);
    const [pinned, free] = [await play(room, 'pia'), await play(room, 'fred')];
    t.after(() => Promise.all([pinned, free, host].map((page) => page.close())));
    await sees(free, LARGE, 30);
    await sees(pinned, LARGE);
    assert.equal((await inbound(free)).codec?.toLowerCase(), `video/${codec}`);

    const down = await longestGap(pinned, async () => { assert.equal(await pin(pinned, 'low'), 204); await sees(pinned, SMALL); });
    assert.equal(await height(free), LARGE, 'the other viewer keeps the large picture');
    const up = await longestGap(pinned, async () => { assert.equal(await pin(pinned, 'auto'), 204); await sees(pinned, LARGE); });
    t.diagnostic(`longest gap: ${down} ms on the way down, ${up} ms on the way up`);
    assert.ok(down < MAX_GAP_MS && up < MAX_GAP_MS, `gaps of ${down} and ${up} ms`);

    // What nobody takes is the same question whatever the codec, and takes ten seconds to answer.
    if (codec !== 'h264') return;
    // Nobody but Pia is left, who wants the small one, and the program, whose tile is no larger.
    const program = startWatcher(server, room);
    t.after(() => program.stop());
    await lay(room, { preset: 'custom', tiles: [{ x: 0, y: 0, width: 180, height: 320, z: 0 }] });
    await free.close();
    await pin(pinned, 'low');
    await sees(pinned, SMALL);
    const sends = async () => {
      const before = await sent(host);
      await pause(1000);
      const now = await sent(host);
      return { large: now.h > before.h, small: now.l > before.l };
    };
    await waitFor('the large picture to rest', async () => { const { large, small } = await sends(); return small && !large; }, { seconds: 25 });
    await lay(room, { preset: 'solo' });
    await waitFor('the large picture for a large tile', async () => (await sends()).large, { seconds: 15 });
    assert.equal(await height(pinned), SMALL, 'the viewer keeps the small picture');
    await lay(room, { preset: 'custom', tiles: [{ x: 0, y: 0, width: 180, height: 320, z: 0 }] });
    await waitFor('the large picture to rest again', async () => { const { large, small } = await sends(); return small && !large; }, { seconds: 25 });
    await pin(pinned, 'auto');
    await sees(pinned, LARGE, 15);
    const { lost, video_frames: frames } = await program.stop();
    assert.ok(lost === 0 && frames > 0, `${lost} packets of the program lost, ${frames} pictures`);
    assert.deepEqual(host.problems, []);
  });
}

test('a viewer whose network narrows gets the small picture within 3 s, without a storm of requests, and the large one again', async (t) => {
  const host = await publish('narrow', 'simulcast=1');
  const [free, narrow] = [await play('narrow', 'fred'), await play('narrow', 'nora', { set: ['both delay 10'] })];
  t.after(() => narrow.wire.stop());
  await sees(free, LARGE, 30);
  await sees(narrow, LARGE, 30);
  await pause(2000);

  const requests = await server.metric('sfu_plis_sent_total');
  const began = Date.now();
  narrow.wire.set('down rate 300');
  const down = await longestGap(narrow, () => sees(narrow, SMALL));
  const took = Date.now() - began - 1000; // longestGap watches for one second more
  const asked = await server.metric('sfu_plis_sent_total') - requests;
  t.diagnostic(`small after ${took} ms, longest gap ${down} ms, ${asked} keyframe requests`);
  assert.ok(took <= 3000, `it took ${took} ms`);
  assert.ok(asked <= 2 * Math.ceil((took + 1000) / 500), `${asked} requests`);
  assert.equal(await height(free), LARGE, 'the other viewer keeps the large picture');

  await pause(5000);
  assert.equal(await height(narrow), SMALL, 'it stays small while the network is narrow');
  const widened = Date.now();
  narrow.wire.set('down rate 5000');
  const up = await longestGap(narrow, () => sees(narrow, LARGE, 40));
  t.diagnostic(`large again after ${Date.now() - widened - 1000} ms, longest gap ${up} ms`);
  assert.ok(up < MAX_GAP_MS, `a gap of ${up} ms`);
  await free.close();
  await narrow.close();
  await host.close();
});

for (const [codec, layers] of [['vp9', 'L2T2_KEY'], ['av1', 'L1T2']]) {
  test(`${codec} in layers (${layers}) is published and played`, async (t) => {
    const room = `one-${codec}`;
    const host = await publish(room, `codec=${codec}&layers=${layers}`);
    const viewer = await play(room, 'vic');
    await sees(viewer, LARGE, 30);
    assert.equal((await inbound(viewer)).codec?.toLowerCase(), `video/${codec}`);
    if (layers.startsWith('L2')) {
      const down = await longestGap(viewer, async () => { assert.equal(await pin(viewer, 'low'), 204); await sees(viewer, SMALL); });
      const up = await longestGap(viewer, async () => { await pin(viewer, 'auto'); await sees(viewer, LARGE); });
      t.diagnostic(`longest gap: ${down} ms on the way down, ${up} ms on the way up`);
      assert.ok(down < MAX_GAP_MS && up < MAX_GAP_MS, `gaps of ${down} and ${up} ms`);
    }
    const before = (await inbound(viewer)).framesDecoded;
    await pause(1500);
    const frames = (await inbound(viewer)).framesDecoded - before;
    t.diagnostic(`${frames} frames decoded in 1.5 s`);
    assert.ok(frames > 15, `${frames} frames in 1.5 s`);
    await viewer.close();
    await host.close();
  });
}

test('the program comes in a smaller rendition, too: for viewers over WebRTC as a layer, for RTMP players by name', async (t) => {
  const room = 'ladder';
  const host = await publish(room, 'codec=h264');
  const [pinned, free] = [await play(room, 'pia', undefined, `${room}/program`), await play(room, 'fred', undefined, `${room}/program`)];
  await sees(free, 1280, 30);
  const down = await longestGap(pinned, async () => { assert.equal(await pin(pinned, 'low'), 204); await sees(pinned, 640); });
  assert.equal(await height(free), 1280, 'the other viewer keeps the large picture');
  const up = await longestGap(pinned, async () => { await pin(pinned, 'auto'); await sees(pinned, 1280); });
  t.diagnostic(`longest gap: ${down} ms on the way down, ${up} ms on the way up`);
  assert.ok(down < MAX_GAP_MS && up < MAX_GAP_MS, `gaps of ${down} and ${up} ms`);

  const size = async (stream) => (await pulledSize(server.rtmpUrl(stream))).join('x');
  assert.equal(await size(`${room}_ld`), '360x640');
  assert.equal(await size(room), '720x1280');
  await assert.rejects(size(`${room}_xd`), 'a rendition that is not made is not found');
  await pinned.close();
  await free.close();
  await host.close();
});

/** Width and height of what an RTMP player gets, which has sound as well. */
async function pulledSize(url) {
  const args = ['-v', 'error', '-of', 'json', '-show_streams', '-rw_timeout', '10000000', url];
  const { streams } = JSON.parse((await promisify(execFile)('ffprobe', args)).stdout);
  assert.ok(streams.some((stream) => stream.codec_type === 'audio'), 'there is sound');
  const video = streams.find((stream) => stream.codec_type === 'video');
  return [video.width, video.height];
}
