// Our own synthetic host as a process: pre-encoded media with an exact flash and beep.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { binary, media, scratch } from './machine.mjs';

/** Publishes `clip` (alice or bob) into `room` as its host until `stop()`. */
export const startClipHost = (server, room, clip) => startPerformer(server, room, { clip });

/** As above, perhaps as a guest with a name of its own; `say()` changes what is sent (load-tester/src/host.rs), `kill()` is a crash. */
export function startPerformer(server, room, { clip, identity = clip, guest = false }) {
  const words = ['host', '--url', server.url, '--room', room, '--clip', clip, '--identity', identity, ...(guest ? ['--guest'] : []), '--media', media];
  const child = spawn(binary('lianmai-load'), words, { stdio: ['pipe', 'ignore', process.env.E2E_LOG ? 'inherit' : 'ignore'] });
  // One that has ended takes no orders, which is nobody's fault.
  child.stdin.on('error', () => {});
  const exited = once(child, 'exit');
  return {
    identity,
    say(line) { child.stdin.write(`${line}\n`); },
    async stop() {
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
    },
    async kill() { child.kill('SIGKILL'); await exited; },
  };
}

/** Watches a room's program with a synthetic viewer; `stop()` resolves to what it counted. */
export function startWatcher(server, room) {
  const child = spawn(binary('lianmai-load'), ['watch', '--url', server.url, '--room', room, '--seconds', '300'], { stdio: ['ignore', 'pipe', process.env.E2E_LOG ? 'inherit' : 'ignore'] });
  let printed = '';
  child.stdout.on('data', (chunk) => { printed += chunk; });
  const exited = once(child, 'exit');
  return {
    async stop() {
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(timer);
      return JSON.parse(printed);
    },
  };
}

/** Runs `lianmai-load swarm` with its own publisher in a room of its own; resolves to its report (docs/TESTING.md). */
export function swarm(server, room, options) {
  return load('swarm', server, ['--room', room, '--publish', '--media', media], options, 90);
}

/** Runs `lianmai-load shop`; resolves to its report (docs/TESTING.md). */
export function shop(server, options, seconds) {
  return load('shop', server, [], options, seconds);
}

async function load(kind, server, words, options, seconds) {
  const json = join(scratch(kind), 'report.json');
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(binary('lianmai-load'), [kind, '--url', server.url, ...words, '--pid', String(server.pid), '--json', json, ...flags],
    { stdio: ['ignore', process.env.E2E_LOG ? 'inherit' : 'ignore', 'inherit'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1_000);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${kind} ended with ${code}`);
  return JSON.parse(readFileSync(json, 'utf8'));
}
