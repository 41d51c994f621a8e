/** What the program shows besides the people: films that are played in, what stands in for the host, and a picture of it as a file. */

import { call, refusal } from "../http.js";
import { el, setText } from "../ui/dom.js";
import { attempt } from "../ui/toast.js";

const REFRESH_MS = 2_000;
const FADE = { kind: "fade", ms: 300 };

/** @type {Record<string, string>} */
const STATES = { fetching: "下载中 Fetching", loading: "加载中 Loading", playing: "播放中 Playing", ready: "播放中 On screen", failed: "无法播放 Failed" };

export class InsertsPanel {
  /**
   * @param {HTMLElement} root
   * @param {string} room
   * @param {import("../token.js").Tokens} tokens
   */
  constructor(root, room, tokens) {
    this.root = root;
    this.tokens = tokens;
    this.path = `/v1/rooms/${encodeURIComponent(room)}`;
    /** Whether the room is there and may be asked. */
    this.isOn = false;
    this.list = el("ul", { class: "list", "data-testid": "inserts" });
    this.names = el("datalist", { id: "film-names" });
    const form = el("form", { class: "stack" },
      el("label", { class: "field" }, "视频文件或地址 Film or address",
        el("input", { name: "src", required: true, list: "film-names", placeholder: "ad.mp4", autocomplete: "off", "data-testid": "insert-src" })),
      el("div", { class: "sale-grid" },
        el("label", { class: "field" }, "画面 Where", el("select", { name: "mode", "data-testid": "insert-mode" },
          el("option", { value: "fullscreen" }, "全屏 Full screen"), el("option", { value: "pip" }, "画中画 Corner"))),
        el("label", { class: "layout-switch" }, el("input", { type: "checkbox", name: "loop", "data-testid": "insert-loop" }), "循环 Loop")),
      el("button", { class: "button primary wide", type: "submit", "data-testid": "insert-add" }, "插播 Play"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.add(new FormData(form));
    });
    this.standIns = [this.standIn("warmup", "开播前 Before the show"), this.standIn("slate", "离开时 While away")];
    this.picture = /** @type {HTMLImageElement} */ (el("img", { alt: "节目截图 Snapshot of the program", "data-testid": "snapshot-picture", hidden: true }));
    const shoot = el("button", { class: "button wide", type: "button", "data-testid": "snapshot-take", onclick: () => void this.shoot() }, "截图 Snapshot");
    root.append(el("h3", {}, "插播 Play in"), form, this.names, this.list,
      el("h3", {}, "无人上镜时 While nobody is on"), ...this.standIns.map(({ row }) => row),
      el("h3", {}, "节目截图 Picture of the program"), shoot, this.picture);
    setInterval(() => void this.refresh(), REFRESH_MS);
  }

  /** @param {string} kind @param {string} words */
  standIn(kind, words) {
    const choice = /** @type {HTMLSelectElement} */ (el("select", { name: kind, "data-testid": kind }));
    const note = el("small", { "data-testid": `${kind}-note` }, "");
    choice.addEventListener("change", () => void this.setStandIn(kind, choice.value));
    return { kind, choice, note, row: el("label", { class: "field" }, words, choice, note) };
  }

  /** @param {FormData} form */
  async add(form) {
    const order = { src: String(form.get("src")).trim(), mode: String(form.get("mode")), loop: form.has("loop"), transition: FADE };
    await attempt(call(this.tokens, "POST", `${this.path}/inserts`, order));
    await this.refresh();
  }

  /** @param {string} kind @param {string} value */
  async setStandIn(kind, value) {
    const [what, name] = value.split("/", 2);
    await attempt(call(this.tokens, "PUT", `${this.path}/${kind}`, what ? { [what]: name } : {}));
    await this.refresh();
  }

  /** Takes the news that a film began or is over. */
  told() {
    void this.refresh();
  }

  async refresh() {
    if (!this.isOn || this.root.hidden || document.hidden) return;
    /** @type {Wire.Inserts | null} */
    const answer = await call(this.tokens, "GET", `${this.path}/inserts`).catch(() => null);
    if (!answer) return;
    const { inserts, films, images } = answer;
    this.names.replaceChildren(...films.map((value) => el("option", { value })));
    this.list.replaceChildren(...inserts.map((insert) => this.row(insert)));
    if (inserts.length === 0) this.list.append(el("li", { class: "empty" }, "没有插播 · Nothing is played in"));
    await Promise.all(this.standIns.map((one) => this.drawStandIn(one, films, images)));
  }

  /**
   * @param {{kind: string, choice: HTMLSelectElement, note: HTMLElement}} standIn
   * @param {string[]} films
   * @param {string[]} images
   */
  async drawStandIn({ kind, choice, note }, films, images) {
    /** @type {Wire.StandIn | null} */
    const now = await call(this.tokens, "GET", `${this.path}/${kind}`).catch(() => null);
    if (!now || document.activeElement === choice) return;
    const options = [["", "背景 Background"], ...images.map((name) => [`image/${name}`, `🖼 ${name}`]), ...films.map((name) => [`src/${name}`, `▶ ${name}`])];
    const value = now.src ? `src/${now.src}` : now.image ? `image/${now.image}` : "";
    if (!options.some(([known]) => known === value)) options.push([value, value.slice(value.indexOf("/") + 1)]);
    choice.replaceChildren(...options.map(([known = "", words = ""]) => el("option", { value: known }, words)));
    choice.value = value;
    setText(note, now.error ?? (now.state ? STATES[now.state] ?? "" : ""));
  }

  /** @param {Wire.Insert} insert */
  row({ id, src, mode, loop, state, length_ms }) {
    const stop = async () => {
      await attempt(call(this.tokens, "DELETE", `${this.path}/inserts/${encodeURIComponent(id)}`));
      await this.refresh();
    };
    const length = loop ? "循环 loop" : length_ms === null ? "" : `${Math.round(length_ms / 1000)} s`;
    const detail = [mode === "pip" ? "画中画 corner" : "全屏 full screen", length].filter(Boolean).join(" · ");
    return el("li", { class: "list-row", "data-testid": `insert-${id}` },
      el("span", { class: "grow two" }, el("b", {}, src), el("small", {}, detail)),
      el("span", { class: `chip ${state === "playing" ? "live" : "waiting"}` }, STATES[state] ?? state),
      el("button", { class: "button small danger", type: "button", "aria-label": `停止 Stop ${src}`, "data-testid": `insert-stop-${id}`, onclick: () => void stop() }, "停 ■"));
  }

  async shoot() {
    const taken = await attempt(this.fetchPicture());
    if (!taken) return;
    this.picture.src = taken;
    this.picture.hidden = false;
  }

  /** @returns {Promise<string>} the picture as an address of its own, which the page's policy allows */
  async fetchPicture() {
    const response = await fetch(`${this.path}/snapshot.jpg?width=480`, { headers: { Authorization: `Bearer ${await this.tokens.get()}` }, cache: "no-store" });
    if (!response.ok) throw refusal(response.status, await response.text());
    const file = await response.blob();
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result));
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(file);
    });
  }
}
