/**
 * The viewer's page: `/watch?room=R`, with `&token=` from a shop or `&identity=` under `serve --dev`.
 * `&role=moderator` asks for a demo token of somebody who keeps order. `&carrier=dc` uses no WebSocket at all (events by data channel, orders by HTTP), `&carrier=ws` opens no
 * data channels.
 *
 * For tests and for the curious the page keeps `window.lianmai`:
 *
 * ```text
 * state          the room as known here (room-state.js RoomModel)
 * session        protocol/session.js RoomSession: status, received {ws, dc, echoes}, request(t, d)
 * pc, pcs        the program's RTCPeerConnection; all of them by name
 * player         media/whep.js WhepPlayer
 * clock          clock.js RoomClock; clockOffset() server minus performance.now(), now() room time
 * mediaClock     media/media-clock.js MediaClock: roomTimeOf(rtpTimestamp)
 * late           {ms, shownAt}: how late the newest picture is against room time, and its room time
 * figures()      the latest getStats figures of the program
 * fired          [{id, kind, openAt, at}] countdowns that reached zero here; `at` is room time as estimated
 * events         the latest 500 events: {t, s, q, st, carrier, at, d}
 * ```
 */

import { OwnBids } from "./auction.js";
import { RoomClock } from "./clock.js";
import { call } from "./http.js";
import { MediaClock, followPictures } from "./media/media-clock.js";
import { downlinkMs } from "./media/stats.js";
import { WhepPlayer } from "./media/whep.js";
import { OwnOrders } from "./own-orders.js";
import { ON_CHANNELS, RoomSession } from "./protocol/session.js";
import { applyEvent, applySnapshot, emptyRoom } from "./room-state.js";
import { tokensOf } from "./token.js";
import { AuctionCard } from "./ui/auction-view.js";
import { BattleView } from "./ui/battle-view.js";
import { BigCountdown } from "./ui/big-countdown.js";
import { ChatView, lineText, wireComposer } from "./ui/chat-view.js";
import { Danmaku } from "./ui/danmaku.js";
import { avatar, byId, el, money, setText, short } from "./ui/dom.js";
import { GiftPanel } from "./ui/gift-panel.js";
import { GiftCatalog, GiftView } from "./ui/gifts.js";
import { likeButton } from "./ui/like-button.js";
import { GoodsView } from "./ui/goods-view.js";
import { LuckView } from "./ui/luck-view.js";
import { OrdersView } from "./ui/orders-view.js";
import { OwnSeat } from "./ui/own-seat.js";
import { OrderPanel } from "./ui/order-panel.js";
import { Plates } from "./ui/plates.js";
import { QualityMenu } from "./ui/quality-menu.js";
import { SaleCard } from "./ui/sale-view.js";
import { wireSound } from "./ui/sound.js";
import { QuestionsSheet } from "./ui/questions-sheet.js";
import { QuizView } from "./ui/quiz-view.js";
import { Status, drawComposer } from "./ui/status.js";
import { StatsPanel } from "./ui/stats-panel.js";
import { TalkPanel } from "./ui/talk-panel.js";
import { attempt, toast } from "./ui/toast.js";
import { UserSheet } from "./ui/user-sheet.js";

const EVENTS_KEPT = 500;

const query = new URLSearchParams(location.search);
const tokens = tokensOf(query, query.get("role") === "moderator" ? "moderator" : "viewer");
const { room } = tokens.who;
const carrier = query.get("carrier") === "dc" ? "dc" : query.get("carrier") === "ws" ? "ws" : "both";

const clock = new RoomClock();
const now = () => clock.now();
const mediaClock = new MediaClock(() => player.link.resource);
/** How late the newest picture is, and its room time. @type {{ms: number | null, shownAt: number | null}} */
const late = { ms: null, shownAt: null };
const model = emptyRoom(room);
/** @type {{id: string, kind: string, openAt: number, at: number}[]} */
const fired = [];
/** @type {object[]} */
const events = [];
let likesShown = 0;
/** The host keeps the name while off the stage. */
let hostName = "";

const video = /** @type {HTMLVideoElement} */ (byId("program"));
const chat = new ChatView(byId("chat"));
chat.own = { isOwn: ({ user }) => user === model.you.user, take: ({ id }) => void attempt(request("chat.delete", { id })) };
const plates = new Plates(byId("plates"), room, tokens);
const danmaku = new Danmaku(byId("danmaku"));
const catalog = new GiftCatalog();
const gifts = new GiftView(byId("gift-banners"), byId("sky"), catalog);
const battle = new BattleView(byId("pk"), now);
const bigCountdown = new BigCountdown(byId("big-count"), now, (one) => {
  fired.push(one);
  session.reportFired(one);
});
const orders = new OwnOrders(localStorage);
const bids = new OwnBids();
/**
 * Asks the room for something. What may not go up on data channels goes by HTTP where there is nothing else.
 * @param {string} t @param {object} d
 */
