// A real TURN server (Debian's coturn) on loopback, with time-limited credentials made of a shared secret.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freeTcpPort, freeUdpPort, scratch } from './machine.mjs';
import { waitFor } from './wait.mjs';

/** Starts coturn. It relays to loopback too, which only a test wants. */
export async function startCoturn() {
  const [port, first] = [await freeTcpPort(), await freeUdpPort(20)];
  const secret = 'a secret of this test';
  const folder = scratch('coturn');
  const args = ['-n', '--listening-ip=127.0.0.1', `--listening-port=${port}`, '--relay-ip=127.0.0.1', `--min-port=${first}`, `--max-port=${first + 19}`,
    '--use-auth-secret', `--static-auth-secret=${secret}`, '--realm=lianmai.test', '--fingerprint', '--allow-loopback-peers', '--no-tls', '--no-dtls', '--no-cli',
    '--no-rfc5780', '--log-file=stdout', '--simple-log', `--pidfile=${join(folder, 'pid')}`, `--userdb=${join(folder, 'db')}`];
  const child = spawn('turnserver', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { log.push(String(text)); if (process.env.E2E_LOG) process.stderr.write(text); });
  const exited = once(child, 'exit');
  await waitFor('coturn to listen', () => new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
    socket.once('error', reject);
  }));
  return {
    port, secret, log,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
    },
  };
}
