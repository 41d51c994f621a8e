/**
 * All gifts of the catalogue, page by page: choose one, how many, and whom; pressing on makes a combo. The
 * panel lies over the lower part of the page, so that what one gives is seen above it.
 */

import { OwnCombo, PAGE, QUANTITIES, pagesOf } from "../gift-choice.js";
import { randomId } from "../token.js";
import { byId, el, setText } from "./dom.js";
import { attempt } from "./toast.js";

export class GiftPanel {
  /**
   * @param {HTMLElement} button
   * @param {object} context
   * @param {string} context.room
   * @param {import("./gifts.js").GiftCatalog} context.catalog
   * @param {(t: string, d: object) => Promise<any>} context.request
   */
  constructor(button, { room, catalog, request }) {
    this.room = room;
    this.catalog = catalog;
    this.request = request;
    this.combo = new OwnCombo();
    this.page = 0;
    this.chosen = "";
    this.timer = 0;
    this.sheet = /** @type {HTMLDialogElement} */ (byId("gift-sheet"));
    this.tiles = el("div", { class: "gift-tiles", role: "radiogroup", "aria-label": "礼物 Gifts", "data-testid": "gift-tiles" });
    this.pages = el("div", { class: "gift-pages", role: "group", "aria-label": "页 Pages", "data-testid": "gift-pages" });
    this.count = el("select", { class: "button small", "aria-label": "数量 How many", "data-testid": "gift-count" }, ...QUANTITIES.map((n) => el("option", { value: n }, `×${n}`)));
    this.to = el("select", { class: "button small", "aria-label": "送给 To", hidden: true, "data-testid": "gift-to" });
    this.cost = el("span", { class: "gift-cost", "data-testid": "gift-cost" });
    this.send = el("button", { class: "button primary gift-send", type: "button", "data-testid": "gift-send", onclick: () => void this.give() }, "赠送 Send");
    this.sheet.replaceChildren(
      el("div", { class: "gift-head" }, el("h2", { id: "gift-title" }, "礼物 Gifts"), this.cost, this.pages,
        el("button", { class: "round", type: "button", "aria-label": "关闭 Close", "data-testid": "gift-close", onclick: () => this.sheet.close() }, "✕")),
      this.tiles, el("div", { class: "gift-foot" }, this.to, this.count, this.send));
    this.count.addEventListener("change", () => this.drawSend());
    this.to.addEventListener("change", () => this.drawSend());
    this.tiles.addEventListener("keydown", (event) => this.step(event));
    this.sheet.addEventListener("click", ({ target }) => {
      if (target === this.sheet) this.sheet.close();
    });
    button.addEventListener("click", () => this.open());
  }

  open() {
    if (this.chosen === "") this.chosen = this.gifts[0]?.id ?? "";
    this.draw();
    this.sheet.showModal();
    /** @type {HTMLElement | null} */ (this.tiles.querySelector('[aria-checked="true"]'))?.focus();
  }

  get gifts() {
    return [...this.catalog.gifts.values()];
  }

  /**
   * In a battle a gift may go to either side.
   * @param {import("../room-state.js").RoomModel} model
   */
  update({ battle, room }) {
    const rooms = battle && battle.state !== "idle" && battle.state !== "inviting" ? [room, ...battle.rooms.filter((one) => one !== room)] : [];
    this.to.hidden = rooms.length < 2;
    if (rooms.join() === [...this.to.options].map(({ value }) => value).join()) return;
    this.to.replaceChildren(...rooms.map((one) => el("option", { value: one }, one === room ? "给主播 This room" : `给 ${one}`)));
    this.drawSend();
  }

  draw() {
    const pages = pagesOf(this.gifts);
    this.tiles.classList.toggle("many", this.gifts.length > PAGE / 2);
    this.page = Math.min(this.page, Math.max(0, pages.length - 1));
    this.tiles.replaceChildren(...(pages[this.page] ?? []).map((gift) => this.tile(gift)));
    this.pages.hidden = pages.length < 2;
    this.pages.replaceChildren(...pages.map((_, page) => el("button", {
      class: "gift-page", type: "button", "aria-label": `第 ${page + 1} 页 Page ${page + 1}`, "aria-pressed": String(page === this.page), onclick: () => this.turnTo(page),
    }, String(page + 1))));
    this.drawSend();
  }

  /** @param {number} page */
  turnTo(page) {
    this.page = page;
    this.chosen = pagesOf(this.gifts)[page]?.[0]?.id ?? this.chosen;
    this.draw();
    /** @type {HTMLElement | undefined} */ (this.pages.children[page])?.focus();
  }

  /** @param {Wire.Gift} gift */
  tile({ id, name, coins, level }) {
    const isChosen = id === this.chosen;
    return el("button", {
      class: `gift-tile ${level}`, type: "button", role: "radio", "aria-checked": String(isChosen), tabindex: isChosen ? 0 : -1, "data-testid": `gift-${id}`, "data-gift": id,
      onclick: () => this.choose(id),
    }, this.catalog.picture(id), el("b", {}, name.split(" ")[0] ?? name), el("small", {}, `${coins} 币`));
  }

  /** @param {string} id */
  choose(id) {
    this.chosen = id;
    for (const tile of /** @type {Iterable<HTMLElement>} */ (this.tiles.children)) {
      const isChosen = tile.dataset.gift === id;
      tile.setAttribute("aria-checked", String(isChosen));
      tile.tabIndex = isChosen ? 0 : -1;
      if (isChosen) tile.focus();
    }
    this.drawSend();
  }

  /** @param {KeyboardEvent} event */
  step(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 4, ArrowUp: -4 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const all = this.gifts;
    const next = all.findIndex(({ id }) => id === this.chosen) + by;
    const gift = all[next];
    if (!gift) return;
    const page = Math.floor(next / PAGE);
    if (page !== this.page) {
      this.page = page;
      this.chosen = gift.id;
      this.draw();
    }
    this.choose(gift.id);
  }

  drawSend() {
    clearTimeout(this.timer);
    const gift = this.gifts.find(({ id }) => id === this.chosen);
    const n = Number(this.count.value);
    const rest = this.combo.restAt(this.target, performance.now());
    this.send.disabled = !gift;
    setText(this.cost, gift ? `${gift.coins * n} 币 coins` : "");
    setText(this.send, rest > 0 ? `连击 ×${this.combo.n}` : "赠送 Send");
    this.send.classList.toggle("combo-on", rest > 0);
    if (rest > 0) this.timer = window.setTimeout(() => this.drawSend(), rest);
  }

  /** What a combo is of: the gift and whom it goes to. */
  get target() {
    return `${this.chosen}>${this.to.value}`;
  }

  async give() {
    const { target } = this;
    const n = Number(this.count.value);
    const to = this.to.hidden || this.to.value === "" ? {} : { to: this.to.value };
    const sent = await attempt(this.request("gift.send", { gift: this.chosen, n, ...to, idem: randomId() }));
    if (!sent) return;
    this.combo.handleSent(target, n, performance.now());
    this.drawSend();
  }
}