const request = (t, d) => (carrier === "dc" && !ON_CHANNELS.has(t) ? call(tokens, "POST", `/v1/rooms/${encodeURIComponent(room)}/commands`, { t, d }) : session.request(t, d));
const ordersView = new OrdersView(byId("orders"), { room, tokens, now, orders });
const saleCard = new SaleCard(byId("sale"), { now, place: placeOrder, orders, onOrder: () => ordersView.open() });
const auctionCard = new AuctionCard(byId("auction"), { now, request, bids });
const goods = new GoodsView(byId("goods-card"), byId("bag"));
const giftPanel = new GiftPanel(byId("gifts"), { room, catalog, request });
const quiz = new QuizView(byId("quiz"), { now, request });
const users = new UserSheet({ model, now, request, onChange: () => order.refresh() });
const order = new OrderPanel(byId("order-panel"), { room, tokens, model, now, request, users });
const questions = new QuestionsSheet(byId("questions"), { model, request });
const talk = new TalkPanel(byId("composer"), { request, whispers: true, onAsk: () => questions.open() });
const luck = new LuckView(byId("luck"), { room, tokens, now, request });

const session = new RoomSession({
  room, tokens, clock, carrier,
  onSnapshot(snapshot) {
    applySnapshot(model, snapshot);
    orders.open(room, model.you.user);
    luck.coupons.restore(snapshot.mine?.coupons ?? {});
    quiz.restore(snapshot);
    bids.restore(snapshot.mine?.leads ?? {});
    void sizes.refresh();
    if (users.isKeeper) chat.onPick = (line) => users.open(line);
    chat.update(model.chat);
    drawAll();
  },
  onEvent(event, by) {
    keep(event, by);
    if (event.t === "media.clock") mediaClock.handle(event.d);
    else if (event.t === "layout.applied") plates.handleApplied(event.d);
    else if (event.t === "quality.updated") sizes.draw(event.d);
    else if (applyEvent(model, event)) show(event);
  },
  onStatus: () => drawStatus(),
});

/** How the page stands: on air or not, and by which ways. */
const status = new Status({ model, session, player: () => player, video, carrier });
const drawStatus = () => status.draw();
const ownSeat = new OwnSeat({ model, session, tokens, query });

const player = new WhepPlayer({
  room, tokens, video,
  onChannels: carrier === "ws" ? undefined : (channels) => session.attachChannels(channels),
  onState: (state) => {
    if (state === "live") sizes.handleConnected();
    drawStatus();
  },
});
const sizes = new QualityMenu(byId("picture-size"), { room, tokens, link: () => player.link });

const stats = new StatsPanel(byId("stats"), () => new Map([["直播 program", player.pc]]), (_, figures) => {
  const delay = late.ms === null ? downlinkMs(figures) : Math.round(late.ms);
  setText(byId("delay"), delay === null ? "– ms" : `≈${delay} ms`);
  byId("delay").dataset.mood = delay === null ? "" : delay < 200 ? "good" : delay < 500 ? "fair" : "bad";
});

followPictures(video, mediaClock, now, (ms, shownAt) => Object.assign(late, { ms, shownAt }));

Object.assign(window, {
  lianmai: {
    state: model, session, player, clock, fired, events, now, late, mediaClock,
    get pc() { return player.pc; },
    get pcs() { return { program: player.pc }; },
    clockOffset: () => clock.offset(),
    figures: () => Object.values(stats.latest)[0] ?? null,
  },
});

wireButtons();
if (room === "") {
  setText(byId("curtain-text"), "地址里缺少 ?room= · The address has no ?room=");
} else {
  session.start();
  // A video without a picture yet holds up the page's `load`, and a tab would spin until the host comes.
  if (document.readyState === "complete") player.start();
  else window.addEventListener("load", () => player.start(), { once: true });
}

// ---- events ----

/**
 * @param {Wire.Down} event
 * @param {string} by
 */
function keep({ t, s, q, st, d }, by) {
  events.push({ t, s, q, st, carrier: by, at: now(), d });
  if (events.length > EVENTS_KEPT) events.shift();
}

