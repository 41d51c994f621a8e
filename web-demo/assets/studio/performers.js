/**
 * The others on stage, each from his own feed. The program would come back with our own voice in it and
 * half a second late; a feed is heard at once and holds nobody else.
 */

import { WhepPlayer } from "../media/whep.js";
import { el, setText } from "../ui/dom.js";

/** @typedef {{player: WhepPlayer, tile: HTMLElement, name: HTMLElement, note: HTMLElement, video: HTMLVideoElement}} Shown */

export class Performers {
  /**
   * @param {HTMLElement} root
   * @param {string} room
   * @param {import("../token.js").Tokens} tokens
   */
  constructor(root, room, tokens) {
    this.root = root;
    this.room = room;
    this.tokens = tokens;
    /** @type {Map<string, Shown>} by feed */
    this.shown = new Map();
    // Sound may need a tap on a page that has not been touched yet.
    document.addEventListener("pointerdown", () => {
      for (const { video } of this.shown.values()) if (video.paused) void video.play().catch(() => {});
    });
  }

  /**
   * @param {Wire.Performer[]} stage
   * @param {string} ownFeed
   */
  update(stage, ownFeed) {
    const others = stage.filter(({ feed }) => feed !== ownFeed);
    const feeds = new Set(others.map(({ feed }) => feed));
    for (const feed of [...this.shown.keys()]) if (!feeds.has(feed)) this.remove(feed);
    for (const performer of others) {
      const shown = this.shown.get(performer.feed) ?? this.add(performer);
      const place = performer.room === this.room ? `麦位 ${performer.seat}` : `PK · ${performer.room}`;
      setText(shown.name, `${performer.name || performer.user} · ${place}${performer.muted ? " · 静音 muted" : ""}`);
    }
    this.root.dataset.count = String(others.length);
  }

  /**
   * Marks whoever speaks.
   * @param {string | null} feed
   */
  speaks(feed) {
    for (const [name, { tile }] of this.shown) tile.classList.toggle("speaking", name === feed);
  }

  /** @param {Wire.Performer} performer */
  add({ feed, user }) {
    const video = el("video", { autoplay: true, playsinline: true, "data-testid": `performer-${user}`, "aria-label": user });
    const name = el("span", { class: "plate" });
    const note = el("span", { class: "performer-note", role: "status" }, "连接中 · connecting");
    const tile = el("div", { class: "performer" }, video, note, name);
    const player = new WhepPlayer({
      room: this.room, tokens: this.tokens, video, feed,
      onState: (state) => (note.hidden = state === "live"),
    });
    const shown = { player, tile, name, note, video };
    this.shown.set(feed, shown);
    this.root.append(tile);
    player.start();
    return shown;
  }

  /** @param {string} feed */
  remove(feed) {
    const shown = this.shown.get(feed);
    shown?.player.stop();
    shown?.tile.remove();
    this.shown.delete(feed);
  }

  clear() {
    for (const feed of [...this.shown.keys()]) this.remove(feed);
  }
}
