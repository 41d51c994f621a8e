/** Who sits where, who asks for a seat, and what the host may do about it. */

import { avatar, byId, el } from "../ui/dom.js";
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
    /** @type {Set<string>} who applied and is not answered yet */
    this.waiting = new Set();
    this.requests = el("ul", { class: "list", "data-testid": "seat-requests" });
    this.seats = el("ul", { class: "list", "data-testid": "seats" });
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
   * @param {{user: string}[]} wishes
   */
  handleWishes(wishes) {
    this.waiting = new Set(wishes.map(({ user }) => user));
  }

  /** @param {Wire.SeatRequest} request */
  handleRequest({ user, kind }) {
    if (kind === "apply") this.waiting.add(user);
    else this.waiting.delete(user);
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update(model) {
    for (const { user } of model.seats) if (user !== null) this.waiting.delete(user);
    this.requests.replaceChildren(...[...this.waiting].map((user) => this.requestRow(user)));
    if (this.waiting.size === 0) this.requests.append(el("li", { class: "empty" }, "还没有人申请 · Nobody is asking"));
    byId("seats-dot").hidden = this.waiting.size === 0;
    this.seats.replaceChildren(...model.seats.filter(({ index }) => index > 0).map((seat) => this.seatRow(seat)));
  }

  /** @param {string} user */
  requestRow(user) {
    return el("li", { class: "list-row" }, avatar(user), el("b", { class: "grow" }, user),
      this.button("同意 Accept", "seat.accept", { user }, `seat-accept-${user}`, "primary"),
      this.button("拒绝 No", "seat.reject", { user }, `seat-reject-${user}`));
  }

  /** @param {Wire.Seat} seat */
  seatRow({ index, state, user, muted }) {
    const row = el("li", { class: `list-row seat ${state}` }, el("span", { class: "seat-number" }, String(index)));
    if (user === null) {
      row.append(el("span", { class: "grow empty" }, STATES.idle));
      return row;
    }
    row.append(el("b", { class: "grow" }, user), el("small", {}, STATES[state]),
      this.button(muted ? "开麦 Unmute" : "静音 Mute", "seat.mute", { user, audio: !muted }, `seat-mute-${user}`),
      this.button("下麦 Kick", "seat.kick", { user }, `seat-kick-${user}`, "danger"));
    return row;
  }

  /**
   * @param {string} text
   * @param {string} t
   * @param {{user: string, audio?: boolean}} d
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
    const button = el("button", { class: `button small ${mood}`, type: "button", "data-testid": testId, onclick: () => void press() }, text);
    return button;
  }
}
