// Goal: a host gives a red packet and a lottery away in the studio; a viewer's page opens the one, enters the other and does its draw again.
// A quiz is answered, a coupon taken, a sticker, a whisper and a question go up, and lines are taken back. The page orders, sees the order paid, is outbid in an auction and wins it. All by the buttons of both pages.
// Method: both real pages in Chromium, a desk and a phone, on a room without media; a third member gives gifts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from '../lib/browser.mjs';
import { Member } from '../lib/member.mjs';
import { screenshot } from '../lib/pages.mjs';
import { startServer } from '../lib/server.mjs';
import { createRoom } from '../lib/stage.mjs';

let server; let browser; let studio; let viewer; let giver;
before(async () => {
  server = await startServer();
  await createRoom(server, 'a', 'alice');
  browser = await launch();
  studio = await open(browser, `${server.url}/studio?room=a&identity=alice&source=test`, { viewport: { width: 1280, height: 860 } });
  viewer = await open(browser, `${server.url}/watch?room=a&identity=vera&carrier=ws`);
  giver = await Member.join(server, 'a', 'walter', 'viewer');
  await viewer.waitForFunction(() => window.lianmai?.state?.you?.user === 'vera', null, { timeout: 25_000 });
  await studio.getByTestId('tab-luck').click();
});
after(async () => {
  giver?.close();
  await browser?.close();
  await server?.stop();
});

test('gifts of a combo count up in one banner, and the giver leads', async () => {
  for (let n = 1; n <= 5; n += 1) await giver.send('gift.send', { gift: n === 5 ? 'rocket' : 'rose', n: 1, idem: `g${n}` });
  await viewer.waitForFunction(() => [...document.querySelectorAll('[data-testid=combo]')].some((combo) => combo.textContent === '×4'), null, { timeout: 5_000 });
  await screenshot(viewer, 'watch-gifts');
  await viewer.getByTestId('podium').click();
  await viewer.getByTestId('leaders').getByText('walter').waitFor({ timeout: 5_000 });
  await viewer.getByTestId('luck-sheet').getByRole('button', { name: 'OK' }).click();
  await studio.getByTestId('leaders').getByText('1040').waitFor({ timeout: 5_000 });
});

test('a coupon is taken once, and the quiz waits for its answer to be told', async () => {
  await studio.getByTestId('tab-quiz').click();
  const quiz = studio.getByTestId('quiz-form');
  for (const [name, value] of [['text-0', '1 + 1?'], ['option-0-0', '2'], ['option-0-1', '3'], ['answer', '3']]) await quiz.locator(`[name=${name}]`).fill(value);
  await studio.getByTestId('open-quiz').click();
  await studio.getByTestId('quiz-next').click();
  await viewer.getByTestId('quiz-option-0').click();
  await studio.getByTestId('tab-coupons').click();
  await studio.getByTestId('issue-coupon').click();
  const coupon = viewer.getByTestId('coupon');
  await coupon.and(viewer.locator(':enabled')).click();
  await coupon.getByText('Yours').waitFor({ timeout: 5_000 });
  await studio.getByTestId('coupons').getByText('99').waitFor({ timeout: 5_000 });
  await studio.getByTestId('tab-draws').click();
});

test('stickers and whispers go up, a question is pinned and answered', async () => {
  await studio.getByTestId('tab-chat').click();
  await viewer.getByTestId('talk-toggle').click();
  await viewer.getByTestId('sticker-clap').click();
  await studio.getByTestId('chat').getByText('👏').waitFor({ timeout: 5_000 });
  await viewer.getByTestId('talk-toggle').click();
  await viewer.getByTestId('talk-whisper').click();
  await viewer.getByTestId('chat-input').fill('psst');
  await viewer.getByTestId('chat-input').press('Enter');
  await studio.locator('.chat-line.whisper').getByText('psst').waitFor({ timeout: 5_000 });
  assert.ok(!giver.events.some(({ t }) => t === 'whisper'), 'nobody else hears it');
  await viewer.getByTestId('talk-public').click();
  await viewer.getByTestId('talk-toggle').click();
  await screenshot(viewer, 'watch-talk');
  await viewer.getByTestId('ask-open').click();
  await viewer.getByTestId('question-input').fill('Silk?');
  await viewer.getByTestId('question-send').click();
  await studio.getByTestId('questions').click();
  await studio.getByTestId('question-pin').click();
  await viewer.getByTestId('questions-close').click();
  await viewer.getByTestId('questions').getByText('Silk?').waitFor({ timeout: 5_000 });
  await studio.getByTestId('question-answer').click();
  await studio.getByTestId('question-input').fill('Linen.');
  await studio.getByTestId('question-send').click();
  await viewer.getByTestId('questions').getByText('All answered').waitFor({ timeout: 5_000 });
  await studio.getByTestId('questions-close').click();
});

test('one takes back what one said, and the host anything', async () => {
  const lines = studio.getByTestId('chat-line');
  await viewer.getByTestId('chat-take').click();
  await lines.filter({ hasText: '👏' }).waitFor({ state: 'detached', timeout: 5_000 });
  await giver.send('chat.send', { text: 'buy elsewhere' });
  await studio.getByTestId('chat-name-walter').last().click();
  await studio.getByTestId('line-delete').click();
  await viewer.getByTestId('chat-line').filter({ hasText: 'elsewhere' }).waitFor({ state: 'detached', timeout: 5_000 });
  assert.equal(await viewer.getByTestId('chat-take').count(), 0);
  await studio.getByTestId('tab-luck').click();
});

