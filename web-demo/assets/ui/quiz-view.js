/** The quiz on a viewer's page: the question with its clock, what one answered, what was right, who won. */

import { clockText, nextFlip } from "../countdown.js";
import { parts, quizStateAt } from "../quiz.js";
import { randomId } from "../token.js";
import { el, money, setText } from "./dom.js";
import { attempt } from "./toast.js";

/** The result stays this long. */
const OVER_MS = 20_000;

export class QuizView {
  /**
   * @param {HTMLElement} root
   * @param {object} context
   * @param {() => number} context.now room time
   * @param {(t: string, d: object) => Promise<any>} context.request
   */
  constructor(root, { now, request }) {
    this.root = root;
    this.now = now;
    this.request = request;
    /** What was answered, by quiz and number of the question. @type {Map<string, number>} */
    this.answers = new Map();
    /** @type {Map<string, Wire.QuizWon>} */
    this.won = new Map();
    /** When this page heard that a quiz is over. @type {Map<string, number>} */
    this.overSince = new Map();
    this.clock = el("b", { class: "quiz-clock", role: "timer", "data-testid": "quiz-clock" });
    this.drawn = "";
    this.timer = 0;
    /** @type {Wire.Quiz | null} */
    this.quiz = null;
  }

  /**
   * Takes over what the room knows of our answers to the questions that are open.
   * @param {Wire.Snapshot} snapshot
   */
  restore({ mine, quizzes }) {
    for (const { quiz, asked } of quizzes ?? []) {
      const option = mine?.answers?.[quiz];
      if (asked && option !== undefined) this.answers.set(`${quiz}#${asked.number}`, option);
    }
  }

  /** @param {Wire.QuizWon} won */
  handleWon(won) {
    this.won.set(won.quiz, won);
    this.refresh();
  }

  /** @param {import("../room-state.js").RoomModel} model */
  update({ quizzes }) {
    const now = this.now();
    for (const { quiz, state } of quizzes.values()) if (state === "over" && !this.overSince.has(quiz)) this.overSince.set(quiz, now);
    const isShown = (/** @type {Wire.Quiz} */ { quiz, state }) => state !== "cancelled" && (state !== "over" || now < (this.overSince.get(quiz) ?? 0) + OVER_MS);
    this.quiz = [...quizzes.values()].filter(isShown).sort((a, b) => Number(a.state === "over") - Number(b.state === "over"))[0] ?? null;
    this.refresh();
  }

  refresh() {
    clearTimeout(this.timer);
    const { quiz } = this;
    const now = this.now();
    this.root.hidden = quiz === null;
    if (!quiz) return;
    const state = quizStateAt(quiz, now);
    const { asked } = quiz;
    setText(this.clock, asked && state === "asking" ? clockText(asked.close_at - now) : "");
    const answer = asked ? this.answers.get(`${quiz.quiz}#${asked.number}`) : undefined;
    // Options stay where they are while one may press them.
    const key = JSON.stringify([quiz.quiz, state, asked?.number, asked?.outcome, answer, quiz.result, this.won.get(quiz.quiz)]);
    if (key !== this.drawn) {
      this.drawn = key;
      this.root.dataset.state = state;
      this.root.replaceChildren(...this.content(quiz, state, answer));
    }
    const rest = asked && state === "asking" ? nextFlip({ open_at: asked.close_at }, now) : null;
    if (rest !== null) this.timer = window.setTimeout(() => this.refresh(), Math.max(1, rest));
  }

  /**
   * @param {Wire.Quiz} quiz
   * @param {Wire.QuizState} state
   * @param {number | undefined} answer
   */
  content(quiz, state, answer) {
    const { asked, title, questions, pot, players } = quiz;
    const prize = pot ? ` · 奖金 ${money(pot.amount, pot.currency)}` : "";
    if (state === "over") return [el("p", { class: "quiz-head" }, `答题结束 · ${title}`), el("p", { class: "quiz-text", role: "status", "data-testid": "quiz-result" }, this.resultText(quiz))];
    if (!asked) return [el("p", { class: "quiz-head" }, `答题 Quiz · ${title}${prize}`), el("p", { class: "quiz-text" }, `共 ${questions} 题,马上开始 · Soon`)];
    const note = { asking: answer === undefined ? "选一个 Choose" : "已作答 Answered", closed: "等公布答案 Closed", revealed: asked.outcome && answer !== undefined ? (answer === asked.outcome.right ? "答对了! Right" : "答错了 Wrong") : "没有作答 No answer" }[String(state)] ?? "";
    return [
      el("p", { class: "quiz-head" }, `第 ${asked.number}/${questions} 题${prize}`, el("span", {}, note), this.clock),
      el("p", { class: "quiz-text", "data-testid": "quiz-question" }, asked.text),
      el("div", { class: "quiz-options", role: "group", "aria-label": asked.text }, ...asked.options.map((option, at) => this.option(quiz, asked, option, at, state, answer))),
      ...(state === "revealed" ? [el("p", { class: "quiz-foot" }, `${players} 人参加 players`)] : []),
    ];
  }

  /**
   * @param {Wire.Quiz} quiz
   * @param {Wire.Asked} asked
   * @param {string} words
   * @param {number} at
   * @param {Wire.QuizState} state
   * @param {number | undefined} answer
   */
  option({ quiz }, { number, outcome }, words, at, state, answer) {
    const isRight = outcome?.right === at;
    const button = el("button", {
      class: `quiz-option${answer === at ? " chosen" : ""}${outcome ? (isRight ? " right" : " wrong") : ""}`, type: "button", "data-testid": `quiz-option-${at}`,
      "aria-pressed": String(answer === at), disabled: state !== "asking" || answer !== undefined, onclick: () => void this.answer(quiz, number, at),
    }, el("span", {}, `${String.fromCharCode(65 + at)}. ${words}`), ...(outcome ? [el("b", {}, `${isRight ? "✓ " : ""}${outcome.counts[at] ?? 0}`)] : []));
    button.style.setProperty("--part", String(outcome ? parts(outcome.counts)[at] ?? 0 : 0));
    return button;
  }

  /**
   * @param {string} quiz
   * @param {number} question
   * @param {number} option
   */
  async answer(quiz, question, option) {
    const key = `${quiz}#${question}`;
    this.answers.set(key, option);
    this.refresh();
    if ((await attempt(this.request("quiz.answer", { quiz, question, option, idem: randomId() }))) === null) this.answers.delete(key);
    this.refresh();
  }

  /** @param {Wire.Quiz} quiz */
  resultText({ quiz, result }) {
    const won = this.won.get(quiz);
    if (won) return `恭喜通关!${won.share > 0 ? `分得 ${money(won.share, won.currency)}` : ""} · You won`;
    if (!result || result.winners === 0) return "没有人全部答对 · Nobody won";
    return `${result.winners} 人通关${result.share > 0 ? `,每人 ${money(result.share)}` : ""} · ${result.winners} won`;
  }
}
