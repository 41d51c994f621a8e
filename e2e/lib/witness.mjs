// What the machine took away while we measured. Virtual machines (those of CI above all) stand still for a tenth of a second now and
// then; a gap while nobody was given any time is not a gap of the program, and this tells one from the other.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { binary } from './machine.mjs';

/** Waiting for a core that is merely busy takes no longer, in ms; every bar has room for it. */
const BUSY_MS = 20;

/**
 * Watches until it is asked: `gapAllowed(bar)` resolves to `bar` ms and, on top of it, the longest time that a thread was kept waiting
 * which wanted next to nothing. The witness has a session of its own and the rank of a mixer's (sched(7), autogroup), so other programs'
 * work is no excuse where the machine allows that.
 */
export function startWitness() {
  const child = spawn(binary('lianmai-load'), ['witness'], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  try { writeFileSync(`/proc/${child.pid}/autogroup`, '-20'); } catch { /* not allowed to mixers either */ }
  let said = '';
  child.stdout.on('data', (chunk) => { said += chunk; });
  // A test that fails does not ask: nobody waits for the witness, and it ends when its input does.
  const all = [child, child.stdin, child.stdout];
  for (const one of all) one.unref();
  return {
    async gapAllowed(bar) {
      for (const one of all) one.ref();
      child.stdin.end();
      await once(child, 'close');
      const stoodStill = JSON.parse(said);
      if (stoodStill <= BUSY_MS) return bar;
      console.log(`this machine kept a thread waiting for ${stoodStill} ms`);
      return bar + stoodStill;
    },
  };
}
