/** What only a host has in the studio: the panels behind the tabs, and who is told of which news. */

import { byId, el } from "../ui/dom.js";
import { wireTabs } from "../ui/tabs.js";
import { OrderPanel } from "../ui/order-panel.js";
import { UserSheet } from "../ui/user-sheet.js";
import { AuctionPanel } from "./auction-panel.js";
import { CouponPanel } from "./coupon-panel.js";
import { GoodsPanel } from "./goods-panel.js";
import { InsertsPanel } from "./inserts-panel.js";
import { LayoutPanel } from "./layout-panel.js";
import { QualityPanel } from "./quality-panel.js";
import { LuckPanel } from "./luck-panel.js";
import { PkPanel } from "./pk-panel.js";
import { QuizPanel } from "./quiz-panel.js";
import { SalePanel } from "./sale-panel.js";
import { SeatsPanel } from "./seats-panel.js";
import { SoldSheet } from "./sold-sheet.js";
import { TargetsPanel } from "./targets-panel.js";
import { Uplinks } from "./uplinks.js";

/** Countdowns and states go on by themselves between two events. */
const TICK_MS = 1_000;

export class HostDesk {
  /**
   * @param {object} context
   * @param {string} context.room
   * @param {import("../token.js").Tokens} context.tokens
   * @param {() => number} context.now room time
   * @param {import("../room-state.js").RoomModel} context.model
   * @param {(t: string, d: object) => Promise<any>} context.request
   * @param {() => boolean} context.isOnline
   */
  constructor({ room, tokens, now, model, request, isOnline }) {
    this.model = model;
    const shop = subPanes(byId("pane-sale"), "卖货 Sell", [["flash", "秒杀 Flash sale"], ["auction", "竞拍 Auction"], ["goods", "商品 Products"]]);
    this.pk = new PkPanel(byId("pk-panel"), room, request);
    this.sale = new SalePanel(shop("flash"), { now, request, model, sold: new SoldSheet({ room, tokens, now, request }) });
    this.auction = new AuctionPanel(shop("auction"), { now, request });
    this.goods = new GoodsPanel(shop("goods"), { request, onSell: (product) => this.sell(product) });
    const luck = subPanes(byId("pane-luck"), "福利 Luck", [["draws", "红包抽奖 Luck"], ["coupons", "优惠券 Coupons"], ["quiz", "答题 Quiz"]]);
    this.luck = new LuckPanel(luck("draws"), room, tokens, request);
    this.coupons = new CouponPanel(luck("coupons"), { now, request });
    this.quiz = new QuizPanel(luck("quiz"), { now, request });
    this.seats = new SeatsPanel(byId("pane-seats"), request);
    this.users = new UserSheet({ model, now, request, onChange: () => this.order.refresh() });
    this.order = new OrderPanel(byId("pane-order"), { room, tokens, model, now, request, users: this.users });
    this.layout = new LayoutPanel(byId("pane-layout"), room, tokens);
    this.quality = new QualityPanel(byId("pane-layout"), room, tokens);
    this.inserts = new InsertsPanel(byId("pane-layout"), room, tokens);
    this.targets = new TargetsPanel(byId("pane-targets"), room, tokens);
    this.uplinks = new Uplinks(room, tokens, () => isOnline() && !byId("stats").hidden);
    setInterval(() => this.drawShop(), TICK_MS);
  }

  drawShop() {
    this.sale.update(this.model);
    this.auction.update(this.model);
    this.goods.update(this.model);
    this.coupons.update(this.model);
    this.quiz.update(this.model);
  }

  /**
   * Takes a product to the form of flash sales.
   * @param {Wire.Product} product
   */
  sell(product) {
    this.sale.take(product);
    byId("tab-flash").click();
  }

  drawTimed() {
    this.pk.update(this.model);
    this.drawShop();
    this.luck.update(this.model);
  }

  /** @param {boolean} isOnline */
  setOnline(isOnline) {
    this.targets.isOn = this.layout.isOn = this.quality.isOn = this.inserts.isOn = isOnline;
  }

  /** Somebody looks at another tab. */
  refresh() {
    void this.targets.refresh();
    this.order.refresh();
    void this.layout.refresh();
    void this.quality.refresh();
    void this.inserts.refresh();
  }
}

/**
 * Divides a pane into panes of its own; returns the way to each by name.
 * @param {HTMLElement} root
 * @param {string} label
 * @param {[string, string][]} panes  names and words
 */
function subPanes(root, label, panes) {
  const list = el("div", { class: "tabs sub-tabs", role: "tablist", "aria-label": label }, ...panes.map(([name, words], at) => el("button", {
    role: "tab", type: "button", id: `tab-${name}`, "aria-controls": `pane-${name}`, "aria-selected": String(at === 0), tabindex: at === 0 ? 0 : -1, "data-testid": `tab-${name}`,
  }, words)));
  root.append(list, ...panes.map(([name], at) => el("div", { class: "sub-pane", role: "tabpanel", id: `pane-${name}`, "aria-labelledby": `tab-${name}`, hidden: at > 0 })));
  wireTabs(list);
  return (/** @type {string} */ name) => byId(`pane-${name}`);
}
