// Time to the first picture: from the moment the page asks (before its first request) to the first video frame that Chromium
// presents, for viewers that come at any time between two keyframes: of a host's own feed, of the program, and of the feed over a
// path with a round trip of 40 ms (media only; the page's requests do not go that way).
import { launch, open } from '../lib/browser.mjs';
import { note } from '../lib/figures.mjs';
import { goLive, playFeed } from '../lib/pages.mjs';
import { WAY } from '../lib/loss-run.mjs';
import { startServer } from '../lib/server.mjs';
import { createRoom, onStage } from '../lib/stage.mjs';
import { pause, percentile } from '../lib/wait.mjs';
import { routeThroughWires } from '../lib/wire.mjs';

const JOINS = 24;
/** A viewer comes this long after the one before has left, and up to a second later. */
const BETWEEN_MS = 700;
const STAGES = ['asked', 'answered', 'connected', 'received', 'shown'];

/** Measures all, and notes `sfu.ttff_*`, `program.ttff_*` and `sfu.ttff_rtt40_*`. */
export async function ttff() {
  const server = await startServer();
  const browser = await launch();
  try {
    await createRoom(server, 'a', 'alice');
    const host = await open(browser, `${server.url}/studio?room=a&identity=alice&quality=360p`, { host: { id: 1, hue: 340, tone: 440 } });
    await goLive(host);
    await onStage(server, 'a', ['alice']);
    const viewer = await open(browser, `${server.url}/`);
    const token = await server.token('a', 'vera', 'viewer');
    await playFeed(viewer, { room: 'a', token }); // keeps the program running: who comes next finds it so
    await pause(4_000);
    const wires = [];
    for (const [name, feed] of [['sfu.ttff', 'a/alice'], ['program.ttff', undefined], ['sfu.ttff_rtt40', 'a/alice']]) {
      if (name === 'sfu.ttff_rtt40') await routeThroughWires(viewer, 'whep', { set: WAY }, (wire) => wires.push(wire));
      const joins = [];
      for (let join = 0; join < JOINS; join++) {
        await pause(BETWEEN_MS + 1_000 * Math.random());
        joins.push(await viewer.evaluate(firstPicture, { room: 'a', token, feed }));
      }
      tell(name, joins);
    }
    await Promise.all(wires.map((wire) => wire.stop()));
  } finally {
    await browser.close();
    await server.stop();
  }
}

function tell(name, joins) {
  const at = (stage, p) => percentile(joins.map((join) => join[stage]), p);
  console.log(`${name}: first picture of ${joins.length} joins, ms p50/p95: ${STAGES.map((stage) => `${stage} ${at(stage, 0.5).toFixed(0)}/${at(stage, 0.95).toFixed(0)}`).join(', ')}`);
  note({ [`${name}_p50_ms`]: at('shown', 0.5), [`${name}_p95_ms`]: at('shown', 0.95) });
}

/** In the page: joins, and resolves to the milliseconds after which each stage was reached. */
async function firstPicture({ room, token, feed }) {
  const [{ WhepPlayer }, { tokensOf }] = await Promise.all([import('/assets/media/whep.js'), import('/assets/token.js')]);
  const video = Object.assign(document.createElement('video'), { autoplay: true, muted: true, playsInline: true });
  document.body.append(video);
  const player = new WhepPlayer({ room, tokens: tokensOf(new URLSearchParams({ room, token }), 'viewer'), video, feed });
  const began = performance.now();
  const reached = {};
  const note = (stage) => { reached[stage] ??= performance.now() - began; };
  const ask = window.fetch;
  window.fetch = async (url, init) => {
    if (init?.method !== 'POST') return ask(url, init);
    note('asked');
    const response = await ask(url, init);
    note('answered');
    return response;
  };
  const shown = new Promise((done) => video.requestVideoFrameCallback((now, meta) => { reached.shown = meta.presentationTime - began; reached.received = meta.receiveTime - began; done(); }));
  player.start();
  const { pc } = player;
  pc.addEventListener('connectionstatechange', () => { if (pc.connectionState === 'connected') note('connected'); });
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error('no picture within 10 s')), 10_000));
  await Promise.race([shown, late]);
  window.fetch = ask;
  player.stop();
  video.remove();
  return reached;
}
