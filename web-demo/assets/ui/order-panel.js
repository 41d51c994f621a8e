/**
 * Keeping order in a room: who is here, who may not talk or come in, which words are blocked, how fast one may
 * talk, and what is switched on at all. In the studio it is a tab, on a moderator's viewer page a sheet.
 */

import { call } from "../http.js";
import { FEATURES, tagsOf, untilText } from "../keeping-order.js";
import { avatar, el } from "./dom.js";
import { check, choice, field, smallButton } from "./fields.js";
import { attempt } from "./toast.js";

const REFRESH_MS = 4_000;
const PAGE = 100;

export class OrderPanel {
  /**
   * @param {HTMLElement} root
   * @param {object} context
   * @param {string} context.room
   * @param {import("../token.js").Tokens} context.tokens
   * @param {import("../room-state.js").RoomModel} context.model
   * @param {() => number} context.now room time
   * @param {(t: string, d: object) => Promise<any>} context.request
   * @param {import("./user-sheet.js").UserSheet} context.users
   */
  constructor(root, { room, tokens, model, now, request, users }) {
    this.root = root;
    this.path = `/v1/rooms/${encodeURIComponent(room)}/participants`;
    this.tokens = tokens;
    this.model = model;
    this.now = now;
    this.request = request;
    this.users = users;
    /** @type {string | null} where the next page of members begins */
    this.cursor = null;
    this.drawn = "";
    this.drawnSettings = "";
    this.settings = el("div", { class: "order-settings", "data-testid": "settings" });
    this.words = el("ul", { class: "word-list", "data-testid": "words" });
    this.people = el("ul", { class: "list", "data-testid": "people" });
    this.more = smallButton("更多 More", "people-more", () => this.look(this.cursor));
    this.kept = el("ul", { class: "list", "data-testid": "sanctions" });
    root.append(
      this.settings,
      el("h3", {}, "屏蔽词 Blocked words"), this.wordForm(), this.words,
      el("h3", {}, "禁言和拉黑 Muted and banned"), this.kept,
      el("h3", {}, "在线 Who is here"), this.people, this.more);
    setInterval(() => this.refresh(), REFRESH_MS);
  }

  /** Looks anew at who is here, while somebody looks at this panel. */
  refresh() {
    if (this.root.checkVisibility?.() === false || document.hidden || !this.model.joined) return;
    this.update();
    // Whoever has turned to further pages is not thrown back to the first.
    if (this.people.childElementCount <= PAGE) void this.look(null);
  }

  update() {
    if (this.model.moderation === null) return;
    this.drawSettings();
    this.drawKept(this.model.moderation);
  }

