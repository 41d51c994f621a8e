/**
 * The viewer's page: `/watch?room=R`, with `&token=` from a shop or `&identity=` under `serve --dev`.
 * `&carrier=dc` uses no WebSocket at all (events by data channel, orders by HTTP), `&carrier=ws` opens no
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

import { RoomClock } from "./clock.js";
import { call } from "./http.js";
import { tiles } from "./layout.js";
import { MediaClock, followPictures } from "./media/media-clock.js";
import { downlinkMs } from "./media/stats.js";
import { WhepPlayer } from "./media/whep.js";
import { RoomSession } from "./protocol/session.js";
import { applyEvent, applySnapshot, emptyRoom } from "./room-state.js";
import { randomId, tokensOf } from "./token.js";
import { BattleView, drawPlates } from "./ui/battle-view.js";
import { ChatView, wireComposer } from "./ui/chat-view.js";
import { Danmaku } from "./ui/danmaku.js";
import { avatar, byId, el, setText, short } from "./ui/dom.js";
import { GiftCatalog, GiftView, likePicture } from "./ui/gifts.js";
import { LuckView } from "./ui/luck-view.js";
import { BigCountdown, SaleCard } from "./ui/sale-view.js";
import { StatsPanel } from "./ui/stats-panel.js";
import { attempt, toast } from "./ui/toast.js";
import { wordsForCode } from "./ui/words.js";

const EVENTS_KEPT = 500;
const LIKE_BATCH_MS = 600;
const OFFER_MS = 8_000;

/** @type {Record<Wire.RoomState, string>} */
const STATES = { created: "未开播", waiting: "预热中", live: "直播 LIVE", interrupted: "稍候", ended: "已结束" };

const query = new URLSearchParams(location.search);
const tokens = tokensOf(query, "viewer");
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
/** The seat's next state may take a moment to arrive after the answer. */
let hasAnswered = false;

const video = /** @type {HTMLVideoElement} */ (byId("program"));
const chat = new ChatView(byId("chat"));
const danmaku = new Danmaku(byId("danmaku"));
const catalog = new GiftCatalog();
const gifts = new GiftView(byId("gift-banners"), byId("sky"), catalog);
const battle = new BattleView(byId("pk"), now);
const bigCountdown = new BigCountdown(byId("big-count"), now, (one) => fired.push(one));
const saleCard = new SaleCard(byId("sale"), now, placeOrder);

const luck = new LuckView(byId("luck"), { room, tokens, now, request: (t, d) => session.request(t, d) });

const session = new RoomSession({
  room, tokens, clock, carrier,
  onSnapshot(snapshot) {
    applySnapshot(model, snapshot);
    chat.update(model.chat);
    drawAll();
  },
  onEvent(event, by) {
    keep(event, by);
    if (event.t === "media.clock") mediaClock.handle(event.d);
    else if (applyEvent(model, event)) show(event);
  },
  onStatus: drawStatus,
});

const player = new WhepPlayer({
  room, tokens, video,
  onChannels: carrier === "ws" ? undefined : (channels) => session.attachChannels(channels),
  onState: () => drawStatus(),
});

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
      danmaku.fly(d.text, d.user === model.you.user);
      break;
    case "gift.batch":
      for (const item of d.gifts) showGift(item);
      break;
    case "react":
      drawCounts();
      luck.update(model);
      break;
    case "packet.updated":
    case "lottery.updated":
      luck.update(model);
      break;
    case "seat.request":
      showSeatRequest(d);
      break;
    case "room.state":
    case "stage.updated":
    case "speaker":
      drawStage();
      drawStatus();
      break;
    case "seat.updated":
      drawSeat();
      break;
    default:
      drawTimed();
  }
}

/** @param {Wire.GiftItem} item */
function showGift(item) {
  gifts.show(item);
  if (item.n > 0) chat.note(`${item.name || item.user} 送出 ${catalog.find(item.gift).name} ×${item.n}`, "gift");
}

function drawAll() {
  setText(byId("title"), model.title || model.room);
  document.title = `${model.title || model.room} · 连麦 Lianmai`;
  drawCounts();
  drawStage();
  drawSeat();
  drawTimed();
}

