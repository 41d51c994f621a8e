/**
 * The room as this page knows it: a snapshot, then events on top. Pure. Events of one stream may come by
 * two carriers, so a newer word about a seat may be here before an older one; each object keeps the
 * counter of its last word and ignores what is older.
 */

import { applyGoods, goodsOf } from "./products.js";

/** How many chat lines are kept. */
const CHAT_KEPT = 100;

/**
 * @typedef {object} RoomModel
 * @property {boolean} joined  false until the first snapshot
 * @property {string} room
 * @property {string} title
 * @property {Wire.RoomState} state
 * @property {string | null} reason  why the room ended
 * @property {Wire.You} you
 * @property {Wire.Seat[]} seats
 * @property {Wire.Performer[]} stage
 * @property {(Wire.Battle & {topOf?: number}) | null} battle  `topOf`: the version that came with its givers
 * @property {Map<string, Wire.Sale>} sales
 * @property {Map<string, Wire.RedPacket>} packets
 * @property {Map<string, Wire.Lottery>} lotteries
 * @property {import("./products.js").Goods} goods
 * @property {Map<string, Wire.Auction>} auctions
 * @property {Map<string, Wire.Coupon>} coupons
 * @property {Map<string, Wire.Quiz>} quizzes
 * @property {Map<string, Wire.Question>} questions
 * @property {Map<string, Wire.SaleDraft>} drafts  sales that are prepared; of whoever may announce them
 * @property {Map<string, Wire.Countdown>} countdowns
 * @property {Wire.Chat[]} chat
 * @property {Wire.Settings | null} settings
 * @property {Wire.Moderation | null} moderation  of those who keep order
 * @property {{until: number | null} | null} muted  we may not talk until then, or for good
 * @property {string | null} speaker  the feed of whoever speaks
 * @property {Map<string, Wire.Uplink>} uplinks  by user: how well their streams reach the server
 * @property {number} online
 * @property {number} likes
 * @property {number} gifts
 * @property {number} coins
 * @property {number} senders  users who gave something
 * @property {Wire.Contributor[]} top  the three who gave most
 * @property {Map<string, number>} words  the counter of the last word about each object
 */

/**
 * Returns a model of a room nobody has heard from yet.
 * @param {string} room
 * @returns {RoomModel}
 */
export function emptyRoom(room) {
  return {
    joined: false, room, title: room, state: "created", reason: null, you: { user: "", name: "", role: "viewer" },
    seats: [], stage: [], battle: null, sales: new Map(), packets: new Map(), lotteries: new Map(), goods: goodsOf(), auctions: new Map(), coupons: new Map(), quizzes: new Map(), questions: new Map(), drafts: new Map(),
    countdowns: new Map(), chat: [], settings: null, moderation: null, muted: null,
    speaker: null, uplinks: new Map(), ...totals({}), words: new Map(),
  };
}

/**
 * Replaces everything by a snapshot. Only the chat keeps the lines that were already there.
 * @param {RoomModel} model
 * @param {Wire.Snapshot} snapshot
 */
export function applySnapshot(model, snapshot) {
  const known = new Set(snapshot.chat.map((line) => line.id));
  const chat = [...model.chat.filter((line) => !known.has(line.id)), ...snapshot.chat];

  Object.assign(model, {
    joined: true, room: snapshot.room, title: snapshot.title, state: snapshot.state, reason: null, you: snapshot.you,
    seats: snapshot.seats, stage: snapshot.stage, battle: snapshot.battle,
    sales: new Map(snapshot.sales.map((sale) => [sale.sale, sale])),
    packets: new Map((snapshot.packets ?? []).map((packet) => [packet.packet, packet])),
    lotteries: new Map((snapshot.lotteries ?? []).map((lottery) => [lottery.lottery, lottery])),
    goods: goodsOf(snapshot),
    auctions: new Map((snapshot.auctions ?? []).map((auction) => [auction.auction, auction])),
    coupons: new Map((snapshot.coupons ?? []).map((coupon) => [coupon.coupon, coupon])),
    quizzes: new Map((snapshot.quizzes ?? []).map((quiz) => [quiz.quiz, quiz])),
    questions: new Map((snapshot.questions ?? []).map((question) => [question.question, question])),
    drafts: new Map((snapshot.drafts ?? []).map((draft) => [draft.sale, draft])),
    settings: snapshot.settings ?? null, moderation: snapshot.moderation ?? null, muted: snapshot.muted_until === undefined ? null : { until: snapshot.muted_until },
    countdowns: new Map(snapshot.countdowns.map((countdown) => [countdown.id, countdown])),
    chat: chat.slice(-CHAT_KEPT), ...totals(snapshot),
  });
  model.words.clear();
}

/**
 * Applies one event that was not seen before. Returns false when a newer word was already here.
 * @param {RoomModel} model
 * @param {Wire.Down} event
 */
