// What the tests need of this machine: our binaries, free ports, a scratch folder.
import { createSocket } from 'node:dgram';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const media = process.env.LIANMAI_MEDIA_DIR ?? join(root, 'target/media');

/** The path of one of our programs. */
export const binary = (name) => join(process.env.LIANMAI_BIN_DIR ?? join(root, 'target/debug'), name);

/** A fresh folder of this test's own. */
export const scratch = (name) => mkdtempSync(join(tmpdir(), `lianmai-${name}-`));

/** A TCP port that nobody listens on. */
export async function freeTcpPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** The first of a few neighbouring free UDP ports; the same number is free for TCP, too. */
export async function freeUdpPort(neighbours = 4) {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 20_000);
    const sockets = [];
    try {
      for (let i = 0; i < neighbours; i++) sockets.push(await bind(first + i));
      sockets.push(await listen(first));
      return first;
    } catch { /* taken: try others */ } finally {
      await Promise.all(sockets.map((socket) => new Promise((done) => socket.close(done))));
    }
  }
  throw new Error('no free UDP ports');
}

function listen(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function bind(port) {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(port, '127.0.0.1', () => resolve(socket));
  });
}