function drawTimed() {
  battle.update(model);
  byId("canvas").classList.toggle("battling", model.battle !== null && !byId("pk").hidden);
  bigCountdown.update(model);
  saleCard.update(model);
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
  drawPlates(byId("plates"), model.stage, tiles(model.stage.length), model.speaker);
}

function drawStatus() {
  const { status } = session;
  if (hasEnded() && player.link.state !== "idle") player.stop();
  const isLive = model.joined && model.state === "live";
  setText(byId("state"), isLive ? "直播 LIVE" : STATES[model.joined ? model.state : "created"]);
  byId("state").classList.toggle("on", isLive);

  const text = curtainText();
  byId("curtain").hidden = text === null;
  byId("curtain").classList.toggle("still", hasEnded() || session.status === "refused");
  if (text !== null) setText(byId("curtain-text"), text);
  const links = [
    carrier === "dc" ? null : status === "joined" ? "WS ✓" : "WS …",
    carrier === "ws" ? null : session.channels.ctl?.readyState === "open" ? "DC ✓" : "DC …",
    player.link.state === "live" ? "媒体 ✓ media" : "媒体 … media",
  ];
  setText(byId("health"), links.filter((link) => link !== null).join(" · "));
}

function hasEnded() {
  return session.status === "ended" || (model.joined && model.state === "ended");
}

/** What hangs before the picture, or null while there is a picture to see. */
function curtainText() {
  if (player.link.state === "refused") return wordsForCode(player.link.code ?? "UNAUTHENTICATED");
  if (session.status === "refused") return wordsForCode("UNAUTHENTICATED");
  if (hasEnded()) return "直播已结束,谢谢观看 · The show is over";
  if (!model.joined) return session.status === "waiting" ? "主播还没开播 · Not live yet" : "正在进入直播间 · Joining…";
  if (model.state === "interrupted") return "主播马上回来 · The host will be right back";
  if (model.state === "created") return "马上开播 · Starting soon";
  return player.link.state === "live" && video.videoWidth > 0 ? null : "画面来了 · Picture coming up…";
}

// ---- buttons ----

function wireButtons() {
  wireComposer(/** @type {HTMLFormElement} */ (byId("composer")), (text) => attempt(session.request("chat.send", { text })));
  byId("rail").prepend(likeButton());
  void attempt(catalog.load().then(() => byId("seat").before(...quickGifts().map(giftButton)))).then(disableMoney);
  byId("seat").addEventListener("click", () => void seatPressed());
  byId("danmaku-toggle").addEventListener("click", () => byId("danmaku-toggle").setAttribute("aria-pressed", String(danmaku.toggle())));
  byId("delay").addEventListener("click", () => byId("delay").setAttribute("aria-expanded", String(stats.toggle())));
  byId("mute").addEventListener("click", () => setMuted(!video.muted));
  byId("sound").addEventListener("click", () => setMuted(false));
  byId("invite").addEventListener("close", () => void answerInvite());
  for (const name of ["resize", "playing", "loadedmetadata"]) video.addEventListener(name, () => drawStatus());
  video.addEventListener("playing", offerSound, { once: true });
  byId("canvas").addEventListener("click", () => {
    if (video.muted) setMuted(false);
  });
  setInterval(() => {
    drawStatus();
    luck.update(model);
  }, 1000);
}

/** Browsers start a picture without sound. The offer is large at first and then moves out of the picture. */
function offerSound() {
  if (!video.muted) return;
  byId("sound").hidden = false;
  byId("mute").classList.add("wanted");
  setTimeout(() => (byId("sound").hidden = true), OFFER_MS);
}

/** @param {boolean} muted */
function setMuted(muted) {
  video.muted = muted;
  if (!muted) void video.play().catch(() => toast("浏览器没让出声 · The browser kept the sound off", "bad"));
  byId("sound").hidden = true;
  byId("mute").classList.remove("wanted");
  byId("mute").setAttribute("aria-pressed", String(muted));
  byId("mute-icon").setAttribute("href", `/assets/img/icons.svg#${muted ? "mute" : "sound"}`);
}

