/** The list of chat lines. It follows the newest line unless the reader scrolled up. */

import { el, hueOf } from "./dom.js";

const SHOWN = 60;
const NEAR_END_PX = 40;
/** More lines than any snapshot brings again. */
const REMEMBERED = 500;

/** @type {Partial<Record<Wire.Role, string>>} */
const BADGES = { host: "主播", guest: "连麦", moderator: "房管", admin: "官方", assistant: "助理" };

export class ChatView {
  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
    /** @type {Set<string>} */
    this.ids = new Set();
    /** What happens when a name is pressed; null: names are only names. @type {((line: Wire.Chat) => void) | null} */
    this.onPick = null;
    /** Which lines may be taken back here, and how. @type {{isOwn: (line: Wire.Chat) => boolean, take: (line: Wire.Chat) => void} | null} */
    this.own = null;
  }

  /**
   * Shows the lines that are not shown yet.
   * @param {Wire.Chat[]} lines
   */
  update(lines) {
    for (const line of lines) if (!this.ids.has(line.id) && lineText(line) !== null) this.add(line);
  }

  /**
   * Takes away what somebody who keeps order took back.
   * @param {(id: string, user: string) => boolean} isGone
   */
  take(isGone) {
    for (const item of /** @type {HTMLElement[]} */ ([...this.list.children])) {
      if (item.dataset.id !== undefined && isGone(item.dataset.id, item.dataset.user ?? "")) item.remove();
    }
  }

  /** @param {Wire.Chat} line */
  add(line) {
    this.ids.add(line.id);
    const [oldest] = this.ids;
    if (this.ids.size > REMEMBERED && oldest !== undefined) this.ids.delete(oldest);
    const badge = BADGES[line.role];
    const { onPick, own } = this;
    // A whisper is kept nowhere, so there is nothing to take back.
    const isTakeable = own !== null && line.kind !== "whisper" && own.isOwn(line);
    const words = line.name || line.user;
    const name = onPick
      ? el("button", { class: "chat-name", type: "button", "data-testid": `chat-name-${line.user}`, onclick: () => onPick(line) }, words)
      : el("b", { class: "chat-name" }, words);
    name.style.setProperty("--hue", String(hueOf(line.user)));
    this.append(
      el("li", { class: `chat-line ${line.kind ?? ""}`, "data-testid": "chat-line", "data-id": line.id, "data-user": line.user },
        ...(badge ? [el("span", { class: `badge ${line.role}` }, badge)] : []),
        name,
        ...(line.kind === "whisper" ? [el("span", { class: "badge whisper" }, "悄悄话")] : []),
        el("span", { class: "chat-text" }, lineText(line) ?? ""),
        ...(isTakeable ? [el("button", { class: "chat-take", type: "button", "data-testid": "chat-take", "aria-label": "撤回这条 Take this line back", onclick: () => own.take(line) }, "撤回")] : [])),
    );
  }

  /**
   * Adds a line of the house: a gift, a purchase, a change of state.
   * @param {string} text
   * @param {string} [kind]
   */
  note(text, kind = "note") {
    this.append(el("li", { class: `chat-line ${kind}` }, text));
  }

  /** @param {HTMLElement} item */
  append(item) {
    const { list } = this;
    const follows = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;
    list.append(item);
    while (list.childElementCount > SHOWN) list.firstElementChild?.remove();
    if (follows) list.scrollTop = list.scrollHeight;
  }
}

/** The stickers that this page has, by the names that cross the wire. @type {Record<string, string>} */
export const STICKERS = { clap: "👏", heart: "❤️", laugh: "😂", wow: "😮", fire: "🔥", thumbs_up: "👍", rose: "🌹", cry: "😭" };

/**
 * Returns what a line says, or null for a kind that this page does not know.
 * @param {Pick<Wire.Chat, "kind" | "text" | "sticker">} line
 */
export function lineText({ kind, text, sticker }) {
  if (kind === "sticker") return Object.hasOwn(STICKERS, sticker ?? "") ? STICKERS[sticker ?? ""] ?? null : null;
  return kind === "custom" ? null : text ?? null;
}

/**
 * Sends what is written in a form, and keeps it when the server said no.
 * @param {HTMLFormElement} form
 * @param {(text: string) => Promise<unknown>} send
 */
export function wireComposer(form, send) {
  const input = /** @type {HTMLInputElement} */ (form.elements.namedItem("text"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    const sent = await send(text);
    if (sent === null && input.value === "") input.value = text;
  });
}
