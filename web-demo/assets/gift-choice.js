/**
 * Which gift is chosen, how many, and the combo that goes on while one keeps pressing. Pure: the panel draws it.
 */

/** Gifts on one page of the panel: two rows of four. */
export const PAGE = 8;

/** How many one can give at once; lucky numbers, as gift panels have them. */
export const QUANTITIES = [1, 10, 66, 99, 188, 520, 1314];

/** A combo ends after this pause; docs/PROTOCOL.md, section 12. */
export const COMBO_MS = 3_000;

/**
 * Cuts the catalogue into pages, in its order.
 * @template T
 * @param {T[]} gifts
 * @returns {T[][]}
 */
export function pagesOf(gifts) {
  return Array.from({ length: Math.ceil(gifts.length / PAGE) }, (_, page) => gifts.slice(page * PAGE, (page + 1) * PAGE));
}

/** Counts what one gives of one gift to one room without a pause. */
export class OwnCombo {
  constructor() {
    this.of = "";
    this.n = 0;
    this.until = 0;
  }

  /**
   * Takes what the room accepted; returns how many the combo holds.
   * @param {string} of  the gift and whom it went to
   * @param {number} n
   * @param {number} now
   */
  handleSent(of, n, now) {
    this.n = this.restAt(of, now) > 0 ? this.n + n : n;
    this.of = of;
    this.until = now + COMBO_MS;
    return this.n;
  }

  /**
   * Returns how long the combo still goes on, 0 if it is none of this gift's.
   * @param {string} of
   * @param {number} now
   */
  restAt(of, now) {
    return of === this.of ? Math.max(0, this.until - now) : 0;
  }
}
