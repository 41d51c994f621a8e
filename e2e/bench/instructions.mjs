// Instructions in user mode, counted by valgrind because virtual machines seldom have hardware counters. What is counted is a
// worker's own code (sfu/src/worker/rig.rs); each figure is the difference of two runs, so start-up and set-up cancel out. Valgrind
// shows programs an older processor, so AES runs without its widest form: counts compare commits, not machines.
import { execFileSync, spawnSync } from 'node:child_process';
import { root } from '../lib/machine.mjs';

/** Resolves to the figures. */
export async function instructions() {
  const program = rig();
  const count = (viewers, packets, rounds, reports = 0) => cachegrind(program, [viewers, packets, rounds, reports]);
  const between = (more, less, units) => (more - less) / units;
  const alone = { some: count(0, 8, 20), more: count(0, 8, 120) };
  const hundred = { some: count(100, 8, 10), more: count(100, 8, 30) };
  const twoHundred = { some: count(200, 8, 10), more: count(200, 8, 30) };
  const reported = { some: count(10, 8, 10, 100), more: count(10, 8, 10, 200) };
  const turnOf200 = between(twoHundred.more, twoHundred.some, 20);
  const turnOf100 = between(hundred.more, hundred.some, 20);
  return {
    'sfu.instructions.receive': between(alone.more, alone.some, 100 * 8),
    'sfu.instructions.forward': between(turnOf200, turnOf100, 100 * 8),
    'sfu.instructions.turn': turnOf200,
    'sfu.instructions.report': between(reported.more, reported.some, 10 * 100),
  };
}

/** Builds sfu's unit tests with optimisation; returns their program. */
function rig() {
  const output = execFileSync('cargo', ['test', '--release', '--locked', '-p', 'sfu', '--lib', '--no-run', '--message-format=json'],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 256 << 20 });
  const built = output.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  return built.find((message) => message.executable && message.target.name === 'sfu').executable;
}

function cachegrind(program, numbers) {
  const { stderr, status } = spawnSync('valgrind', ['--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null', program, '--ignored', '--exact', 'worker::rig::rounds'],
    { encoding: 'utf8', env: { ...process.env, LIANMAI_RIG: numbers.join(' ') } });
  const found = /I\s+refs:\s+([\d,]+)/.exec(stderr);
  if (status !== 0 || !found) throw new Error(`valgrind: ${stderr.slice(-500)}`);
  return Number(found[1].replaceAll(',', ''));
}
