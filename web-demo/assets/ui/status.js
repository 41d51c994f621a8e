/** How a viewer's page stands: what hangs before the picture, whether the room is on air, and whether one may talk. */

import { silenceText } from "../keeping-order.js";
import { byId, setText } from "./dom.js";
import { wordsForCode } from "./words.js";

/** @type {Record<Wire.RoomState, string>} */
const STATES = { created: "未开播", waiting: "预热中", live: "直播 LIVE", interrupted: "稍候", ended: "已结束" };

export class Status {
  /**
   * @param {object} context
   * @param {import("../room-state.js").RoomModel} context.model
   * @param {import("../protocol/session.js").RoomSession} context.session
   * @param {() => import("../media/whep.js").WhepPlayer} context.player
   * @param {HTMLVideoElement} context.video
   * @param {"both" | "ws" | "dc"} context.carrier
   */
  constructor({ model, session, player, video, carrier }) {
    this.model = model;
    this.session = session;
    this.player = player;
    this.video = video;
    this.carrier = carrier;
  }

  draw() {
    const { model, session, carrier } = this;
    const { link } = this.player();
    if (this.hasEnded && link.state !== "idle") this.player().stop();
    const isLive = model.joined && model.state === "live";
    setText(byId("state"), isLive ? "直播 LIVE" : STATES[model.joined ? model.state : "created"]);
    byId("state").classList.toggle("on", isLive);

    const text = this.curtainText();
    byId("curtain").hidden = text === null;
    byId("curtain").classList.toggle("still", this.hasEnded || session.status === "refused");
    if (text !== null) setText(byId("curtain-text"), text);
    const links = [
      carrier === "dc" ? null : session.status === "joined" ? "WS ✓" : "WS …",
      carrier === "ws" ? null : session.channels.ctl?.readyState === "open" ? "DC ✓" : "DC …",
      link.state === "live" ? "媒体 ✓ media" : "媒体 … media",
    ];
    setText(byId("health"), links.filter((one) => one !== null).join(" · "));
  }

  get hasEnded() {
    return this.session.status === "ended" || (this.model.joined && this.model.state === "ended");
  }

  /** What hangs before the picture, or null while there is a picture to see. */
  curtainText() {
    const { model, session, video } = this;
    const { link } = this.player();
    if (session.code === "BANNED") return wordsForCode("BANNED");
    if (link.state === "refused") return wordsForCode(link.code ?? "UNAUTHENTICATED");
    if (session.status === "refused") return wordsForCode(session.code ?? "UNAUTHENTICATED");
    if (this.hasEnded) return "直播已结束,谢谢观看 · The show is over";
    if (!model.joined) return session.status === "waiting" ? "主播还没开播 · Not live yet" : "正在进入直播间 · Joining…";
    if (model.state === "interrupted") return "主播马上回来 · The host will be right back";
    if (model.state === "created") return "马上开播 · Starting soon";
    return link.state === "live" && video.videoWidth > 0 ? null : "画面来了 · Picture coming up…";
  }
}

/**
 * Tells whoever may not talk why, where they would write.
 * @param {import("../room-state.js").RoomModel} model
 * @param {number} now
 * @param {import("./talk-panel.js").TalkPanel} talk
 */
export function drawComposer(model, now, talk) {
  const silence = silenceText(model, now);
  const { settings } = model;
  const input = /** @type {HTMLInputElement} */ (byId("chat-input"));
  const slow = settings?.slow_mode_s ? ` · 每 ${settings.slow_mode_s} 秒一条 every ${settings.slow_mode_s} s` : "";
  const words = silence ?? `${talk.invitation}${slow}`;
  if (input.placeholder !== words) input.placeholder = words;
  input.disabled = silence !== null;
  talk.setSilenced(silence !== null);
  /** @type {HTMLButtonElement} */ (byId("chat-send")).disabled = silence !== null;
  byId("gifts").hidden = settings?.features.gift === false;
  byId("seat").hidden = settings?.features.seat === false;
}
