/** How the program's picture is laid out: who stands where, what is written into it, how changes look. */

import { call } from "../http.js";
import { el, setText } from "../ui/dom.js";
import { attempt } from "../ui/toast.js";

/**
 * The arrangements with their names and what they look like: rectangles in hundredths of a portrait canvas.
 * @type {{preset: string, name: string, cells: number[][]}[]}
 */
const ARRANGEMENTS = [
  { preset: "auto", name: "自动 Auto", cells: [] },
  { preset: "solo", name: "单人 Solo", cells: [[0, 0, 100, 100]] },
  { preset: "pk_lr", name: "左右 Side by side", cells: [[0, 12, 50, 50], [50, 12, 50, 50]] },
  { preset: "pk_tb", name: "上下 Stacked", cells: [[0, 0, 100, 50], [0, 50, 100, 50]] },
  { preset: "grid", name: "宫格 Grid", cells: [[0, 0, 50, 50], [50, 0, 50, 50], [0, 50, 50, 50], [50, 50, 50, 50]] },
  { preset: "spotlight", name: "主讲 Spotlight", cells: [[0, 0, 100, 75], [0, 75, 33, 25], [33, 75, 34, 25], [67, 75, 33, 25]] },
  { preset: "pip", name: "画中画 Floating", cells: [[0, 0, 100, 100], [70, 12, 26, 26], [70, 41, 26, 26]] },
  { preset: "screen", name: "屏幕 Screen", cells: [[0, 0, 100, 62], [0, 62, 50, 38], [50, 62, 50, 38]] },
];

const CHANGES = [["cut", "直切 Cut"], ["fade", "渐变 Fade"], ["slide", "滑动 Slide"]];
const CHANGE_MS = 300;
/** What the switches draw over the picture, in hundredths of it: below what a viewer's page has at its head, and away from the sides, which narrow screens cut off. */
const CLOCK = { kind: "clock", z: 101, align: "left", place: [12, 13, 40, 4] };
const SCORE = { kind: "score", z: 100, place: [0, 9, 100, 3] };

export class LayoutPanel {
  /**
   * @param {HTMLElement} root
   * @param {string} room
   * @param {import("../token.js").Tokens} tokens
   */
  constructor(root, room, tokens) {
    this.root = root;
    this.tokens = tokens;
    this.path = `/v1/rooms/${encodeURIComponent(room)}/layout`;
    /** Whether the room is there and may be asked. */
    this.isOn = false;
    /** @type {Wire.LayoutView | null} */
    this.view = null;
    this.note = el("p", { class: "layout-note", "data-testid": "layout-note", role: "status" }, "");
    this.cards = new Map(ARRANGEMENTS.map((one) => [one.preset, this.card(one)]));
    const people = el("select", { name: "main", "data-testid": "layout-main" });
    this.people = /** @type {HTMLSelectElement} */ (people);
    const change = el("select", { name: "change", "data-testid": "layout-change" }, ...CHANGES.map(([value, name]) => el("option", { value }, name)));
    this.change = /** @type {HTMLSelectElement} */ (change);
    this.switches = {
      labels: this.toggle("labels", "显示昵称 Names"),
      marks: this.toggle("marks", "静音标记 Mute marks"),
      clock: this.toggle("clock", "时钟 Clock"),
      score: this.toggle("score", "比分条 Score bar"),
    };
    for (const select of [people, change]) select.addEventListener("change", () => void this.choose({}));
    root.append(
      el("div", { class: "layouts", role: "group", "aria-label": "布局 Layout" }, ...this.cards.values()),
      el("div", { class: "sale-grid" },
        el("label", { class: "field" }, "主画面 Main", people),
        el("label", { class: "field" }, "切换 Change", change)),
      el("div", { class: "sale-grid" }, ...Object.values(this.switches).map((input) => input.parentElement ?? input)),
      this.note);
  }

