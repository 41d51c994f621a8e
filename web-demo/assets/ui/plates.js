/**
 * A name plate where the program shows each face. Which layout is seen is the server's word; where it writes the names
 * into the picture itself, the page writes none, and only marks who speaks.
 */

import { call } from "../http.js";
import { placesOf, plateAt, tiles } from "../layout.js";
import { el } from "./dom.js";

/** Viewers ask for a new layout spread over this time, not all at once. */
const SPREAD_MS = 800;

export class Plates {
  /**
   * @param {HTMLElement} root
   * @param {string} room
   * @param {import("../token.js").Tokens} tokens
   */
  constructor(root, room, tokens) {
    this.root = root;
    this.tokens = tokens;
    this.path = `/v1/rooms/${encodeURIComponent(room)}/layout`;
    /** Whether the picture itself says who is who. */
    this.hasLabels = false;
    /** Where everybody stands; null: as the automatic layout has it. @type {Map<string, import("../layout.js").Rect> | null} */
    this.places = null;
    this.isAsked = false;
    this.timer = 0;
    /** @type {Pick<import("../room-state.js").RoomModel, "stage" | "speaker"> | null} */
    this.model = null;
  }

  /** @param {Pick<import("../room-state.js").RoomModel, "stage" | "speaker">} model */
  update(model) {
    this.model = model;
    if (model.stage.length >= 2 && !this.isAsked) this.askSoon();
    this.draw();
  }

  /**
   * Takes the news that viewers see another layout.
   * @param {{preset: string | null, labels: boolean}} applied
   */
  handleApplied({ preset, labels }) {
    this.hasLabels = labels;
    this.isAsked = true;
    // One face has no plate, and two side by side are where this page puts them anyway.
    this.places = null;
    if (preset !== "solo" && preset !== "pk_lr") this.askSoon();
    this.draw();
  }

  askSoon() {
    this.isAsked = true;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(), Math.random() * SPREAD_MS);
  }

  async ask() {
    /** @type {Wire.LayoutView | null} */
    const view = await call(this.tokens, "GET", this.path).catch(() => null);
    if (!view) return;
    this.hasLabels = view.layout.labels;
    this.places = placesOf(view);
    this.draw();
  }

  draw() {
    const { stage, speaker } = this.model ?? { stage: [], speaker: null };
    const automatic = tiles(stage.length);
    this.root.replaceChildren(...stage.flatMap((performer, index) => {
      const rect = this.places ? this.places.get(performer.feed) : automatic[index];
      return rect && stage.length >= 2 ? [this.tile(performer, rect, performer.feed === speaker)] : [];
    }));
  }

  /**
   * @param {Wire.Performer} performer
   * @param {import("../layout.js").Rect} rect
   * @param {boolean} speaks
   */
  tile({ user, name, muted }, rect, speaks) {
    const plate = el("span", { class: `plate ${plateAt(rect)}`, "data-testid": `plate-${user}` }, `${muted ? "静音 · " : ""}${name || user}`);
    const tile = el("div", { class: speaks ? "tile speaking" : "tile" }, ...(this.hasLabels ? [] : [plate]));
    for (const [edge, value] of Object.entries(rect)) tile.style.setProperty(`--${edge}`, String(value));
    return tile;
  }
}
