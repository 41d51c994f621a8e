/** Short notices at the top of the page, read aloud by screen readers and gone by themselves. */

import { el } from "./dom.js";
import { wordsFor } from "./words.js";

const STAY_MS = 3_500;
const MOST = 3;

/**
 * @param {string} text
 * @param {"info" | "good" | "bad"} [mood]
 */
export function toast(text, mood = "info") {
  const notice = el("p", { class: `toast ${mood}`, "data-testid": "toast" }, text);
  const list = host();
  list.append(notice);
  // An open dialog covers all but what came to the top after it.
  list.hidePopover?.();
  list.showPopover?.();
  while (list.childElementCount > MOST) list.firstElementChild?.remove();
  setTimeout(() => notice.remove(), STAY_MS);
}

/**
 * Runs what a button asked for and tells why it did not work.
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T | null>}
 */
export async function attempt(work) {
  try {
    return await work;
  } catch (error) {
    toast(wordsFor(error), "bad");
    return null;
  }
}

function host() {
  const known = document.getElementById("toasts");
  if (known) return known;
  const made = el("div", { id: "toasts", role: "status", "aria-live": "polite", popover: "manual" });
  document.body.append(made);
  return made;
}
