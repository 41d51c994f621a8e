// Goal: chat, gift and countdown reach a viewer on the WebSocket and a viewer on data channels alike; what one says or asks goes up on
// either; orders obey the clock, and the server hears when countdowns fired.
// Method: the real watch page in Chromium without a socket (?carrier=dc), and a WebSocket member; a clip host is on air.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../lib/browser.mjs';
import { startClipHost } from '../lib/load.mjs';
import { Member } from '../lib/member.mjs';
import { startServer } from '../lib/server.mjs';
import { createRoom, director, onStage } from '../lib/stage.mjs';
import { waitFor } from '../lib/wait.mjs';

let server; let browser; let clip; let page; let both; let socketViewer; let host;
before(async () => {
  server = await startServer();
  await createRoom(server, 'a', 'alice');
  clip = startClipHost(server, 'a', 'alice');
  await onStage(server, 'a', ['alice']);
  browser = await launch();
  page = await open(browser, `${server.url}/watch?room=a&identity=dora&carrier=dc`);
  await page.waitForFunction(() => window.lianmai?.state?.you?.user === 'dora', null, { timeout: 25_000 });
  socketViewer = await Member.join(server, 'a', 'walter', 'viewer');
  host = await director(server, 'a', 'alice');
});
after(async () => {
  await browser?.close();
  await clip?.stop();
  const { code } = await server.stop();
  assert.equal(code, 0, 'a viewer who left keeps the server from stopping');
  assert.deepEqual(server.log.filter((line) => line.includes('did not end in time')), []);
});

test('a chat line reaches both', async () => {
  await host.send('chat.send', { text: '大家好 hello' });
  await socketViewer.event('chat', (line) => line.text === '大家好 hello');
  await page.waitForFunction(() => document.body.innerText.includes('大家好 hello'), null, { timeout: 5_000 });
});

test('a question goes up on the data channel and is told to both', async () => {
  const asked = [];
  page.on('request', (request) => { if (request.method() === 'POST') asked.push(request.url()); });
  await page.getByTestId('talk-toggle').click();
  await page.getByTestId('ask-open').click();
  await page.getByTestId('question-input').fill('Wool? 是羊毛的吗');
  await page.getByTestId('question-send').click();
  await socketViewer.event('question.updated', ({ user, text }) => user === 'dora' && text === 'Wool? 是羊毛的吗');
  await page.waitForFunction(() => window.lianmai.events.some(({ t, carrier, d }) => t === 'question.updated' && carrier === 'dc' && d.user === 'dora'), null, { timeout: 5_000 });
  await page.getByTestId('questions-close').click();
  assert.deepEqual(asked, [], 'it did not go by HTTP');
});

test('a gift reaches both', async () => {
  await socketViewer.send('gift.send', { gift: 'rose', n: 3, idem: 'g1' });
  await socketViewer.event('gift.batch', ({ gifts }) => gifts.some(({ user, n }) => user === 'walter' && n === 3));
  await page.waitForFunction(() => window.lianmai.events.some(({ t, carrier, d }) => t === 'gift.batch' && carrier === 'dc' && d.gifts.some(({ user, n }) => user === 'walter' && n === 3)), null, { timeout: 5_000 });
  await page.waitForFunction(() => document.body.innerText.includes('walter'), null, { timeout: 5_000 });
});

test('the countdown reaches both, and the button opens no moment too early', async () => {
  both = await open(browser, `${server.url}/watch?room=a&identity=berta`);
  await both.waitForFunction(() => window.lianmai?.session?.isOnChannels === true, null, { timeout: 25_000 });
  // One page in ten reports when its countdown fired; this is the one.
  await both.evaluate(() => { Math.random = () => 0; });
  const { sale, open_at: openAt } = await host.send('sale.announce', { title: 'Scarf 围巾', sku: 's1', price_cents: 990, stock: 2, lead_ms: 3000, duration_ms: 30_000 });
  const countdown = await socketViewer.event('countdown', (c) => c.payload.ref.endsWith(sale));
  assert.equal(countdown.d.open_at, openAt);
  await page.waitForFunction((at) => window.lianmai.events.some(({ t, carrier, d }) => t === 'countdown' && carrier === 'dc' && d.open_at === at), openAt, { timeout: 5_000 });
  await assert.rejects(socketViewer.send('order.place', { sale, qty: 1, idem: 'early' }), { code: 'NOT_OPEN' });
  await page.waitForFunction(() => document.body.innerText.includes('Scarf'), null, { timeout: 5_000 });
  await page.waitForFunction(() => !document.querySelector('[data-testid=buy]')?.disabled, null, { timeout: 8_000 });
  const lateness = await page.evaluate((at) => window.lianmai.now() - at, openAt);
  assert.ok(lateness >= 0, `the button opened ${-lateness} ms early`);
});

