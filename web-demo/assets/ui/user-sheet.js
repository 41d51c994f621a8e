/**
 * One member of the room and what may be done about them: silence, put out, keep out, let in again, call on
 * stage, answer so that nobody else hears, and take away the line by which they were found.
 */

import { KICK_S, TERMS, binds, untilText } from "../keeping-order.js";
import { lineText } from "./chat-view.js";
import { avatar, byId, el } from "./dom.js";
import { check, choice, smallButton } from "./fields.js";
import { attempt, toast } from "./toast.js";

/** @type {Record<Wire.Role, string>} */
const ROLES = { host: "主播 Host", guest: "嘉宾 Guest", viewer: "观众 Viewer", assistant: "助理 Assistant", moderator: "房管 Moderator", admin: "官方 Admin" };

/**
 * Somebody, perhaps found by a line that they said.
 * @typedef {{user: string, name: string, role?: Wire.Role, id?: string, text?: string, kind?: Wire.Chat["kind"], sticker?: string}} Someone
 */

export class UserSheet {
  /**
   * @param {object} context
   * @param {import("../room-state.js").RoomModel} context.model
   * @param {() => number} context.now room time
   * @param {(t: string, d: object) => Promise<any>} context.request
   * @param {() => void} [context.onChange]  something was done
   */
  constructor({ model, now, request, onChange }) {
    this.model = model;
    this.now = now;
    this.request = request;
    this.onChange = onChange ?? (() => {});
    this.sheet = /** @type {HTMLDialogElement} */ (byId("user-sheet"));
    this.sheet.addEventListener("click", ({ target }) => {
      if (target === this.sheet) this.sheet.close();
    });
  }

  /** Tells whether whoever looks at this page keeps order in the room. */
  get isKeeper() {
    return this.model.moderation !== null;
  }

  /** @param {Someone} someone */
  open(someone) {
    if (!this.isKeeper) return;
    const { user, name, role } = someone;
    const { you } = this.model;
    const mayDo = user !== you.user && (role === undefined || binds(you.role, role));
    this.sheet.replaceChildren(
      el("div", { class: "user-head" }, avatar(name || user), el("span", { class: "two" }, el("h2", { id: "user-title" }, name || user), el("small", {}, `${user}${role ? ` · ${ROLES[role]}` : ""}`))),
      ...this.notes(user),
      ...this.lineDeeds(someone),
      ...(mayDo ? this.deeds(someone) : [el("p", {}, user === you.user ? "这是你自己 · That is you" : "你不能处置 TA · Above your role")]),
      ...(user === you.user ? [] : [this.whisperForm(someone)]),
      el("form", { method: "dialog", class: "row" }, el("button", { class: "button primary", value: "ok", "data-testid": "user-close" }, "关闭 Close")));
    if (!this.sheet.open) this.sheet.showModal();
  }

  /** @param {string} user */
  notes(user) {
    const said = (/** @type {string} */ word, /** @type {Wire.Sanction | undefined} */ one) =>
      one ? [el("p", { class: "user-note", "data-testid": "user-note" }, `${word} · ${untilText(one.until, this.now())} · by ${one.by}`)] : [];
    return [...said("已禁言 Muted", this.muteOf(user)), ...said("已拉黑 Banned", this.banOf(user))];
  }

  /**
   * What may be done about the line by which somebody was found.
   * @param {Someone} someone
   */
  lineDeeds({ id, ...line }) {
    if (id === undefined) return [];
    const take = async () => {
      if ((await attempt(this.request("chat.delete", { id }))) !== null) this.sheet.close();
    };
    return [el("div", { class: "user-line" }, el("q", {}, lineText(line) ?? "…"), smallButton("删除这条 Delete", "line-delete", take, "danger"))];
  }

  /** @param {Someone} someone */
  whisperForm({ user, name }) {
    const form = el("form", { class: "row nowrap user-whisper" },
      el("input", { class: "plain grow", name: "text", required: true, maxlength: 300, autocomplete: "off", "data-testid": "user-whisper", "aria-label": `给 ${name || user} 的悄悄话 Whisper`, placeholder: "悄悄话,只有 TA 看到 Whisper" }),
      el("button", { class: "button", type: "submit", "data-testid": "user-whisper-send" }, "发送 Send"));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const text = String(new FormData(form).get("text")).trim();
      if (text !== "" && (await attempt(this.request("chat.whisper", { text, to: user }))) !== null) this.sheet.close();
    });
    return form;
  }

  /** @param {Someone} someone */
  deeds({ user, name, role }) {
    const term = choice("多久 For how long", "term", TERMS.map(([seconds, words]) => [seconds ?? "", words]), { "data-testid": "user-term" });
    const ttl = () => {
      const { value } = /** @type {HTMLSelectElement} */ (term.querySelector("select"));
      return value === "" ? {} : { ttl_s: Number(value) };
    };
    const wipe = check("同时清除 TA 的发言和提问 Also wipe what they said", "wipe", { "data-testid": "user-wipe" });
    const wiped = () => (/** @type {HTMLInputElement} */ (wipe.querySelector("input")).checked ? { wipe: true } : {});
    const act = (/** @type {string} */ words, /** @type {string} */ testId, /** @type {string} */ t, /** @type {() => object} */ more, mood = "") =>
      smallButton(words, testId, async () => {
        if ((await attempt(this.request(t, { user, ...more() }))) === null) return;
        toast(`${name || user}:${words}`, "good");
        this.sheet.close();
        this.onChange();
      }, mood);
    const none = () => ({});
    const { seats, you } = this.model;
    const seat = seats.find((one) => one.user === user && one.index > 0);
    const grantsSeats = you.role !== "moderator";
    return [term, wipe, el("div", { class: "user-deeds" },
      this.muteOf(user) ? act("解除禁言 Unmute", "user-unmute", "mod.unmute", none) : act("禁言 Mute", "user-mute", "mod.mute", ttl),
      act("踢出 Kick", "user-kick", "mod.ban", () => ({ ttl_s: KICK_S, reason: "kick", ...wiped() }), "danger"),
      this.banOf(user) ? act("解封 Unban", "user-unban", "mod.unban", none) : act("拉黑 Ban", "user-ban", "mod.ban", () => ({ ...ttl(), ...wiped() }), "danger"),
      ...(seat ? [act("抱下麦 Off the seat", "user-unseat", "seat.kick", none, "danger")] : grantsSeats && (role === "viewer" || role === "guest") ? [act("请上麦 Invite on stage", "user-invite", "seat.invite", none)] : []))];
  }

  /** @param {string} user */
  muteOf(user) {
    return this.model.moderation?.mutes.find((one) => one.user === user && stands(one, this.now()));
  }

  /** @param {string} user */
  banOf(user) {
    return this.model.moderation?.bans.find((one) => one.user === user && stands(one, this.now()));
  }
}

/**
 * @param {Wire.Sanction} sanction
 * @param {number} now
 */
function stands({ until }, now) {
  return until === null || until > now;
}
