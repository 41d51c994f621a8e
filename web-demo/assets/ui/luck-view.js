/** Red packets to open, lotteries to enter, and who gave most: chips over the picture and one sheet behind them. */

import { saleStateAt } from "../countdown.js";
import { call } from "../http.js";
import { verifyLottery } from "../lottery-proof.js";
import { randomId } from "../token.js";
import { avatar, byId, el, price } from "./dom.js";
import { CouponChips } from "./coupon-chips.js";
import { attempt, toast } from "./toast.js";

/** What is over stays this long. */
const OVER_MS = 20_000;

/** @typedef {import("../room-state.js").RoomModel} RoomModel */

export class LuckView {
  /**
   * @param {HTMLElement} root
   * @param {{room: string, tokens: import("../token.js").Tokens, now: () => number, request: (t: string, d: object) => Promise<any>}} context
   */
  constructor(root, { room, tokens, now, request }) {
    this.root = root;
    this.path = `/v1/rooms/${encodeURIComponent(room)}`;
    this.tokens = tokens;
    this.now = now;
    this.request = request;
    this.sheet = /** @type {HTMLDialogElement} */ (byId("luck-sheet"));
    /** What this page got or is in, by id. @type {Map<string, number | true>} */
    this.own = new Map();
    /** The commitments as they were told while one could enter. @type {Map<string, string>} */
    this.promised = new Map();
    this.coupons = new CouponChips({ now, request, ask: (isWanted) => this.ask(isWanted) });
    this.shown = "";
    this.sheet.addEventListener("click", ({ target }) => {
      if (target === this.sheet) this.sheet.close();
    });
  }

  /** @param {RoomModel} model */
  update(model) {
    const now = this.now();
    for (const { lottery, state, commitment } of model.lotteries.values()) if (state === "open" && !this.promised.has(lottery)) this.promised.set(lottery, commitment);
    const packets = [...model.packets.values()].filter((one) => isShown(one.state, one.close_at, now));
    const lotteries = [...model.lotteries.values()].filter((one) => isShown(one.state, one.draw_at, now));
    const chips = [
      ...(model.top.length > 0 || battleGivers(model.battle) ? [this.podium(model)] : []),
      ...packets.map((packet) => this.packetChip(packet)),
      ...this.coupons.chips(model.coupons),
      ...lotteries.map((lottery) => this.lotteryChip(lottery, model.you.user)),
    ];
    // Whoever is about to press a chip must find it where it was.
    const key = chips.map((chip) => [chip.className, chip.dataset.of, chip.textContent].join()).join();
    if (key === this.shown) return;
    this.shown = key;
    this.root.replaceChildren(...chips);
  }

  /** @param {RoomModel} model */
  podium(model) {
    return el("button", { class: "luck-chip podium", type: "button", "data-testid": "podium", "aria-label": "贡献榜 Top givers", onclick: () => void this.showLeaders(model) },
      el("b", {}, "榜"), ...model.top.map(({ name, user }) => avatar(name || user)));
  }

  /** @param {Wire.RedPacket} packet */
  packetChip(packet) {
    const got = this.own.get(packet.packet);
    const note = got !== undefined ? `已领 ${price(Number(got))}` : packet.state === "open" ? `剩 ${packet.left} left` : packet.state === "counting" ? "即将开抢 soon" : "抢完了 gone";
    return el("button", { class: `luck-chip packet ${packet.state}`, type: "button", "data-testid": "packet", "data-of": packet.packet, onclick: () => void this.packetPressed(packet) },
      el("b", {}, "红包"), el("span", {}, packet.title), el("small", {}, note));
  }

  /**
   * @param {Wire.Lottery} lottery
   * @param {string} user
   */
  lotteryChip(lottery, user) {
    const isWinner = lottery.winners.some((winner) => winner.user === user);
    const note = {
      open: this.own.has(lottery.lottery) ? `已参加 · ${lottery.entered} in` : `参加 Enter · ${lottery.entered}`,
      closed: "即将开奖 drawing…", drawn: isWinner ? "你中奖了! You won" : "看结果 Result", aborted: "已取消 Called off",
    }[lottery.state];
    return el("button", { class: `luck-chip lottery ${lottery.state}`, type: "button", "data-testid": "lottery", "data-of": lottery.lottery, onclick: () => void this.lotteryPressed(lottery) },
      el("b", {}, "抽奖"), el("span", {}, lottery.prize), el("small", {}, note));
  }

  /** @param {Wire.RedPacket} packet */
  async packetPressed(packet) {
    const isOpen = saleStateAt({ ...packet, left: packet.left, state: packet.state === "empty" ? "sold_out" : packet.state === "counting" || packet.state === "open" ? packet.state : "closed" }, this.now()) === "open";
    if (this.own.has(packet.packet) || !isOpen) {
      await this.showPacket(packet.packet);
      return;
    }
    const keyword = await this.ask(packet.wants_keyword);
    if (keyword === null) return;
    const share = await attempt(this.request("packet.claim", { packet: packet.packet, idem: randomId(), ...keyword }));
    if (!share) return;
    this.own.set(packet.packet, share.amount);
    toast(`恭喜!抢到 ¥${price(share.amount)} · You got it`, "good");
    await this.showPacket(packet.packet);
  }

  /** @param {Wire.Lottery} lottery */
  async lotteryPressed(lottery) {
    if (lottery.state !== "open" || this.own.has(lottery.lottery)) {
      await this.showLottery(lottery.lottery);
      return;
    }
    const keyword = await this.ask(lottery.wants_keyword);
    if (keyword === null) return;
    const entered = await attempt(this.request("lottery.enter", { lottery: lottery.lottery, idem: randomId(), ...keyword }));
    if (!entered) return;
    this.own.set(lottery.lottery, true);
    toast(`已参加,共 ${entered.entered} 人 · You are in`, "good");
  }

