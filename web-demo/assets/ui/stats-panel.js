/** The figures of one or more peer connections as a small table, refreshed each second while open. */

import { StatsReader } from "../media/stats.js";
import { el } from "./dom.js";

/** @type {[keyof import("../media/stats.js").Figures, string, string][]} */
const ROWS = [
  ["codec", "编码 codec", ""],
  ["size", "画面 size", ""],
  ["kbps", "码率 bitrate", "kbps"],
  ["fps", "帧率 fps", ""],
  ["rttMs", "往返 RTT", "ms"],
  ["bufferMs", "缓冲 jitter buffer", "ms"],
  ["decodeMs", "解码 decode", "ms"],
  ["freezes", "卡顿 freezes", ""],
  ["lost", "丢包 lost", ""],
  ["nacks", "重传 NACK", ""],
  ["plis", "关键帧请求 PLI", ""],
];

export class StatsPanel {
  /**
   * @param {HTMLElement} panel
   * @param {() => Map<string, RTCPeerConnection | null>} sources  by the name shown
   * @param {(name: string, figures: import("../media/stats.js").Figures) => void} [onFigures]
   * @param {() => HTMLElement[]} [more]  tables to be shown above
   */
  constructor(panel, sources, onFigures, more = () => []) {
    this.panel = panel;
    this.sources = sources;
    this.onFigures = onFigures;
    this.more = more;
    /** @type {Map<string, StatsReader>} */
    this.readers = new Map();
    /** @type {Record<string, import("../media/stats.js").Figures>} */
    this.latest = {};
    setInterval(() => void this.refresh(), 1000);
  }

  toggle() {
    this.panel.hidden = !this.panel.hidden;
    return !this.panel.hidden;
  }

  async refresh() {
    const sources = this.sources();
    this.latest = {};
    for (const [name, pc] of sources) {
      let reader = this.readers.get(name);
      if (!reader) this.readers.set(name, (reader = new StatsReader()));
      const figures = await reader.read(pc).catch(() => null);
      if (!figures) continue;
      this.latest[name] = figures;
      this.onFigures?.(name, figures);
    }
    for (const name of this.readers.keys()) if (!sources.has(name)) this.readers.delete(name);
    if (this.panel.hidden) return;
    this.panel.replaceChildren(...this.more(), ...Object.entries(this.latest).map(([name, figures]) => table(name, figures)));
  }
}

/**
 * @param {string} name
 * @param {import("../media/stats.js").Figures} figures
 */
function table(name, figures) {
  return el("table", { class: "stats-table" },
    el("caption", {}, name),
    el("tbody", {}, ...ROWS.filter(([key]) => figures[key] !== null).map(([key, label, unit]) =>
      el("tr", {}, el("th", { scope: "row" }, label), el("td", { "data-testid": `stat-${key}` }, `${figures[key]} ${unit}`.trim())),
    )),
  );
}
