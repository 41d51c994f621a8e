// Runs the real `lianmai serve --dev` on free loopback ports, and asks it things.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { binary, freeUdpPort } from './machine.mjs';
import { waitFor } from './wait.mjs';

/** Starts a server. `env` overrides its environment, e.g. `LIANMAI_PROGRAM_FPS`; `config` is a file of settings; `prefix` are words that run it, e.g. `taskset`. */
export async function startServer({ env = {}, config, prefix = [] } = {}) {
  const args = ['serve', '--dev', '--http', '127.0.0.1:0', '--rtmp', '127.0.0.1:0', '--ops', '127.0.0.1:0',
    '--media-port', String(await freeUdpPort()), '--print-addresses', ...(config ? ['--config', config] : [])];
  const [program, ...words] = [...prefix, binary('lianmai'), ...args];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const log = [];
  createInterface({ input: child.stderr }).on('line', (line) => { log.push(line); if (process.env.E2E_LOG) console.error(line); });
  const exited = once(child, 'exit');

  const addresses = await firstJson(child, log);
  return {
    ...addresses, // http, rtmp, ops, media
    url: `http://${addresses.http}`,
    pid: child.pid,
    log,
    /** The pull URL of a room's program. */
    rtmpUrl: (room) => `rtmp://${addresses.rtmp}/live/${room}`,
    /** A development token. */
    async token(room, identity, role) {
      const response = await fetch(`http://${addresses.http}/v1/dev/token?room=${room}&identity=${identity}&role=${role}`);
      if (!response.ok) throw new Error(`no token: ${response.status}`);
      return (await response.json()).token;
    },
    /** One REST call; resolves to `{status, body, headers}` whatever the status. */
    async call(method, path, { token, body, type = 'application/json' } = {}) {
      const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(body !== undefined && { 'content-type': type }) };
      const response = await fetch(`http://${addresses.http}${path}`, { method, headers, body: typeof body === 'object' ? JSON.stringify(body) : body });
      const text = await response.text();
      let parsed = text;
      try { parsed = JSON.parse(text); } catch { /* not JSON */ }
      return { status: response.status, body: parsed, headers: response.headers };
    },
    /** One figure of /metrics, all labels added up. */
    async metric(name) {
      const text = await (await fetch(`http://${addresses.ops}/metrics`)).text();
      return text.split('\n').filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)))
        .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
    },
    /** Open file descriptors of the server. */
    openFiles: () => readdirSync(`/proc/${child.pid}/fd`).length,
    /** Pids of the mixers that this server started. */
    mixers: () => childrenOf(child.pid).filter((pid) => commandOf(pid).includes('lianmai-mixer')),
    /** Waits until a mixer runs and returns its pid. */
    mixer() { return waitFor('a mixer process', () => this.mixers()[0]); },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      const [code, signal] = await exited;
      clearTimeout(timer);
      return { code, signal };
    },
  };
}

async function firstJson(child, log) {
  const lines = createInterface({ input: child.stdout });
  const found = new Promise((resolve, reject) => {
    lines.on('line', (line) => { if (line.startsWith('{')) resolve(JSON.parse(line)); else log.push(line); });
    child.once('exit', (code) => reject(new Error(`lianmai ended with ${code}:\n${log.join('\n')}`)));
    setTimeout(() => reject(new Error(`lianmai printed no addresses:\n${log.join('\n')}`)), 15_000).unref();
  });
  return found;
}

function childrenOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number));
  } catch { return []; }
}

function commandOf(pid) {
  try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8'); } catch { return ''; }
}
