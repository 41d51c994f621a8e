/** A battle of two rooms or more, in numbers that the pages draw. Pure. */

/** Nobody's part of the bar is less than this. */
const LEAST = 0.08;

/**
 * Returns the rooms of a battle in the order of the picture with their points and their part of the score bar.
 * @param {Wire.Battle} battle
 * @returns {{room: string, points: number, share: number, isOut: boolean}[]}
 */
export function standing({ rooms, scores, sides }) {
  const isOut = (/** @type {string} */ room) => sides?.some((side) => side.room === room && side.state === "out") ?? false;
  const points = rooms.map((room) => scores[room] ?? 0);
  const all = points.reduce((sum, one) => sum + one, 0);
  const spare = 1 - LEAST * rooms.length;
  return rooms.map((room, at) => {
    const own = points[at] ?? 0;
    return { room, points: own, share: all === 0 ? 1 / rooms.length : LEAST + spare * (own / all), isOut: isOut(room) };
  });
}

/**
 * Returns by how much a coin counts now: more in the last seconds, where that was agreed.
 * @param {Pick<Wire.Battle, "rush">} battle
 * @param {number} now room time
 */
export function factorAt({ rush }, now) {
  return rush && now >= rush.from ? rush.factor : 1;
}
