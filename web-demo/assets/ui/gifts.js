/** The gifts one can send, and the banners and flights they make on screen. */

import { call } from "../http.js";
import { avatar, el, wantsLessMotion } from "./dom.js";

/** How long a banner waits for the next gift of its combo if the end of the combo gets lost. */
const COMBO_MS = 4_000;
/** How long a banner stays once its combo is over. */
const ENDED_MS = 600;
const FLIGHT_MS = 2_600;
const MOST_BANNERS = 3;
/** From here on a gift crosses the screen, whatever its level. */
const BIG_COINS = 99;

/** The gifts one can give, `GET /v1/gifts`; the page works without them until they are here. */
export class GiftCatalog {
  constructor() {
    /** @type {Map<string, Wire.Gift>} */
    this.gifts = new Map();
  }

  async load() {
    const { gifts } = await call(null, "GET", "/v1/gifts");
    this.gifts = new Map(gifts.map((/** @type {Wire.Gift} */ gift) => [gift.id, gift]));
  }

  /**
   * @param {string} id
   * @returns {Wire.Gift}
   */
  find(id) {
    return this.gifts.get(id) ?? { id, name: id, coins: 0, level: "normal", icon: "", effect: "" };
  }

  /**
   * Returns the picture of a gift.
   * @param {string} id
   */
  picture(id) {
    const { icon, name } = this.find(id);
    return icon === "" ? avatar(name) : picture(icon);
  }
}

/** @param {string} src */
function picture(src) {
  return el("img", { class: "gift-picture", src, alt: "", width: 64, height: 64 });
}

/** The picture of a like. */
export function likePicture() {
  return picture("/assets/img/heart.svg");
}

export class GiftView {
  /**
   * @param {HTMLElement} banners
   * @param {HTMLElement} sky   where big gifts fly
   * @param {GiftCatalog} catalog
   */
  constructor(banners, sky, catalog) {
    this.catalog = catalog;
    this.banners = banners;
    this.sky = sky;
    /** By combo. @type {Map<number, {banner: HTMLElement, count: HTMLElement, timer: number}>} */
    this.running = new Map();
  }

  /** @param {Wire.GiftItem} item */
  show(item) {
    this.showBanner(item);
    const { level, coins } = this.catalog.find(item.gift);
    if (item.n > 0 && (level === "luxury" || coins >= BIG_COINS)) this.fly(item.gift, level);
  }

  /** @param {Wire.GiftItem} item */
  showBanner({ user, name, gift, combo }) {
    const count = `×${combo.n}`;
    const known = this.running.get(combo.id);
    if (known) {
      clearTimeout(known.timer);
      known.timer = this.fadeLater(combo.id, combo.end);
      if (known.count.textContent === count) return;
      known.count.textContent = count;
      known.count.classList.remove("pop");
      void known.count.offsetWidth;
      known.count.classList.add("pop");
      return;
    }
    // The end of a combo that was shown before is nothing to show again.
    if (combo.end) return;

    const kind = this.catalog.find(gift);
    const counter = el("b", { class: "combo pop", "data-testid": "combo" }, count);
    const banner = el("div", { class: `gift-banner ${kind.level} ${kind.id}`, "data-testid": "gift-banner" },
      el("span", { class: "gift-who" }, el("b", {}, name || user), el("small", {}, `送出 sent ${kind.name}`)),
      this.catalog.picture(gift),
      counter,
    );
    this.banners.append(banner);
    this.running.set(combo.id, { banner, count: counter, timer: this.fadeLater(combo.id, false) });
    const [oldest] = this.running.keys();
    if (this.running.size > MOST_BANNERS && oldest !== undefined) this.remove(oldest);
  }

  /**
   * @param {string} id
   * @param {Wire.Gift["level"]} level
   */
  fly(id, level) {
    if (wantsLessMotion() || this.sky.childElementCount > 4) return;
    const flight = el("div", { class: `flight ${level} ${id}` }, this.catalog.picture(id));
    this.sky.append(flight);
    setTimeout(() => flight.remove(), FLIGHT_MS);
  }

  /** Lets one heart rise. */
  heart() {
    if (wantsLessMotion() || this.sky.childElementCount > 24) return;
    const heart = el("span", { class: "heart" }, likePicture());
    heart.style.setProperty("--drift", `${Math.round(Math.random() * 60 - 30)}px`);
    heart.style.setProperty("--turn", `${Math.round(Math.random() * 50 - 25)}deg`);
    this.sky.append(heart);
    setTimeout(() => heart.remove(), 1_800);
  }

  /**
   * @param {number} combo
   * @param {boolean} isOver
   */
  fadeLater(combo, isOver) {
    return window.setTimeout(() => this.remove(combo), isOver ? ENDED_MS : COMBO_MS);
  }

  /** @param {number} combo */
  remove(combo) {
    const known = this.running.get(combo);
    if (!known) return;
    clearTimeout(known.timer);
    known.banner.remove();
    this.running.delete(combo);
  }
}
