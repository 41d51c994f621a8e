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

/** An offer that is fine, to be spoilt in one place each. */
const OFFER = ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0 1', `a=fingerprint:sha-256 ${'AB:'.repeat(31)}CD`, 'a=setup:actpass',
  'a=ice-ufrag:abcd', 'a=ice-pwd:0123456789012345678901', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', 'a=sendrecv', 'a=rtcp-mux', 'a=rtpmap:111 opus/48000/2',
  'm=video 9 UDP/TLS/RTP/SAVPF 102', 'a=mid:1', 'a=sendrecv', 'a=rtcp-mux', 'a=rtpmap:102 H264/90000', 'a=fmtp:102 packetization-mode=1;profile-level-id=42e01f', ''].join('\r\n');
const more = (...lines) => `${OFFER}${lines.join('\r\n')}\r\n`;
const instead = (what, by) => OFFER.replace(what, by);

/** What a stranger with a token might try: sizes, numbers, characters that want to be echoed, lists without end. */
const HOSTILE = [
  more(...Array(20_000).fill('a=')), more(...Array(600).fill('a=ssrc:1 x:y')), more(`a=x:${'y'.repeat(60_000)}`), `${'v=0\r\n'.repeat(9_000)}`,
  more(...Array(40).fill('m=video 9 UDP/TLS/RTP/SAVPF 96')), more(`m=audio 9 UDP/TLS/RTP/SAVPF ${Array.from({ length: 5_000 }, (_, i) => i).join(' ')}`),
  instead('m=audio 9', 'm=audio 99999'), instead('m=audio 9', 'm=audio -1'), instead('m=audio 9', 'm=audio 9/4294967296'), instead('a=rtpmap:111', 'a=rtpmap:-111'),
  instead('a=rtpmap:111', 'a=rtpmap:99999999999999999999'), instead('a=mid:0', 'a=mid:0\ra=evil:1'), instead('a=mid:0', 'a=mid:\u0000\u2028a=evil:1'), instead('a=mid:0', `a=mid:${'9'.repeat(5_000)}`),
  instead('42e01f', '42e01f\ra=evil:1'), instead('42e01f', '\u{1F339}'), instead('UDP/TLS/RTP/SAVPF 111', 'UDP/TLS/\ra=evil:1 RTP/SAVPF 111'), instead('m=audio', 'm=\u202eoidua'),
  instead('ice-ufrag:abcd', `ice-ufrag:${'a'.repeat(60_000)}`), instead('ice-ufrag:abcd', 'ice-ufrag:\ra=evil:1'), instead('ice-pwd:0123456789012345678901', 'ice-pwd:'), instead('AB:', ''),
  instead('sha-256', 'md5'), instead('BUNDLE 0 1', `BUNDLE ${'0 '.repeat(20_000)}`), instead('actpass', 'actpass\r\na=setup:holdconn'), instead('packetization-mode=1', `packetization-mode=1${';x=y'.repeat(9_000)}`),
  more(`a=simulcast:send ${'h;'.repeat(20_000)}`, 'a=rid:h send'), more(`a=extmap:${'1'.repeat(400)} urn:x`, 'a=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid', 'a=extmap:255 urn:ietf:params:rtp-hdrext:sdes:mid'),
  more(...Array(400).fill('a=candidate:1 1 udp 1 ::ffff:169.254.169.254 80 typ host')), OFFER.replaceAll('\r\n', '\r'), OFFER.replaceAll('\r\n', '\n\n\n'), `\ufeff${OFFER}`,
];

test('hostile offers are refused or answered without an echo, by WHIP, WHEP and the JSON of SRS', async () => {
  const statuses = new Set();
  for (const [at, body] of HOSTILE.entries()) {
    // Each by a user of its own: nobody's pace may hide an answer. Only one may publish, so most of them play.
    const host = await server.token('a', 'alice', 'host');
    const viewer = await server.token('a', `eve${at}`, 'viewer');
    const answers = await Promise.all([
      ...(at % 2 ? [sdp(body, host)] : []),
      server.call('POST', '/v1/rooms/a/whep', { token: viewer, body, type: 'application/sdp' }),
      server.call('POST', '/rtc/v1/play/', { body: { streamurl: `webrtc://x/live/a?token=${viewer}`, sdp: body } }),
    ]);
    for (const { status, body: answer, headers } of answers) {
      statuses.add(status);
      const location = headers.get('location');
      if (location) assert.equal((await server.call('DELETE', location, { token: location.includes('/whip/') ? host : viewer })).status, 200);
      const text = typeof answer === 'string' ? answer : answer.sdp ?? '';
      assert.ok([200, 201, 400, 413, 422].includes(status), `${status} for ${JSON.stringify(body.slice(0, 200))}`);
      assert.ok(!/evil|\u0000|\u2028|\u202e/.test(text) && !/\r(?!\n)/.test(text) && text.length < 20_000, text.slice(0, 500));
    }
  }
  for (const status of [200, 201, 400, 422]) assert.ok(statuses.has(status), `${status} was never reached: ${[...statuses]}`);
});

test('a session is nobody else\'s, cannot be guessed, and hostile fragments leave it as it was', async () => {
  const vera = await server.token('a', 'vera', 'viewer');
  const mallory = await server.token('a', 'mallory', 'viewer');
  const { status, headers } = await server.call('POST', '/v1/rooms/a/whep', { token: vera, body: OFFER, type: 'application/sdp' });
  assert.equal(status, 201);
  const [location, etag] = [headers.get('location'), headers.get('etag')];
  const patch = async (token, body, condition = '*', type = 'application/trickle-ice-sdpfrag') => (await fetch(`${server.url}${location}`, {
    method: 'PATCH', headers: { authorization: `Bearer ${token}`, 'content-type': type, ...(condition && { 'if-match': condition }) }, body,
  })).status;

  assert.equal(await patch(mallory, 'a=mid:0\r\n'), 403);
  assert.equal((await server.call('DELETE', location, { token: mallory })).status, 403);
  for (const body of ['{}', 'a=ice-ufrag:x\r\n', `a=ice-ufrag:${'x'.repeat(300)}\r\na=ice-pwd:${'y'.repeat(300)}\r\n`, 'a=ice-ufrag:ab\u0000cd\r\na=ice-pwd:0123456789012345678901\r\n']) assert.equal(await patch(vera, body), 400, body.slice(0, 40));
  assert.equal(await patch(vera, 'a=x\r\n'.repeat(20_000)), 413);
  assert.equal(await patch(vera, OFFER, '*', 'application/sdp'), 415);
  assert.equal(await patch(vera, 'a=mid:0\r\n', null), 428);
  assert.equal(await patch(vera, 'a=mid:0\r\n', '"other"'), 412);
  assert.equal(await patch(vera, 'a=mid:0\r\n', etag), 204, 'the ICE session is still the first');
  const digit = location.at(-1) === '0' ? '1' : '0';
  assert.equal((await server.call('DELETE', location.slice(0, -1) + digit, { token: vera })).status, 404);
  assert.equal((await server.call('DELETE', location, { token: vera })).status, 200);
  assert.equal((await server.call('DELETE', location, { token: vera })).status, 404);
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
  await waitFor('peers to be gone', async () => (await server.metric('sfu_peers')) === 0, { seconds: 5 });
  const { code } = await server.stop();
  assert.equal(code, 0, 'and it ends cleanly');
});
