/** The gifts one can send, and the banners and flights they make on screen. */

import { el, wantsLessMotion } from "./dom.js";

/** How long a banner waits for the next gift of its combo. */
const COMBO_MS = 3_000;
const FLIGHT_MS = 2_600;
const MOST_BANNERS = 3;

/** @typedef {{id: string, zh: string, en: string, coins: number}} GiftKind */

/** @type {GiftKind[]} */
export const GIFTS = [
  { id: "rose", zh: "玫瑰", en: "Rose", coins: 10 },
  { id: "cake", zh: "蛋糕", en: "Cake", coins: 99 },
  { id: "rocket", zh: "火箭", en: "Rocket", coins: 1000 },
];

/** @param {string} id */
export function giftKind(id) {
  return GIFTS.find((gift) => gift.id === id) ?? { id: "heart", zh: "小心心", en: "Sticker", coins: 1 };
}

/** @param {string} id */
export function giftPicture(id) {
  return el("img", { class: "gift-picture", src: `/assets/img/${giftKind(id).id}.svg`, alt: "", width: 64, height: 64 });
}

export class GiftView {
  /**
   * @param {HTMLElement} banners
   * @param {HTMLElement} sky   where big gifts fly
   */
  constructor(banners, sky) {
    this.banners = banners;
    this.sky = sky;
    /** @type {Map<string, {banner: HTMLElement, count: HTMLElement, timer: number}>} */
    this.running = new Map();
  }

  /** @param {Wire.Gift} gift */
  show(gift) {
    this.showBanner(gift);
    if (gift.gift === "rocket" || gift.gift === "cake") this.fly(gift.gift);
  }

  /** @param {Wire.Gift} gift */
  showBanner(gift) {
    const key = `${gift.user}/${gift.gift}/${gift.to}`;
    const count = `×${Math.max(gift.combo, gift.n)}`;
    const known = this.running.get(key);
    if (known) {
      clearTimeout(known.timer);
      known.count.textContent = count;
      known.count.classList.remove("pop");
      void known.count.offsetWidth;
      known.count.classList.add("pop");
      known.timer = this.fadeLater(key);
      return;
    }

    const kind = giftKind(gift.gift);
    const counter = el("b", { class: "combo pop", "data-testid": "combo" }, count);
    const banner = el("div", { class: `gift-banner ${kind.id}`, "data-testid": "gift-banner" },
      el("span", { class: "gift-who" }, el("b", {}, gift.name || gift.user), el("small", {}, `送出 ${kind.zh} · sent a ${kind.en.toLowerCase()}`)),
      giftPicture(gift.gift),
      counter,
    );
    this.banners.append(banner);
    this.running.set(key, { banner, count: counter, timer: this.fadeLater(key) });
    const [oldest] = this.running.keys();
    if (this.running.size > MOST_BANNERS && oldest !== undefined) this.remove(oldest);
  }

  /** @param {string} id */
  fly(id) {
    if (wantsLessMotion() || this.sky.childElementCount > 4) return;
    const flight = el("div", { class: `flight ${id}` }, giftPicture(id));
    this.sky.append(flight);
    setTimeout(() => flight.remove(), FLIGHT_MS);
  }

  /** Lets one heart rise. */
  heart() {
    if (wantsLessMotion() || this.sky.childElementCount > 24) return;
    const heart = el("span", { class: "heart" }, giftPicture("heart"));
    heart.style.setProperty("--drift", `${Math.round(Math.random() * 60 - 30)}px`);
    heart.style.setProperty("--turn", `${Math.round(Math.random() * 50 - 25)}deg`);
    this.sky.append(heart);
    setTimeout(() => heart.remove(), 1_800);
  }

  /** @param {string} key */
  fadeLater(key) {
    return window.setTimeout(() => this.remove(key), COMBO_MS);
  }

  /** @param {string} key */
  remove(key) {
    const known = this.running.get(key);
    if (!known) return;
    clearTimeout(known.timer);
    known.banner.remove();
    this.running.delete(key);
  }
}