  wordForm() {
    const form = el("form", { class: "row nowrap" },
      el("input", { class: "plain grow", name: "word", required: true, maxlength: 40, autocomplete: "off", "aria-label": "要屏蔽的词 Word to block", placeholder: "要屏蔽的词 A word", "data-testid": "word-input" }),
      el("button", { class: "button", type: "submit", "data-testid": "word-add" }, "屏蔽 Block"));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const word = String(new FormData(form).get("word")).trim();
      if (word !== "" && (await attempt(this.request("mod.words", { add: [word] }))) !== null) form.reset();
    });
    return form;
  }

  drawSettings() {
    const { settings, you } = this.model;
    const key = JSON.stringify([settings, you.role]);
    // A choice that is open must not vanish under the pointer.
    if (!settings || key === this.drawnSettings || this.settings.contains(document.activeElement)) return;
    this.drawnSettings = key;
    const slow = choice("慢速模式 Slow mode", "slow", steps(settings.slow_mode_s), { "data-testid": "slow-mode" });
    select(slow, String(settings.slow_mode_s), (value) => this.set("mod.slow", { every_s: Number(value) }));
    const all = check("全员禁言 Mute everybody", "all", { "data-testid": "mute-all", checked: settings.all_muted });
    tick(all, (on) => this.set("mod.mute_all", { on }));
    this.settings.replaceChildren(slow, all, ...(you.role === "moderator" ? [] : this.roomControls(settings)));
  }

  /**
   * What only the host's side may change.
   * @param {Wire.Settings} settings
   */
  roomControls(settings) {
    const mode = choice("谁能上麦 Taking a seat", "mode", [["apply", "申请 By request"], ["free", "自由上麦 Free"]], { "data-testid": "seat-mode" });
    select(mode, settings.seat_mode, (value) => this.set("room.configure", { seat_mode: value }));
    const count = choice("麦位数 Seats", "seats", Array.from({ length: 9 }, (_, at) => [at + 1, `${at + 1}`]), { "data-testid": "seat-count" });
    select(count, String(settings.seats), (value) => this.set("room.configure", { seats: Number(value) }));
    const features = Object.entries(settings.features).map(([name, isOn]) => {
      const box = check(FEATURES[name] ?? name, name, { checked: isOn, "data-testid": `feature-${name}` });
      tick(box, (on) => this.set("room.configure", { features: { [name]: on } }));
      return box;
    });
    return [mode, count, this.tagField(settings.tags ?? []), el("fieldset", { class: "features" }, el("legend", {}, "开放的功能 What is on"), ...features)];
  }

  /** @param {string[]} tags */
  tagField(tags) {
    const label = field("标签,逗号隔开 Tags, with commas", "tags", { value: tags.join(", "), maxlength: 220, placeholder: "美妆, 折扣", "data-testid": "tags" });
    label.classList.add("wide-field");
    const input = /** @type {HTMLInputElement} */ (label.querySelector("input"));
    input.addEventListener("change", () => void this.set("room.configure", { tags: tagsOf(input.value) }));
    return label;
  }

  /**
   * @param {string} t
   * @param {object} d
   */
  async set(t, d) {
    const done = await attempt(this.request(t, d));
    if (document.activeElement instanceof HTMLElement && this.settings.contains(document.activeElement) && done === null) document.activeElement.blur();
    // What was refused shows as it was.
    if (done === null) this.drawnSettings = "";
    this.drawSettings();
  }

  /** @param {Wire.Moderation} kept */
  drawKept({ mutes, bans, words }) {
    const now = this.now();
    const stand = (/** @type {Wire.Sanction} */ { until }) => until === null || until > now;
    const key = JSON.stringify([mutes.filter(stand), bans.filter(stand), words, Math.floor(now / 60_000)]);
    if (key === this.drawn) return;
    this.drawn = key;
    this.words.replaceChildren(...words.map((word) => el("li", {}, el("button", {
      class: "word", type: "button", "aria-label": `不再屏蔽 Unblock ${word}`, onclick: () => void attempt(this.request("mod.words", { remove: [word] })),
    }, word, " ✕"))));
    if (words.length === 0) this.words.append(el("li", { class: "empty" }, "没有屏蔽词 · No words"));
    this.kept.replaceChildren(
      ...mutes.filter(stand).map((one) => this.sanctionRow(one, "禁言 Muted", "解除 Unmute", "mod.unmute")),
      ...bans.filter(stand).map((one) => this.sanctionRow(one, "拉黑 Banned", "解封 Unban", "mod.unban")));
    if (this.kept.childElementCount === 0) this.kept.append(el("li", { class: "empty" }, "没有人 · Nobody"));
  }

  /**
   * @param {Wire.Sanction} sanction
   * @param {string} word
   * @param {string} undo
   * @param {string} t
   */
  sanctionRow({ user, until, reason }, word, undo, t) {
    return el("li", { class: "list-row", "data-testid": `sanction-${user}` }, avatar(user),
      el("span", { class: "grow two" }, el("b", {}, user), el("small", {}, [word, untilText(until, this.now()), reason ?? ""].filter(Boolean).join(" · "))),
      smallButton(undo, `undo-${user}`, () => attempt(this.request(t, { user }))));
  }

  /** @param {string | null} cursor */
  async look(cursor) {
    const query = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    /** @type {{participants: Wire.Participant[], cursor: string | null} | null} */
    const told = await call(this.tokens, "GET", `${this.path}?limit=${PAGE}${query}`).catch(() => null);
    if (!told) return;
    this.cursor = told.cursor;
    this.more.hidden = told.cursor === null;
    const rows = told.participants.map((one) => this.personRow(one));
    if (cursor !== null) this.people.append(...rows);
    else if (!this.people.contains(document.activeElement)) this.people.replaceChildren(...rows);
  }

  /** @param {Wire.Participant} one */
  personRow({ user, name, role, sessions }) {
    return el("li", {}, el("button", { class: "list-row person", type: "button", "data-testid": `person-${user}`, onclick: () => this.users.open({ user, name, role }) },
      avatar(name || user), el("span", { class: "grow two" }, el("b", {}, name || user), el("small", {}, `${user}${sessions > 1 ? ` · ${sessions} 处登录 sessions` : ""}`)),
      el("span", { class: "chip" }, role)));
  }
}

/**
 * @param {number} present
 * @returns {[number, string][]}
 */
function steps(present) {
  const all = [...new Set([0, 5, 10, 30, 60, 300, present])].sort((a, b) => a - b);
  return all.map((seconds) => [seconds, seconds === 0 ? "关 Off" : `${seconds} 秒一条 s`]);
}

/**
 * @param {HTMLElement} label
 * @param {string} value
 * @param {(value: string) => void} onChange
 */
function select(label, value, onChange) {
  const control = /** @type {HTMLSelectElement} */ (label.querySelector("select"));
  control.value = value;
  control.addEventListener("change", () => onChange(control.value));
}

/**
 * @param {HTMLElement} label
 * @param {(on: boolean) => void} onChange
 */
function tick(label, onChange) {
  const control = /** @type {HTMLInputElement} */ (label.querySelector("input"));
  control.addEventListener("change", () => onChange(control.checked));
}
