// Goal: the API does what its own document says, whoever asks: no 500, no answer that the document does not know.
// Method: schemathesis makes requests of /v1/openapi.json, good ones and bad ones, against a real server; then the Python example.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { root } from '../lib/machine.mjs';
import { startServer } from '../lib/server.mjs';

const outside = (name) => join(root, 'target/outside/bin', name);
let server; let token;
before(async () => {
  server = await startServer();
  token = await server.token('a', 'ada', 'admin');
  assert.equal((await server.call('POST', '/v1/rooms', { token, body: { room: 'a' } })).status, 201);
});
after(() => server?.stop());

/** Runs a program to its end within `seconds`; resolves to its exit code and output. */
async function run(program, args, seconds) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: join(root, 'target') });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { output += chunk; });
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  return { code, output };
}

test('whatever the document allows is answered as it says', async () => {
  const { code, output } = await run(outside('schemathesis'), [
    '--config-file', join(root, 'e2e/outside/schemathesis.toml'), 'run', `${server.url}/v1/openapi.json`, '--url', server.url, '-H', `Authorization: Bearer ${token}`, '--seed', '20261122', '--max-examples', '8',
    // Ending the room would leave nothing to ask; SDP is no business of a tool that knows JSON.
    ...['endRoom', 'publish', 'play', 'patchPublisher', 'patchPlayer'].flatMap((id) => ['--exclude-operation-id', id]),
    '--phases', 'examples,coverage,fuzzing', '--no-color', '--max-time', '14',
    '--checks', 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance',
  ], 58);
  assert.equal(code, 0, output.slice(-6000));
  assert.match(output, /passed/);
}, { timeout: 70_000 });

test('the Python client opens a room, sells, breaks off, comes back and orders', async () => {
  const { code, output } = await run(outside('python'), [join(root, 'examples/shop.py'), server.url], 40);
  assert.equal(code, 0, output);
  for (const line of ['room 201', 'said True', 'sale 200 and the same again: True', 'resumed True', 'order 1 left 0', 'too late: SOLD_OUT']) {
    assert.ok(output.includes(line), `no "${line}" in ${output}`);
  }
});
