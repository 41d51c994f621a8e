/** A viewer's way to the stage: the button, the host's invitation, and the move to the studio's guest shape. */

import { byId, setText } from "./dom.js";
import { attempt, toast } from "./toast.js";

export class OwnSeat {
  /**
   * @param {object} context
   * @param {import("../room-state.js").RoomModel} context.model
   * @param {import("../protocol/session.js").RoomSession} context.session
   * @param {import("../token.js").Tokens} context.tokens
   * @param {URLSearchParams} context.query
   */
  constructor({ model, session, tokens, query }) {
    this.model = model;
    this.session = session;
    this.tokens = tokens;
    this.query = query;
    /** The seat's next state may take a moment to arrive after the answer. */
    this.hasAnswered = false;
    this.dialog = /** @type {HTMLDialogElement} */ (byId("invite"));
    this.dialog.addEventListener("close", () => void this.answer());
    byId("seat").addEventListener("click", () => void this.press());
  }

  get seat() {
    const { seats, you } = this.model;
    return seats.find(({ user }) => user !== null && user === you.user);
  }

  draw() {
    const { seat, dialog } = this;
    setText(byId("seat-text"), seat ? (seat.state === "reserved" ? "请上麦 Join" : "去麦上 Stage") : "连麦 Join");
    const isInvited = seat?.state === "reserved" || seat?.state === "joining";
    if (!isInvited) this.hasAnswered = false;
    if (isInvited && !dialog.open && !this.hasAnswered) {
      dialog.returnValue = "";
      dialog.showModal();
    } else if (!isInvited && dialog.open) {
      dialog.close("gone");
    }
  }

  async press() {
    if (this.seat) {
      await this.goOnStage();
      return;
    }
    const asked = await attempt(this.session.request("seat.apply", {}));
    if (asked) toast("已申请连麦,等主播同意 · Asked for a seat", "good");
  }

  /** @param {Wire.SeatRequest} request */
  handleRequest({ kind, user }) {
    if (user !== this.model.you.user) return;
    if (kind === "reject") toast("主播婉拒了连麦 · The host said not now");
    if (kind === "timeout") toast("连麦邀请已过期 · The invitation is over");
  }

  async answer() {
    const { returnValue } = this.dialog;
    this.hasAnswered = true;
    if (returnValue === "yes") await this.goOnStage();
    else if (returnValue !== "gone") await attempt(this.session.request(this.seat?.state === "reserved" ? "seat.decline" : "seat.leave", {}));
  }

  /** The stage needs a camera and other controls: the studio in its guest shape. */
  async goOnStage() {
    const { session, tokens, query, model } = this;
    // A seat that is only kept for us would be given away while the next page loads.
    if (this.seat?.state === "reserved" && (await attempt(session.request("seat.join", {}))) === null) return;
    const next = new URLSearchParams({ room: tokens.who.room, identity: model.you.user, name: model.you.name, role: "guest", join: "1" });
    if (tokens.fixed) next.set("token", tokens.fixed);
    for (const name of ["source", "host"]) if (query.has(name)) next.set(name, query.get(name) ?? "");
    location.assign(`/studio?${next}`);
  }
}
