/** What the host gives away: a red packet, a lottery; and who gave most to the host. */

import { call } from "../http.js";
import { el, price } from "../ui/dom.js";
import { attempt, toast } from "../ui/toast.js";

/** @type {Record<string, string>} */
const STATES = {
  counting: "倒计时 Counting", open: "进行中 Open", empty: "抢完 Gone", expired: "到期 Expired", cancelled: "收回 Taken back",
  closed: "即将开奖 Drawing", drawn: "已开奖 Drawn", aborted: "已取消 Called off",
};

export class LuckPanel {
  /**
   * @param {HTMLElement} root
   * @param {string} room
   * @param {import("../token.js").Tokens} tokens
   * @param {(t: string, d: object) => Promise<any>} request
   */
  constructor(root, room, tokens, request) {
    this.room = room;
    this.tokens = tokens;
    this.request = request;
    const packet = el("form", { class: "sale-form", "data-testid": "packet-form" },
      field("红包 Red packet", "title", { required: true, maxlength: 100, value: "关注主播不迷路" }),
      el("div", { class: "sale-grid" },
        field("金额 Total ¥", "total", { required: true, type: "number", min: "0.01", step: "0.01", value: "88.00" }),
        field("个数 Shares", "shares", { required: true, type: "number", min: 1, max: 10000, step: 1, value: 20 }),
        field("倒数 Lead s", "lead", { required: true, type: "number", min: 0, max: 60, step: 1, value: 3 }),
        field("口令 Keyword", "keyword", { maxlength: 100 })),
      el("button", { class: "button primary wide", type: "submit", "data-testid": "open-packet" }, "发红包 Give a red packet"));
    const lottery = el("form", { class: "sale-form", "data-testid": "lottery-form" },
      field("奖品 Prize", "prize", { required: true, maxlength: 100, value: "口红 Lipstick" }),
      el("div", { class: "sale-grid" },
        field("名额 Winners", "winners", { required: true, type: "number", min: 1, max: 100, step: 1, value: 1 }),
        field("报名 Open s", "duration", { required: true, type: "number", min: 1, max: 3600, step: 1, value: 30 }),
        field("口令 Keyword", "keyword", { maxlength: 100 })),
      el("button", { class: "button primary wide", type: "submit", "data-testid": "open-lottery" }, "开始抽奖 Begin a lottery"));
    packet.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.openPacket(new FormData(packet));
    });
    lottery.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.openLottery(new FormData(lottery));
    });
    this.list = el("ul", { class: "list", "data-testid": "giveaways" });
    this.leaders = el("ol", { class: "list", "data-testid": "leaders" });
    root.append(packet, lottery, el("h3", {}, "本场 This show"), this.list, el("h3", {}, "贡献榜 Top givers"), this.leaders);
    this.told = "";
  }

  /** @param {FormData} data */
  async openPacket(data) {
    const opened = await attempt(this.request("packet.open", {
      title: String(data.get("title")).trim(), total: Math.round(Number(data.get("total")) * 100), shares: Number(data.get("shares")),
      lead_ms: Number(data.get("lead")) * 1000, ...keyword(data),
    }));
    if (opened) toast("红包已发 · The red packet is out", "good");
  }

  /** @param {FormData} data */
  async openLottery(data) {
    const prize = String(data.get("prize")).trim();
    const opened = await attempt(this.request("lottery.open", {
      title: "抽奖 Lottery", prize, winners: Number(data.get("winners")), duration_ms: Number(data.get("duration")) * 1000, ...keyword(data),
    }));
    if (opened) toast("抽奖开始 · The lottery has begun", "good");
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update(model) {
    const packets = [...model.packets.values()].map((one) => this.row(one.title, `¥${price(one.total)} · ${one.shares - one.left}/${one.shares} · ${STATES[one.state]}`,
      one.state === "open" || one.state === "counting" ? ["packet.cancel", { packet: one.packet }, "收回 Take back"] : null));
    const lotteries = [...model.lotteries.values()].map((one) => this.row(one.prize, `${one.entered} 人 · ${STATES[one.state]} ${one.winners.map(({ name, user }) => name || user).join(", ")}`,
      one.state === "open" || one.state === "closed" ? ["lottery.abort", { lottery: one.lottery }, "取消 Call off"] : null));
    this.list.replaceChildren(...packets.reverse(), ...lotteries.reverse());
    if (this.list.childElementCount === 0) this.list.append(el("li", { class: "empty" }, "还没有发福利 · Nothing given yet"));
    void this.drawLeaders(model);
  }

  /**
   * @param {string} title
   * @param {string} note
   * @param {[string, object, string] | null} undo
   */
  row(title, note, undo) {
    const button = undo && el("button", { class: "button small", type: "button", onclick: () => void attempt(this.request(undo[0], undo[1])) }, undo[2]);
    return el("li", { class: "list-row" }, el("span", { class: "grow" }, el("b", {}, title), el("small", {}, ` ${note}`)), ...(button ? [button] : []));
  }

  /** @param {import("../room-state.js").RoomModel} model */
  async drawLeaders(model) {
    // The whole list is asked for when its head has changed.
    const told = JSON.stringify(model.top);
    if (told === this.told || model.top.length === 0) return;
    this.told = told;
    /** @type {Wire.Leaderboard | null} */
    const board = await attempt(call(this.tokens, "GET", `/v1/rooms/${encodeURIComponent(this.room)}/leaderboard?limit=10`));
    if (!board) return;
    this.leaders.replaceChildren(...board.top.map(({ name, user, coins }, at) => el("li", { class: "list-row" }, el("span", { class: "grow" }, `${at + 1}. ${name || user}`), el("b", {}, `${coins} 币`))));
  }
}

/** @param {FormData} data */
function keyword(data) {
  const word = String(data.get("keyword")).trim();
  return word === "" ? {} : { keyword: word };
}

/**
 * @param {string} label
 * @param {string} name
 * @param {Record<string, string | number | boolean>} attributes
 */
function field(label, name, attributes) {
  return el("label", { class: "field" }, label, el("input", { name, autocomplete: "off", ...attributes }));
}
