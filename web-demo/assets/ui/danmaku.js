/** Chat lines flying over the picture. Lanes keep them apart; with all lanes taken a line is left out. */

import { el, wantsLessMotion } from "./dom.js";

const LANES = 5;
const FLIGHT_MS = 7_000;

/** A lane may take the next line once this much of the flight is over. */
const LANE_FREE_MS = 2_600;

export class Danmaku {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {number[]} when each lane is free again */
    this.free = Array.from({ length: LANES }, () => 0);
    this.isOn = !wantsLessMotion();
  }

  toggle() {
    this.isOn = !this.isOn;
    if (!this.isOn) this.root.replaceChildren();
    return this.isOn;
  }

  /**
   * @param {string} text
   * @param {boolean} isOwn
   */
  fly(text, isOwn) {
    const now = performance.now();
    const lane = this.free.findIndex((at) => at <= now);
    if (!this.isOn || lane < 0 || document.hidden) return;

    this.free[lane] = now + LANE_FREE_MS;
    const line = el("span", { class: isOwn ? "danmaku-line own" : "danmaku-line" }, text);
    line.style.setProperty("--lane", String(lane));
    this.root.append(line);
    setTimeout(() => line.remove(), FLIGHT_MS);
  }
}
