/**
 * The room time of every picture. The server says now and then which moment one RTP timestamp of our
 * stream stands for; from there it is counting. What surprises: timestamps wrap every 13 hours, and a
 * picture may be older than the message.
 */

const TICKS_PER_MS = 90;

/** @param {number} ticks @returns {number} as a step of at most half the range, back or forth */
const step = (ticks) => ticks | 0;

export class MediaClock {
  /** @param {() => string | null} resource  the media session's own URL; what is about another one is ignored */
  constructor(resource) {
    this.resource = resource;
    /** @type {Wire.MediaClock | null} */
    this.anchor = null;
  }

  /** @param {Wire.MediaClock} said */
  handle(said) {
    if (this.isOurs(said)) this.anchor = said;
  }

  /**
   * The room time in ms of the picture with this RTP timestamp, or null while nothing was said of this session.
   * @param {number} rtpTimestamp
   */
  roomTimeOf(rtpTimestamp) {
    if (!this.anchor || !this.isOurs(this.anchor)) return null;
    return this.anchor.shown_at + step(rtpTimestamp - this.anchor.rtp_ts) / TICKS_PER_MS;
  }

  /** @param {Wire.MediaClock} said */
  isOurs({ media }) {
    return this.resource()?.endsWith(`/${media}`) ?? false;
  }
}

/**
 * Calls `tell` with how late, in ms, each shown picture is against room time, and its room time; null while unknown.
 * @param {HTMLVideoElement} video
 * @param {MediaClock} media
 * @param {() => number} now  room time
 * @param {(lateMs: number | null, shownAt: number | null) => void} tell
 */
export function followPictures(video, media, now, tell) {
  if (!("requestVideoFrameCallback" in video)) return;
  /** @type {VideoFrameRequestCallback} */
  const look = (_, { rtpTimestamp, expectedDisplayTime }) => {
    const shownAt = rtpTimestamp === undefined ? null : media.roomTimeOf(rtpTimestamp);
    tell(shownAt === null ? null : now() + expectedDisplayTime - performance.now() - shownAt, shownAt);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}