test('a red packet that the host gives is opened once', async () => {
  await studio.locator('[data-testid=packet-form] [name=lead]').fill('0');
  await studio.getByTestId('open-packet').click();
  await viewer.getByTestId('packet').click();
  await viewer.getByTestId('takers').getByText('vera').waitFor({ timeout: 5_000 });
  await screenshot(viewer, 'watch-packet');
  await viewer.getByTestId('luck-sheet').getByRole('button', { name: 'OK' }).click();
  const [packet] = await viewer.evaluate(() => [...window.lianmai.state.packets.keys()]);
  const token = await server.token('a', 'vera', 'viewer');
  const { body } = await server.call('GET', `/v1/rooms/a/packets/${packet}`, { token });
  assert.deepEqual([body.takers.length, body.left, body.total], [1, 19, 8800]);
});

test('who is outbid in an auction hears of it and leads again with a highest bid', async () => {
  await studio.getByTestId('tab-sale').click();
  await studio.getByTestId('tab-auction').click();
  const form = studio.getByTestId('auction-form');
  for (const [name, value] of [['lead', '0'], ['duration', '5']]) await form.locator(`[name=${name}]`).fill(value);
  await form.locator('[name=close]').selectOption('0');
  await studio.getByTestId('open-auction').click();
  await viewer.getByTestId('bid').and(viewer.locator(':enabled')).click();
  await viewer.getByTestId('bid-answer').filter({ hasText: 'You lead' }).waitFor({ timeout: 5_000 });
  const [auction] = await viewer.evaluate(() => [...window.lianmai.state.auctions.keys()]);
  await giver.send('bid.place', { auction, amount: 200, idem: 'b1' });
  await viewer.getByTestId('bid-answer').filter({ hasText: 'outbid' }).waitFor({ timeout: 5_000 });
  await viewer.getByTestId('auto-bid').click();
  await viewer.getByTestId('bid-max').fill('20');
  await viewer.getByTestId('bid-max-send').click();
  await viewer.getByTestId('bid-answer').filter({ hasText: '20.00' }).waitFor({ timeout: 5_000 });
});

test('what the host speaks about is on a card, and everything is in the bag', async () => {
  await studio.getByTestId('tab-goods').click();
  for (const name of ['First', 'Second']) {
    await studio.locator('[data-testid=goods-form] [name=title]').fill(name);
    await studio.getByTestId('goods-add').click();
    await studio.getByTestId('goods').getByText(name).waitFor({ timeout: 5_000 });
  }
  await studio.getByTestId('pin-1').click();
  await studio.getByTestId('explain-1').click();
  await viewer.getByTestId('goods-card').getByText('Second').waitFor({ timeout: 5_000 });
  await viewer.getByTestId('goods-card').getByText('On now').waitFor({ timeout: 5_000 });
  await viewer.getByTestId('bag').click();
  assert.deepEqual(await viewer.getByTestId('goods').locator('.goods-name').allTextContents(), ['First', 'Second']);
  await viewer.getByTestId('goods-close').click();
  await viewer.getByTestId('quiz-result').getByText('You won').waitFor({ timeout: 8_000 });
  await studio.getByTestId('sell-0').click();
});

test('an order waits for its money until the host says that it came', async () => {
  await studio.getByTestId('sale-pay-input').selectOption('60');
  await studio.getByTestId('sale-immediate-input').check();
  await studio.getByTestId('announce').click();
  await viewer.getByTestId('sale-title').getByText('First').waitFor({ timeout: 5_000 });
  await viewer.getByTestId('buy').and(viewer.locator(':enabled')).click();
  await viewer.getByTestId('unpaid').getByText('1').waitFor({ timeout: 5_000 });
  await screenshot(viewer, 'watch-orders');
  await studio.getByTestId('sale-orders').click();
  await studio.getByTestId('paid-1').click();
  await viewer.getByTestId('order-answer').filter({ hasText: 'Paid' }).waitFor({ timeout: 5_000 });
  await studio.getByTestId('sold-close').click();
  await studio.getByTestId('tab-luck').click();
});

test('a lottery is entered, drawn, and checked in the page', async () => {
  await studio.locator('[data-testid=lottery-form] [name=duration]').fill('2');
  await studio.getByTestId('open-lottery').click();
  await viewer.getByTestId('lottery').click();
  await viewer.getByTestId('lottery').getByText('1 in').waitFor({ timeout: 5_000 });
  await screenshot(viewer, 'watch-luck');
  await viewer.getByTestId('lottery').getByText('You won').waitFor({ timeout: 15_000 });
  await viewer.getByTestId('lottery').click();
  await viewer.getByTestId('verify').click();
  await viewer.getByTestId('proof').getByText('✓').waitFor({ timeout: 5_000 });
  await screenshot(viewer, 'watch-proof');
  await screenshot(studio, 'studio-luck');
});

test('whoever leads at the end has won, and finds it among the orders', async () => {
  await viewer.getByTestId('luck-sheet').getByRole('button', { name: 'OK' }).click();
  await viewer.getByTestId('bid-answer').filter({ hasText: 'You won' }).waitFor({ timeout: 5_000 });
  await viewer.getByTestId('my-orders').click();
  for (const state of ['Won', 'Paid']) await viewer.getByTestId('orders').getByText(state).waitFor({ timeout: 5_000 });
  assert.deepEqual([...viewer.problems, ...studio.problems], []);
});
