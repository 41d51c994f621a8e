/** Who may be silenced and for how long, in the words of the pages. Pure. */

/** For how long one is muted or kept out; null: for good. @type {[number | null, string][]} */
export const TERMS = [[600, "10 分钟 min"], [3_600, "1 小时 h"], [86_400, "1 天 d"], [null, "永久 For good"]];

/** A kick is a short ban: who is put out may come back after it. */
export const KICK_S = 60;

/** From the least to the most; docs/PROTOCOL.md, section 4. @type {Wire.Role[][]} */
const RANKS = [["viewer", "guest"], ["moderator"], ["assistant"], ["host"], ["admin"]];

/** What can be switched off in a room, in the order to show. @type {Record<string, string>} */
export const FEATURES = {
  chat: "聊天 Chat", like: "点赞 Likes", gift: "礼物 Gifts", seat: "连麦 Seats", pk: "PK", sale: "卖货 Sales", buy: "下单 Orders",
};

/**
 * Tells whether what `by` orders binds somebody of role `whom`.
 * @param {Wire.Role} by
 * @param {Wire.Role} whom
 */
export function binds(by, whom) {
  const rank = (/** @type {Wire.Role} */ role) => RANKS.findIndex((roles) => roles.includes(role));
  return rank(by) > rank(whom);
}

/**
 * Says until when a mute or ban stands.
 * @param {number | null} until room time
 * @param {number} now
 */
export function untilText(until, now) {
  if (until === null) return "永久 for good";
  const minutes = Math.max(1, Math.ceil((until - now) / 60_000));
  return minutes < 60 ? `还有 ${minutes} 分钟 min` : minutes < 1_440 ? `还有 ${Math.ceil(minutes / 60)} 小时 h` : `还有 ${Math.ceil(minutes / 1_440)} 天 d`;
}

/**
 * Returns why one may not talk now, or null.
 * @param {Pick<import("./room-state.js").RoomModel, "you" | "muted" | "settings">} model
 * @param {number} now
 */
export function silenceText({ you, muted, settings }, now) {
  const isBelow = you.role === "viewer" || you.role === "guest";
  if (muted && (muted.until === null || muted.until > now)) return `你被禁言,${untilText(muted.until, now)} · You are muted`;
  if (settings?.features.chat === false) return "聊天关了 · Chat is off";
  return settings?.all_muted && isBelow ? "全员禁言中 · Everybody is muted" : null;
}

/**
 * Reads tags as people write them: with commas of either language between them.
 * @param {string} text
 */
export function tagsOf(text) {
  return [...new Set(text.split(/[,\uff0c\u3001\n]/).map((tag) => tag.trim().toLowerCase()).filter((tag) => tag !== ""))];
}
