/** A quiz as this page may show it by room time, and the parts of the bars once the answers are told. Pure. */

/**
 * Returns how far a quiz is now: a question closes by itself, what was right is the room's word alone.
 * @param {Pick<Wire.Quiz, "state" | "asked">} quiz
 * @param {number} now room time
 * @returns {Wire.QuizState}
 */
export function quizStateAt({ state, asked }, now) {
  return state === "asking" && asked && now >= asked.close_at ? "closed" : state;
}

/**
 * Returns what part of the answers each option got.
 * @param {number[]} counts
 */
export function parts(counts) {
  const all = counts.reduce((sum, one) => sum + one, 0);
  return counts.map((one) => (all === 0 ? 0 : one / all));
}

/**
 * Says in a few words what a coupon is worth.
 * @param {Pick<Wire.Coupon, "amount" | "percent" | "min_spend">} coupon
 */
export function worth({ amount, percent, min_spend: least }) {
  const yuan = (/** @type {number} */ cents) => String(cents / 100);
  const cut = amount !== undefined ? `减¥${yuan(amount)}` : `减 ${percent ?? 0}%`;
  return least > 0 ? `满¥${yuan(least)}${cut}` : `立${cut}`;
}