export function applyEvent(model, event) {
  if (isStale(model, event)) return false;
  const { d } = event;

  switch (event.t) {
    case "room.state":
      model.state = d.state;
      model.reason = d.reason ?? null;
      return true;
    case "stage.updated":
      model.stage = d.stage;
      return true;
    case "seat.updated":
      model.seats = [...model.seats.filter((seat) => seat.index !== d.index), d].sort((a, b) => a.index - b.index);
      return true;
    case "pk.updated":
      model.battle = settledBattle(model.battle, d);
      return true;
    case "pk.score":
      return applyScore(model, d);
    case "sale.updated":
      model.sales.set(d.sale, d);
      return true;
    case "packet.updated":
      model.packets.set(d.packet, d);
      return true;
    case "lottery.updated":
      model.lotteries.set(d.lottery, d);
      return true;
    case "coupon.updated":
      model.coupons.set(d.coupon, d);
      return true;
    case "quiz.updated":
      model.quizzes.set(d.quiz, d);
      return true;
    case "auction.updated":
      return applyPrice(model, d, true);
    case "bid.update":
      return applyPrice(model, d, false);
    case "countdown":
      return applyCountdown(model, d);
    case "room.settings":
      model.settings = d;
      return true;
    case "me.muted":
      model.muted = { until: d.until };
      return true;
    case "me.unmuted":
      model.muted = null;
      return true;
    case "chat":
      if (model.chat.some((line) => line.id === d.id)) return false;
      model.chat = [...model.chat, d].slice(-CHAT_KEPT);
      return true;
    case "whisper":
      model.chat = [...model.chat, { ...d, kind: "whisper" }].slice(-CHAT_KEPT);
      return true;
    case "chat.deleted":
      model.chat = model.chat.filter(({ id }) => id !== d.id);
      return true;
    case "chat.wiped":
      model.chat = model.chat.filter(({ user }) => user !== d.user);
      for (const [id, { user }] of model.questions) if (user === d.user) model.questions.delete(id);
      return true;
    case "question.updated":
      // One is pinned at most.
      if (d.pinned) for (const [id, one] of model.questions) model.questions.set(id, { ...one, pinned: false });
      model.questions.set(d.question, d);
      return true;
    case "question.gone":
      model.questions.delete(d.question);
      return true;
    case "speaker":
      model.speaker = d.feed;
      return true;
    case "uplink":
    case "uplink.bad":
    case "uplink.good":
      model.uplinks.set(d.user, d);
      return true;
    case "react":
      Object.assign(model, totals(d));
      return true;
    default:
      if (applyGoods(model.goods, event)) return true;
      return model.moderation === null || !event.t.startsWith("mod.") || applyOrder(model.moderation, event);
  }
}

/** @param {Partial<Wire.React>} told */
function totals({ online = 0, likes = 0, gifts = 0, coins = 0, senders = 0, top = [] }) {
  return { online, likes, gifts, coins, senders, top };
}

/**
 * @param {RoomModel} model
 * @param {Wire.Down} event
 */
function isStale(model, { t, q, d }) {
  const object = { "seat.updated": d.index, "pk.updated": d.pk, "sale.updated": d.sale, "packet.updated": d.packet, "lottery.updated": d.lottery, "coupon.updated": d.coupon, "quiz.updated": d.quiz }[t] ?? "";
  const isWord = ["room.state", "stage.updated", "seat.updated", "pk.updated", "sale.updated", "packet.updated", "lottery.updated", "coupon.updated", "quiz.updated", "room.settings", "react"].includes(t);
  if (!isWord || q === undefined) return false;

  const key = `${t}:${object}`;
  if ((model.words.get(key) ?? -1) > q) return true;
  model.words.set(key, q);
  return false;
}

/**
 * @param {RoomModel["battle"]} before
 * @param {Wire.Battle} after
 * @returns {RoomModel["battle"]}
 */
function settledBattle(before, after) {
  const told = { ...after, topOf: after.version };
  // A score may have overtaken the battle's own word on another channel.
  if (before?.pk !== after.pk || before.version <= after.version) return told;
  const newest = topOf(before) > after.version ? { top: before.top, topOf: before.topOf } : {};
  return { ...told, scores: before.scores, version: before.version, ...newest };
}

/** @param {NonNullable<RoomModel["battle"]>} battle */
function topOf({ topOf: known, version }) {
  return known ?? version;
}

/**
 * @param {RoomModel} model
 * @param {{pk: string, version: number, scores: Record<string, number>, top?: Record<string, Wire.Giver[]>}} score
 */
function applyScore(model, score) {
  const battle = model.battle;
  if (battle?.pk !== score.pk) return false;
  const { scores, version } = score.version > battle.version ? score : battle;
  // Who gave comes only when that changed, so it may be newest in a score that another one has overtaken.
  const { top, topOf: of } = score.top && score.version > topOf(battle) ? { top: score.top, topOf: score.version } : { top: battle.top, topOf: topOf(battle) };
  if (version === battle.version && top === battle.top) return false;
  model.battle = { ...battle, scores, version, top: top ?? {}, topOf: of };
  return true;
}

/**
 * Bids overtake one another on their ways, so each price has a number; a price of an auction that nobody has told of waits for its word.
 * @param {RoomModel} model
 * @param {any} told  an auction, or only its price
 * @param {boolean} isWhole
 */
function applyPrice(model, told, isWhole) {
  const known = model.auctions.get(told.auction);
  if (known ? known.rev > told.rev : !isWhole) return false;
  model.auctions.set(told.auction, { ...known, ...told });
  return true;
}

/**
 * What those who keep order are told of one another's doings.
 * @param {Wire.Moderation} kept
 * @param {Wire.Down} event
 */
function applyOrder(kept, { t, d }) {
  const others = (/** @type {Wire.Sanction[]} */ list) => list.filter(({ user }) => user !== d.user);
  if (t === "mod.muted") kept.mutes = [...others(kept.mutes), d];
  else if (t === "mod.unmuted") kept.mutes = others(kept.mutes);
  else if (t === "mod.banned") kept.bans = [...others(kept.bans), d];
  else if (t === "mod.unbanned") kept.bans = others(kept.bans);
  else if (t === "mod.words") kept.words = d.words;
  return true;
}

/**
 * @param {RoomModel} model
 * @param {Wire.Countdown} countdown
 */
function applyCountdown(model, countdown) {
  const known = model.countdowns.get(countdown.id);
  // The same revision may come again when it fires; an older one never counts.
  if (known && known.rev > countdown.rev) return false;
  model.countdowns.set(countdown.id, countdown);
  return true;
}
