/** The front page: which rooms there are, how they are doing, and the way in. */

import { call } from "./http.js";
import { avatar, byId, el, hueOf, icon, short } from "./ui/dom.js";

const REFRESH_MS = 3_000;
const TAGS_SHOWN = 20;

/** @type {Record<Wire.RoomState, [string, number]>} the words, and the place in the list */
const STATES = { live: ["直播中 LIVE", 0], interrupted: ["稍候 Back soon", 1], waiting: ["预热中 Warming up", 2], created: ["准备中 Preparing", 2], ended: ["已结束 Ended", 3] };

let drawn = "";
/** The tag whose rooms are shown; empty: all. */
let tag = new URLSearchParams(location.search).get("tag") ?? "";
/** What there was to choose from when all rooms were shown. @type {Set<string>} */
let tags = new Set();

async function refresh() {
  if (document.hidden) return;
  /** @type {{rooms: Wire.RoomView[]} | null} */
  const answer = await call(null, "GET", tag === "" ? "/v1/rooms" : `/v1/rooms?tag=${encodeURIComponent(tag)}`).catch(() => null);
  const rooms = (answer?.rooms ?? []).sort((a, b) => STATES[a.state][1] - STATES[b.state][1] || b.online - a.online);

  // Drawing only what changed keeps the focus where the visitor put it.
  const text = JSON.stringify([tag, rooms]);
  if (answer && text !== drawn) {
    drawn = text;
    byId("rooms").replaceChildren(...rooms.map(card));
    if (tag === "") tags = new Set(rooms.flatMap((one) => one.tags ?? []));
    drawTags();
  }
  byId("rooms").setAttribute("aria-busy", "false");
  byId("none").hidden = answer !== null && rooms.length > 0;
  byId("none").textContent = answer && tag !== "" ? "这个标签下没有直播 · Nobody under this tag" : answer ? "现在没有直播,来开第一场 · Nobody is live yet, be the first" : "连不上服务器 · Cannot reach the server";
}

function drawTags() {
  const all = [...new Set([...tags, ...(tag === "" ? [] : [tag])])].slice(0, TAGS_SHOWN);
  const row = byId("tags");
  row.hidden = all.length === 0;
  const held = document.activeElement instanceof HTMLElement && row.contains(document.activeElement) ? document.activeElement.dataset.tag : undefined;
  const button = (/** @type {string} */ one, /** @type {string} */ words) => el("button", {
    class: "button small", type: "button", "data-tag": one, "data-testid": one === "" ? "tag-all" : `tag-${one}`, "aria-pressed": String(one === tag), onclick: () => choose(one),
  }, words);
  row.replaceChildren(button("", "全部 All"), ...all.map((one) => button(one, `#${one}`)));
  if (held !== undefined) /** @type {HTMLElement | null} */ (row.querySelector(`[data-tag="${CSS.escape(held)}"]`))?.focus();
}

/** @param {string} one */
function choose(one) {
  tag = one;
  history.replaceState(null, "", one === "" ? location.pathname : `?tag=${encodeURIComponent(one)}`);
  void refresh();
}

/** @param {Wire.RoomView} view */
function card({ room, title, state, host, online, battle, stage, tags: own }) {
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
      el("span", { class: "room-names" }, el("b", {}, title || room), el("small", {}, `${host ?? "–"} · 房间 room ${room}`),
        ...(own && own.length > 0 ? [el("small", { class: "room-tags" }, own.map((one) => `#${one}`).join(" "))] : []))));
}

void refresh();
setInterval(() => void refresh(), REFRESH_MS);
document.addEventListener("visibilitychange", () => void refresh());
