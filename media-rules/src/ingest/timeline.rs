//! Gives a track's RTP timestamps their place on this machine's clock.
//!
//! The network only ever delays, so of the last seconds the packet with the smallest transit time
//! tells best how the two clocks relate; following it slowly also absorbs their drift. That holds
//! for one track. When sender reports say how both tracks relate to the publisher's wall clock,
//! both take one common offset, that of the slower track, and lips match voices.
//!
//! All times here are signed nanoseconds; media time counts from the track's first timestamp.

use std::time::Duration;

use super::smallest::Smallest;
use crate::{MediaTime, TimestampUnwrapper};

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MILLISECOND;

/// The smallest transit is of the last one to two of these.
const WINDOW: i64 = 2 * SECOND;
/// Offsets further apart than this are corrected in one step, nearer ones unnoticeably.
const STEP_ABOVE: i64 = 100 * MILLISECOND;
/// Of the passing time, one part in this many may be used to correct the offset.
const SLEW: i64 = 20;
/// A transit this far from what was seen means that the sender's clock jumped.
const CLOCK_JUMP: i64 = 10 * SECOND;
/// Tracks of one publisher are never this far apart; if its reports say so, they are wrong.
const MAX_TRACK_SKEW: i64 = SECOND;
/// Nothing is due later than this, besides how long it is held: more than the slower track of one
/// publisher can be waited for. Whatever the sender's clock says.
const MAX_AHEAD: i64 = 2 * SECOND;
/// Two frames are at least this far apart, so that their RTP timestamps differ.
const MIN_STEP: i64 = MILLISECOND / 10;

/// One track's clock.
#[derive(Debug)]
pub(super) struct Timeline {
    clock_rate_hz: u32,
    unwrapper: TimestampUnwrapper,
    transit: Option<Smallest>,
    /// The publisher's wall clock minus the media time.
    sender_offset: Option<i64>,
    /// A report that does not fit the packets so far; it may belong to the next source.
    early_report: Option<(u64, u32)>,
    /// What is added to media time now; approaches the wanted offset.
    applied: Option<i64>,
    /// How long frames are held now.
    delay: Option<i64>,
    last_media: Option<i64>,
    /// Outlives the source: a track never steps back.
    last_at: Option<i64>,
}

impl Timeline {
    pub(super) const fn new(clock_rate_hz: u32) -> Self {
        Self {
            clock_rate_hz,
            unwrapper: TimestampUnwrapper::new(),
            transit: None,
            sender_offset: None,
            early_report: None,
            applied: None,
            delay: None,
            last_media: None,
            last_at: None,
        }
    }

    /// Forgets the source, not what was presented.
    pub(super) fn restart(&mut self) {
        *self = Self {
            early_report: self.early_report,
            last_at: self.last_at,
            ..Self::new(self.clock_rate_hz)
        };
    }

    /// A frame is whole. Returns its media time, and how much later than the fastest it is `now`.
    pub(super) fn observe(
        &mut self,
        timestamp: u32,
        arrival: MediaTime,
        now: MediaTime,
    ) -> (i64, Duration) {
        let arrival = signed(arrival);
        let mut media = self.media_time(self.unwrapper.peek(timestamp));
        if let Some(smallest) = self.transit.as_ref().map(Smallest::value)
            && (arrival - media - smallest).abs() > CLOCK_JUMP
        {
            self.restart();
            media = 0;
        }
        self.unwrapper.unwrap(timestamp);
        match &mut self.transit {
            Some(transit) => transit.observe(arrival - media, arrival),
            None => self.transit = Some(Smallest::new(WINDOW, arrival - media, arrival)),
        }
        if let Some((ntp, rtp_timestamp)) = self.early_report {
            self.handle_report(ntp, rtp_timestamp);
        }
        let smallest = self.transit.as_ref().map_or(0, Smallest::value);
        let lateness = (signed(now) - media - smallest).max(0).unsigned_abs();
        (media, Duration::from_nanos(lateness))
    }

