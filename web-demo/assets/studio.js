/**
 * The host's studio: `/studio?room=R&identity=U`, or `&role=guest` for someone on a seat (`&join=1` takes
 * the seat at once). `&source=test&host=1` publishes a test picture where there is no camera;
 * `&quality=360p|720p` and `&music=1` set the switches. `&simulcast=1` sends the picture in several sizes,
 * `&codec=vp8|vp9|av1` in a codec that viewers of the host's own feed can play but the program cannot show,
 * and `&layers=L1T2` (a scalability mode) in layers.
 *
 * For tests and for the curious the page keeps `window.lianmai`:
 *
 * ```text
 * state          the room as known here (room-state.js RoomModel)
 * session        protocol/session.js RoomSession: status, request(t, d)
 * own            studio/own-feed.js OwnFeed: stream, publisher, pc
 * pc, pcs        the publishing RTCPeerConnection; all of them by name ("own", feeds, "monitor")
 * players        Map of feed -> WhepPlayer for the others on stage
 * clock          clock.js RoomClock; clockOffset() server minus performance.now(), now() room time
 * figures()      the latest getStats figures by name
 * fired          [{id, kind, openAt, at}] countdowns that reached zero here; `at` is room time as estimated
 * ```
 */

import { RoomClock } from "./clock.js";
import { call } from "./http.js";
import { WhepPlayer } from "./media/whep.js";
import { Refused, RoomSession } from "./protocol/session.js";
import { applyEvent, applySnapshot, emptyRoom } from "./room-state.js";
import { HostDesk } from "./studio/host-desk.js";
import { OwnFeed } from "./studio/own-feed.js";
import { Performers } from "./studio/performers.js";
import { tokensOf } from "./token.js";
import { BattleView } from "./ui/battle-view.js";
import { BigCountdown } from "./ui/big-countdown.js";
import { ChatView, wireComposer } from "./ui/chat-view.js";
import { byId, setText, short } from "./ui/dom.js";
import { GiftCatalog } from "./ui/gifts.js";
import { QuestionsSheet } from "./ui/questions-sheet.js";
import { StatsPanel } from "./ui/stats-panel.js";
import { wireTabs } from "./ui/tabs.js";
import { TalkPanel } from "./ui/talk-panel.js";
import { attempt, toast } from "./ui/toast.js";
import { wordsFor, wordsForCode } from "./ui/words.js";

/** @type {Record<Wire.RoomState, string>} */
const STATES = { created: "未开播 Off air", waiting: "预热中 Warming up", live: "直播中 LIVE", interrupted: "画面中断 Interrupted", ended: "已结束 Ended" };

/** What makes an uplink bad, by the server's word for it. */
const TROUBLES = {
  silence: "没有数据 nothing arrives", loss: "丢包 packets get lost", delay: "延迟 long delay", jitter: "抖动 uneven", frame_rate: "掉帧 few pictures",
};

/** The name of our own connection among the figures. */
const OWN = "推流 own";

const query = new URLSearchParams(location.search);
const isGuest = query.get("role") === "guest";
const tokens = tokensOf(query, isGuest ? "guest" : "host");
const { room } = tokens.who;

const clock = new RoomClock();
const now = () => clock.now();
const model = emptyRoom(room);
/** @type {object[]} */
const fired = [];

/** @param {string} t @param {object} d */
const request = (t, d) => session.request(t, d);

const own = new OwnFeed({ room, tokens, query, onState: handleOwnState, onSwitch: tellSwitch });
const performers = new Performers(byId("performers"), room, tokens);
const chat = new ChatView(byId("chat"));
chat.own = { isOwn: ({ user }) => user === model.you.user, take: ({ id }) => void attempt(request("chat.delete", { id })) };
const questions = new QuestionsSheet(byId("questions"), { model, request });
const talk = new TalkPanel(byId("composer"), { request });
const catalog = new GiftCatalog();
void attempt(catalog.load());
const battle = new BattleView(byId("pk"), now);
const bigCountdown = new BigCountdown(byId("big-count"), now, (one) => fired.push(one));
/** What only a host may do. */
const host = isGuest ? null : new HostDesk({ room, tokens, now, model, request, isOnline: () => session.isOnline });

