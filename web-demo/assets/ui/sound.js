/** Sound on and off. Browsers start a picture without sound; the offer to turn it on is large at first and then moves out of the picture. */

import { byId } from "./dom.js";
import { toast } from "./toast.js";

const OFFER_MS = 8_000;

/** @param {HTMLVideoElement} video */
export function wireSound(video) {
  const setMuted = (/** @type {boolean} */ muted) => {
    video.muted = muted;
    if (!muted) void video.play().catch(() => toast("浏览器没让出声 · The browser kept the sound off", "bad"));
    byId("sound").hidden = true;
    byId("mute").classList.remove("wanted");
    byId("mute").setAttribute("aria-pressed", String(muted));
    byId("mute-icon").setAttribute("href", `/assets/img/icons.svg#${muted ? "mute" : "sound"}`);
  };
  const offer = () => {
    if (!video.muted) return;
    byId("sound").hidden = false;
    byId("mute").classList.add("wanted");
    setTimeout(() => (byId("sound").hidden = true), OFFER_MS);
  };
  byId("mute").addEventListener("click", () => setMuted(!video.muted));
  byId("sound").addEventListener("click", () => setMuted(false));
  byId("canvas").addEventListener("click", () => {
    if (video.muted) setMuted(false);
  });
  video.addEventListener("playing", offer, { once: true });
}
