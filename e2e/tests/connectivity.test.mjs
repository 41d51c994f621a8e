// Goal: whoever has a network at all sees the show, and whoever changes networks keeps the session: the page, the peer connection and
// the media session of before go on within 15 s.
// Method: real Chromium, our own pages. A network that changes is a wire that dies; the next answer of the server leads through another
// one. A network without UDP is Chromium's own policy for it. TURN is Debian's coturn, and the browser may use nothing else.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch, open } from '../lib/browser.mjs';
import { startCoturn } from '../lib/coturn.mjs';
import { goLive, playFeed } from '../lib/pages.mjs';
import { startServer } from '../lib/server.mjs';
import { createRoom, onStage } from '../lib/stage.mjs';
import { pause, waitFor } from '../lib/wait.mjs';
import { routeThroughWires } from '../lib/wire.mjs';

const HOST = { id: 1, hue: 340, tone: 440, fps: 25 };
const RESUME_MS = 15_000;

let server; let browser; let coturn;
before(async () => {
  coturn = await startCoturn();
  server = await startServer({
    env: {
      LIANMAI_ICE_SERVERS: `turn:127.0.0.1:${coturn.port}?transport=udp,turn:127.0.0.1:${coturn.port}?transport=tcp`,
      LIANMAI_ICE_TURN_SECRET: coturn.secret,
    },
  });
  browser = await launch();
  await createRoom(server, 'a', 'alice');
  const host = await open(browser, `${server.url}/studio?room=a&identity=alice&quality=360p`, { host: HOST });
  await goLive(host);
  await onStage(server, 'a', ['alice']);
});
after(async () => { await browser?.close(); await server?.stop(); await coturn?.stop(); });

describe('a network that changes', () => {
  test('a viewer sees on within 15 s in the same session', async (t) => {
    const page = await open(browser, `${server.url}/`, { watch: true });
    const { wires, requests } = await behindWires(page, 'whep');
    await watch(page, 'vera');
    const before = await sessionOf(page, 'directPlayer');
    // The server counts its peers once a second.
    const peers = await waitFor('the viewer to be counted', () => server.metric('sfu_viewers'));

    const cut = Date.now();
    wires[0].set('both loss all 1');
    await waitFor('the old path to be noticed', () => wires.length > 1, { seconds: 15 });
    await moves(page, { seconds: 15 });
    const took = Date.now() - cut;
    t.diagnostic(`picture again ${took} ms after the cut`);

    assert.ok(took <= RESUME_MS, `${took} ms`);
    assert.deepEqual(await sessionOf(page, 'directPlayer'), before);
    assert.deepEqual(requests.filter(({ method }) => method !== 'PATCH').map(({ method }) => method), ['POST']);
    assert.deepEqual(requests.filter(({ method }) => method === 'PATCH').map(({ status }) => status).slice(-1), [200]);
    assert.equal(await server.metric('sfu_viewers'), peers);
    await end(page, wires);
  });

  test('a host stays on air in the same session', async (t) => {
    await createRoom(server, 'b', 'bob');
    const page = await open(browser, `${server.url}/studio?room=b&identity=bob&quality=360p`, { host: { ...HOST, id: 2 } });
    const { wires, requests } = await behindWires(page, 'whip');
    await goLive(page);
    await onStage(server, 'b', ['bob']);
    const viewer = await open(browser, `${server.url}/`, { watch: true });
    await watch(viewer, 'victor', 'b/bob');
    const uplinks = await page.evaluate(() => window.uplinks().length);

    const cut = Date.now();
    wires[0].set('both loss all 1');
    await waitFor('the old path to be noticed', () => wires.length > 1, { seconds: 15 });
    await moves(viewer, { seconds: 15 });
    const took = Date.now() - cut;
    t.diagnostic(`viewers see the host again ${took} ms after the cut`);

    assert.ok(took <= RESUME_MS, `${took} ms`);
    assert.equal(await page.evaluate(() => window.uplinks().length), uplinks, 'another peer connection');
    assert.equal(requests.filter(({ method }) => method === 'POST').length, 1, 'another session');
    await viewer.context().close();
    await end(page, wires);
  });

  test('a session that the server has let go is followed by a new one', async () => {
    const page = await open(browser, `${server.url}/`, { watch: true });
    const { wires, requests } = await behindWires(page, 'whep');
    await watch(page, 'walter');
    const { resource } = await sessionOf(page, 'directPlayer');
    wires[0].set('both loss all 1');
    const token = await server.token('a', 'walter', 'viewer');
    assert.equal((await server.call('DELETE', new URL(resource).pathname, { token })).status, 200);

    await waitFor('a new session', () => requests.filter(({ method, status }) => method === 'POST' && status === 201).length === 2, { seconds: 20 });
    await moves(page, { seconds: 15 });
    assert.ok(requests.some(({ method, status }) => method === 'PATCH' && status === 404), JSON.stringify(requests));
    await end(page, wires);
  });
});

