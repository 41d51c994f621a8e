// Goal: people with cameras: two hosts co-stream in one room, then battle from two rooms; the viewer sees the right host in the
// right place and hears both. Everything is done with the buttons of our own pages.
// Method: two Chromium browsers with fake devices that play marked clips, a third that watches.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../lib/browser.mjs';
import { fakeDevices } from '../lib/fake-devices.mjs';
import { Member } from '../lib/member.mjs';
import { goLive, screenshot, takeSeat } from '../lib/pages.mjs';
import { startServer } from '../lib/server.mjs';
import { onStage } from '../lib/stage.mjs';
import { waitFor } from '../lib/wait.mjs';

const ALICE = { mark: 101, tone: 440 };
const BOB = { mark: 102, tone: 660 };

let server; const browsers = {}; let alice; let bob; let viewer;
before(async () => {
  server = await startServer();
  for (const clip of ['alice', 'bob']) browsers[clip] = await launch(fakeDevices(clip));
  browsers.viewer = await launch();
  // Music mode: noise suppression would take a steady tone for noise, rightly.
  alice = await open(browsers.alice, `${server.url}/studio?room=a&identity=alice&name=Alice&quality=360p&music=1`, { viewport: { width: 1280, height: 800 } });
  await goLive(alice);
  await onStage(server, 'a', ['alice']);
  viewer = await open(browsers.viewer, `${server.url}/watch?room=a&identity=vera`, { watch: true });
});
after(async () => { for (const browser of Object.values(browsers)) await browser.close(); await server?.stop(); });

async function sees(wanted) {
  await waitFor(`tiles ${JSON.stringify(wanted)}`, async () => {
    const seen = await viewer.evaluate((names) => window.readTiles('#program', names), Object.keys(wanted));
    if (Object.entries(wanted).every(([tile, id]) => seen[tile]?.id === id)) return seen;
    throw new Error(JSON.stringify(seen));
  }, { seconds: 25 });
}

async function hears(tones) {
  await waitFor(`tones ${tones}`, async () => {
    const levels = await viewer.evaluate((list) => window.toneLevels('#program', list), tones);
    if (tones.every((tone) => levels[tone] > 15)) return levels;
    throw new Error(JSON.stringify(levels));
  });
}

/** Kinds of the tracks that the viewer receives. */
const inbound = () => viewer.evaluate(async () => [...(await window.lianmai.pc.getStats()).values()].filter((s) => s.type === 'inbound-rtp' && s.packetsReceived > 0).map((s) => s.kind).sort());

test('co-streaming in one room', async () => {
  await sees({ solo: ALICE.mark });
  bob = await open(browsers.bob, `${server.url}/studio?room=a&identity=bob&name=Bob&role=guest&quality=360p&music=1`, { viewport: { width: 1280, height: 800 } });
  await takeSeat(bob);
  await onStage(server, 'a', ['alice', 'bob']);
  await sees({ left: ALICE.mark, right: BOB.mark });
  await hears([ALICE.tone, BOB.tone]);
  const heard = await alice.evaluate(() => [...window.lianmai.players.keys()]);
  assert.deepEqual(heard, ['a/bob'], "the host plays the guest's own feed, never the mix");
  assert.deepEqual(await bob.evaluate(() => [...window.lianmai.players.keys()]), ['a/alice'], 'and so does the guest');
  assert.deepEqual(await inbound(), ['audio', 'video'], 'the viewer has one of each');
});

test('a battle between two rooms', async () => {
  await bob.close();
  await waitFor('Bob to have left the seat', async () => {
    await alice.getByTestId('tab-seats').click();
    await alice.getByTestId('seat-kick-bob').click({ timeout: 500 }).catch(() => {});
    return (await server.call('GET', '/v1/rooms/a')).body.seats.every((seat) => seat.user !== 'bob');
  });
  bob = await open(browsers.bob, `${server.url}/studio?room=b&identity=bob&name=Bob&quality=360p&music=1`, { viewport: { width: 1280, height: 800 } });
  await goLive(bob);
  await onStage(server, 'b', ['bob']);

  for (const [term, value] of [['pk-punish', '0'], ['pk-rush', '10x2'], ['pk-link', 'stay']]) await alice.getByTestId(term).selectOption(value);
  await alice.getByTestId('pk-invite-b').click({ timeout: 15_000 });
  await bob.getByTestId('pk-accept').click({ timeout: 15_000 });
  await onStage(server, 'a', ['alice', 'bob']);
  await onStage(server, 'b', ['alice', 'bob']);
  await sees({ left: ALICE.mark, right: BOB.mark });
  await hears([ALICE.tone, BOB.tone]);
  assert.deepEqual(await inbound(), ['audio', 'video'], 'the viewer still has one of each');
  await waitFor('the battle', async () => (await server.call('GET', '/v1/rooms/a')).body.battle?.state === 'battling');
});

test('gifts move the score, and the pages look alive', async () => {
  const sound = viewer.getByTestId('sound');
  if (await sound.isVisible()) await sound.click();
  for (const page of [viewer, alice]) await page.getByTestId('big-count').waitFor({ state: 'hidden', timeout: 10_000 });
  await alice.getByTestId('tab-chat').click();
  await viewer.getByTestId('gifts').click();
  for (const gift of ['gift-rose', 'gift-rocket']) {
    await viewer.getByTestId(gift).click();
    await viewer.getByTestId('gift-send').click();
  }
  await viewer.getByTestId('gift-close').click();
  await viewer.getByTestId('chat-input').fill('主播加油 🔥');
  await viewer.getByTestId('chat-send').click();
  await waitFor('the score', async () => (await server.call('GET', '/v1/rooms/a')).body.battle?.scores.a === 1010);
  await viewer.waitForFunction(() => /1,?010/.test(document.querySelector('[data-testid=pk-score-own]')?.innerText ?? ''), null, { timeout: 5_000 });
  // The same user gives in the other room as well: one giver, in all rooms.
  const there = await Member.join(server, 'b', 'vera', 'viewer');
  await there.send('gift.send', { gift: 'rose', n: 1, to: 'a', idem: 'from-the-other-room' });
  there.close();
  for (const room of ['a', 'b']) {
    await waitFor(`the giver in room ${room}`, async () => {
      const { top, scores } = (await server.call('GET', `/v1/rooms/${room}`)).body.battle;
      return scores.a === 1020 && top.a.length === 1 && top.a[0].user === 'vera' && top.a[0].points === 1020 && !top.b;
    }, { seconds: 5 });
  }
  await viewer.getByTestId('pk-heads-a').locator('.avatar').waitFor({ timeout: 5_000 });
  for (const page of [alice, bob]) await page.getByTestId('pk-givers-a').getByText('1020').waitFor({ timeout: 5_000 });
  await screenshot(viewer, 'watch');
  await screenshot(alice, 'studio');
});

test('whoever gives up is linked still where that was agreed, and may ask for another', async () => {
  const { battle } = (await server.call('GET', '/v1/rooms/a')).body;
  assert.deepEqual(battle.rush, { from: battle.end_at - 10_000, factor: 2 });
  await alice.getByTestId('pk-end').click();
  for (const page of [alice, bob]) await page.getByTestId('pk-start').waitFor({ timeout: 5_000 });
  await bob.getByTestId('pk-end').click();
  for (const page of [alice, bob]) await page.getByTestId('pk-rematch').waitFor({ timeout: 5_000 });
  await onStage(server, 'a', ['alice']);
  for (const page of [alice, bob, viewer]) assert.deepEqual(page.problems, []);
});
