// How far apart in the program are what two hosts did at one moment, and lips and voices. One host has 150 ms more network delay
// than the other; the test behind it also shows that faults of 200 ms are seen as such (mixer/tests/program/sync.rs).
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { root } from '../../lib/machine.mjs';

const FIGURE = /^(mixer\.\w+) ([\d.]+)$/gm;

export default async function sync() {
  const { stdout } = await promisify(execFile)(
    'cargo', ['test', '--locked', '-p', 'mixer', '--test', 'program', '--', '--nocapture', 'sync::'], { cwd: root, maxBuffer: 64 << 20 },
  );
  const figures = Object.fromEntries([...stdout.matchAll(FIGURE)].map(([, name, value]) => [name, Number(value)]));
  for (const name of ['mixer.host_skew_ms', 'mixer.lipsync_ms']) {
    if (!(name in figures)) throw new Error(`the test does not print ${name}`);
  }
  return figures;
}
