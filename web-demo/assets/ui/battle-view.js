/**
 * The battle drawn over the picture: a score bar over the two halves, the clock between them, the result
 * at the end. The clock runs on room time by itself.
 */

import { battleDeadline, clockText } from "../countdown.js";
import { battleSides, ownShare } from "../room-state.js";
import { el, setText, short } from "./dom.js";

const TICK_MS = 100;

/** A battle under ten seconds hurries. */
const RUSH_MS = 10_000;

/** @type {Record<string, string>} */
const PHASES = { linking: "连线中 Linking", preparing: "准备 Ready", battling: "PK", punishing: "惩罚时间 Forfeit" };

export class BattleView {
  /**
   * @param {HTMLElement} root
   * @param {() => number} now room time
   */
  constructor(root, now) {
    this.root = root;
    this.now = now;
    this.own = el("b", { class: "pk-score own", "data-testid": "pk-score-own" }, "0");
    this.other = el("b", { class: "pk-score other", "data-testid": "pk-score-other" }, "0");
    this.fill = el("span", { class: "pk-fill" });
    this.bar = el("div", { class: "pk-bar", "data-testid": "pk-bar", role: "img" }, this.fill, this.own, this.other);
    this.clock = el("div", { class: "pk-clock", "data-testid": "pk-clock", role: "timer" });
    this.result = el("div", { class: "pk-result", hidden: true, "data-testid": "pk-result" });
    root.append(this.bar, this.clock, this.result);
    /** @type {Wire.Battle | null} */
    this.battle = null;
    /** @type {Wire.Countdown[]} */
    this.countdowns = [];
    this.timer = 0;
  }

  /**
   * @param {import("../room-state.js").RoomModel} model
   */
  update(model) {
    const { battle } = model;
    this.battle = battle;
    this.countdowns = [...model.countdowns.values()];
    const shown = battle !== null && battle.state in PHASES;
    this.root.hidden = !shown;
    clearInterval(this.timer);
    if (!battle || !shown) return;

    // The picture is the same in both rooms: the inviter's host is on the left.
    this.root.classList.toggle("invited", battle.rooms[0] !== model.room);
    const { own, other, otherRoom } = battleSides(battle, model.room);
    setText(this.own, short(own));
    setText(this.other, short(other));
    this.fill.style.setProperty("--share", String(ownShare(own, other)));
    this.bar.setAttribute("aria-label", `${model.room} ${own} : ${other} ${otherRoom}`);
    this.showResult(battle);
    this.tick();
    this.timer = window.setInterval(() => this.tick(), TICK_MS);
  }

  tick() {
    const { battle } = this;
    if (!battle) return;
    const deadline = battleDeadline(battle, this.countdowns);
    const rest = deadline ? deadline.at - this.now() : null;
    const phase = PHASES[battle.state] ?? "";
    setText(this.clock, rest === null ? phase : `${phase} ${clockText(rest)}`);
    this.clock.classList.toggle("rush", deadline?.kind === "pk_end" && rest !== null && rest < RUSH_MS);
  }

  /**
   * @param {Wire.Battle} battle
   */
  showResult({ result, state, rooms }) {
    this.result.hidden = result === null || state === "battling";
    if (!result) return;
    const words = result.winner === null ? ["平", "平"] : result.winner === rooms[0] ? ["胜", "负"] : ["负", "胜"];
    const moods = { 胜: "win", 负: "lose", 平: "draw" };
    this.result.replaceChildren(...words.map((word) =>
      el("span", { class: `medal ${moods[/** @type {"胜" | "负" | "平"} */ (word)]}` }, word)));
  }
}
