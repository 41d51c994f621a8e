/** How long to wait before trying again: 0.2 s doubled each time, give or take 30 %, never over 10 s. */

const FIRST_MS = 200;
const MOST_MS = 10_000;
const SPREAD = 0.3;

/**
 * Returns the wait before attempt `attempt` (0 is the first), in ms.
 * @param {number} attempt
 * @param {() => number} [random] a number from 0 up to 1
 */
export function backoffMs(attempt, random = Math.random) {
  const base = FIRST_MS * 2 ** Math.min(attempt, 16);
  return Math.min(MOST_MS, base * (1 - SPREAD + 2 * SPREAD * random()));
}