test('orders after the deadline are taken while stock lasts, and never beyond', async () => {
  const { d: { sale } } = await socketViewer.event('sale.updated', (s) => s.state === 'open');
  const shoppers = await Promise.all(Array.from({ length: 10 }, (_, i) => Member.join(server, 'a', `shopper-${i}`, 'viewer')));
  const answers = await Promise.allSettled(shoppers.map((shopper, i) => shopper.send('order.place', { sale, qty: 1, idem: `o${i}` })));
  const taken = answers.filter((answer) => answer.status === 'fulfilled').map((answer) => answer.value);
  assert.equal(taken.length, 2);
  assert.deepEqual(taken.map((order) => order.seq).sort(), [1, 2]);
  assert.ok(answers.filter((answer) => answer.status === 'rejected').every((answer) => answer.reason.code === 'SOLD_OUT'));
  await waitFor('the page to say sold out', () => page.evaluate(() => /sold out|售罄|抢光/i.test(document.body.innerText)));
  assert.deepEqual(page.problems, []);
});

test('with both carriers gifts come by data channel alone, and by WebSocket two seconds after the channels fall silent', async () => {
  await socketViewer.send('gift.send', { gift: 'rose', n: 7, idem: 'both-1' });
  const cameBy = (n) => both.evaluate((n) => window.lianmai.events.filter(({ t, d }) => t === 'gift.batch' && d.gifts.some((gift) => gift.n === n)).map(({ carrier }) => carrier), n);
  await waitFor('the gift on the channels', async () => (await cameBy(7)).length > 0);
  assert.deepEqual(await cameBy(7), ['dc']);

  // The path swallows what the channels carry; nothing says so.
  await both.evaluate(() => {
    const { session } = window.lianmai;
    const whole = session.handleText.bind(session);
    session.handleText = (text, carrier) => carrier === 'dc' || whole(text, carrier);
  });
  await socketViewer.send('gift.send', { gift: 'rose', n: 8, idem: 'both-2' });
  await waitFor('the gift on the WebSocket', async () => (await cameBy(8)).length > 0, { seconds: 10 });
  assert.deepEqual(await cameBy(8), ['ws'], 'once, and by the other carrier');
  assert.equal(await both.evaluate(() => window.lianmai.session.isOnChannels), false);
  await both.context().close();
});

test('a connection that breaks goes on where it was', async () => {
  const page = await open(browser, `${server.url}/watch?room=a&identity=cleo&carrier=ws`);
  await page.waitForFunction(() => window.lianmai?.session?.status === 'joined', null, { timeout: 25_000 });
  const snapshots = await page.evaluate(() => {
    const { session } = window.lianmai;
    window.snapshots = 0;
    const whole = session.options.onSnapshot;
    session.options.onSnapshot = (snapshot) => { window.snapshots += 1; whole(snapshot); };
    session.socket.close(3000);
    return window.snapshots;
  });
  assert.equal(snapshots, 0);
  await socketViewer.send('gift.send', { gift: 'rose', n: 9, idem: 'broken-1' });
  await waitFor('the gift that was given meanwhile', () => page.evaluate(() => window.lianmai.events.some(({ t, d }) => t === 'gift.batch' && d.gifts.some(({ n }) => n === 9))));
  assert.equal(await page.evaluate(() => window.snapshots), 0, 'it began anew');
  await page.context().close();
});

test("the room's figures have the report of the page whose countdown fired", async () => {
  const token = await server.token('a', 'alice', 'host');
  const last = async () => (await server.call('GET', '/v1/rooms/a/stats', { token })).body.points.at(-1);
  await waitFor('a point of the figures with the report', async () => (await last())?.fired === 1, { seconds: 15, everyMs: 500 });
  assert.equal(await server.metric('server_countdowns_fired_total'), 1);
});

test('a viewer who leaves is forgotten', async () => {
  assert.ok((await server.metric('sfu_peers')) >= 2, 'the host and the viewer are peers');
  await page.context().close();
  await waitFor('only the host to be a peer', async () => (await server.metric('sfu_peers')) === 1, { seconds: 45, everyMs: 500 });
});
