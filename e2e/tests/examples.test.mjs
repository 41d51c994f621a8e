// Goal: the examples do what their first lines say.
// Method: each is run as a program against a real server with a synthetic host on air.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startClipHost } from '../lib/load.mjs';
import { root } from '../lib/machine.mjs';
import { startNginx } from '../lib/nginx.mjs';
import { startServer } from '../lib/server.mjs';
import { battle, createRoom, director, onStage } from '../lib/stage.mjs';
import { waitFor } from '../lib/wait.mjs';

let server; const hosts = []; const directors = {};
before(async () => {
  server = await startServer();
  for (const [room, host] of [['a', 'alice'], ['b', 'bob']]) {
    await createRoom(server, room, host);
    hosts.push(startClipHost(server, room, host));
    await onStage(server, room, [host]);
    directors[room] = await director(server, room, host);
  }
});
after(async () => { for (const host of hosts) await host.stop(); await server?.stop(); });

/** Runs an example; `output()` is what it printed so far, `ended` its exit code. */
function example(name, ...args) {
  const child = spawn(join(root, 'target/debug/examples', name), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => { text += chunk; });
  const timer = setTimeout(() => child.kill('SIGKILL'), 40_000);
  return { output: () => text, ended: once(child, 'exit').then(([code]) => { clearTimeout(timer); return code; }) };
}

const socket = async (identity) => `ws://${server.http}/v1/ws?token=${await server.token('a', identity, 'viewer')}`;

test('order_on_time gets the first of the stock', async () => {
  await directors.a.send('sale.announce', { title: 'Scarf', sku: 's', price_cents: 100, stock: 1, lead_ms: 2500, duration_ms: 20_000 });
  const run = example('order_on_time', await socket('olga'), 'a');
  assert.equal(await run.ended, 0);
  assert.equal(JSON.parse(run.output()).d.seq, 1);
});

test('push_to_cdn sees its target go live', async () => {
  const nginx = await startNginx();
  const run = example('push_to_cdn', server.url, 'a', nginx.url('key-1'), await server.token('a', 'alice', 'host'));
  assert.equal(await run.ended, 0);
  assert.match(run.output(), /"state":"live"/);
  assert.deepEqual(nginx.publishes, ['key-1']);
  await nginx.stop();
});

test('watch_a_battle follows score and result', async () => {
  const run = example('watch_a_battle', await socket('wim'), 'a');
  const pk = await battle(server, [directors.a, directors.b], ['a', 'b'], { seconds: 30 });
  const fan = await director(server, 'b', 'bob'); // a second device of the other host
  await waitFor('the battle to be seen', () => /battle "battling"/.test(run.output()));
  await fan.send('pk.end', { pk });
  assert.equal(await run.ended, 0);
  assert.match(run.output(), /result .*"winner":"a"/);
});
