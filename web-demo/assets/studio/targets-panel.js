/** Where the program is pushed to besides: RTMP addresses of other platforms and how each is doing. */

import { call } from "../http.js";
import { el } from "../ui/dom.js";
import { attempt } from "../ui/toast.js";

const REFRESH_MS = 2_000;

/** @type {Record<Wire.Target["state"], string>} */
const STATES = { connecting: "连接中 Connecting", live: "推流中 Live", waiting: "重试 Waiting" };

export class TargetsPanel {
  /**
   * @param {HTMLElement} root
   * @param {string} room
   * @param {import("../token.js").Tokens} tokens
   */
  constructor(root, room, tokens) {
    this.root = root;
    this.tokens = tokens;
    this.path = `/v1/rooms/${encodeURIComponent(room)}/targets`;
    this.list = el("ul", { class: "list", "data-testid": "targets" });
    const form = el("form", { class: "stack" },
      el("label", { class: "field" }, "RTMP 地址(含推流码)RTMP address with key",
        el("input", { name: "url", required: true, pattern: "rtmps?://.+", placeholder: "rtmp://host/app/key", autocomplete: "off", "data-testid": "target-url" })),
      el("button", { class: "button primary wide", type: "submit", "data-testid": "target-add" }, "添加转推 Add target"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.add(form);
    });
    root.append(form, el("h3", {}, "转推目标 Targets"), this.list);
    setInterval(() => void this.refresh(), REFRESH_MS);
    /** Whether the room is there and may be asked. */
    this.isOn = false;
  }

  /** @param {HTMLFormElement} form */
  async add(form) {
    const url = String(new FormData(form).get("url")).trim();
    const added = await attempt(call(this.tokens, "POST", this.path, { url }));
    if (!added) return;
    form.reset();
    await this.refresh();
  }

  async refresh() {
    if (!this.isOn || this.root.hidden || document.hidden) return;
    /** @type {{targets: Wire.Target[]} | null} */
    const answer = await call(this.tokens, "GET", this.path).catch(() => null);
    if (!answer) return;
    this.list.replaceChildren(...answer.targets.map((target) => this.row(target)));
    if (answer.targets.length === 0) this.list.append(el("li", { class: "empty" }, "没有转推 · No targets"));
  }

  /** @param {Wire.Target} target */
  row({ id, url, state, attempts, error }) {
    const remove = async () => {
      await attempt(call(this.tokens, "DELETE", `${this.path}/${encodeURIComponent(id)}`));
      await this.refresh();
    };
    const detail = [attempts > 1 ? `第 ${attempts} 次 attempt ${attempts}` : "", error ?? ""].filter(Boolean).join(" · ");
    return el("li", { class: "list-row", "data-testid": `target-${id}` },
      el("span", { class: "grow two" }, el("b", {}, url), el("small", {}, detail || id)),
      el("span", { class: `chip ${state}` }, STATES[state]),
      el("button", { class: "button small danger", type: "button", "aria-label": `删除 Remove ${url}`, onclick: () => void remove() }, "删 ✕"));
  }
}
