/** The size of the picture: one button that goes through what there is, and is not there while there is but one size. */

import { call } from "../http.js";
import { choices } from "../quality.js";
import { el } from "./dom.js";
import { attempt } from "./toast.js";

export class QualityMenu {
  /**
   * @param {HTMLElement} root  a place for it
   * @param {{room: string, tokens: import("../token.js").Tokens, link: () => import("../media/link.js").MediaLink}} options
   */
  constructor(root, { room, tokens, link }) {
    this.tokens = tokens;
    this.link = link;
    this.path = `/v1/rooms/${encodeURIComponent(room)}/quality`;
    this.root = root;
    this.picture = "auto";
    this.select = /** @type {HTMLSelectElement} */ (el("select", { class: "pill", "data-testid": "picture-size", "aria-label": "清晰度 Quality" }));
    this.select.addEventListener("change", () => void this.pick(this.select.value));
    root.append(this.select);
    root.hidden = true;
  }

  /** Asks what there is; a room that cannot say has but one size. */
  async refresh() {
    this.draw(await call(this.tokens, "GET", this.path).catch(() => null));
  }

  /** @param {Wire.Quality | null} quality */
  draw(quality) {
    const all = choices(quality);
    this.root.hidden = all.length === 0;
    this.select.replaceChildren(...all.map(({ picture, name }) => el("option", { value: picture }, name)));
    if (!all.some(({ picture }) => picture === this.picture)) {
      this.picture = "auto";
      // What was pinned is gone; the server chooses by itself what is left, and then by the network.
      if (this.link().resource) void this.send().catch(() => null);
    }
    this.select.value = this.picture;
  }

  /** @param {string} picture */
  async pick(picture) {
    const before = this.picture;
    this.picture = picture;
    if (!this.link().resource) return;
    const answer = await attempt(this.send().then(() => true));
    if (!answer) this.select.value = this.picture = before;
  }

  /** A connection that was made anew has forgotten what was chosen. */
  handleConnected() {
    if (this.picture !== "auto" && this.link().resource) void this.send().catch(() => null);
  }

  send() {
    return call(this.tokens, "PUT", `${this.link().resource}/layer`, { picture: this.picture });
  }
}