const session = new RoomSession({
  room, tokens, clock, carrier: "ws",
  onSnapshot(snapshot) {
    applySnapshot(model, snapshot);
    host?.seats.handleWishes(snapshot.wishes ?? []);
    if (host) chat.onPick = (line) => host.users.open(line);
    chat.update(model.chat);
    drawAll();
  },
  onEvent(event) {
    if (event.t === "publish.layers") void own.publisher?.applyLayers(event.d.layers);
    else if (event.t === "layout.applied") host?.layout.applied(event.d);
    else if (event.t === "quality.updated") host?.quality.draw(event.d);
    else if (event.t === "insert.started" || event.t === "insert.ended") host?.inserts.told();
    else if (applyEvent(model, event)) show(event);
  },
  onStatus(status) {
    if (status === "ended" || status === "refused") leaveTheAir();
    drawStatus();
  },
});

const stats = new StatsPanel(byId("stats"), () => peers(), () => drawStatus(), () => host?.uplinks.tables(model) ?? []);
/** @type {WhepPlayer | null} */
let monitor = null;
/** A guest who asked for a seat and publishes as soon as he has it. */
let wantsSeat = query.get("join") === "1";
let wasSeated = false;

Object.assign(window, {
  lianmai: {
    state: model, session, own, clock, fired, now,
    get pc() { return own.pc; },
    get pcs() { return Object.fromEntries(peers()); },
    get players() { return new Map([...performers.shown].map(([feed, { player }]) => [feed, player])); },
    clockOffset: () => clock.offset(),
    figures: () => stats.latest,
  },
});

wireButtons();
void open();

async function open() {
  document.body.classList.toggle("guest", isGuest);
  const title = /** @type {HTMLInputElement} */ (byId("room-title"));
  title.value = query.get("title") ?? `${tokens.who.name} 的直播间`;
  setText(byId("title"), isGuest ? `嘉宾 Guest · ${room}` : `开播台 Studio · ${room}`);
  /** @type {HTMLInputElement} */ (byId("viewer-url")).value = `${location.origin}/watch?room=${encodeURIComponent(room)}`;
  if (room === "") {
    setText(byId("health"), "地址里缺少 ?room= · The address has no ?room=");
    return;
  }

  // The list, because asking for a room that is not there yet is an error in the browser's log.
  /** @type {{rooms: Wire.RoomView[]} | null} */
  const all = await call(null, "GET", "/v1/rooms").catch(() => null);
  const view = all?.rooms.find((one) => one.room === room);
  if (view && view.state !== "ended") enter(view);
  else if (isGuest) session.start();
  drawAll();
  /** @type {HTMLButtonElement} */ (byId("go")).disabled = !(await own.open());
  takeWantedSeat();
}

/** @param {Wire.RoomView} view */
function enter(view) {
  /** @type {HTMLInputElement} */ (byId("rtmp-url")).value = view.program.rtmp;
  if (session.status === "idle" || session.status === "ended") session.start();
}

// ---- on and off air ----

async function goPressed() {
  if (isGuest) {
    if (own.publisher) await leaveSeat();
    else await askForSeat();
    return;
  }
  if (own.publisher) {
    own.unpublish();
  } else {
    const title = /** @type {HTMLInputElement} */ (byId("room-title")).value.trim() || room;
    const view = await attempt(call(tokens, "POST", "/v1/rooms", { room, title }));
    if (!view) return;
    enter(view);
    own.publish();
  }
  drawStatus();
}

/**
 * @param {import("./media/link.js").LinkState} state
 * @param {string | null} code
 */
function handleOwnState(state, code) {
  if (code !== null && state === "refused") toast(wordsForCode(code), "bad");
  // A server that was started anew does not know the room; the show goes on.
  if (code === "ROOM_NOT_FOUND" && !isGuest && !hasEnded()) void call(tokens, "POST", "/v1/rooms", { room, title: model.title }).catch(() => {});
  if (code === "LINK_FAILED") void stepAside();
  drawStatus();
}

/**
 * Leaves the air to ourselves on another page or device: the server keeps the newest, and two pages that
 * both came back would take it from each other for ever. When only the net broke, our seat is not live.
 */
async function stepAside() {
  /** @type {Wire.RoomView | null} */
  const view = await call(null, "GET", `/v1/rooms/${encodeURIComponent(room)}`).catch(() => null);
  const isElsewhere = view?.seats.some(({ user, state }) => user === tokens.who.identity && state === "live") ?? false;
  if (!isElsewhere || !own.publisher || own.publisher.link.state === "live") return;
  own.unpublish();
  toast("你在别的页面开播了 · You are live on another page", "bad");
  drawStatus();
}

function hasEnded() {
  return session.status === "ended" || model.state === "ended";
}

/** Everybody was told it is over, perhaps by someone else than us. */
function leaveTheAir() {
  own.unpublish();
  performers.clear();
}

