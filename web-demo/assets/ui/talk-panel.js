/**
 * What one can say besides a plain line: a sticker at a press, and whether what is written goes to everybody or
 * to the host's side alone. It opens over the composer and goes away by itself once something was chosen.
 */

import { STICKERS } from "./chat-view.js";
import { el, icon, setText } from "./dom.js";
import { attempt } from "./toast.js";

/** @typedef {"all" | "whisper"} Mode */

/** What a sticker is called by those who do not see it. @type {Record<string, string>} */
const NAMES = {
  clap: "鼓掌 Clap", heart: "爱心 Heart", laugh: "大笑 Laugh", wow: "哇 Wow", fire: "火 Fire", thumbs_up: "赞 Thumbs up", rose: "玫瑰 Rose", cry: "哭 Cry",
};

/** @type {Record<Mode, string>} */
const WORDS = { all: "公开 Everybody", whisper: "悄悄话 Whisper" };
/** @type {Record<Mode, string>} */
const INVITATIONS = { all: "说点什么… Say something", whisper: "悄悄话,只有主播和房管看到… Only the host's side" };

export class TalkPanel {
  /**
   * @param {HTMLFormElement} form  the composer
   * @param {object} context
   * @param {(t: string, d: object) => Promise<any>} context.request
   * @param {boolean} [context.whispers]  whether there is somebody to whisper to
   * @param {() => void} [context.onAsk]  opens the questions
   */
  constructor(form, { request, whispers = false, onAsk }) {
    this.form = form;
    this.request = request;
    /** @type {Mode} */
    this.mode = "all";
    this.input = /** @type {HTMLInputElement} */ (form.elements.namedItem("text"));
    this.toggle = el("button", {
      class: "talk-toggle", type: "button", "data-testid": "talk-toggle", "aria-expanded": "false", "aria-controls": "talk-panel",
      "aria-label": whispers ? "表情、悄悄话、提问 Stickers, whispers, questions" : "表情 Stickers", onclick: () => this.open(this.panel.hidden !== false),
    }, icon("smile"));
    this.back = el("button", { class: "talk-mode", type: "button", hidden: true, "data-testid": "talk-public", "aria-label": "改回公开 Back to everybody", onclick: () => this.setMode("all") }, "悄悄话 ✕");
    this.modes = el("div", { class: "talk-modes", role: "group", "aria-label": "说给谁 To whom" },
      ...(whispers ? /** @type {Mode[]} */ (["all", "whisper"]).map((mode) => this.modeButton(mode)) : []),
      ...(onAsk ? [el("button", { class: "button small", type: "button", "data-testid": "ask-open", onclick: () => { this.open(false); onAsk(); } }, "提问 Ask")] : []));
    this.modes.hidden = this.modes.childElementCount === 0;
    this.panel = el("div", { class: "talk-panel", id: "talk-panel", "data-testid": "talk-panel", role: "group", "aria-label": "表情与悄悄话 Stickers and whispers", hidden: true },
      el("div", { class: "stickers", role: "group", "aria-label": "表情 Stickers" }, ...Object.keys(STICKERS).map((sticker) => this.stickerButton(sticker))), this.modes);
    this.input.before(this.toggle, this.back);
    form.append(this.panel);
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.panel.hidden) return;
      event.stopPropagation();
      this.open(false);
      this.toggle.focus();
    });
    document.addEventListener("pointerdown", ({ target }) => {
      if (target instanceof Node && !form.contains(target)) this.open(false);
    });
  }

  /** What the composer says while it is empty. */
  get invitation() {
    return INVITATIONS[this.mode];
  }

  /**
   * Says what is written to whom it is meant for; null if that was refused.
   * @param {string} text
   */
  say(text) {
    return attempt(this.request(this.mode === "whisper" ? "chat.whisper" : "chat.send", { text }));
  }

  /** @param {boolean} isSilenced  whether one may not talk now */
  setSilenced(isSilenced) {
    this.toggle.disabled = isSilenced;
    if (isSilenced) this.open(false);
  }

  /** @param {boolean} isOpen */
  open(isOpen) {
    if (this.panel.hidden === !isOpen) return;
    this.panel.hidden = !isOpen;
    this.toggle.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) /** @type {HTMLElement | null} */ (this.panel.querySelector("button"))?.focus();
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.mode = mode;
    this.form.dataset.mode = mode;
    this.back.hidden = mode === "all";
    this.input.placeholder = this.invitation;
    for (const button of /** @type {Iterable<HTMLElement>} */ (this.modes.children)) {
      if (button.dataset.mode !== undefined) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    }
    this.open(false);
    this.input.focus();
  }

  /** @param {Mode} mode */
  modeButton(mode) {
    return el("button", { class: "button small", type: "button", "data-testid": `talk-${mode}`, "data-mode": mode, "aria-pressed": String(mode === this.mode), onclick: () => this.setMode(mode) }, WORDS[mode]);
  }

  /** @param {string} sticker */
  stickerButton(sticker) {
    const button = el("button", { class: "sticker-button", type: "button", "data-testid": `sticker-${sticker}`, "aria-label": NAMES[sticker] ?? sticker, title: NAMES[sticker] ?? sticker, onclick: () => void this.stick(sticker) });
    setText(button, STICKERS[sticker] ?? "");
    return button;
  }

  /** @param {string} sticker */
  async stick(sticker) {
    this.open(false);
    this.toggle.focus();
    await attempt(this.request("chat.sticker", { sticker }));
  }
}
