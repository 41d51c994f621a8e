/**
 * What viewers ask: a button that shows the pinned question, and a sheet with all of them. Viewers ask there and
 * take their own back; those who keep order pin, answer and drop.
 */

import { deedsOf, inOrder, summary } from "../questions.js";
import { avatar, byId, el, setText } from "./dom.js";
import { smallButton } from "./fields.js";
import { attempt, toast } from "./toast.js";

/** The words of a deed, its message and its looks. @type {Record<import("../questions.js").Deed, [string, string, string]>} */
const DEEDS = {
  pin: ["置顶 Pin", "question.pin", ""], unpin: ["取消置顶 Unpin", "question.unpin", ""], aloud: ["已答 Answered", "question.answer", "primary"],
  answer: ["写回答 Write", "question.answer", ""], drop: ["删除 Drop", "question.drop", "danger"], take: ["撤回 Take back", "question.drop", ""],
};

export class QuestionsSheet {
  /**
   * @param {HTMLButtonElement} button
   * @param {object} context
   * @param {import("../room-state.js").RoomModel} context.model
   * @param {(t: string, d: object) => Promise<any>} context.request
   */
  constructor(button, { model, request }) {
    this.button = button;
    this.model = model;
    this.request = request;
    this.sheet = /** @type {HTMLDialogElement} */ (byId("questions-sheet"));
    this.list = el("ul", { class: "question-list", "data-testid": "question-list" });
    this.label = el("label", { class: "question-label", for: "question-input" });
    this.input = el("input", { class: "plain grow", id: "question-input", name: "text", required: true, maxlength: 300, autocomplete: "off", "data-testid": "question-input" });
    this.form = el("form", { class: "question-form" }, this.label,
      el("div", { class: "row nowrap" }, this.input, el("button", { class: "button primary", type: "submit", "data-testid": "question-send" }, "发送 Send")));
    /** The question that is being answered in writing. @type {string | null} */
    this.answering = null;
    this.drawn = "";
    this.sheet.replaceChildren(el("h2", { id: "questions-title" }, "问答 · Questions"), this.list, this.form,
      el("form", { method: "dialog", class: "row" }, el("button", { class: "button", value: "ok", "data-testid": "questions-close" }, "关闭 Close")));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    this.sheet.addEventListener("click", ({ target }) => {
      if (target === this.sheet) this.sheet.close();
    });
    button.addEventListener("click", () => this.open());
  }

  get isKeeper() {
    return this.model.moderation !== null;
  }

  open() {
    this.answer(null);
    this.draw();
    if (!this.sheet.open) this.sheet.showModal();
    if (!this.form.hidden) this.input.focus();
  }

  update() {
    const told = summary(this.model.questions.values());
    this.button.hidden = told === null;
    this.button.classList.toggle("pinned", told?.isPinned ?? false);
    if (told && this.button.textContent !== `问${told.text}${told.note}`) this.button.replaceChildren(el("b", {}, "问"), el("span", {}, told.text), el("small", {}, told.note));
    if (this.sheet.open) this.draw();
  }

  draw() {
    const { model, isKeeper } = this;
    if (this.answering !== null && model.questions.get(this.answering)?.answered_at !== null) this.answer(null);
    const all = inOrder(model.questions.values());
    const key = JSON.stringify([all, isKeeper, model.you.user]);
    if (key === this.drawn) return;
    this.drawn = key;
    // Whoever stands on a button goes on standing on it.
    const held = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : undefined;
    this.list.replaceChildren(...all.map((question) => this.row(question)));
    if (all.length === 0) this.list.append(el("li", { class: "empty" }, "还没有人提问 · Nobody has asked yet"));
    if (held !== undefined) /** @type {HTMLElement | null} */ (this.list.querySelector(`[data-key="${CSS.escape(held)}"]`))?.focus();
  }

  /** @param {Wire.Question} question */
  row(question) {
    const { question: id, user, name, text, pinned, answered_at: answeredAt, answer } = question;
    const deeds = deedsOf(question, { isKeeper: this.isKeeper, user: this.model.you.user });
    return el("li", { class: `question ${answeredAt === null ? "open" : "answered"}`, "data-testid": `question-${id}` },
      el("div", { class: "question-head" }, avatar(name || user), el("b", {}, name || user),
        ...(pinned ? [el("span", { class: "badge pinned" }, "置顶 Pinned")] : []), ...(answeredAt === null ? [] : [el("span", { class: "badge answered" }, "已答 Answered")])),
      el("p", { class: "question-text" }, text),
      ...(answer === undefined ? [] : [el("p", { class: "question-answer" }, answer)]),
      ...(deeds.length === 0 ? [] : [el("div", { class: "question-deeds" }, ...deeds.map((deed) => this.deedButton(deed, id)))]));
  }

  /**
   * @param {import("../questions.js").Deed} deed
   * @param {string} question
   */
  deedButton(deed, question) {
    const [words, t, mood] = DEEDS[deed];
    const button = smallButton(words, `question-${deed}`, deed === "answer" ? () => this.answer(question) : () => attempt(this.request(t, { question })), mood);
    button.dataset.key = `${deed}:${question}`;
    return button;
  }

  /**
   * Turns the form to an answer, or back to what it is for otherwise.
   * @param {string | null} question
   */
  answer(question) {
    const asked = question === null ? undefined : this.model.questions.get(question);
    this.answering = asked ? question : null;
    this.form.hidden = this.isKeeper && !asked;
    setText(this.label, asked ? `回答 ${asked.name || asked.user}:${asked.text}` : "想问主播什么? Ask the host");
    this.input.value = "";
    if (asked) this.input.focus();
  }

  async send() {
    const text = this.input.value.trim();
    if (text === "") return;
    const { answering } = this;
    const asked = answering === null ? this.request("question.ask", { text }) : this.request("question.answer", { question: answering, text });
    if ((await attempt(asked)) === null) return;
    toast(answering === null ? "问题已提交 · Asked" : "回答已发出 · Answered", "good");
    this.answer(null);
  }
}
