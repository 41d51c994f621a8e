// What fanning out costs, by the release build: `make bench ONLY=sfu`. The server runs on one core with one media worker, the
// publisher and the viewers (`lianmai-load swarm`) on the other, so both are alone with their work; the floor (`lianmai-floor`) is
// measured in the same way on the same clip by turns with it, and Janus right after. Figures go where e2e/lib/figures.mjs puts them.
//
// LIANMAI_SFU_PARTS=cost,floor runs some parts only: cost floor janus linear latency hot join ttff instructions.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { note } from '../lib/figures.mjs';
import { binary, media } from '../lib/machine.mjs';
import { startServer } from '../lib/server.mjs';
import { instructions } from './instructions.mjs';
import { ttff } from './ttff.mjs';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'lianmai-sfu-'));
const VIEWERS = 200;
/** How often server and floor are measured by turns, an odd number, and for how long each. */
const TURNS = 5;
const TURN_SECONDS = 8;
/** Viewers of the series that shows how the cost grows. */
const SERIES = [50, 100, 200, 500, 1000];
/** What the server may use while its latency is measured. */
const BUSY_CORES = 0.7;
/** Rooms that share the server meanwhile, and what each of their viewers gets. */
const ROOMS = 20;
const PACKETS_A_SECOND = 258;
/** Milliseconds between two keyframes of the clip; over so long the rooms come up. */
const KEYFRAMES_MS = 2_000;
/** Viewers of the one room that one and two workers share. */
const HOT_VIEWERS = 600;
/** Viewers that Janus is given, until it does not deliver any more. */
const JANUS_VIEWERS = '25,50,75,100,150,200';

const parts = {
  /**
   * The server and the floor by turns: the machine's speed wavers by a tenth from one ten seconds to the next, so a ratio is taken
   * of two figures that were measured right behind one another, and the median of several such pairs is told.
   */
  async cost(known) {
    const pairs = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const { server } = await swarm(VIEWERS, { seconds: TURN_SECONDS });
      pairs.push({ server, floor: await measureFloor(TURN_SECONDS) });
    }
    const ratios = pairs.map(({ server, floor }) => server.us_per_packet / floor.us_per_packet);
    known.cost = median(pairs.map(({ server }) => server.us_per_packet));
    note({
      'sfu.us_per_packet': known.cost,
      'sfu.floor_us_per_packet': median(pairs.map(({ floor }) => floor.us_per_packet)),
      'sfu.ratio_to_floor': median(ratios),
      'sfu.ratio_to_floor_min': Math.min(...ratios),
      'sfu.ratio_to_floor_max': Math.max(...ratios),
      'sfu.packets_per_core_s': 1e6 / known.cost,
      'sfu.kb_per_viewer': median(pairs.map(({ server }) => server.kb_per_viewer)),
    });
  },
  async floor() {
    note({ 'sfu.floor_flat_out_us_per_packet': (await measureFloor(4, '--flat-out')).us_per_packet });
  },
  async janus(known) {
    const compared = await load(['compare', '--counts', JANUS_VIEWERS, '--server-prefix', onCore(0).join(' ')]);
    const { us_per_packet: theirs } = compared.janus.server;
    note({
      'sfu.janus_us_per_packet': theirs,
      'sfu.janus_viewers': compared.janus_sustained_viewers,
      'sfu.ratio_of_janus_same_viewers': compared.us_per_packet_ratio,
    });
    if (known.cost) note({ 'sfu.ratio_of_janus': known.cost / theirs });
  },
  async linear() {
    const costs = [];
    for (const viewers of SERIES) {
      const report = await swarm(viewers, { seconds: 8 });
      costs.push(report.server.cpu_s / report.steady.seconds / viewers);
      note({ [`sfu.core_percent_${viewers}_viewers`]: 100 * report.server.cores });
    }
    // Per viewer, against the 200 that the cost is given for: 1 is a straight line.
    note({ 'sfu.linear_worst_ratio': Math.max(...costs.slice(2).map((cost) => cost / costs[2])) });
  },
  async latency(known) {
    // Many rooms, as a server has them: one room's picture goes to all its viewers at once, so a core that is 70 % busy with one
    // room alone is busy for 70 % of the time between two pictures, whatever it does.
    const perViewer = (known.cost ?? 1.75) * 1e-6 * PACKETS_A_SECOND;
    let viewers = Math.round(BUSY_CORES / perViewer / ROOMS);
    let figures = await busyRooms(viewers);
    // A viewer among many costs less than one of 200, so the first guess falls short of the share that is asked for.
    const used = figures['sfu.forward_core_percent'] / 100;
    if (used < BUSY_CORES - 0.01) {
      viewers = Math.ceil((viewers * BUSY_CORES) / used);
      figures = await busyRooms(viewers);
    }
    note(figures);
  },
  async hot() {
    // One room on both cores, its viewers on one media worker or dealt out to two. The testers need the cores, too.
    for (const workers of [1, 2]) {
      const server = await startServer({ env: { LIANMAI_MEDIA_WORKERS: String(workers) }, prefix: undisturbed([], 2) });
      try {
        const settled = 2 + HOT_VIEWERS / 100;
        const running = load(['swarm', '--url', server.url, '--publish', '--viewers', HOT_VIEWERS, '--settle', 2, '--seconds', 10, '--pid', server.pid],
          'hot.json', undisturbed([]));
        await sleep(1_000 * (settled + 3));
        const classes = await forwardedWithin(server, 6_000);
        const report = await running;
        note({
          [`sfu.hot_us_per_packet_${workers}_workers`]: report.server.us_per_packet,
          [`sfu.hot_forward_p99_ms_${workers}_workers`]: percentile(classes, 0.99),
          [`sfu.hot_delivered_percent_${workers}_workers`]: 100 * report.steady.delivered_ratio,
        });
      } finally {
        await server.stop();
      }
    }
  },
  async join() {
    const report = await swarm(1_000, { seconds: 5, extra: ['--settled', 100, '--within', 5], first: true });
    note({
      'sfu.join_p99_ms': report.joins.first_packet_ms.p99,
      'sfu.join_picture_p99_ms': report.joins.first_keyframe_ms.p99,
      'sfu.joined': report.joins.watching,
      'sfu.join_others_silence_ms': report.settled.silence_ms.max,
      'sfu.join_others_lost': report.settled.lost,
    });
  },
  ttff,
  async instructions() {
    note(await instructions());
  },
};