async function endRoom() {
  if (/** @type {HTMLDialogElement} */ (byId("end-confirm")).returnValue !== "yes") return;
  try {
    await session.request("room.end", {});
  } catch (error) {
    // The goodbye to everybody may overtake the answer to us.
    if (!hasEnded()) {
      toast(wordsFor(error), "bad");
      return;
    }
  }
  leaveTheAir();
  drawStatus();
}

/**
 * Tells the others that our microphone or camera is off: they hear and see nothing, and want to know why.
 * @param {{mic?: boolean, cam?: boolean}} change
 */
function tellSwitch(change) {
  const isSeated = model.seats.some(({ user }) => user !== null && user === model.you.user);
  if (session.isOnline && isSeated) void attempt(session.request("seat.switch", change));
}

// ---- a guest's seat ----

function ownSeat() {
  return model.seats.find(({ index, user }) => index > 0 && user !== null && user === model.you.user);
}

async function askForSeat() {
  wantsSeat = true;
  if (ownSeat()) {
    takeWantedSeat();
    return;
  }
  try {
    await session.request("seat.apply", {});
    if (!ownSeat()) toast("已申请上麦 · Asked for a seat", "good");
  } catch (error) {
    // After a reload the seat may still be ours, and its event on the way.
    if (!(error instanceof Refused && error.code === "ALREADY_SEATED")) toast(wordsFor(error), "bad");
  }
  takeWantedSeat();
}

/** Follows the seat: reserved -> take it, ours -> publish, gone -> stop. */
function takeWantedSeat() {
  if (!isGuest || !session.isOnline) return;
  const seat = ownSeat();
  if (!seat) {
    if (wasSeated) {
      own.unpublish();
      toast("你已下麦 · You left the seat");
    }
    wasSeated = false;
    if (wantsSeat && !own.publisher && query.get("join") === "1" && own.stream) {
      query.delete("join");
      void askForSeat();
    }
    return;
  }
  own.muteByHost(seat.muted, seat.unseen);
  if (seat.state === "reserved") {
    if (wantsSeat) void attempt(session.request("seat.join", {}));
    else askToJoin();
    return;
  }
  wasSeated = true;
  if (wantsSeat) own.publish();
}

function askToJoin() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("seat-invite"));
  if (dialog.open) return;
  dialog.returnValue = "";
  dialog.showModal();
}

async function answerSeat() {
  if (/** @type {HTMLDialogElement} */ (byId("seat-invite")).returnValue === "yes") await askForSeat();
  else await attempt(session.request("seat.decline", {}));
}

async function leaveSeat() {
  wantsSeat = false;
  wasSeated = false;
  own.unpublish();
  if (ownSeat()) await attempt(session.request("seat.leave", {}));
  drawStatus();
}

// ---- drawing ----

/** @param {Wire.Down} event */
function show({ t, d }) {
  switch (t) {
    case "chat":
      chat.update([d]);
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
      for (const { name, user, gift, n, coins } of /** @type {Wire.GiftBatch} */ (d).gifts) {
        if (n > 0) chat.note(`${name || user} 送出 ${catalog.find(gift).name} ×${n} · +${coins}`, "gift");
      }
      break;
    case "react":
      drawCounts();
      host?.luck.update(model);
      break;
    case "seat.request":
      host?.seats.handleRequest(d);
      host?.seats.update(model);
      if (d.kind === "apply" && host) toast(`${d.user} 申请连麦 · asks for a seat`);
      break;
    case "seat.updated":
      host?.seats.update(model);
      takeWantedSeat();
      drawStatus();
      break;
    case "stage.updated":
      drawStage();
      break;
    case "speaker":
      performers.speaks(model.speaker);
      break;
    case "uplink":
      drawStatus();
      break;
    case "uplink.bad":
      if (d.user === model.you.user) toast(`网络不好 · Your uplink is bad: ${TROUBLES[/** @type {Wire.Uplink} */ (d).trouble ?? "loss"]}`);
      drawStatus();
      break;
    case "uplink.good":
      if (d.user === model.you.user) toast("网络恢复 · Your uplink is good again");
      drawStatus();
      break;
    case "room.state":
      host?.pk.update(model);
      drawStatus();
      break;
    case "me.banned":
      toast(wordsForCode("BANNED"), "bad");
      break;
    case "room.settings":
      host?.order.update();
      break;
    default:
      if (t.startsWith("mod.")) host?.order.update();
      else drawTimed();
  }
}

function drawAll() {
  drawCounts();
  drawStage();
  host?.seats.update(model);
  questions.update();
  drawTimed();
  takeWantedSeat();
  drawStatus();
}

function drawTimed() {
  battle.update(model);
  host?.drawTimed();
  bigCountdown.update(model);
}

