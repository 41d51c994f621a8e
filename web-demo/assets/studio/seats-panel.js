/** Who sits where, who asks for a seat, and what the host may do about it: grant, silence, move, lock. */

import { avatar, byId, el } from "../ui/dom.js";
import { smallButton } from "../ui/fields.js";
import { attempt } from "../ui/toast.js";

/** @type {Record<Wire.SeatState, string>} */
const STATES = { idle: "空 Free", reserved: "已邀请 Invited", joining: "上麦中 Joining", live: "在麦 Live", held: "掉线 Held" };

export class SeatsPanel {
  /**
   * @param {HTMLElement} root
   * @param {(t: string, d: object) => Promise<any>} request
   */
  constructor(root, request) {
    this.request = request;
    /** Who applied and is not answered yet, with the seat they want. @type {Map<string, {name: string, index: number | null}>} */
    this.waiting = new Map();
    this.requests = el("ul", { class: "list", "data-testid": "seat-requests" });
    this.seats = el("ul", { class: "list", "data-testid": "seats" });
    this.drawn = "";
    const invite = el("form", { class: "row" },
      el("label", { class: "visually-hidden", for: "invite-user" }, "邀请谁 Whom to invite"),
      el("input", { class: "plain grow", id: "invite-user", name: "user", "data-testid": "invite-user", placeholder: "用户 ID User id", maxlength: 64, autocomplete: "off" }),
      el("button", { class: "button primary", type: "submit", "data-testid": "seat-invite-send" }, "邀请 Invite"));
    invite.addEventListener("submit", (event) => {
      event.preventDefault();
      const input = /** @type {HTMLInputElement} */ (invite.elements.namedItem("user"));
      const user = input.value.trim();
      if (!user) return;
      void attempt(this.request("seat.invite", { user })).then((done) => done && (input.value = ""));
    });
    root.append(el("h3", {}, "申请 Requests"), this.requests, el("h3", {}, "邀请 Invite"), invite, el("h3", {}, "麦位 Seats"), this.seats);
  }

  /**
   * Takes over who asks, as the room says it: a page that was reloaded missed the asking.
   * @param {Wire.Wish[]} wishes
   */
  handleWishes(wishes) {
    this.waiting = new Map(wishes.map(({ user, name, index }) => [user, { name, index }]));
  }

  /** @param {Wire.SeatRequest} request */
  handleRequest({ user, kind }) {
    if (kind === "apply") this.waiting.set(user, { name: user, index: null });
    else this.waiting.delete(user);
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update(model) {
    for (const { user } of model.seats) if (user !== null) this.waiting.delete(user);
    byId("seats-dot").hidden = this.waiting.size === 0;
    // A choice that is open must not vanish under the pointer.
    const key = JSON.stringify([[...this.waiting], model.seats]);
    if (key === this.drawn) return;
    this.drawn = key;
    this.requests.replaceChildren(...[...this.waiting].map(([user, wish]) => this.requestRow(user, wish)));
    if (this.waiting.size === 0) this.requests.append(el("li", { class: "empty" }, "还没有人申请 · Nobody is asking"));
    const guests = model.seats.filter(({ index }) => index > 0);
    this.seats.replaceChildren(...guests.map((seat) => this.seatRow(seat, guests)));
  }

  /**
   * @param {string} user
   * @param {{name: string, index: number | null}} wish
   */
  requestRow(user, { name, index }) {
    return el("li", { class: "list-row" }, avatar(name || user), el("b", { class: "grow" }, name || user, index === null ? "" : ` → ${index} 号麦`),
      this.button("同意 Accept", "seat.accept", { user, ...(index === null ? {} : { index }) }, `seat-accept-${user}`, "primary"),
      this.button("拒绝 No", "seat.reject", { user }, `seat-reject-${user}`));
  }

  /**
   * @param {Wire.Seat} seat
   * @param {Wire.Seat[]} all
   */
  seatRow(seat, all) {
    const { index, state, user, locked, mic, cam } = seat;
    const row = el("li", { class: `list-row wrap seat ${state}`, "data-testid": `seat-${index}` }, el("span", { class: "seat-number" }, String(index)));
    if (user === null) {
      row.append(el("span", { class: "grow empty" }, locked ? "锁着 Locked" : STATES.idle), ...this.locks(seat));
      return row;
    }
    const off = [mic === false ? "自己闭麦 mic off" : "", cam === false ? "关了镜头 cam off" : ""].filter(Boolean).join(" · ");
    row.append(el("span", { class: "grow two" }, el("b", {}, user), el("small", {}, [STATES[state], off].filter(Boolean).join(" · "))),
      el("span", { class: "row-actions" }, ...this.silences(seat, user), this.moves(seat, all, user),
        this.button("下麦 Kick", "seat.kick", { user }, `seat-kick-${user}`, "danger"), ...this.locks(seat)));
    return row;
  }

  /**
   * @param {Wire.Seat} seat
   * @param {string} user
   */
  silences({ muted, unseen }, user) {
    return [
      this.button(muted ? "开麦 Unmute" : "静音 Mute", "seat.mute", { user, audio: !muted }, `seat-mute-${user}`),
      this.button(unseen ? "开画面 Show" : "关画面 Hide", "seat.mute", { user, video: !unseen }, `seat-hide-${user}`),
    ];
  }

  /** @param {Wire.Seat} seat */
  locks({ index, locked, lock_audio: isSilent, user }) {
    const lock = (/** @type {string} */ words, /** @type {string} */ testId, /** @type {object} */ what) =>
      smallButton(words, testId, () => attempt(this.request("seat.lock", { index, ...what })));
    return [
      ...(user === null ? [lock(locked ? "解锁 Unlock" : "锁麦位 Lock", `seat-lock-${index}`, { seat: !locked })] : []),
      ...(user === null && !isSilent ? [] : [lock(isSilent ? "允许说话 Voice on" : "锁声音 Lock voice", `seat-lock-audio-${index}`, { audio: !isSilent })]),
    ];
  }

  /**
   * The other seats as places to go to; who sits there changes places.
   * @param {Wire.Seat} seat
   * @param {Wire.Seat[]} all
   * @param {string} user
   */
  moves({ index: from }, all, user) {
    const others = all.filter(({ index, locked }) => index !== from && !locked);
    const select = el("select", { class: "button small", "aria-label": `把 ${user} 移到 Move ${user} to`, "data-testid": `seat-move-${user}` },
      el("option", { value: "" }, "移到 Move"), ...others.map((seat) => el("option", { value: seat.index }, seat.user === null ? `${seat.index} 号` : `${seat.index} ⇄ ${seat.user}`)));
    select.addEventListener("change", () => {
      const to = all.find(({ index }) => index === Number(select.value));
      if (to) void attempt(this.request("seat.move", { user, index: to.index, ...(to.user === null ? {} : { swap: true }) }));
      select.value = "";
    });
    return select;
  }

  /**
   * @param {string} text
   * @param {string} t
   * @param {{user: string, [more: string]: unknown}} d
   * @param {string} testId
   * @param {string} [mood]
   */
  button(text, t, d, testId, mood = "") {
    const press = async () => {
      const done = await attempt(this.request(t, d));
      if (!done || !this.waiting.delete(d.user)) return;
      button.closest("li")?.remove();
      byId("seats-dot").hidden = this.waiting.size === 0;
    };
    const button = smallButton(text, testId, press, mood);
    return button;
  }
}