/** What forwarding takes while `viewers` watch each of the rooms. */
async function busyRooms(viewers) {
  const server = await startServer({ env: { LIANMAI_MEDIA_WORKERS: '1' }, prefix: undisturbed(onCore(0)) });
  try {
    // Hosts have nothing to do with one another. All play the same clip, and started together they would send each of its
    // keyframes at the same moment for ever, so each room comes up at a moment of its own within the clip's interval. How many
    // keyframes fall together makes the 99th percentile, so the moments are drawn once and are the same in every run.
    const moments = drawn(ROOMS);
    const rooms = Array.from({ length: ROOMS }, async (_, room) => {
      await sleep(moments[room] * KEYFRAMES_MS);
      return load(['swarm', '--url', server.url, '--publish', '--room', `load${room}`, '--viewers', viewers,
        '--join-rate', 20, '--settle', 3, '--seconds', 10, '--pid', server.pid], `room${room}.json`, undisturbed(onCore(1)));
    });
    // From the middle of the measured seconds; the server itself says how late it was, so a tester that shares the machine
    // with other work does not count as its latency.
    await sleep(1_000 * (viewers / 20 + 5) + KEYFRAMES_MS);
    const classes = await forwardedWithin(server, 7_000);
    const reports = await Promise.all(rooms);
    const worst = (pick) => Math.max(...reports.map(pick));
    const testers = reports.reduce((sum, report) => sum + report.tester.cores, 0);
    console.log(`${viewers * ROOMS} viewers in ${ROOMS} rooms: tester ${(100 * testers).toFixed(0)} %, p99 by room ${reports.map((report) => report.latency_ms.p99.toFixed(1)).join(' ')}`);
    return {
      'sfu.forward_viewers': viewers * ROOMS,
      'sfu.forward_core_percent': 100 * worst((report) => report.server.cores),
      'sfu.forward_p50_ms': percentile(classes, 0.5),
      'sfu.forward_p99_ms': percentile(classes, 0.99),
      'sfu.forward_seen_p50_ms': worst((report) => report.latency_ms.p50),
      'sfu.forward_seen_p99_ms': worst((report) => report.latency_ms.p99),
      'sfu.forward_delivered_percent': -100 * worst((report) => -report.steady.delivered_ratio),
    };
  } finally {
    await server.stop();
  }
}

