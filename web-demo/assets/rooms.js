/** The front page: which rooms there are, how they are doing, and the way in. */

import { call } from "./http.js";
import { avatar, byId, el, hueOf, icon, short } from "./ui/dom.js";

const REFRESH_MS = 3_000;

/** @type {Record<Wire.RoomState, [string, number]>} the words, and the place in the list */
const STATES = { live: ["直播中 LIVE", 0], interrupted: ["稍候 Back soon", 1], waiting: ["预热中 Warming up", 2], created: ["准备中 Preparing", 2], ended: ["已结束 Ended", 3] };

let drawn = "";

async function refresh() {
  if (document.hidden) return;
  /** @type {{rooms: Wire.RoomView[]} | null} */
  const answer = await call(null, "GET", "/v1/rooms").catch(() => null);
  const rooms = (answer?.rooms ?? []).sort((a, b) => STATES[a.state][1] - STATES[b.state][1] || b.online - a.online);

  // Drawing only what changed keeps the focus where the visitor put it.
  const text = JSON.stringify(rooms);
  if (answer && text !== drawn) {
    drawn = text;
    byId("rooms").replaceChildren(...rooms.map(card));
  }
  byId("rooms").setAttribute("aria-busy", "false");
  byId("none").hidden = answer !== null && rooms.length > 0;
  byId("none").textContent = answer ? "现在没有直播,来开第一场 · Nobody is live yet, be the first" : "连不上服务器 · Cannot reach the server";
}

/** @param {Wire.RoomView} view */
function card({ room, title, state, host, online, battle, stage }) {
  const isBattle = battle !== null && battle.state !== "idle" && battle.state !== "inviting";
  const query = new URLSearchParams({ room });
  const cover = el("span", { class: "cover" },
    el("span", { class: `state ${state}` }, STATES[state][0]),
    ...(isBattle ? [el("span", { class: "state pk-state" }, "PK")] : stage.length > 1 ? [el("span", { class: "state link-state" }, `连麦 ${stage.length}`)] : []),
    avatar(host ?? room),
    el("span", { class: "watching" }, icon("people"), ` ${short(online)}`));
  cover.style.setProperty("--hue", String(hueOf(room)));
  return el("li", {},
    el("a", { class: "room", href: `/watch?${query}`, "data-testid": `room-${room}` }, cover,
      el("span", { class: "room-names" }, el("b", {}, title || room), el("small", {}, `${host ?? "–"} · 房间 room ${room}`))));
}

void refresh();
setInterval(() => void refresh(), REFRESH_MS);
document.addEventListener("visibilitychange", () => void refresh());
