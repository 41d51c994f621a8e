/** Chat lines flying over the picture. Lanes keep them apart; with all lanes taken a line is left out. */

import { Lanes } from "../lanes.js";
import { el, wantsLessMotion } from "./dom.js";

const LANES = 5;
const FLIGHT_MS = 7_000;

/** A lane may take the next line once this much of the flight is over. */
const LANE_FREE_MS = 2_600;

export class Danmaku {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.lanes = new Lanes(LANES, LANE_FREE_MS);
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
    if (!this.isOn || document.hidden || text === "") return;
    const lane = this.lanes.take(performance.now());
    if (lane === null) return;

    const line = el("span", { class: isOwn ? "danmaku-line own" : "danmaku-line" }, text);
    line.style.setProperty("--lane", String(lane));
    this.root.append(line);
    setTimeout(() => line.remove(), FLIGHT_MS);
  }
}
