// Goal: whatever a stranger sends is answered with a clear error or ignored, the server goes on, nothing leaks.
// Method: the real server, raw sockets; peers and open files are counted before and after.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { createHmac, randomBytes } from 'node:crypto';
import WebSocket from 'ws';
import { Member } from '../lib/member.mjs';
import { startServer } from '../lib/server.mjs';
import { createRoom } from '../lib/stage.mjs';
import { waitFor } from '../lib/wait.mjs';

let server;
let filesAtStart;
before(async () => {
  server = await startServer();
  await createRoom(server, 'a', 'alice');
  filesAtStart = server.openFiles();
});
after(() => server.stop());

/** A token signed with the secret that `--dev` is documented to use. */
function sign(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${createHmac('sha256', 'lianmai-dev-secret-known-to-everybody').update(text).digest('base64url')}`;
}

const sdp = (body, token) => server.call('POST', '/v1/rooms/a/whip', { token, body, type: 'application/sdp' });

test('a wrong, foreign or expired token is turned away', async () => {
  assert.equal((await server.call('POST', '/v1/rooms', { token: 'x.y.z', body: { room: 'a' } })).status, 401);
  assert.equal((await server.call('POST', '/v1/rooms', { body: { room: 'a' } })).status, 401);
  assert.equal((await sdp('v=0', await server.token('b', 'eve', 'host'))).status, 403);
  const claims = { iss: 'dev', sub: 'old', video: { room: 'a', roomJoin: true }, role: 'viewer', nbf: 1, exp: Math.floor(Date.now() / 1000) - 120 };
  const expired = await server.call('POST', '/v1/rooms/a/whep', { token: sign(claims), body: 'v=0', type: 'application/sdp' });
  assert.deepEqual([expired.status, expired.body.code], [401, 'TOKEN_EXPIRED']);
});

test('an unknown room is 404', async () => {
  const token = await server.token('nowhere', 'bob', 'viewer');
  const answer = await server.call('POST', '/v1/rooms/nowhere/whep', { token, body: 'v=0', type: 'application/sdp' });
  assert.deepEqual([answer.status, answer.body.code], [404, 'ROOM_NOT_FOUND']);
  assert.equal((await server.call('GET', '/v1/rooms/nowhere')).status, 404);
});

test('a malformed offer is 400, another type 415, a huge one 413', async () => {
  const token = await server.token('a', 'alice', 'host');
  for (const body of ['', 'hello', 'v=0\r\nm=video', `v=0\r\n${'a=x\r\n'.repeat(3000)}`]) assert.equal((await sdp(body, token)).status, 400, body.slice(0, 20));
  assert.equal((await server.call('POST', '/v1/rooms/a/whip', { token, body: 'v=0', type: 'text/plain' })).status, 415);
  assert.equal((await sdp('v'.repeat(70_000), token)).status, 413);
  assert.equal((await server.call('POST', '/v1/rooms', { token, body: { room: 'a', title: 'x'.repeat(20_000) } })).status, 413);
});

test('invalid JSON is answered, a 1 MB frame ends the socket', async () => {
  const member = await Member.join(server, 'a', 'mallory', 'viewer');
  member.raw('{not json');
  await member.event('err', (_, event) => event.code === 'BAD_REQUEST');
  await assert.rejects(member.send('no.such.thing'), { code: 'BAD_REQUEST' });
  member.raw('x'.repeat(1 << 20));
  await waitFor('the socket to be closed', () => member.closed === 1009);

  const stranger = new WebSocket(`ws://${server.http}/v1/ws?token=nonsense`);
  const [response] = await once(stranger, 'error');
  assert.match(String(response), /401/);
});

test('garbage on the media port is counted and ignored', async () => {
  const socket = createSocket('udp4');
  const [address, port] = server.media[0].split(':');
  for (let i = 0; i < 500; i++) socket.send(randomBytes(1 + (i * 7) % 1400), Number(port), address);
  await waitFor('the garbage to be counted', async () => (await server.metric('sfu_garbage_datagrams_total')) > 0);
  socket.close();
});

test('half-open RTMP handshakes are cut', async () => {
  const [host, port] = server.rtmp.split(':');
  const sockets = Array.from({ length: 20 }, () => connect(Number(port), host));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  sockets.forEach((socket, i) => { if (i % 2) socket.write(Buffer.from([3, 1, 2, 3])); socket.on('error', () => {}); socket.resume(); });
  await Promise.all(sockets.map((socket) => once(socket, 'close', { signal: AbortSignal.timeout(12_000) })));
});

test('the server still serves, and peers and open files are back where they were', async () => {
  assert.equal((await server.call('GET', '/v1/rooms/a')).status, 200);
  await waitFor('open files to be back', () => server.openFiles() <= filesAtStart, { seconds: 20 });
  assert.equal(await server.metric('sfu_peers'), 0);
  const { code } = await server.stop();
  assert.equal(code, 0, 'and it ends cleanly');
});
