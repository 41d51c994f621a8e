/** Which lane the next line over the picture takes, so that no two touch and no crowd covers the picture. Pure. */

export class Lanes {
  /**
   * @param {number} count
   * @param {number} freeMs  how long a lane is taken by one line
   */
  constructor(count, freeMs) {
    this.freeMs = freeMs;
    /** When each lane is free again. @type {number[]} */
    this.free = Array.from({ length: count }, () => -Infinity);
  }

  /**
   * Takes a lane that is free, or null: that line is left out.
   * @param {number} now
   */
  take(now) {
    const lane = this.free.findIndex((at) => at <= now);
    if (lane < 0) return null;
    this.free[lane] = now + this.freeMs;
    return lane;
  }
}