function likeButton() {
  let count = 0;
  let timer = 0;
  const flush = () => {
    timer = 0;
    const n = Math.min(50, count);
    count = 0;
    session.request("like", { n }).catch(() => {
      // A like that got lost is not worth a word.
    });
  };
  return railButton(likePicture(), "点赞 Like", "like", () => {
    count += 1;
    gifts.heart();
    if (timer === 0) timer = window.setTimeout(flush, LIKE_BATCH_MS);
  });
}

/** Money and seats go up on a WebSocket only. */
function disableMoney() {
  if (carrier !== "dc") return;
  for (const button of byId("rail").querySelectorAll("button:not([data-testid=like])")) button.setAttribute("disabled", "");
}

/** The gifts that have a button of their own: the cheapest is left to the panel if there are more than three. */
function quickGifts() {
  return [...catalog.gifts.values()].sort((a, b) => a.coins - b.coins).slice(-3);
}

/** @param {Wire.Gift} gift */
function giftButton(gift) {
  return railButton(catalog.picture(gift.id), `${gift.name.split(" ")[0]} ${gift.coins}`, `gift-${gift.id}`, () => {
    void attempt(session.request("gift.send", { gift: gift.id, n: 1, idem: randomId() }));
  });
}

/**
 * @param {HTMLElement} picture
 * @param {string} text
 * @param {string} testId
 * @param {() => void} onPress
 */
function railButton(picture, text, testId, onPress) {
  return el("button", { class: "rail-button", type: "button", "data-testid": testId, onclick: onPress },
    el("span", { class: "rail-picture" }, picture), el("span", {}, text));
}

/**
 * Money never goes up by data channel: without a WebSocket an order is an HTTP request.
 * @param {string} sale
 * @param {string} idem
 * @returns {Promise<Wire.OrderResult>}
 */
function placeOrder(sale, idem) {
  const order = { sale, qty: 1, idem };
  if (carrier !== "dc") return session.request("order.place", order);
  return call(tokens, "POST", `/v1/rooms/${encodeURIComponent(room)}/orders`, order);
}

// ---- seats ----

function ownSeat() {
  return model.seats.find(({ user }) => user !== null && user === model.you.user);
}

function drawSeat() {
  const seat = ownSeat();
  setText(byId("seat-text"), seat ? (seat.state === "reserved" ? "请上麦 Join" : "去麦上 Stage") : "连麦 Join");
  const dialog = /** @type {HTMLDialogElement} */ (byId("invite"));
  const isInvited = seat?.state === "reserved" || seat?.state === "joining";
  if (!isInvited) hasAnswered = false;
  if (isInvited && !dialog.open && !hasAnswered) {
    dialog.returnValue = "";
    dialog.showModal();
  } else if (!isInvited && dialog.open) {
    dialog.close("gone");
  }
}

async function seatPressed() {
  if (ownSeat()) {
    await goOnStage();
    return;
  }
  const asked = await attempt(session.request("seat.apply", {}));
  if (asked) toast("已申请连麦,等主播同意 · Asked for a seat", "good");
}

/** @param {Wire.SeatRequest} request */
function showSeatRequest({ kind, user }) {
  if (user !== model.you.user) return;
  if (kind === "reject") toast("主播婉拒了连麦 · The host said not now");
  if (kind === "timeout") toast("连麦邀请已过期 · The invitation is over");
}

async function answerInvite() {
  const { returnValue } = /** @type {HTMLDialogElement} */ (byId("invite"));
  hasAnswered = true;
  if (returnValue === "yes") await goOnStage();
  else if (returnValue !== "gone") await attempt(session.request(ownSeat()?.state === "reserved" ? "seat.decline" : "seat.leave", {}));
}

/** The stage needs a camera and other controls: the studio in its guest shape. */
async function goOnStage() {
  // A seat that is only kept for us would be given away while the next page loads.
  if (ownSeat()?.state === "reserved" && (await attempt(session.request("seat.join", {}))) === null) return;
  const next = new URLSearchParams({ room, identity: model.you.user, name: model.you.name, role: "guest", join: "1" });
  if (tokens.fixed) next.set("token", tokens.fixed);
  for (const name of ["source", "host"]) if (query.has(name)) next.set(name, query.get(name) ?? "");
  location.assign(`/studio?${next}`);
}
