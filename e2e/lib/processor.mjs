// What processes have computed, from /proc.
import { readFileSync } from 'node:fs';
import { pause } from './wait.mjs';

/** Kernel ticks in a second, as processes are counted in (proc(5)); the same on every Linux that we run on. */
const TICKS_A_SECOND = 100;

/** Seconds of processor time of these processes so far, together. */
export const cpuSeconds = (pids) => pids.reduce((sum, pid) => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}, 0);

/** How many cores these processes keep busy for so long, on average. */
export async function cores(pids, seconds) {
  const [before, began] = [cpuSeconds(pids), performance.now()];
  await pause(seconds * 1000);
  return (cpuSeconds(pids) - before) / ((performance.now() - began) / 1000);
}
