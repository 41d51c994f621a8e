/** How much is made of the program's picture: its bit rate, and smaller sizes for viewers with little bandwidth. */

import { call } from "../http.js";
import { nameOf, rates } from "../quality.js";
import { el, setText } from "../ui/dom.js";
import { attempt } from "../ui/toast.js";

export class QualityPanel {
  /**
   * @param {HTMLElement} pane
   * @param {string} room
   * @param {import("../token.js").Tokens} tokens
   */
  constructor(pane, room, tokens) {
    this.pane = pane;
    this.tokens = tokens;
    this.path = `/v1/rooms/${encodeURIComponent(room)}/quality`;
    /** Whether the room is there and may be asked. */
    this.isOn = false;
    /** @type {Wire.Quality | null} */
    this.view = null;
    this.rate = /** @type {HTMLSelectElement} */ (el("select", { name: "rate", "data-testid": "quality-rate" }));
    this.rate.addEventListener("change", () => void this.choose());
    this.sizes = el("div", { class: "quality-sizes", role: "group", "aria-label": "小画面 Smaller sizes" });
    this.note = el("p", { class: "layout-note", "data-testid": "quality-note", role: "status" }, "");
    pane.append(el("section", { class: "quality-panel", "data-testid": "quality-panel" },
      el("label", { class: "field" }, "码率 Bit rate", this.rate),
      el("div", { class: "field" }, "给弱网观众的小画面 Smaller sizes for weak networks", this.sizes), this.note));
  }

  async choose() {
    const boxes = /** @type {NodeListOf<HTMLInputElement>} */ (this.sizes.querySelectorAll("input:checked"));
    const renditions = [...boxes].map(({ value }) => value);
    const view = await attempt(call(this.tokens, "PUT", this.path, { video_kbps: Number(this.rate.value), renditions }));
    if (view) this.draw(view);
    else if (this.view) this.draw(this.view);
  }

  async refresh() {
    if (!this.isOn || this.pane.hidden) return;
    const view = await call(this.tokens, "GET", this.path).catch(() => null);
    if (view) this.draw(view);
  }

  /** @param {Wire.Quality} view */
  draw(view) {
    this.view = view;
    this.rate.replaceChildren(...rates(view).map(({ kbps, name }) => el("option", { value: String(kbps) }, `${name} · ${kbps} kbps`)));
    this.rate.value = String(view.video_kbps);
    const has = (/** @type {string} */ name) => view.renditions.some((one) => one.name === name);
    this.sizes.replaceChildren(...view.limits.renditions.map((name) => {
      const input = /** @type {HTMLInputElement} */ (el("input", { type: "checkbox", value: name, "data-testid": `quality-${name}` }));
      input.checked = has(name);
      input.addEventListener("change", () => void this.choose());
      return el("label", { class: "layout-switch" }, input, nameOf(name));
    }));
    const sizes = view.renditions.map(({ name, width, height, active }) => `${name} ${width}×${height}${active ? " 在用 in use" : ""}`);
    setText(this.note, [`当前 Now · ${view.video_kbps} kbps`, ...sizes].join(" · "));
  }
}
