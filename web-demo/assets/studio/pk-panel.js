/** The battle desk: pick live rooms, invite them on some terms, answer, watch how it stands, end it, do it again. */

import { deedsOf, invitationTo, isOn, sideOf, supporters, wasFought } from "../battle.js";
import { call } from "../http.js";
import { avatar, byId, el, setText, short } from "../ui/dom.js";
import { choice, smallButton } from "../ui/fields.js";
import { attempt, toast } from "../ui/toast.js";

const REFRESH_MS = 4_000;
const INVITED_MOST = 8;

/** @type {Record<string, string>} */
const REASONS = {
  time: "时间到 Time", surrender: "认输 Surrender", left: "离开 Left", rejected: "对方拒绝 Rejected",
  cancelled: "已取消 Cancelled", timeout: "没有回应 No answer", link_failed: "连接失败 Link failed",
  busy: "对方正在 PK Busy", unreachable: "对方没有开播 Not live", forced: "平台结束 By the platform",
};

/** @type {Record<Wire.BattleState, string>} */
const STATES = {
  inviting: "等待回应 Waiting for an answer", linking: "正在连线 Linking", linked: "连麦中 Linked", preparing: "马上开始 Get ready",
  battling: "PK 进行中 Battling", punishing: "惩罚时间 Forfeit", idle: "",
};

/** Whether a room takes part. @type {Record<Wire.BattleSide["state"], string>} */
const SIDES = { asked: "等回应 asked", in: "已加入 in", surrendered: "认输 gave up", out: "不参加 out" };

const LENGTHS = [30, 60, 180, 300];
/** When a coin counts more: how long before the end, and how much. @type {[string, string][]} */
const RUSHES = [["", "不加倍 None"], ["10x2", "最后 10 秒 ×2"], ["30x2", "最后 30 秒 ×2"], ["30x3", "最后 30 秒 ×3"]];
/** What the link is for. @type {[string, string][]} */
const LINKS = [["battle", "打一场 One battle"], ["stay", "打完接着连 Stay linked"], ["only", "只连麦 Link only"]];

/** The words of a deed, its message, its name in tests and its looks. @type {Record<import("../battle.js").Deed, [string, string, string, string]>} */
const DEEDS = {
  start: ["开打 Start a battle", "pk.start", "pk-start", "primary"],
  cancel: ["取消 Cancel", "pk.cancel", "pk-cancel", ""],
  end: ["结束连线 End link", "pk.end", "pk-end", "danger"],
  surrender: ["认输 Surrender", "pk.end", "pk-end", "danger"],
  rematch: ["再来一局 Rematch", "pk.rematch", "pk-rematch", "primary"],
};