    /// Returns the greatest media time that was presented.
    pub(super) const fn last_media(&self) -> Option<i64> {
        self.last_media
    }

    /// The sender said which wall clock time a timestamp has.
    pub(super) fn handle_report(&mut self, ntp: u64, rtp_timestamp: u32) {
        self.early_report = None;
        let media = self.media_time(self.unwrapper.peek(rtp_timestamp));
        match self.unwrapper.newest().map(|newest| self.media_time(newest)) {
            Some(newest) if (media - newest).abs() < CLOCK_JUMP => {
                self.sender_offset = Some(nanos_of_ntp(ntp) - media);
            }
            Some(_) | None => self.early_report = Some((ntp, rtp_timestamp)),
        }
    }

    /// Returns what is wanted between media time and this machine's clock, in agreement with the
    /// `other` track of the publisher if both have reports.
    pub(super) fn offset_with(&self, other: &Self) -> i64 {
        let own = self.transit.as_ref().map_or(0, Smallest::value);
        let (Some(sender), Some(ours), Some(theirs)) =
            (self.sender_offset, self.wall_transit(), other.wall_transit())
        else {
            return own;
        };
        if (ours - theirs).abs() > MAX_TRACK_SKEW {
            return own;
        }
        sender + ours.max(theirs)
    }

    /// Returns when to present the frame at `media`, later than every frame before it. A `delay`
    /// that changes is approached as gently as an offset, however far it is.
    pub(super) fn present(
        &mut self,
        media: i64,
        offset: i64,
        delay: Duration,
        now: MediaTime,
    ) -> MediaTime {
        let passed = self.last_media.map_or(0, |last| (media - last).max(0));
        let limit = passed / SLEW;
        let applied = match self.applied {
            Some(applied) if (offset - applied).abs() <= STEP_ABOVE => {
                applied + (offset - applied).clamp(-limit, limit)
            }
            Some(_) | None => offset,
        };
        let wanted = i64::try_from(delay.as_nanos()).unwrap_or(i64::MAX / 4);
        let delay = self.delay.map_or(wanted, |held| held + (wanted - held).clamp(-limit, limit));
        // A step back in time is spread: frames keep a quarter of their distance until it is done.
        let spread = self.last_at.map_or(0, |last| last + passed / 4);
        // A sender's clock may run many times too fast, or jump again and again.
        let ceiling = signed(now) + MAX_AHEAD + delay;
        let floor = self.last_at.map_or(0, |last| last + MIN_STEP);
        let at = (media + applied + delay).max(spread).min(ceiling).max(floor);
        (self.applied, self.delay) = (Some(applied), Some(delay));
        self.last_media = Some(media.max(self.last_media.unwrap_or(media)));
        self.last_at = Some(at);
        MediaTime::from_nanos(at.unsigned_abs())
    }

    /// Returns the smallest transit against the publisher's wall clock.
    pub(super) fn wall_transit(&self) -> Option<i64> {
        Some(self.transit.as_ref()?.value() - self.sender_offset?)
    }

    fn media_time(&self, ticks: i64) -> i64 {
        let nanos = i128::from(ticks) * i128::from(SECOND) / i128::from(self.clock_rate_hz);
        i64::try_from(nanos).expect("a timeline is shorter than 292 years")
    }
}

pub(super) fn signed(time: MediaTime) -> i64 {
    i64::try_from(time.nanos()).expect("a machine is up for less than 292 years")
}

/// Returns an NTP time of Q32.32 in nanoseconds since 1900 (RFC 3550 section 4).
pub(super) fn nanos_of_ntp(ntp: u64) -> i64 {
    let nanos = (u128::from(ntp) * SECOND.unsigned_abs() as u128) >> 32;
    i64::try_from(nanos).expect("136 years fit")
}
