/**
 * Where each performer stands in the program, as fractions of the canvas: the same rule as
 * `media-rules/src/layout.rs`, so that name plates and the score bar sit where the mixer drew the faces.
 */

/** @typedef {{x: number, y: number, w: number, h: number}} Rect */

/** What lies lower than this is under the chat of a narrow page. */
const LOW = 0.7;
/** What lies higher than this is under the page's head. */
const HIGH = 0.08;

/**
 * Returns one rectangle for each of `count` performers, in drawing order.
 * @param {number} count
 * @returns {Rect[]}
 */
export function tiles(count) {
  if (count <= 0) return [];
  if (count === 1) return [{ x: 0, y: 0, w: 1, h: 1 }];
  // Two halves side by side leave room above for the score and below for the chat.
  if (count === 2) return [0, 1].map((column) => ({ x: column / 2, y: 0.125, w: 0.5, h: 0.5 }));

  const columns = count <= 6 ? 2 : 3;
  const rows = count <= 4 ? 2 : 3;
  return Array.from({ length: Math.min(count, columns * rows) }, (_, index) => ({
    x: (index % columns) / columns,
    y: Math.floor(index / columns) / rows,
    w: 1 / columns,
    h: 1 / rows,
  }));
}

/**
 * Returns where each feed stands in a layout as the server tells it; who is not seen is not in it.
 * @param {Pick<Wire.LayoutView, "canvas" | "tiles">} view
 * @returns {Map<string, Rect>}
 */
export function placesOf({ canvas, tiles: all }) {
  const seen = all.filter((tile) => tile.seen);
  return new Map(seen.map(({ feed, x, y, width, height }) => [feed, { x: x / canvas.width, y: y / canvas.height, w: width / canvas.width, h: height / canvas.height }]));
}

/**
 * Returns where in its tile a name is read on a narrow page too: at the foot, unless the chat lies there, and
 * at the head, unless the page's own head lies there.
 * @param {Rect} rect
 * @returns {"foot" | "head" | "below-head"}
 */
export function plateAt({ y, h }) {
  if (y + h <= LOW) return "foot";
  return y < HIGH ? "below-head" : "head";
}