/** @param {Wire.Down} event */
function show({ t, d }) {
  switch (t) {
    case "chat":
      chat.update([d]);
      danmaku.fly(lineText(d) ?? "", d.user === model.you.user);
      break;
    case "whisper":
      chat.update(model.chat);
      break;
    case "chat.deleted":
      chat.take((id) => id === d.id);
      break;
    case "chat.wiped":
      chat.take((_, user) => user === d.user);
      questions.update();
      break;
    case "question.updated":
    case "question.gone":
      questions.update();
      break;
    case "gift.batch":
      for (const item of d.gifts) showGift(item);
      break;
    case "react":
      drawCounts();
      luck.update(model);
      break;
    case "coupon.claimed":
      luck.coupons.handleClaimed(d);
      luck.update(model);
      break;
    case "quiz.won":
      quiz.handleWon(d);
      break;
    case "quiz.updated":
      quiz.update(model);
      break;
    case "packet.updated":
    case "coupon.updated":
    case "lottery.updated":
      luck.update(model);
      break;
    case "seat.request":
      ownSeat.handleRequest(d);
      break;
    case "order.result":
      ordersView.tell(orders.handleNews(d, model.sales.get(d.sale), now()));
      saleCard.refresh();
      break;
    case "bid.outbid":
      bids.handleOutbid(d);
      toast("你的出价被超过了 · You are outbid", "bad");
      auctionCard.refresh();
      break;
    case "auction.won":
      bids.handleWon(d);
      orders.handleWon(d, model.auctions.get(d.auction), now());
      toast(`恭喜!${money(d.price, d.currency)} 拍得 · You won the auction`, "good");
      drawTimed();
      break;
    case "room.state":
    case "stage.updated":
    case "speaker":
      drawStage();
      drawStatus();
      break;
    case "seat.updated":
      ownSeat.draw();
      break;
    case "me.muted":
    case "me.unmuted":
    case "room.settings":
      drawComposer(model, now(), talk);
      order.update();
      break;
    default:
      if (t.startsWith("mod.")) order.update();
      else drawTimed();
  }
}

/** @param {Wire.GiftItem} item */
function showGift(item) {
  gifts.show(item);
  if (item.n > 0) chat.note(`${item.name || item.user} 送出 ${catalog.find(item.gift).name} ×${item.n}`, "gift");
}

function drawAll() {
  setText(byId("title"), model.title || model.room);
  byId("order-toggle").hidden = !users.isKeeper;
  drawComposer(model, now(), talk);
  document.title = `${model.title || model.room} · 连麦 Lianmai`;
  drawCounts();
  drawStage();
  ownSeat.draw();
  questions.update();
  drawTimed();
}

function drawTimed() {
  battle.update(model);
  byId("canvas").classList.toggle("battling", model.battle !== null && !byId("pk").hidden);
  bigCountdown.update(model);
  saleCard.update(model);
  auctionCard.update(model);
  goods.update(model);
  quiz.update(model);
  ordersView.update();
  giftPanel.update(model);
  luck.update(model);
}

function drawCounts() {
  setText(byId("online"), short(model.online));
  setText(byId("likes"), short(model.likes));
  const fresh = Math.min(6, model.likes - likesShown);
  if (likesShown > 0) for (let count = 0; count < fresh; count += 1) setTimeout(() => gifts.heart(), count * 90);
  likesShown = model.likes;
}

function drawStage() {
  const host = model.stage.find(({ seat, room: home }) => seat === 0 && home === model.room);
  const name = host?.name || host?.user || hostName || model.seats.find(({ index }) => index === 0)?.user || model.room;
  if (host) hostName = name;
  setText(byId("host-name"), name);
  byId("host-avatar").replaceChildren(avatar(name));
  byId("canvas").classList.toggle("shared", model.stage.length >= 2);
  plates.update(model);
}

// ---- buttons ----

function wireButtons() {
  wireComposer(/** @type {HTMLFormElement} */ (byId("composer")), (text) => talk.say(text));
  byId("rail").prepend(likeButton((n) => session.request("like", { n }), () => gifts.heart()));
  void attempt(catalog.load());
  disableMoney();
  byId("order-toggle").addEventListener("click", () => {
    /** @type {HTMLDialogElement} */ (byId("order-sheet")).showModal();
    order.refresh();
  });
  byId("danmaku-toggle").addEventListener("click", () => byId("danmaku-toggle").setAttribute("aria-pressed", String(danmaku.toggle())));
  byId("delay").addEventListener("click", () => byId("delay").setAttribute("aria-expanded", String(stats.toggle())));
  for (const name of ["resize", "playing", "loadedmetadata"]) video.addEventListener(name, () => drawStatus());
  wireSound(video);
  setInterval(() => {
    drawStatus();
    luck.update(model);
    auctionCard.update(model);
    quiz.update(model);
    drawComposer(model, now(), talk);
  }, 1000);
}

/** Money and seats go up on a WebSocket only; orders by HTTP, too. */
function disableMoney() {
  if (carrier !== "dc") return;
  for (const id of ["gifts", "seat"]) byId(id).setAttribute("disabled", "");
}

/**
 * Money never goes up by data channel: without a WebSocket an order is an HTTP request.
 * @param {string} sale
 * @param {string} idem
 * @returns {Promise<Wire.OrderResult | Wire.OrderQueued>}
 */
function placeOrder(sale, idem) {
  const order = { sale, qty: 1, idem };
  if (carrier !== "dc") return session.request("order.place", order);
  return call(tokens, "POST", `/v1/rooms/${encodeURIComponent(room)}/orders`, order);
}