  /** @param {{preset: string, name: string, cells: number[][]}} one */
  card({ preset, name, cells }) {
    const shape = (/** @type {number[]} */ [x = 0, y = 0, width = 0, height = 0]) => {
      const cell = el("i", {});
      cell.style.cssText = `left:${x}%;top:${y}%;width:${width}%;height:${height}%`;
      return cell;
    };
    const drawing = cells.length > 0 ? cells.map(shape) : [el("b", {}, "A")];
    const press = () => void this.choose({ preset });
    return el("button", { class: "layout-card", type: "button", "aria-pressed": "false", "data-testid": `layout-${preset}`, onclick: press },
      el("span", { class: "layout-shape" }, ...drawing), el("span", {}, name));
  }

  /** @param {string} name @param {string} words */
  toggle(name, words) {
    const input = /** @type {HTMLInputElement} */ (el("input", { type: "checkbox", name, "data-testid": `layout-${name}` }));
    input.addEventListener("change", () => void this.choose({}));
    el("label", { class: "layout-switch" }, input, words);
    return input;
  }

  /** @param {{preset?: string}} change */
  async choose({ preset }) {
    if (!this.view) await this.refresh();
    if (!this.view) return;
    const { layout, canvas } = this.view;
    const overlay = (/** @type {{kind: string, z: number, place: number[]}} */ { place, ...rest }) => {
      const [x = 0, y = 0, width = 0, height = 0] = place;
      const even = (/** @type {number} */ share, /** @type {number} */ whole) => 2 * Math.round((share * whole) / 200);
      return { ...rest, x: even(x, canvas.width), y: even(y, canvas.height), width: even(width, canvas.width), height: even(height, canvas.height) };
    };
    const clock = overlay(/** @type {any} */ ({ ...CLOCK, utc_offset_minutes: -new Date().getTimezoneOffset() }));
    const kept = layout.overlays.filter(({ kind }) => kind !== "clock" && kind !== "score");
    const wanted = {
      ...layout,
      preset: preset ?? layout.preset,
      tiles: (preset ?? layout.preset) === "custom" ? layout.tiles : [],
      main: this.people.value || null,
      labels: this.switches.labels.checked,
      mute_marks: this.switches.marks.checked,
      overlays: [...kept, ...(this.switches.clock.checked ? [clock] : []), ...(this.switches.score.checked ? [overlay(SCORE)] : [])],
      transition: { kind: this.change.value, ms: this.change.value === "cut" ? 0 : CHANGE_MS },
    };
    const view = await attempt(call(this.tokens, "PUT", this.path, wanted));
    if (view) this.draw(view);
    else if (this.view) this.draw(this.view);
  }

  async refresh() {
    if (!this.isOn || this.root.hidden) return;
    const view = await call(this.tokens, "GET", this.path).catch(() => null);
    if (view) this.draw(view);
  }

  /**
   * Takes the news that viewers see a layout.
   * @param {{rev: number}} applied
   */
  applied({ rev }) {
    this.root.dataset.applied = String(rev);
    void this.refresh();
  }

  /** @param {Wire.LayoutView} view */
  draw(view) {
    this.view = view;
    const { layout } = view;
    for (const [preset, card] of this.cards) card.setAttribute("aria-pressed", String(preset === layout.preset));
    const has = (/** @type {string} */ kind) => layout.overlays.some((overlay) => overlay.kind === kind);
    this.switches.labels.checked = layout.labels;
    this.switches.marks.checked = layout.mute_marks;
    this.switches.clock.checked = has("clock");
    this.switches.score.checked = has("score");
    this.change.value = layout.transition.kind;
    const users = [...new Set([...view.tiles.map(({ user }) => user), ...(layout.main ? [layout.main] : [])])];
    this.people.replaceChildren(el("option", { value: "" }, "按麦位 By seat"), ...users.map((user) => el("option", { value: user }, user)));
    this.people.value = layout.main ?? "";
    const now = ARRANGEMENTS.find(({ preset }) => preset === view.preset)?.name ?? view.preset ?? "自定义 Custom";
    const isOnAir = this.root.dataset.applied === String(view.rev);
    setText(this.note, `${isOnAir ? "已上屏 On screen" : "当前 Now"} · ${now} · ${view.tiles.filter(({ seen }) => seen).length} 画面 tiles`);
  }
}
