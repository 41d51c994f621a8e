/** The heart that one presses as often as one likes; presses go up together. */

import { el } from "./dom.js";
import { likePicture } from "./gifts.js";

const BATCH_MS = 600;
/** The most that the room takes at once. */
const BATCH = 50;

/**
 * @param {(n: number) => Promise<unknown>} send
 * @param {() => void} onPress
 */
export function likeButton(send, onPress) {
  let count = 0;
  let timer = 0;
  const flush = () => {
    timer = 0;
    const n = Math.min(BATCH, count);
    count = 0;
    send(n).catch(() => {
      // A like that got lost is not worth a word.
    });
  };
  const press = () => {
    count += 1;
    onPress();
    if (timer === 0) timer = window.setTimeout(flush, BATCH_MS);
  };
  return el("button", { class: "rail-button", type: "button", "data-testid": "like", onclick: press },
    el("span", { class: "rail-picture" }, likePicture()), el("span", {}, "点赞 Like"));
}
