/**
 * "3, 2, 1, link!": the big countdown over the picture, then the product card whose button opens by room
 * time, without waiting for a message. Whether an order was in time is the server's word, shown as it is.
 */

import { clockText, labelAt, nextFlip, saleStateAt } from "../countdown.js";
import { randomId } from "../token.js";
import { el, icon, price, setText } from "./dom.js";
import { wordsFor } from "./words.js";

/** How long the last label stays after the deadline. */
const FIRED_MS = 1_600;

/** A closed card stays this long. */
const CLOSED_MS = 15_000;

const KINDS = ["sale_open", "packet_open", "lottery_draw", "pk_start"];

/** What is said under the numeral: before, and at the end. @type {Record<string, [string, string]>} */
const CAPTIONS = {
  sale_open: ["即将上链接 · Link in", "Link is up!"], packet_open: ["红包来了 · Red packet in", "快抢 · Grab it!"],
  lottery_draw: ["即将开奖 · Draw in", "中奖的是… · And the winner is…"], pk_start: ["PK 即将开始 · Battle in", "开战 · Fight"],
};

/** @typedef {import("../room-state.js").RoomModel} RoomModel */

/** The numeral in the middle of the picture. */
export class BigCountdown {
  /**
   * @param {HTMLElement} root
   * @param {() => number} now room time
   * @param {(fired: {id: string, kind: string, openAt: number, at: number}) => void} [onFired]
   */
  constructor(root, now, onFired) {
    this.root = root;
    this.now = now;
    this.onFired = onFired;
    /** @type {Map<string, Wire.Countdown>} */
    this.waiting = new Map();
    /** @type {Set<string>} */
    this.fired = new Set();
    this.timer = 0;
    this.shown = "";
  }

  /** @param {RoomModel} model */
  update(model) {
    this.waiting.clear();
    for (const countdown of model.countdowns.values()) {
      if (KINDS.includes(countdown.kind) && countdown.state !== "cancelled") this.waiting.set(countdown.id, countdown);
    }
    this.flip();
  }

  /** Shows what is due now and sleeps until the next change. */
  flip() {
    clearTimeout(this.timer);
    const now = this.now();
    for (const [id, { open_at }] of this.waiting) if (open_at + FIRED_MS <= now) this.waiting.delete(id);
    const waiting = [...this.waiting.values()].sort((a, b) => a.open_at - b.open_at);
    for (const one of waiting) if (one.open_at <= now) this.fire(one, now);

    const [next] = waiting;
    this.show(next ? labelAt(next, now) : null, next ?? null);
    if (waiting.length === 0) return;
    // Timers may fire a little early; a flip that changes nothing asks again.
    const waits = waiting.map((one) => nextFlip(one, now) ?? one.open_at + FIRED_MS - now);
    this.timer = window.setTimeout(() => this.flip(), Math.max(1, Math.min(...waits)));
  }

  /**
   * @param {Wire.Countdown} countdown
   * @param {number} now
   */
  fire(countdown, now) {
    if (this.fired.has(countdown.id)) return;
    this.fired.add(countdown.id);
    this.onFired?.({ id: countdown.id, kind: countdown.kind, openAt: countdown.open_at, at: now });
  }

  /**
   * @param {string | null} label
   * @param {Wire.Countdown | null} countdown
   */
  show(label, countdown) {
    const key = label === null ? "" : `${countdown?.id}:${label}`;
    if (key === this.shown) return;
    this.shown = key;
    this.root.hidden = label === null;
    if (label === null || !countdown) return;

    const isLast = label === countdown.labels.at(-1);
    const caption = CAPTIONS[countdown.kind]?.[isLast ? 1 : 0] ?? "";
    this.root.replaceChildren(
      el("div", { class: `big-ring ${isLast ? "last" : ""}` }, el("strong", { class: "big-label", "data-testid": "big-label" }, label)),
      el("p", { class: "big-caption" }, caption),
    );
  }
}

