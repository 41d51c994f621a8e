// Bounded waiting: for a condition, never for luck.

/** Asks `probe` again and again until it answers something true; fails with `what` after `seconds`. */
export async function waitFor(what, probe, { seconds = 15, everyMs = 50 } = {}) {
  const deadline = Date.now() + seconds * 1000;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) { last = error; }
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s for ${what}; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
    await pause(everyMs);
  }
}

/** Lets `ms` pass: for measuring over a time, and for pacing a poll. */
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** The value below which a share `p` of `values` lies. */
export function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] : NaN;
}
