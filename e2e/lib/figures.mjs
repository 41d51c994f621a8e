// Figures that tests measure, printed and kept: those of `make bench` in target/bench/results.json for docs/BENCHMARKS.md,
// those of other runs (a development build, a busy machine) beside the screenshots.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, resolve } from 'node:path';
import { root } from './machine.mjs';

const file = resolve(root, process.env.LIANMAI_FIGURES ?? 'target/e2e/figures.json');
const machine = `${cpus().length} x ${cpus()[0].model.trim()}`;

/**
 * Notes figures under their names; rounds to a tenth, small ones to three digits that count. Each is kept with the commit, the
 * date and the machine that it was measured at, because a run measures a part and leaves the others as they were.
 */
export function note(figures) {
  mkdirSync(dirname(file), { recursive: true });
  let results = {};
  try { results = JSON.parse(readFileSync(file, 'utf8')); } catch { /* the first figure */ }
  const measured = { ...results.measured };
  const at = `${git('describe', '--always', '--dirty', '--exclude', '*')}, ${new Date().toISOString().slice(0, 16)}Z, ${machine}`;
  for (const [name, value] of Object.entries(figures)) {
    measured[name] = at;
    results[name] = Math.abs(value) < 10 ? Number(value.toPrecision(3)) : Math.round(value * 10) / 10;
    console.log(`figure ${name} = ${results[name]}`);
  }
  results.measured = measured;
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}

function git(...args) {
  try { return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim(); } catch { return 'unknown'; }
}