function drawCounts() {
  setText(byId("online"), short(model.online));
  setText(byId("coins"), short(model.coins));
}

function drawStage() {
  performers.update(model.stage, `${room}/${model.you.user || tokens.who.identity}`);
  byId("performers-empty").hidden = performers.shown.size > 0;
}

function drawStatus() {
  const link = own.publisher?.link.state ?? "idle";
  const isUp = link === "live";
  setText(byId("state"), STATES[model.joined ? model.state : "created"]);
  byId("state").dataset.state = model.joined ? model.state : "created";
  byId("on-air").hidden = !isUp;
  byId("end").hidden = isGuest || !model.joined || model.state === "ended";
  byId("title-field").hidden = isGuest || model.joined;
  setText(byId("go"), goText());
  byId("go").classList.toggle("danger", own.publisher !== null);
  byId("go").classList.toggle("primary", own.publisher === null);
  host?.setOnline(session.isOnline);

  const figures = stats.latest[OWN];
  const words = [
    session.isOnline ? "信令 ✓ signalling" : session.status === "idle" ? "信令 – signalling" : `信令 … ${session.status}`,
    own.publisher ? `推流 ${link === "live" ? "✓" : link} up` : null,
    figures?.kbps ? `${figures.kbps} kbps` : null,
    figures?.fps ? `${figures.fps} fps` : null,
    figures?.rttMs !== null && figures?.rttMs !== undefined ? `RTT ${figures.rttMs} ms` : null,
    figures?.codec ?? null,
    uplinkText(),
  ];
  setText(byId("health"), words.filter((word) => word !== null).join(" · "));
}

/** Returns how the server receives us, by its own word. */
function uplinkText() {
  const uplink = own.publisher ? model.uplinks.get(model.you.user) : undefined;
  if (!uplink) return null;
  const trouble = uplink.trouble ? ` ✗ ${TROUBLES[uplink.trouble]}` : "";
  return `上行 uplink ${uplink.score}${trouble}${uplink.loss >= 0.01 ? ` · 丢包 loss ${Math.round(uplink.loss * 100)} %` : ""}`;
}

function goText() {
  if (isGuest) return own.publisher ? "下麦 Leave the seat" : "上麦 Take a seat";
  if (own.publisher) return "停止推流 Stop sending";
  return model.joined && model.state !== "created" && model.state !== "ended" ? "继续开播 Go on" : "开播 Go live";
}

/** @returns {Map<string, RTCPeerConnection | null>} */
function peers() {
  /** @type {Map<string, RTCPeerConnection | null>} */
  const all = new Map();
  if (own.publisher) all.set(OWN, own.pc);
  for (const [feed, { player }] of performers.shown) all.set(feed, player.pc);
  if (monitor) all.set("监看 monitor", monitor.pc);
  return all;
}

// ---- buttons ----

function wireButtons() {
  wireTabs(/** @type {HTMLElement} */ (document.querySelector('[role="tablist"]')), () => host?.refresh());
  wireComposer(/** @type {HTMLFormElement} */ (byId("composer")), (text) => talk.say(text));
  byId("go").addEventListener("click", () => void goPressed());
  byId("end").addEventListener("click", () => /** @type {HTMLDialogElement} */ (byId("end-confirm")).showModal());
  byId("end-confirm").addEventListener("close", () => void endRoom());
  byId("seat-invite").addEventListener("close", () => void answerSeat());
  byId("monitor-toggle").addEventListener("click", toggleMonitor);
  byId("stats-toggle").addEventListener("click", () => byId("stats-toggle").setAttribute("aria-expanded", String(stats.toggle())));
  for (const name of ["viewer", "rtmp"]) {
    byId(`copy-${name}`).addEventListener("click", () => void copy(/** @type {HTMLInputElement} */ (byId(`${name}-url`))));
  }
}

/** The program as viewers get it, always without sound: it would come back with our own voice. */
function toggleMonitor() {
  if (monitor) {
    monitor.stop();
    monitor = null;
  } else {
    monitor = new WhepPlayer({ room, tokens, video: /** @type {HTMLVideoElement} */ (byId("monitor-video")) });
    monitor.start();
  }
  byId("monitor").hidden = monitor === null;
  byId("monitor-toggle").setAttribute("aria-pressed", String(monitor !== null));
}

/** @param {HTMLInputElement} input */
async function copy(input) {
  input.select();
  try {
    await navigator.clipboard.writeText(input.value);
    toast("已复制 · Copied", "good");
  } catch {
    toast("已选中,按 Ctrl+C 复制 · Selected, press Ctrl+C");
  }
}
