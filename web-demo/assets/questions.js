/** What viewers ask, in the order in which the pages show it, and what each of them may do about it. Pure. */

/** @typedef {"pin" | "unpin" | "answer" | "aloud" | "drop" | "take"} Deed */

/**
 * Returns the pinned one, then those that wait, oldest first, then those that were answered, newest first.
 * @param {Iterable<Wire.Question>} questions
 * @returns {Wire.Question[]}
 */
export function inOrder(questions) {
  const place = (/** @type {Wire.Question} */ { pinned, answered_at: at }) => (pinned ? 0 : at === null ? 1 : 2);
  return [...questions].sort((a, b) => place(a) - place(b) || (place(a) === 2 ? (b.answered_at ?? 0) - (a.answered_at ?? 0) : a.asked_at - b.asked_at));
}

/**
 * Returns what one may do about a question.
 * @param {Wire.Question} question
 * @param {{isKeeper: boolean, user: string}} who
 * @returns {Deed[]}
 */
export function deedsOf({ user: asker, pinned, answered_at: answeredAt }, { isKeeper, user }) {
  if (!isKeeper) return asker === user ? ["take"] : [];
  return answeredAt === null ? [pinned ? "unpin" : "pin", "aloud", "answer", "drop"] : ["drop"];
}

/**
 * Returns what the way to the questions says, or null where there are none.
 * @param {Iterable<Wire.Question>} questions
 * @returns {{text: string, note: string, isPinned: boolean} | null}
 */
export function summary(questions) {
  const all = inOrder(questions);
  const [first] = all;
  if (!first) return null;
  const open = all.filter(({ answered_at: at }) => at === null).length;
  return { text: first.pinned ? first.text : "问答 Q&A", note: open > 0 ? `${open} 个待答 open` : "都答了 All answered", isPinned: first.pinned };
}
