/**
 * An auction as one bidder sees it: what it is now by room time, whether we lead, and what can be bid. The
 * room tells nobody who leads by name, so who leads is known from its answers to our own bids. Pure.
 */

/** @typedef {{leads: boolean, max: number | null, isOutbid: boolean, won: number | null}} OwnBid */

/** @type {OwnBid} */
const NO_BID = { leads: false, max: null, isOutbid: false, won: null };

export class OwnBids {
  constructor() {
    /** @type {Map<string, OwnBid>} */
    this.bids = new Map();
  }

  /**
   * Takes over what the room says we lead: a page that was away missed who went further.
   * @param {Record<string, number>} leads
   */
  restore(leads) {
    for (const [auction, bid] of this.bids) if (bid.leads && !(auction in leads)) this.bids.set(auction, { ...bid, leads: false, isOutbid: bid.won === null });
    for (const [auction, max] of Object.entries(leads)) this.bids.set(auction, { ...NO_BID, leads: true, max });
  }

  /** @param {Wire.BidResult} result */
  handleResult({ auction, leading, max }) {
    this.bids.set(auction, { ...NO_BID, leads: leading, max, isOutbid: !leading });
  }

  /** @param {Wire.AuctionPrice} price */
  handleOutbid({ auction }) {
    this.bids.set(auction, { ...this.of(auction), leads: false, isOutbid: true });
  }

  /** @param {Wire.AuctionWon} won */
  handleWon({ auction, price }) {
    this.bids.set(auction, { ...this.of(auction), leads: true, isOutbid: false, won: price });
  }

  /** @param {string} auction */
  of(auction) {
    return this.bids.get(auction) ?? NO_BID;
  }
}

/**
 * Returns the state that this page may show before the room's word is here. Who won is the room's word alone.
 * @param {Pick<Wire.Auction, "state" | "start_at" | "end_at">} auction
 * @param {number} now room time
 * @returns {Wire.AuctionState | "deciding"}
 */
export function auctionStateAt({ state, start_at, end_at }, now) {
  if (state === "sold" || state === "unsold" || state === "void") return state;
  if (now < start_at) return "scheduled";
  if (now >= end_at) return "deciding";
  return state === "scheduled" ? "running" : state;
}

/**
 * Reads money as people write it; null for what is none, or less than the least.
 * @param {string} text
 * @param {number} least in minor units
 */
export function minorUnits(text, least) {
  if (!/^\d{1,12}(\.\d{1,2})?$/.test(text.trim())) return null;
  const minor = Math.round(Number(text) * 100);
  return minor >= least ? minor : null;
}