/** Fans the clip out to so many viewers; resolves to the report of `lianmai-load`. */
async function swarm(viewers, { seconds, rate = 100, extra = [], first = false } = {}) {
  const place = (core) => (first ? undisturbed(onCore(core)) : onCore(core));
  const server = await startServer({ env: { LIANMAI_MEDIA_WORKERS: '1' }, prefix: place(0) });
  try {
    const pace = extra.includes('--within') ? [] : ['--join-rate', rate];
    const report = await load(['swarm', '--url', server.url, '--publish', '--viewers', viewers, '--seconds', seconds, '--pid', server.pid, ...pace, ...extra], 'report.json', place(1));
    const { server: cost, steady } = report;
    console.log(`${viewers} viewers: ${(100 * cost.cores).toFixed(1)} % of a core, ${cost.us_per_packet.toFixed(3)} us a packet, ${steady.packets_per_viewer_s.toFixed(1)} packets/s each, `
      + `${(100 * steady.delivered_ratio).toFixed(2)} % delivered, p99 ${report.latency_ms.p99.toFixed(1)} ms, ${cost.kb_per_viewer.toFixed(1)} kB each, tester ${(100 * report.tester.cores).toFixed(0)} %`);
    return report;
  } finally {
    await server.stop();
  }
}

async function load(args, file = 'report.json', prefix = onCore(1)) {
  const json = join(folder, file);
  const [program, ...words] = [...prefix, binary('lianmai-load'), ...args.map(String), '--media', media, '--json', json];
  await run(program, words, { maxBuffer: 64 << 20 });
  return JSON.parse(readFileSync(json, 'utf8'));
}

/** How late the server has sent packets on: pairs of milliseconds and packets not later than that, by class. */
async function forwarded(server) {
  const text = await (await fetch(`http://${server.ops}/metrics`)).text();
  const found = [...text.matchAll(/^sfu_forwarded_total\{within_ms="(\w+)"\} (\d+)/gm)];
  return found.map(([, end, count]) => [end === 'more' ? 1_000 : Number(end), Number(count)]).sort(([a], [b]) => a - b);
}

/** The same for the packets of the next so many milliseconds. */
async function forwardedWithin(server, ms) {
  const before = new Map(await forwarded(server));
  await sleep(ms);
  return (await forwarded(server)).map(([end, count]) => [end, count - (before.get(end) ?? 0)]);
}

/** The value below which a share of the packets lies, even within each class. */
function percentile(classes, share) {
  let [rest, start] = [classes.reduce((sum, [, count]) => sum + count, 0) * share, 0];
  for (const [end, count] of classes) {
    if (count >= rest) return start + (end - start) * rest / Math.max(1, count);
    [rest, start] = [rest - count, end];
  }
  return start;
}

async function measureFloor(seconds, ...extra) {
  const clip = ['--video', join(media, 'film.h264'), '--audio', join(media, 'film.ogg'), '--viewers', String(VIEWERS)];
  const [program, ...words] = [...onCore(0), binary('lianmai-floor'), 'send', ...clip, '--seconds', String(seconds), '--sink-prefix', onCore(1).join(' '), ...extra];
  const floor = JSON.parse((await run(program, words)).stdout);
  console.log(`floor: ${floor.us_per_packet.toFixed(3)} us a packet, ${(floor.packets / floor.seconds / VIEWERS).toFixed(1)} packets/s each`);
  return floor;
}

/** So many numbers between 0 and 1, always the same (Lehmer's generator). */
function drawn(count) {
  let state = 20_261_122;
  return Array.from({ length: count }, () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647);
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** What runs a program on one core; nothing on a machine with a single one. */
function onCore(core) {
  const has = cpus().length > 1 && spawnSync('taskset', ['--version']).status === 0;
  return has ? ['taskset', '-c', String(core)] : [];
}

/**
 * Runs a program before everything else on its core, those of lower `rank` too. What is measured is how long the server keeps a
 * packet; a compiler that has the core for 3 ms when the packet comes would be measured with it. Not everybody may do that.
 */
function undisturbed(prefix, rank = 1) {
  const first = ['chrt', '--rr', String(rank)];
  const may = spawnSync(first[0], [...first.slice(1), 'true']).status === 0;
  return may ? [...first, ...prefix] : prefix;
}

const wanted = (process.env.LIANMAI_SFU_PARTS || Object.keys(parts).join(',')).split(',');
const known = {};
let failed = 0;
for (const part of wanted) {
  try {
    await parts[part](known);
  } catch (error) {
    // One part that cannot be measured does not cost the others.
    console.error(`bench: ${part}: ${error.message}`);
    failed++;
  }
}
process.exit(failed ? 1 : 0);