export class PkPanel {
  /**
   * @param {HTMLElement} root
   * @param {string} room
   * @param {(t: string, d: object) => Promise<any>} request
   */
  constructor(root, room, request) {
    this.room = room;
    this.request = request;
    this.status = el("p", { class: "pk-status", "data-testid": "pk-status", role: "status" });
    this.actions = el("div", { class: "row", "data-testid": "pk-actions" });
    this.rooms = el("ul", { class: "list", "data-testid": "pk-rooms" });
    this.terms = el("form", { class: "pk-terms" },
      choice("时长 Length", "seconds", LENGTHS.map((seconds) => [seconds, seconds < 60 ? `${seconds} 秒 s` : `${seconds / 60} 分 min`]), { "data-testid": "pk-duration" }),
      choice("惩罚 Forfeit", "punish", [0, 10, 30, 60].map((seconds) => [seconds, `${seconds} 秒 s`]), { "data-testid": "pk-punish" }),
      choice("最后加倍 Rush", "rush", RUSHES, { "data-testid": "pk-rush" }),
      choice("连麦 Link", "link", LINKS, { "data-testid": "pk-link" }));
    this.terms.addEventListener("submit", (event) => event.preventDefault());
    this.preset("seconds", "60");
    this.preset("punish", "10");
    this.sides = el("ul", { class: "list", "data-testid": "pk-sides", hidden: true });
    this.givers = el("ul", { class: "list", "data-testid": "pk-givers", "aria-label": "贡献榜 Top givers", hidden: true });
    /** Rooms that are to be asked together. @type {Set<string>} */
    this.chosen = new Set();
    this.together = smallButton("", "pk-invite-several", () => this.invite([...this.chosen]), "primary");
    this.picker = el("div", { class: "pk-picker" }, this.terms, this.rooms, this.together);
    this.drawChosen();
    root.append(el("div", { class: "card-head" }, el("h2", {}, "PK 连麦对战 Battle")), this.status, this.sides, this.actions, this.givers, this.picker);

    this.dialog = /** @type {HTMLDialogElement} */ (byId("pk-invite"));
    this.dialog.addEventListener("close", () => void this.answer());
    /** @type {Wire.Battle | null} */
    this.battle = null;
    /** The invitation that was answered; the battle's next state may take a moment to arrive. */
    this.answered = "";
    this.drawnRooms = "";
    this.drawnPresence = "";
    this.drawnDeeds = "";
    this.drawnSides = "";
    this.drawnGivers = "";
    setInterval(() => void this.refreshRooms(), REFRESH_MS);
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update(model) {
    const { battle } = model;
    const wasIdle = !isOn(this.battle);
    this.battle = battle;
    this.picker.hidden = isOn(battle) || !model.joined;
    this.drawStatus(model);
    this.askOrLeave();
    if (!isOn(battle) && (!wasIdle || this.rooms.childElementCount === 0)) void this.refreshRooms();
  }

  /** @param {import("../room-state.js").RoomModel} model */
  drawStatus({ battle, joined }) {
    setText(this.status, this.statusText(battle, joined));
    this.drawSides(battle);
    this.drawGivers(battle);
    const deeds = joined ? deedsOf(battle, this.room) : [];
    // Points come ten times a second; whoever is about to press a button must find it where it was.
    const key = [battle?.pk, ...deeds].join();
    if (key === this.drawnDeeds) return;
    this.drawnDeeds = key;
    this.actions.hidden = deeds.length === 0;
    this.actions.replaceChildren(...deeds.map((deed) => this.button(deed, battle?.pk ?? "", battle?.state === "inviting")));
  }

  /**
   * @param {Wire.Battle | null} battle
   * @param {boolean} joined
   */
  statusText(battle, joined) {
    if (!joined) return "开播后可以和别的直播间 PK · Go live to battle another room";
    if (battle === null || battle.state === "idle") return battle?.result ? `上一场 Last: ${outcome(battle.result, this.room)}` : "选一个或几个直播间发起 PK · Pick rooms";
    return `${STATES[battle.state]} · ${this.partner(battle)}`;
  }

  /**
   * Two rooms need no list.
   * @param {Wire.Battle | null} battle
   */
  drawSides(battle) {
    const sides = isOn(battle) ? battle?.sides ?? [] : [];
    this.sides.hidden = sides.length < 3;
    if (this.sides.hidden) return;
    const key = JSON.stringify(sides);
    if (key !== this.drawnSides) {
      this.drawnSides = key;
      this.sides.replaceChildren(...sides.map((side) => sideRow(side)));
    }
    for (const row of /** @type {Iterable<HTMLElement>} */ (this.sides.children)) {
      const points = row.querySelector(".pk-points");
      if (points) setText(points, String(battle?.scores[row.dataset.room ?? ""] ?? 0));
    }
  }

  /**
   * Who gave most to each side, whatever room they gave in; they stay until the next battle.
   * @param {Wire.Battle | null} battle
   */
  drawGivers(battle) {
    const sides = (battle ? supporters(battle) : []).filter(({ givers }) => givers.length > 0);
    this.givers.hidden = sides.length === 0;
    const key = JSON.stringify(sides);
    if (key === this.drawnGivers) return;
    this.drawnGivers = key;
    this.givers.replaceChildren(...sides.map((side) => giversRow(side)));
  }

  /** Opens the dialog for an invitation and closes it when the invitation is gone. */
  askOrLeave() {
    const { battle, dialog } = this;
    const isAsked = battle?.state === "inviting" && !this.isInviter(battle) && battle.pk !== this.answered && (sideOf(battle, this.room) ?? "asked") === "asked";
    if (isAsked && !dialog.open) {
      dialog.returnValue = "";
      byId("pk-invite-text").textContent = `直播间 ${this.partner(battle)} 向你发起 PK · Room ${this.partner(battle)} challenges you`;
      dialog.dataset.pk = battle.pk;
      dialog.showModal();
    } else if (!isAsked && dialog.open) {
      dialog.close("gone");
    }
  }

  async answer() {
    const { returnValue, dataset } = this.dialog;
    if (returnValue === "gone") return;
    this.answered = dataset.pk ?? "";
    const t = returnValue === "yes" ? "pk.accept" : "pk.reject";
    const done = await attempt(this.request(t, { pk: this.answered }));
    // An answer that did not get through may be given again.
    if (done === null) this.answered = "";
  }

  async refreshRooms() {
    if (this.picker.hidden || document.hidden) return;
    /** @type {{rooms: Wire.RoomView[]} | null} */
    const answer = await call(null, "GET", "/v1/rooms").catch(() => null);
    const others = answer?.rooms.filter(({ room, state }) => room !== this.room && state === "live") ?? [];
    const free = new Set(others.filter(({ battle }) => !isOn(battle)).map(({ room }) => room));
    for (const room of this.chosen) if (!free.has(room)) this.chosen.delete(room);
    this.drawChosen();
    // Whoever is about to press a button must find it where it was, and where they are among them it stays theirs.
    const [key, presence] = [others.map(({ title, host, online }) => [title, host, online]), others.map(({ room, battle }) => [room, isOn(battle)])].map((one) => JSON.stringify(one));
    const isSame = presence === this.drawnPresence && (key === this.drawnRooms || this.rooms.contains(document.activeElement));
    if (isSame) return;
    this.drawnRooms = key ?? "";
    this.drawnPresence = presence ?? "";
    this.rooms.replaceChildren(...others.map((view) => this.roomRow(view)));
    if (others.length === 0) this.rooms.append(el("li", { class: "empty" }, "没有别的直播间在播 · No other room is live"));
  }

  /** @param {Wire.RoomView} view */
  roomRow({ room, title, host, online, battle }) {
    const invite = () => this.invite([room]);
    const tick = el("input", { type: "checkbox", "aria-label": `一起邀请 ${room} · Ask together`, "data-testid": `pk-choose-${room}`, disabled: isOn(battle), checked: this.chosen.has(room) });
    tick.addEventListener("change", () => {
      if (tick.checked) this.chosen.add(room);
      else this.chosen.delete(room);
      this.drawChosen();
    });
    return el("li", { class: "list-row" }, el("label", { class: "pk-tick" }, tick), avatar(host ?? room),
      el("span", { class: "grow two" }, el("b", {}, title || room), el("small", {}, `${host ?? room} · ${short(online)} 人在看 watching`)),
      el("button", { class: "button small primary", type: "button", disabled: isOn(battle), "data-testid": `pk-invite-${room}`, onclick: () => void invite() },
        isOn(battle) ? "PK 中 Busy" : "邀请 PK"));
  }

  /** One is asked by its own button. */
  drawChosen() {
    this.together.hidden = this.chosen.size < 2;
    this.together.disabled = this.chosen.size > INVITED_MOST;
    this.together.textContent = `一起邀请 ${this.chosen.size} 个直播间 · Invite ${this.chosen.size} rooms`;
  }

  /** @param {string[]} rooms */
  async invite(rooms) {
    const terms = new FormData(this.terms);
    const text = (/** @type {string} */ name) => String(terms.get(name) ?? "");
    const invitation = invitationTo(rooms, { seconds: Number(text("seconds")), punishS: Number(text("punish")), rush: text("rush"), link: text("link") });
    if ((await attempt(this.request("pk.invite", invitation))) === null) return;
    this.chosen.clear();
    for (const tick of /** @type {NodeListOf<HTMLInputElement>} */ (this.rooms.querySelectorAll("input:checked"))) tick.checked = false;
    this.drawChosen();
    toast(`已邀请 ${rooms.join("、")} · Invited`, "good");
  }

  /**
   * @param {import("../battle.js").Deed} deed
   * @param {string} pk
   * @param {boolean} isInviting
   */
  button(deed, pk, isInviting) {
    const [words, t, testId, mood] = DEEDS[deed];
    const label = deed === "start" && isInviting ? "不等了,开始 Start now" : words;
    return smallButton(label, testId, () => attempt(this.request(t, deed === "rematch" ? {} : { pk })), mood);
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  preset(name, value) {
    /** @type {HTMLSelectElement} */ (this.terms.elements.namedItem(name)).value = value;
  }

  /** @param {Wire.Battle} battle */
  isInviter(battle) {
    return battle.rooms[0] === this.room;
  }

  /** @param {Wire.Battle} battle */
  partner(battle) {
    return battle.rooms.filter((room) => room !== this.room && sideOf(battle, room) !== "out").join("、");
  }
}

/** @param {Wire.BattleSide} side */
function sideRow({ room, state, host, name }) {
  return el("li", { class: "list-row", "data-testid": `pk-side-${room}`, "data-room": room }, avatar(name || host || room),
    el("span", { class: "grow two" }, el("b", {}, name || host || room), el("small", {}, room)),
    el("b", { class: "pk-points" }, ""), el("span", { class: `chip ${state === "in" ? "live" : ""}` }, SIDES[state]));
}

/** @param {ReturnType<typeof supporters>[number]} side */
function giversRow({ room, name, givers }) {
  const giver = (/** @type {Wire.Giver} */ { user, name, points }) => el("span", { class: "pk-giver" }, avatar(name || user), name || user, el("b", { class: "pk-points" }, short(points)));
  return el("li", { class: "list-row", "data-testid": `pk-givers-${room}` }, el("span", { class: "grow two" }, el("small", {}, `支持 For ${name}`), el("span", {}, ...givers.map(giver))));
}

/**
 * @param {Wire.BattleResult} result
 * @param {string} room
 */
function outcome(result, room) {
  const { winner, reason } = result;
  const word = winner === null ? "平局 Draw" : winner === room ? "赢了 Won" : "输了 Lost";
  return wasFought(result) ? `${word} · ${REASONS[reason] ?? reason}` : (REASONS[reason] ?? reason);
}