  /**
   * Asks for what the host said aloud, if it is wanted; null: the visitor does not know it.
   * @param {boolean} isWanted
   * @returns {Promise<{keyword?: string} | null>}
   */
  ask(isWanted) {
    if (!isWanted) return Promise.resolve({});
    const input = el("input", { class: "plain", name: "keyword", required: true, maxlength: 100, autocomplete: "off", "aria-label": "口令 Keyword", "data-testid": "keyword" });
    const form = el("form", { class: "stack" }, input, el("button", { class: "button primary", type: "submit", "data-testid": "keyword-send" }, "就是它 That is it"));
    this.open("主播说的口令是? · What did the host say?", form);
    input.focus();
    return new Promise((resolve) => {
      this.sheet.addEventListener("close", () => resolve(null), { once: true });
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        resolve({ keyword: input.value.trim() });
        this.sheet.close();
      });
    });
  }

  /** @param {RoomModel} model */
  async showLeaders(model) {
    /** @type {Wire.Leaderboard | null} */
    const board = await attempt(call(this.tokens, "GET", `${this.path}/leaderboard?limit=20`));
    if (!board) return;
    const row = (/** @type {Wire.Contributor} */ { user, name, coins }) => el("li", {}, avatar(name || user), el("b", {}, name || user), el("span", {}, `${coins} 币 coins`));
    const inBattle = (/** @type {Wire.Giver} */ { user, name, points }) => el("li", {}, avatar(name || user), el("b", {}, name || user), el("span", {}, `${points} 分 points`));
    const sides = Object.entries(board.battle_top?.sides ?? {});
    const hostOf = (/** @type {string} */ room) => model.battle?.sides?.find((side) => side.room === room)?.name || room;
    this.open(`贡献榜 Top givers · ${board.senders} 人`,
      el("ol", { class: "luck-list", "data-testid": "leaders" }, ...board.top.map(row)),
      ...sides.flatMap(([room, givers]) => [el("h3", { class: "luck-side" }, `PK · 支持 for ${hostOf(room)}`), el("ol", { class: "luck-list", "data-testid": `leaders-${room}` }, ...givers.map(inBattle))]));
  }

  /** @param {string} packet */
  async showPacket(packet) {
    /** @type {Wire.RedPacketRecord | null} */
    const record = await attempt(call(this.tokens, "GET", `${this.path}/packets/${packet}`));
    if (!record) return;
    const best = record.luckiest?.user;
    const row = (/** @type {Wire.PacketTaker} */ { user, name, amount }) =>
      el("li", {}, avatar(name || user), el("b", {}, name || user, user === best ? " · 手气最佳 luckiest" : ""), el("span", {}, `¥${price(amount)}`));
    const got = this.own.get(packet);
    this.open(`${record.title} · ${record.shares - record.left}/${record.shares}`,
      el("p", { class: "luck-amount" }, got === undefined ? `¥${price(record.total)}` : `¥${price(Number(got))}`),
      el("ol", { class: "luck-list", "data-testid": "takers" }, ...record.takers.slice(-20).reverse().map(row)));
  }

  /** @param {string} lottery */
  async showLottery(lottery) {
    /** @type {Wire.LotteryRecord | null} */
    const record = await attempt(call(this.tokens, "GET", `${this.path}/lotteries/${lottery}`));
    if (!record) return;
    const answer = el("p", { class: "luck-proof", role: "status", "data-testid": "proof" });
    const verify = el("button", { class: "button", type: "button", "data-testid": "verify", onclick: () => void this.verify(record, answer) }, "验证开奖 Verify the draw");
    const isOver = record.state === "drawn" || record.state === "aborted";
    this.open(`${record.title} · ${record.prize}`,
      el("p", {}, record.state === "aborted" ? "已取消,种子照样公开 · Called off; its seed is told all the same" : `${record.entered} 人参加 entered`),
      el("ol", { class: "luck-list", "data-testid": "winners" }, ...record.winners.map(({ user, name }) => el("li", {}, avatar(name || user), el("b", {}, name || user), el("span", {}, record.prize)))),
      el("p", { class: "luck-hash" }, `承诺 commitment ${record.commitment}`),
      ...(isOver ? [el("p", { class: "luck-hash" }, `种子 seed ${record.seed}`), verify, answer] : []));
  }

  /**
   * @param {Wire.LotteryRecord} record
   * @param {HTMLElement} answer
   */
  async verify(record, answer) {
    const { faults } = await verifyLottery(record, this.promised.get(record.lottery));
    answer.textContent = faults.length === 0 ? "✓ 你的浏览器重新抽了一遍,结果一致 · Your browser did the draw again: it is right" : `✗ ${faults.join(" · ")}`;
    answer.classList.toggle("bad", faults.length > 0);
  }

  /**
   * @param {string} title
   * @param {...Node} content
   */
  open(title, ...content) {
    const close = el("button", { class: "button", type: "button", onclick: () => this.sheet.close() }, "好 OK");
    this.sheet.replaceChildren(el("h2", {}, title), ...content, close);
    if (!this.sheet.open) this.sheet.showModal();
  }
}

/**
 * @param {string} state
 * @param {number} until
 * @param {number} now
 */
function isShown(state, until, now) {
  return ["counting", "open", "closed"].includes(state) || now < until + OVER_MS;
}

/** @param {Wire.Battle | null} battle */
function battleGivers(battle) {
  return battle !== null && Object.keys(battle.top ?? {}).length > 0;
}
