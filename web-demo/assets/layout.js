/**
 * Where each performer stands in the program, as fractions of the canvas: the same rule as
 * `media-rules/src/layout.rs`, so that name plates and the score bar sit where the mixer drew the faces.
 */

/** @typedef {{x: number, y: number, w: number, h: number}} Rect */

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

  const side = count <= 4 ? 2 : 3;
  return Array.from({ length: Math.min(count, side * side) }, (_, index) => ({
    x: (index % side) / side,
    y: Math.floor(index / side) / side,
    w: 1 / side,
    h: 1 / side,
  }));
}
