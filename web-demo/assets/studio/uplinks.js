/**
 * How each stream of this room reaches the server, by the server's own word, and how many watch it: what a host
 * looks at first when somebody complains.
 */

import { call } from "../http.js";
import { el } from "../ui/dom.js";

/** The server lists peers to each user a few times a second at most. */
const COUNT_MS = 5_000;

export class Uplinks {
  /**
   * @param {string} room
   * @param {import("../token.js").Tokens} tokens
   * @param {() => boolean} isOpen  whether somebody looks
   */
  constructor(room, tokens, isOpen) {
    this.room = room;
    this.tokens = tokens;
    /** @type {Record<string, number>} viewers by feed */
    this.viewers = {};
    setInterval(() => void (isOpen() && this.count()), COUNT_MS);
  }

  async count() {
    /** @type {Wire.PeerList | null} */
    const answer = await call(this.tokens, "GET", `/v1/rooms/${encodeURIComponent(this.room)}/peers`).catch(() => null);
    this.viewers = answer?.viewers ?? {};
  }

  /**
   * Returns the table, or nothing while nobody sends.
   * @param {import("../room-state.js").RoomModel} model
   */
  tables(model) {
    const own = model.stage.filter(({ room, user }) => room === this.room && model.uplinks.has(user));
    if (own.length === 0) return [];
    const program = this.viewers[`${this.room}/program`] ?? 0;
    const head = ["谁 who", "分 score", "丢 loss", "RTT", "fps", "kbps", "看 seen by"].map((word) => el("th", { scope: "col" }, word));
    return [el("table", { class: "stats-table uplinks", "data-testid": "uplinks" },
      el("caption", {}, `上行 Uplinks · 节目 program: ${program} 人 viewers`),
      el("tbody", {}, el("tr", {}, ...head), ...own.map((performer) => this.row(performer, model))))];
  }

  /**
   * @param {Wire.Performer} performer
   * @param {import("../room-state.js").RoomModel} model
   */
  row({ user, name, feed }, model) {
    const uplink = model.uplinks.get(user);
    if (!uplink) return el("tr", {});
    const figures = [uplink.score, `${(uplink.loss * 100).toFixed(1)} %`, uplink.rtt_ms ?? "–", uplink.fps, uplink.kbps, this.viewers[feed] ?? 0];
    return el("tr", { "data-testid": `uplink-${user}`, "data-trouble": uplink.trouble ?? "" },
      el("th", { scope: "row" }, name || user), ...figures.map((figure) => el("td", {}, String(figure))));
  }
}
