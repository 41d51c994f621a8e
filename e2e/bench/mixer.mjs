// What a program costs and how late it is: `make bench ONLY=mixer`. The real `lianmai-mixer` is started, fed and read by
// mixer/benches/program, beside a plain GStreamer pipeline that makes the same program from the same packets; the two take turns,
// so that a slow minute of the machine hits both. Other measurements of the mixer live in e2e/bench/mixer/: each module there
// exports by default a function that resolves to figures.
//
// LIANMAI_MIXER_PARTS=cost,latency runs some parts only: cost idle sustain latency, and the names of those modules.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { note } from '../lib/figures.mjs';
import { root } from '../lib/machine.mjs';

const run = promisify(execFile);
const SECONDS = 10;
/** A run's turns: the median of three. */
const TURNS = 3;
/** Hosts' pictures go once through every phase to the program's in this time. */
const ALL_PHASES_S = 20;

const parts = {
  async cost() {
    const [ours, theirs] = [[], []];
    for (let turn = 0; turn < TURNS; turn++) {
      ours.push(await program('2x720', SECONDS));
      theirs.push(await program('2x720', SECONDS, 'yardstick'));
    }
    const median = middle(ours, (report) => report.cores);
    const yardstick = middle(theirs, (report) => report.cores);
    return {
      'mixer.cores_2x720': median.cores,
      ...Object.fromEntries(['decode', 'compose', 'encode', 'sound'].map((stage) => [`mixer.cores_${stage}`, median.stages[stage]])),
      'mixer.yardstick_cores_2x720': yardstick.cores,
      'mixer.ratio_to_gstreamer': median.cores / yardstick.cores,
    };
  },
  async idle() {
    const [without, withIdle] = [[], []];
    for (let turn = 0; turn < TURNS; turn++) {
      without.push(await program('2x720', 6));
      withIdle.push(await program('2x720+4', 6));
    }
    const cores = (reports) => middle(reports, (report) => report.cores).cores;
    return { 'mixer.idle_ratio': cores(withIdle) / cores(without) };
  },
  async sustain() {
    const [four, nine] = [await program('4x720', SECONDS), await program('9x360', SECONDS)];
    return {
      'mixer.fps_4x720': four.fps,
      'mixer.cores_4x720': four.cores,
      'mixer.fps_9x360': nine.fps,
      'mixer.cores_9x360': nine.cores,
    };
  },
  async latency() {
    const free = await program('2x720', ALL_PHASES_S, 'watch');
    const busy = await program('2x720', ALL_PHASES_S, 'watch', 'load=0.8');
    return {
      'mixer.added_free_p50_ms': free.added_p50_ms,
      'mixer.added_free_p95_ms': free.added_p95_ms,
      'mixer.added_p50_ms': busy.added_p50_ms,
      'mixer.added_p95_ms': busy.added_p95_ms,
      'mixer.added_busy_percent': 100 * busy.machine_busy,
    };
  },
};
const folder = join(import.meta.dirname, 'mixer');
for (const file of existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.mjs')) : []) {
  const { default: measure } = await import(join(folder, file));
  if (typeof measure === 'function') parts[file.slice(0, -4)] = measure;
}

/** Runs one program; resolves to what it printed. */
async function program(...words) {
  const { stdout } = await run(bench(), words.map(String), { maxBuffer: 16 << 20 });
  const report = JSON.parse(stdout.trim().split('\n').at(-1));
  const stages = Object.entries(report.stages).map(([stage, cores]) => `${stage} ${cores.toFixed(3)}`).join(', ');
  console.log(`${words.join(' ')}: ${report.cores.toFixed(3)} cores (${stages}), ${report.fps.toFixed(2)} fps, ${report.kbps.toFixed(0)} kbit/s, machine ${(100 * report.machine_busy).toFixed(0)} % busy`
    + (report.seen ? `, added p50 ${report.added_p50_ms.toFixed(1)} p95 ${report.added_p95_ms.toFixed(1)} ms (${report.seen})` : ''));
  return report;
}

let built;
/** Builds the measuring program and `lianmai-mixer` beside it, once; returns its path. */
function bench() {
  if (!built) {
    const output = execFileSync('cargo', ['bench', '--locked', '-p', 'mixer', '--bench', 'program', '--no-run', '--message-format=json'],
      { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 256 << 20 });
    const messages = output.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
    built = messages.find((message) => message.executable && message.target.kind.includes('bench')).executable;
  }
  return built;
}

/** The report whose figure is the middle one. */
function middle(reports, figure) {
  return reports.toSorted((a, b) => figure(a) - figure(b))[Math.floor(reports.length / 2)];
}

let failed = false;
for (const part of (process.env.LIANMAI_MIXER_PARTS || Object.keys(parts).join(',')).split(',')) {
  try {
    note(await parts[part]());
  } catch (error) {
    // One part that cannot be measured does not cost the others.
    console.error(`bench: mixer ${part}: ${error.message}`);
    failed = true;
  }
}
process.exit(failed ? 1 : 0);
