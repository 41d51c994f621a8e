/** The battle desk: pick a live room, invite, answer, watch the clock, end. */

import { call } from "../http.js";
import { avatar, byId, el, short } from "../ui/dom.js";
import { attempt, toast } from "../ui/toast.js";

const REFRESH_MS = 4_000;

/** @type {Record<string, string>} */
const REASONS = {
  time: "时间到 Time", surrender: "认输 Surrender", left: "离开 Left", rejected: "对方拒绝 Rejected",
  cancelled: "已取消 Cancelled", timeout: "没有回应 No answer", link_failed: "连接失败 Link failed",
  busy: "对方正在 PK Busy", unreachable: "对方没有开播 Not live",
};

/** @type {Record<Wire.BattleState, string>} */
const STATES = {
  inviting: "等待回应 Waiting for an answer", linking: "正在连线 Linking", linked: "连麦中 Linked", preparing: "马上开始 Get ready",
  battling: "PK 进行中 Battling", punishing: "惩罚时间 Forfeit", idle: "",
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
    this.duration = el("select", { class: "button small", id: "pk-duration", "data-testid": "pk-duration" },
      ...[30, 60, 180, 300].map((seconds) => el("option", { value: seconds, selected: seconds === 60 }, seconds < 60 ? `${seconds} 秒 s` : `${seconds / 60} 分 min`)));
    this.punish = el("select", { class: "button small", id: "pk-punish", "data-testid": "pk-punish" },
      ...[0, 10, 30, 60].map((seconds) => el("option", { value: seconds, selected: seconds === 10 }, `${seconds} 秒 s`)));
    this.picker = el("div", { class: "pk-picker" },
      el("div", { class: "row pk-terms" },
        el("label", { for: "pk-duration" }, "时长 Length"), this.duration,
        el("label", { for: "pk-punish" }, "惩罚 Forfeit"), this.punish),
      this.rooms);
    root.append(el("div", { class: "card-head" }, el("h2", {}, "PK 连麦对战 Battle")), this.status, this.actions, this.picker);

    this.dialog = /** @type {HTMLDialogElement} */ (byId("pk-invite"));
    this.dialog.addEventListener("close", () => void this.answer());
    /** @type {Wire.Battle | null} */
    this.battle = null;
    /** The invitation that was answered; the battle's next state may take a moment to arrive. */
    this.answered = "";
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
    this.actions.replaceChildren();
    if (!joined) {
      this.status.textContent = "开播后可以和别的直播间 PK · Go live to battle another room";
      return;
    }
    if (battle === null || battle.state === "idle") {
      this.status.textContent = battle?.result ? `上一场 Last: ${outcome(battle.result, this.room)}` : "选一个直播间发起 PK · Pick a room";
      return;
    }
    this.status.textContent = `${STATES[battle.state]} · ${this.partner(battle)}`;
    const { pk } = battle;
    if (battle.state === "inviting") {
      if (this.isInviter(battle)) this.actions.append(this.button("取消 Cancel", "pk.cancel", { pk }, "pk-cancel"));
      return;
    }
    const text = battle.state === "battling" ? "认输 Surrender" : "结束连线 End link";
    this.actions.append(this.button(text, "pk.end", { pk }, "pk-end", "danger"));
  }

  /** Opens the dialog for an invitation and closes it when the invitation is gone. */
  askOrLeave() {
    const { battle, dialog } = this;
    const isAsked = battle?.state === "inviting" && !this.isInviter(battle) && battle.pk !== this.answered;
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
    this.rooms.replaceChildren(...others.map((view) => this.roomRow(view)));
    if (others.length === 0) this.rooms.append(el("li", { class: "empty" }, "没有别的直播间在播 · No other room is live"));
  }

  /** @param {Wire.RoomView} view */
  roomRow({ room, title, host, online, battle }) {
    const invite = async () => {
      const terms = { room, duration_s: Number(this.duration.value), punish_s: Number(this.punish.value) };
      const done = await attempt(this.request("pk.invite", terms));
      if (done) toast(`已邀请 ${room} · Invited ${room}`, "good");
    };
    return el("li", { class: "list-row" }, avatar(host ?? room),
      el("span", { class: "grow two" }, el("b", {}, title || room), el("small", {}, `${host ?? room} · ${short(online)} 人在看 watching`)),
      el("button", { class: "button small primary", type: "button", disabled: isOn(battle), "data-testid": `pk-invite-${room}`, onclick: () => void invite() },
        isOn(battle) ? "PK 中 Busy" : "邀请 PK"));
  }

  /**
   * @param {string} text
   * @param {string} t
   * @param {object} d
   * @param {string} testId
   * @param {string} [mood]
   */
  button(text, t, d, testId, mood = "") {
    return el("button", { class: `button small ${mood}`, type: "button", "data-testid": testId, onclick: () => void attempt(this.request(t, d)) }, text);
  }

  /** @param {Wire.Battle} battle */
  isInviter(battle) {
    return battle.rooms[0] === this.room;
  }

  /** @param {Wire.Battle} battle */
  partner(battle) {
    return battle.rooms.find((room) => room !== this.room) ?? "";
  }
}

/** @param {Wire.Battle | null} battle */
function isOn(battle) {
  return battle !== null && battle.state !== "idle";
}

/**
 * @param {Wire.BattleResult} result
 * @param {string} room
 */
function outcome({ winner, reason }, room) {
  const word = winner === null ? "平局 Draw" : winner === room ? "赢了 Won" : "输了 Lost";
  const isPlayed = reason === "time" || reason === "surrender" || reason === "left";
  return isPlayed ? `${word} · ${REASONS[reason] ?? reason}` : (REASONS[reason] ?? reason);
}
