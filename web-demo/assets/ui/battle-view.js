/**
 * The battle drawn over the picture: a score bar with a part for each room, in the order in which they stand in the
 * picture; who gave most to each; the clock; the result at the end. The clock runs on room time by itself.
 */

import { factorAt, standing, supporters } from "../battle.js";
import { battleDeadline, clockText } from "../countdown.js";
import { tiles } from "../layout.js";
import { avatar, el, setText, short } from "./dom.js";

const TICK_MS = 100;

/** A battle under ten seconds hurries. */
const RUSH_MS = 10_000;

/** @type {Record<string, string>} */
const PHASES = { linking: "连线中 Linking", linked: "连麦中 Linked", preparing: "准备 Ready", battling: "PK", punishing: "惩罚时间 Forfeit" };

const MEDALS = { win: "胜", lose: "负", draw: "平" };

/** @typedef {{part: HTMLElement, score: HTMLElement, best: HTMLElement}} Part */

export class BattleView {
  /**
   * @param {HTMLElement} root
   * @param {() => number} now room time
   */
  constructor(root, now) {
    this.root = root;
    this.now = now;
    this.bar = el("div", { class: "pk-bar", "data-testid": "pk-bar", role: "img" });
    this.clock = el("div", { class: "pk-clock", "data-testid": "pk-clock", role: "timer" });
    this.result = el("div", { class: "pk-result", hidden: true, "data-testid": "pk-result" });
    // Those who stand with the left picture to the left of the clock, the others to the right.
    this.givers = [el("span", { class: "pk-givers" }), el("span", { class: "pk-givers" })];
    const [left = "", right = ""] = this.givers;
    root.append(this.bar, el("div", { class: "pk-row" }, left, this.clock, right), this.result);
    this.drawnGivers = "";
    /** By room, in the order of the picture. @type {Map<string, Part>} */
    this.parts = new Map();
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

    this.drawBar(battle, model.room);
    this.drawGivers(battle);
    this.showResult(battle);
    this.tick();
    this.timer = window.setInterval(() => this.tick(), TICK_MS);
  }

  /**
   * @param {Wire.Battle} battle
   * @param {string} home
   */
  drawBar(battle, home) {
    const sides = standing(battle).filter(({ isOut }) => !isOut);
    // Where nothing is fought out there is nothing to weigh.
    this.bar.hidden = battle.state === "linked";
    this.root.classList.toggle("many", sides.length > 2);
    if (sides.map(({ room }) => room).join() !== [...this.parts.keys()].join()) {
      this.drawnGivers = "";
      this.parts = new Map(sides.map(({ room }, at) => [room, part(room, home, at, sides.length)]));
      this.bar.replaceChildren(...[...this.parts.values()].map((one) => one.part));
    }
    for (const { room, points, share } of sides) {
      const one = this.parts.get(room);
      if (!one) continue;
      setText(one.score, short(points));
      one.part.style.setProperty("--share", String(share));
    }
    this.bar.setAttribute("aria-label", sides.map(({ room, points }) => `${room} ${points}`).join(" : "));
  }

  /**
   * Two pictures have room for three beside them; of more each has its best giver in its part of the bar.
   * @param {Wire.Battle} battle
   */
  drawGivers(battle) {
    const sides = supporters(battle);
    const key = JSON.stringify(sides.map(({ room, givers }) => [room, ...givers.map(({ user, name }) => [user, name])]));
    if (key === this.drawnGivers) return;
    this.drawnGivers = key;
    for (const [at, root] of this.givers.entries()) {
      const givers = sides.length === 2 ? sides[at]?.givers ?? [] : [];
      root.dataset.testid = `pk-heads-${sides[at]?.room ?? ""}`;
      root.setAttribute("aria-label", givers.map(({ name, user }) => name || user).join(", "));
      root.replaceChildren(...givers.map(({ name, user }) => avatar(name || user)));
    }
    for (const { room, givers: [best] } of sides) {
      this.parts.get(room)?.best.replaceChildren(...(best && sides.length > 2 ? [avatar(best.name || best.user)] : []));
    }
  }

  tick() {
    const { battle } = this;
    if (!battle) return;
    const now = this.now();
    const deadline = battleDeadline(battle, this.countdowns);
    const rest = deadline ? deadline.at - now : null;
    const factor = battle.state === "battling" ? factorAt(battle, now) : 1;
    const phase = `${PHASES[battle.state] ?? ""}${factor > 1 ? ` ×${factor}` : ""}`;
    setText(this.clock, rest === null ? phase : `${phase} ${clockText(rest)}`);
    this.clock.classList.toggle("rush", factor > 1 || (deadline?.kind === "pk_end" && rest !== null && rest < RUSH_MS));
  }

  /** @param {Wire.Battle} battle */
  showResult(battle) {
    const { result, state } = battle;
    this.result.hidden = result === null || state === "battling" || state === "preparing" || state === "linked";
    if (!result) return;
    const here = standing(battle).filter(({ isOut }) => !isOut);
    const places = tiles(here.length);
    this.result.style.setProperty("--sides", String(here.length));
    this.result.replaceChildren(...here.map(({ room }, at) => medal(result.winner === null ? "draw" : result.winner === room ? "win" : "lose", places[at])));
  }
}

/**
 * @param {"win" | "lose" | "draw"} mood
 * @param {import("../layout.js").Rect} [place] where the room's picture is, where there are many
 */
function medal(mood, place) {
  const one = el("span", { class: `medal ${mood}` }, MEDALS[mood]);
  if (place) for (const [name, value] of [["--x", place.x + place.w / 2], ["--y", place.y + place.h / 2]]) one.style.setProperty(String(name), String(value));
  return one;
}

/**
 * @param {string} room
 * @param {string} home
 * @param {number} at
 * @param {number} count
 * @returns {Part}
 */
function part(room, home, at, count) {
  const isOwn = room === home;
  const testId = isOwn ? "pk-score-own" : count === 2 ? "pk-score-other" : `pk-score-${room}`;
  const score = el("b", { class: "pk-score", "data-testid": testId }, "0");
  // Two sides stand where their pictures do; of more nobody could tell whose part is whose.
  const name = count > 2 ? [el("small", { class: "pk-name" }, isOwn ? "本场" : room)] : [];
  const best = el("span", { class: "pk-best" });
  return { part: el("span", { class: `pk-part ${isOwn ? "own" : `rival-${at % 4}`}`, title: room }, el("span", { class: "pk-points-row" }, best, score), ...name), score, best };
}