/** The product on offer and its button. */
export class SaleCard {
  /**
   * @param {HTMLElement} root
   * @param {() => number} now room time
   * @param {(sale: string, idem: string) => Promise<Wire.OrderResult>} place
   */
  constructor(root, now, place) {
    this.root = root;
    this.now = now;
    this.place = place;
    this.title = el("h2", { class: "sale-title", "data-testid": "sale-title" });
    this.price = el("span", { class: "sale-price", "data-testid": "sale-price" });
    this.left = el("span", { class: "sale-left", "data-testid": "sale-left" });
    this.meter = el("span", { class: "sale-meter", "aria-hidden": "true" });
    this.button = el("button", { class: "buy", type: "button", "data-testid": "buy", disabled: true, onclick: () => void this.buy() }, "抢 Buy");
    this.answer = el("p", { class: "sale-answer", role: "status", "data-testid": "order-answer" });
    root.append(
      el("div", { class: "sale-thumb" }, icon("bag")),
      el("div", { class: "sale-body" }, this.title, el("div", { class: "sale-figures" }, this.price, this.left), this.meter),
      this.button,
      this.answer,
    );
    /** @type {Wire.Sale | null} */
    this.sale = null;
    /** @type {{sale: string, idem: string} | null} an order of which nobody knows what became of it keeps its key */
    this.unanswered = null;
    this.isBusy = false;
    this.timer = 0;
  }

  /** @param {RoomModel} model */
  update(model) {
    const sale = [...model.sales.values()].sort((a, b) => rank(b) - rank(a) || b.open_at - a.open_at)[0] ?? null;
    if (sale?.sale !== this.sale?.sale) this.say("", "");
    this.sale = sale;
    this.refresh();
  }

  /** Draws the card as of now and sleeps until it would look different. */
  refresh() {
    clearTimeout(this.timer);
    const { sale } = this;
    const now = this.now();
    const gone = !sale || (rank(sale) === 0 && now > sale.close_at + CLOSED_MS) || sale.state === "cancelled";
    this.root.hidden = gone;
    if (gone) return;

    const state = saleStateAt(sale, now);
    this.root.dataset.state = state;
    setText(this.title, sale.title);
    setText(this.price, `¥${price(sale.price_cents)}`);
    setText(this.left, state === "open" ? `剩 ${sale.left}/${sale.stock} · ${clockText(sale.close_at - now)}` : `共 ${sale.stock} 件 · ${sale.stock} in stock`);
    this.meter.style.setProperty("--left", String(sale.stock > 0 ? sale.left / sale.stock : 0));
    this.button.disabled = state !== "open" || this.isBusy;
    setText(this.button, buttonText(state, sale.open_at - now));
    this.timer = window.setTimeout(() => this.refresh(), untilChange(sale, now));
  }

  async buy() {
    const { sale } = this;
    if (!sale || this.isBusy) return;
    if (this.unanswered?.sale !== sale.sale) this.unanswered = { sale: sale.sale, idem: randomId() };
    this.isBusy = true;
    this.refresh();
    try {
      const order = await this.place(sale.sale, this.unanswered.idem);
      this.unanswered = null;
      this.say(`抢到了!第 ${order.seq} 单 · Order no. ${order.seq}, ${order.stock} left`, "good");
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      // A busy room may have taken the order after the server gave up waiting for it.
      if (code !== "TIMEOUT" && code !== "OFFLINE" && code !== "BUSY") this.unanswered = null;
      this.say(wordsFor(error), "bad");
    }
    this.isBusy = false;
    this.refresh();
  }

  /**
   * @param {string} text
   * @param {string} mood
   */
  say(text, mood) {
    this.answer.className = `sale-answer ${mood}`;
    setText(this.answer, text);
  }
}

/** @param {Wire.Sale} sale */
function rank(sale) {
  return sale.state === "open" || sale.state === "counting" ? 1 : 0;
}

/**
 * @param {Wire.SaleState} state
 * @param {number} rest
 */
function buttonText(state, rest) {
  switch (state) {
    case "counting":
      return rest > 3_600_000 ? "即将 Soon" : `${Math.ceil(rest / 1000)}s 后开抢`;
    case "open":
      return "马上抢 Buy";
    case "sold_out":
      return "抢光了 Sold out";
    default:
      return "已结束 Closed";
  }
}

/**
 * @param {Wire.Sale} sale
 * @param {number} now
 */
function untilChange(sale, now) {
  const toOpen = nextFlip(sale, now);
  if (toOpen !== null) return Math.max(1, toOpen);
  const toTick = nextFlip({ open_at: sale.close_at }, now);
  return Math.max(1, toTick ?? CLOSED_MS);
}