describe('a network that drops UDP', () => {
  test('picture and sound come by TCP', async () => {
    const tcpOnly = await launch({ udp: false });
    const page = await open(tcpOnly, `${server.url}/`, { watch: true });
    await watch(page, 'tina');
    const pair = await waitFor('a selected pair', () => pairOf(page));
    assert.deepEqual([pair.local.protocol, pair.remote.protocol, pair.remote.tcpType ?? 'passive'], ['tcp', 'tcp', 'passive']);
    await tcpOnly.close();
  });
});

describe('TURN', () => {
  for (const [transport, udp] of [['udp', true], ['tcp', false]]) {
    test(`a viewer who may use nothing but a relay sees the host (to the relay by ${transport})`, async () => {
      const relayed = await launch({ udp });
      const page = await open(relayed, `${server.url}/`, { watch: true });
      await page.addInitScript(() => {
        const Native = window.RTCPeerConnection;
        window.RTCPeerConnection = class extends Native { constructor(options) { super({ ...options, iceTransportPolicy: 'relay' }); } };
      });
      await page.reload();
      await watch(page, `rita-${transport}`);
      const pair = await waitFor('a selected pair', () => pairOf(page));
      assert.equal(pair.local.candidateType, 'relay');
      assert.equal(pair.local.relayProtocol, transport);
      await relayed.close();
    });
  }

  test('a name and password are told that end', async () => {
    const token = await server.token('a', 'ulla', 'viewer');
    const { body } = await server.call('GET', '/v1/rooms/a/ice-servers', { token });
    const [{ urls, username, credential }] = body.iceServers;
    assert.equal(urls.length, 2);
    const [until, user] = username.split(':');
    assert.equal(user, 'ulla');
    assert.ok(Number(until) > Date.now() / 1000 && credential.length > 20);
  });
});

/** Plays a feed until it moves. */
async function watch(page, identity, feed = 'a/alice') {
  const [room] = feed.split('/');
  await playFeed(page, { room, feed, token: await server.token(room, identity, 'viewer') });
  await moves(page, { seconds: 20 });
}

/** Waits until the mark on the picture has moved on by a second from what it shows now. */
async function moves(page, { seconds }) {
  const decoded = () => page.evaluate(async () => {
    const stats = [...(await window.directPlayer.pc.getStats()).values()];
    return stats.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'video')?.framesDecoded ?? 0;
  });
  // A new peer connection counts from the start.
  let from = await decoded().catch(() => 0);
  await waitFor('a moving picture', async () => {
    const now = await decoded();
    if (now < from) from = now;
    return now >= from + 10;
  }, { seconds });
}

/** Puts wires into a page's path and notes what it asks of the server. */
async function behindWires(page, way) {
  const wires = []; const requests = [];
  page.on('response', (response) => {
    if (new RegExp(`/${way}(/|$)`).test(new URL(response.url()).pathname)) requests.push({ method: response.request().method(), status: response.status() });
  });
  await routeThroughWires(page, way, {}, (wire) => wires.push(wire));
  return { wires, requests };
}

const sessionOf = (page, player) => page.evaluate((name) => {
  const { link } = window[name];
  window.firstPc ??= link.pc;
  return { resource: link.resource, isSamePc: link.pc === window.firstPc };
}, player);

/** The candidates of the pair in use. */
const pairOf = (page) => page.evaluate(async () => {
  const stats = await window.directPlayer.pc.getStats();
  const transport = [...stats.values()].find((entry) => entry.type === 'transport');
  const pair = stats.get(transport?.selectedCandidatePairId);
  return pair && { local: stats.get(pair.localCandidateId), remote: stats.get(pair.remoteCandidateId) };
});

async function end(page, wires) {
  await page.context().close();
  for (const wire of wires) await wire.stop();
}
