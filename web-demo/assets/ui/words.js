/** What the server's codes mean to people, in both languages. */

/** @type {Record<string, string>} */
const WORDS = {
  NOT_OPEN: "还没开抢 · Not open yet",
  SOLD_OUT: "抢光了 · Sold out",
  CLOSED: "已经结束 · Already closed",
  ALREADY_CLAIMED: "已经领过了 · You had yours",
  CONDITION_UNMET: "口令不对 · Not the word",
  EXPIRED: "过期了 · Too late",
  LIMIT_PER_USER: "超过限购 · Limit reached",
  RATE_LIMITED: "太快了,歇一下 · Too fast",
  FORBIDDEN: "没有权限 · Not allowed",
  UNAUTHENTICATED: "凭证无效 · Token not accepted",
  TOKEN_EXPIRED: "凭证过期 · Token expired",
  ROOM_NOT_FOUND: "主播还没开播 · Not live yet",
  NOT_FOUND: "找不到 · Not found",
  SEAT_TAKEN: "麦位有人了 · Seat taken",
  ALREADY_SEATED: "已经在麦上 · Already seated",
  SEAT_MUTED_BY_HOST: "被主播静音 · Muted by the host",
  PK_BUSY: "对方正在 PK · The other room is busy",
  PK_STATE: "PK 状态已变 · The battle moved on",
  LEAD_TOO_SHORT: "倒计时太短 · Countdown too short",
  BUSY: "服务器忙 · Busy, try again",
  ROOM_FULL: "直播间满了 · Room is full",
  DRAINING: "服务器维护中 · Server is restarting",
  LINK_FAILED: "媒体连接失败 · Media link failed",
  OFFER_REFUSED: "浏览器不支持 H.264 · This browser cannot use H.264",
  OFFLINE: "没有连接 · Not connected",
  TIMEOUT: "服务器没有回答 · No answer",
  BID_TOO_LOW: "出价低了 · Bid too low",
  SELF_OUTBID: "你已经领先 · You lead already",
  CONFLICT: "状态已变,请再试 · It has changed, try again",
  QUEUE_FULL: "排队的人太多 · The queue is full",
  MUTED: "你被禁言了 · You are muted",
  BANNED: "你不能进这个直播间 · You are banned here",
  CONTENT_REJECTED: "内容不合规 · Not allowed words",
  SEAT_LOCKED: "麦位锁着 · Seat locked",
  IDEMPOTENCY_IN_FLIGHT: "正在处理 · Under way",
  NOT_LIVE: "没有在播 · Not live",
  OUTDATED: "页面太旧,请刷新 · This page is too old, reload it",
  TOO_LARGE: "内容太长 · Too long",
};

/**
 * Says what went wrong.
 * @param {unknown} error
 */
export function wordsFor(error) {
  if (error instanceof Error && "code" in error) return WORDS[String(error.code)] ?? `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

/** @param {string} code */
export function wordsForCode(code) {
  return WORDS[code] ?? code;
}
