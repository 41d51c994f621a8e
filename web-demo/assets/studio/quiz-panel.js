/** Quizzes: writing the questions, asking them one by one, and what came of each. */

import { quizStateAt } from "../quiz.js";
import { el, money, setText } from "../ui/dom.js";
import { field, smallButton } from "../ui/fields.js";
import { attempt, toast } from "../ui/toast.js";

const QUESTIONS_MAX = 20;
const OPTIONS = 4;

/** @type {Record<Wire.QuizState, string>} */
const STATES = { waiting: "待开始 Ready", asking: "作答中 Asking", closed: "待公布 Closed", revealed: "已公布 Told", over: "结束 Over", cancelled: "取消 Called off" };

export class QuizPanel {
  /**
   * @param {HTMLElement} root
   * @param {object} context
   * @param {() => number} context.now room time
   * @param {(t: string, d: object) => Promise<any>} context.request
   */
  constructor(root, { now, request }) {
    this.now = now;
    this.request = request;
    this.questions = el("div", { class: "stack", "data-testid": "quiz-questions" });
    this.more = smallButton("加一题 + Question", "quiz-more", () => this.add());
    this.form = el("form", { class: "sale-form", "data-testid": "quiz-form" },
      field("答题 Quiz", "title", { required: true, maxlength: 100, value: "答题赢红包" }),
      this.questions, this.more,
      el("div", { class: "sale-grid" },
        field("奖金 Pot ¥", "pot", { type: "number", min: "0.01", step: "0.01", placeholder: "无 none" }),
        field("作答 Answer s", "answer", { required: true, type: "number", min: 3, max: 120, step: 1, value: 10 })),
      el("button", { class: "button primary wide", type: "submit", "data-testid": "open-quiz" }, "准备好了 Ready"));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.open(new FormData(this.form));
    });
    this.list = el("ul", { class: "list", "data-testid": "quizzes" });
    root.append(this.form, el("h3", {}, "本场 This show"), this.list);
    this.add();
    this.drawn = "";
  }

  add() {
    const at = this.questions.childElementCount;
    this.questions.append(el("fieldset", { class: "features quiz-question" }, el("legend", {}, `第 ${at + 1} 题`),
      field("题目 Question", `text-${at}`, { required: true, maxlength: 300, "data-testid": `quiz-text-${at}` }),
      ...Array.from({ length: OPTIONS }, (_, option) => el("label", { class: "quiz-choice" },
        el("input", { type: "radio", name: `right-${at}`, value: option, checked: option === 0, "aria-label": `${option + 1} 是对的 is right` }),
        el("input", { class: "plain", name: `option-${at}-${option}`, maxlength: 100, required: option < 2, autocomplete: "off", placeholder: `选项 ${option + 1}`, "aria-label": `选项 Option ${option + 1}`, "data-testid": `quiz-option-${at}-${option}` })))));
    this.more.hidden = at + 1 >= QUESTIONS_MAX;
  }

  /** @param {FormData} data */
  async open(data) {
    const text = (/** @type {string} */ name) => String(data.get(name) ?? "").trim();
    const questions = Array.from({ length: this.questions.childElementCount }, (_, at) => {
      const options = Array.from({ length: OPTIONS }, (__, option) => ({ words: text(`option-${at}-${option}`), option })).filter(({ words }) => words !== "");
      return { text: text(`text-${at}`), options: options.map(({ words }) => words), right: options.findIndex(({ option }) => option === Number(text(`right-${at}`))) };
    });
    if (questions.some(({ right }) => right < 0)) {
      toast("对的选项是空的 · The right option is empty", "bad");
      return;
    }
    const opened = await attempt(this.request("quiz.open", {
      title: text("title"), questions, answer_ms: Number(text("answer")) * 1000, ...(text("pot") === "" ? {} : { pot: Math.round(Number(text("pot")) * 100) }),
    }));
    if (!opened) return;
    this.form.reset();
    this.questions.replaceChildren();
    this.add();
    toast("题目已备好,按「出题」开始 · Ready, ask the first", "good");
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update({ quizzes }) {
    const now = this.now();
    const all = [...quizzes.values()];
    const key = JSON.stringify(all.map((one) => [one, quizStateAt(one, now)]));
    if (key === this.drawn) return;
    this.drawn = key;
    this.list.replaceChildren(...all.reverse().map((one) => this.row(one, quizStateAt(one, now))));
    if (all.length === 0) this.list.append(el("li", { class: "empty" }, "还没有答题 · No quiz yet"));
  }

  /**
   * @param {Wire.Quiz} one
   * @param {Wire.QuizState} state
   */
  row(one, state) {
    const { quiz, title, asked, questions, players, result, pot } = one;
    const counts = asked?.outcome ? `答案 ${String.fromCharCode(65 + asked.outcome.right)} · ${asked.outcome.counts.join("/")}` : asked ? `${asked.answered} 人已答` : "";
    const note = result ? `${result.winners} 人通关 winners${pot && result.winners > 0 ? ` · 每人 ${money(result.share, pot.currency)}` : ""}` : counts;
    const small = el("small", {}, "");
    setText(small, [`${asked?.number ?? 0}/${questions} 题`, `${players} 人`, note].filter(Boolean).join(" · "));
    const isOn = state !== "over" && state !== "cancelled";
    return el("li", { class: "list-row wrap" }, el("span", { class: "grow two" }, el("b", {}, title), small), el("span", { class: `chip ${state === "asking" ? "open" : ""}` }, STATES[state]),
      ...(isOn ? [el("span", { class: "row-actions" },
        ...(state === "waiting" || state === "revealed" ? [smallButton(`出第 ${(asked?.number ?? 0) + 1} 题 Ask`, "quiz-next", () => attempt(this.request("quiz.next", { quiz })), "primary")] : []),
        smallButton("取消 Call off", "quiz-cancel", () => attempt(this.request("quiz.cancel", { quiz })), "danger"))] : []));
  }
}
