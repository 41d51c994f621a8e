// A bad network between a browser and whoever it talks to: `lianmai-load wire` as a process.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { binary } from './machine.mjs';

/**
 * A network does not wait for this machine's processor, so a wire runs before everything else where that is allowed: what it delays
 * beyond what it is told looks like a queue to whoever measures the path.
 */
const FIRST = spawnSync('chrt', ['--rr', '1', 'true']).status === 0 ? ['chrt', '--rr', '1'] : [];

/** Starts a wire that leads `to` an address ("127.0.0.1:7882"). `set`: its lines to begin with (load-tester/src/wire/line.rs). */
export async function startWire(to, { seed = 1, set = [] } = {}) {
  const args = ['wire', '--to', to, '--seed', String(seed), ...set.flatMap((line) => ['--set', line])];
  const [program, ...words] = [...FIRST, binary('lianmai-load'), ...args];
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  // Its standard input ends with this process, and it with that: a test that fails before `stop` leaves nothing behind.
  child.unref();
  child.stdin.unref();
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { listen } = JSON.parse((await answers.next()).value);
  child.stdout.unref();
  return {
    port: Number(listen.split(':').pop()),
    /** Changes the network for what comes from now on. */
    set(...lines) { for (const line of lines) child.stdin.write(`${line}\n`); },
    /** What happened so far, by direction and class. */
    async stats() {
      child.stdout.ref();
      child.stdin.write('stats\n');
      const { value } = await answers.next();
      child.stdout.unref();
      return JSON.parse(value);
    },
    async stop() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** The UDP address that an SDP leads to by IPv4. */
export function addressIn(sdp) {
  const found = /^a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host/im.exec(sdp);
  if (!found) throw new Error(`no IPv4 candidate in:\n${sdp}`);
  return `${found[1]}:${found[2]}`;
}

/** The same SDP, leading only to a wire at `port`. Without a port it leads nowhere: the other side has to come first. */
export function throughWire(sdp, port) {
  const lines = sdp.split('\r\n').filter((line) => !/^a=(candidate|end-of-candidates)/.test(line));
  if (port) {
    const candidate = `a=candidate:1 1 udp 2130706431 127.0.0.1 ${port} typ host`;
    for (let i = lines.length - 1; i >= 0; i--) if (lines[i].startsWith('m=')) lines.splice(lines.findIndex((l, at) => at > i && l.startsWith('a=mid:')) + 1, 0, candidate);
  }
  return lines.join('\r\n');
}

/** Puts wires behind the answers of every WHIP or WHEP request of a page, a new one after each restart of ICE; `onWire` gets each. */
export async function routeThroughWires(page, way, options, onWire) {
  await page.route((url) => new RegExp(`/${way}(/[^/]+)?$`).test(url.pathname), async (route) => {
    if (!['POST', 'PATCH'].includes(route.request().method())) return route.continue();
    const response = await route.fetch();
    if (![200, 201].includes(response.status())) return route.fulfill({ response });
    const sdp = await response.text();
    const wire = await startWire(addressIn(sdp), options);
    onWire(wire);
    return route.fulfill({ response, body: throughWire(sdp, wire.port) });
  });
}
