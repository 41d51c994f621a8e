/**
 * The buyer's own orders in one room and what became of each, kept by the browser: the room answers an order
 * once and tells its fate later, perhaps to another page of the same buyer. Pure but for the storage it is given.
 *
 * ```text
 * queued ─▶ placed ─▶ paid
 *   │          └────▶ expired
 *   ├─▶ not_drawn     won (an auction's; the shop says how it is paid)
 *   └─▶ cancelled
 * ```
 */

/** More than a buyer looks back at. */
const KEPT = 50;

/** How far an order is; a word that comes late does not take it back. */
const ORDER = ["queued", "placed", "not_drawn", "cancelled", "won", "paid", "expired"];

/**
 * @typedef {object} OwnOrder
 * @property {string} order
 * @property {string} of  the sale or auction
 * @property {string} title
 * @property {number} cents  for all units
 * @property {number} qty
 * @property {"queued" | "placed" | "not_drawn" | "cancelled" | "won" | "paid" | "expired"} state
 * @property {number} at  room time of the page when it heard of it first
 * @property {number} [seq]
 * @property {number} [payBy]
 * @property {number} [decidedAt]
 */

export class OwnOrders {
  /** @param {Pick<Storage, "getItem" | "setItem">} storage */
  constructor(storage) {
    this.storage = storage;
    this.key = "";
    /** @type {Map<string, OwnOrder>} */
    this.orders = new Map();
  }

  /**
   * Takes up what this browser kept of a buyer in a room.
   * @param {string} room
   * @param {string} user
   */
  open(room, user) {
    const key = `lianmai.orders.${room}.${user}`;
    if (key === this.key) return;
    this.key = key;
    this.orders = new Map(read(this.storage, key).map((order) => [order.order, order]));
  }

  /**
   * Takes the room's answer to an order.
   * @param {Wire.OrderResult | Wire.OrderQueued} answer
   * @param {Wire.Sale} sale
   * @param {number} now
   */
  handleAnswer(answer, sale, now) {
    const isQueued = "state" in answer;
    this.put({
      order: answer.order, of: sale.sale, title: sale.title, cents: sale.price_cents * answer.qty, qty: answer.qty, at: now,
      ...(isQueued ? { state: "queued", decidedAt: answer.decided_at } : { state: "placed", seq: answer.seq, ...payBy(answer.pay_by) }),
    });
  }

  /**
   * Takes what became of an order; returns it, or null if that was known.
   * @param {Wire.OrderNews} news
   * @param {Wire.Sale | undefined} sale
   * @param {number} now
   */
  handleNews(news, sale, now) {
    const known = this.orders.get(news.order);
    const qty = news.qty ?? known?.qty ?? 1;
    return this.put({
      of: sale?.sale ?? "", title: sale?.title ?? news.order, cents: (sale?.price_cents ?? 0) * qty, at: now, ...known,
      order: news.order, qty, state: news.state, ...(news.seq === undefined ? {} : { seq: news.seq }), ...payBy(news.pay_by),
    });
  }

  /**
   * @param {Wire.AuctionWon} won
   * @param {Wire.Auction | undefined} auction
   * @param {number} now
   */
  handleWon(won, auction, now) {
    return this.put({ order: won.order, of: won.auction, title: auction?.title ?? won.auction, cents: won.price, qty: 1, state: "won", at: now });
  }

  /** Returns all orders, the youngest first. */
  list() {
    return [...this.orders.values()].sort((a, b) => b.at - a.at);
  }

  /**
   * Returns the orders of one sale or auction, the youngest first.
   * @param {string} of
   */
  allOf(of) {
    return this.list().filter((order) => order.of === of);
  }

  /**
   * Returns how many orders wait for their buyer's money.
   * @param {number} now
   */
  unpaid(now) {
    return [...this.orders.values()].filter((order) => isUnpaid(order, now)).length;
  }

  /** @param {OwnOrder} order */
  put(order) {
    const known = this.orders.get(order.order);
    if (known && ORDER.indexOf(known.state) >= ORDER.indexOf(order.state)) return null;
    this.orders.set(order.order, order);
    for (const { order: oldest } of this.list().slice(KEPT)) this.orders.delete(oldest);
    try {
      this.storage.setItem(this.key, JSON.stringify(this.list()));
    } catch {
      // A browser without room for it shows the orders until it is closed.
    }
    return order;
  }
}

/**
 * Tells whether an order still waits for its buyer's money.
 * @param {OwnOrder} order
 * @param {number} now
 */
export function isUnpaid({ state, payBy }, now) {
  return state === "placed" && payBy !== undefined && now < payBy;
}

/** @param {number | undefined} at */
function payBy(at) {
  return at === undefined ? {} : { payBy: at };
}

/**
 * @param {Pick<Storage, "getItem">} storage
 * @param {string} key
 * @returns {OwnOrder[]}
 */
function read(storage, key) {
  try {
    const kept = JSON.parse(storage.getItem(key) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one?.order === "string" && ORDER.includes(one.state)) : [];
  } catch {
    return [];
  }
}
