//! Decides how much is sent twice: from the loss that a viewer reports to how deep its audio
//! redundancy is, how many copies of a packet follow it and how far apart they are.
//!
//! Loss that is not congestion does not go away by sending less, so the answer to it is more, up to
//! what the way is estimated to carry. The sums are in `docs/decisions/0014-loss.md`. The surprise: the
//! more is sent twice, the less loss a viewer of audio reports, because a copy has the number of its
//! original and hides that it was lost; so what it reports is translated back before it counts.

use std::time::Duration;

use crate::{MediaKind, MediaTime};

/// One report may be about few packets, so this many are collected before they count ...
const WINDOW_PACKETS: u32 = 40;
/// ... or those of this time.
const WINDOW: Duration = Duration::from_secs(2);
/// How much of a rise a full window is believed.
const RISE: f64 = 0.85;
/// How much of a change is believed that may be luck, which is one of this many standard deviations.
const STEADY: f64 = 0.1;
const CHANCE: f64 = 2.0;
/// A fall is believed by this much a second: loss that comes back at once must find us ready.
const FALL_PER_SECOND: f64 = 0.2;
/// Without a report on a kind for this long, it is taken to fare no better than the other.
const UNHEARD: Duration = Duration::from_secs(3);
/// Without a report for this long, nothing is known any more.
const STALE: Duration = Duration::from_secs(15);

/// Redundancy begins at this loss ...
const AUDIO_FROM: f64 = 0.03;
const VIDEO_FROM: f64 = 0.05;
/// ... and goes on down to this share of it.
const HYSTERESIS: f64 = 0.5;
/// The share of audio frames that may be lost for good.
const AUDIO_RESIDUE: f64 = 0.01;
/// The share of video packets that may have to be asked for.
const VIDEO_RESIDUE: f64 = 0.035;
/// How often one audio frame goes out at most: at 80 % loss 97 % of the frames arrive.
const MAX_AUDIO_SENDS: usize = 15;
/// How often one video packet goes out at most before it is asked for.
const MAX_VIDEO_SENDS: usize = 5;
/// Frames before the one that a packet is for: 120 ms of them.
const MAX_DEPTH: usize = 6;
/// Bytes of audio in a packet that reaches every viewer in one piece.
const MAX_AUDIO_PAYLOAD: usize = 1_120;
/// Audio comes before video, but may not take more than this share of the way.
const AUDIO_SHARE: f64 = 0.5;
/// Copies of audio lie this far apart. A burst of loss is shorter than all of them together.
const AUDIO_SPACING: Duration = Duration::from_millis(12);
const MIN_VIDEO_SPACING: Duration = Duration::from_millis(8);
const MAX_VIDEO_SPACING: Duration = Duration::from_millis(20);
/// A queue this long is of our making.
const STANDING: Duration = Duration::from_millis(40);
/// After one, this long no more is tried than what was left.
const HOLD: Duration = Duration::from_secs(5);
/// How much more is tried at a time.
const STEP_PERCENT: u32 = 110;
const ASSUMED_RTT: Duration = Duration::from_millis(80);

/// How audio is protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AudioPlan {
    /// Frames before the one that a packet is for which it repeats (RFC 2198); zero for none.
    pub depth: usize,
    /// How often the whole packet is sent again, bit for bit.
    pub copies: usize,
    /// Time from one of them to the next.
    pub spacing: Duration,
}

/// How video is protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct VideoPlan {
    /// How often a packet is retransmitted unasked.
    pub copies: usize,
    /// How often it is retransmitted when it is asked for.
    pub answers: usize,
    /// Time from one of them to the next.
    pub spacing: Duration,
}

impl AudioPlan {
    /// Nothing is sent twice.
    pub const NONE: Self = Self { depth: 0, copies: 0, spacing: AUDIO_SPACING };

    /// How often each frame goes out.
    pub const fn sends(&self) -> usize {
        (self.depth + 1) * (self.copies + 1)
    }
}

impl VideoPlan {
    /// Nothing is sent unasked.
    pub const NONE: Self = Self { copies: 0, answers: 1, spacing: MIN_VIDEO_SPACING };
}

/// What one viewer's way is like, and what follows from it.
#[derive(Debug)]
pub struct Policy {
    has_red: bool,
    audio_loss: Loss,
    video_loss: Loss,
    rtt: Duration,
    available_bps: Option<u32>,
    /// Until when no more is tried, because a queue built up.
    held_until: MediaTime,
    audio: AudioPlan,
    video: VideoPlan,
    wanted_bps: u64,
}

impl Policy {
    /// Starts with no loss known. Without `has_red` audio is protected by copies alone.
    pub fn new(has_red: bool) -> Self {
        Self {
            has_red,
            audio_loss: Loss::default(),
            video_loss: Loss::default(),
            rtt: ASSUMED_RTT,
            available_bps: None,
            held_until: MediaTime::default(),
            audio: AudioPlan::NONE,
            video: VideoPlan::NONE,
            wanted_bps: 0,
        }
    }

    /// The viewer reported `lost` of `total` packets of a kind, however often each was sent.
    pub fn handle_report(&mut self, kind: MediaKind, lost: u32, total: u32, now: MediaTime) {
        match kind {
            MediaKind::Audio => {
                let sends = self.audio.copies + 1;
                self.audio_loss.handle(lost, total, sends, self.video_loss.share, now);
            }
            // Retransmissions have numbers of their own, so they hide nothing.
            MediaKind::Video => self.video_loss.handle(lost, total, 1, 0.0, now),
        }
    }

    /// The round trip was measured.
    pub const fn handle_rtt(&mut self, rtt: Duration) {
        self.rtt = rtt;
    }

    /// What the way is estimated to carry, and how long packets stand in its queue. Told a few times
    /// a second.
    ///
    /// An estimate made under heavy loss is low, because little comes back to estimate from. So while
    /// no queue speaks against it more is tried, step by step; the copies themselves are the probe.
    pub fn handle_path(&mut self, estimate_bps: u32, queue: Duration, now: MediaTime) {
        let available = self.available_bps.unwrap_or(estimate_bps).max(estimate_bps);
        let wanted = u32::try_from(self.wanted_bps).unwrap_or(u32::MAX);
        self.available_bps = Some(if queue >= STANDING {
            self.held_until = now + HOLD;
            estimate_bps.max(available / 10 * 7)
        } else if now < self.held_until {
            available
        } else {
            // No further than to what would be of use.
            estimate_bps.max((available / 100 * STEP_PERCENT).min(wanted.max(available)))
        });
    }

    /// Returns what may be sent in all, in bits per second, once anything is known.
    pub const fn available_bps(&self) -> Option<u32> {
        self.available_bps
    }

    /// Decides anew, for media of these sizes.
    pub fn decide(&mut self, media: MediaSize, now: MediaTime) {
        self.audio_loss.forget_if_stale(now);
        self.video_loss.forget_if_stale(now);
        self.audio = self.decide_audio(media, now);
        self.video = self.decide_video(media, now);
        let sends = |kind, residue, most| sends_for(self.assumed(kind, now), residue, most) as u64;
        self.wanted_bps = u64::from(media.audio_bps)
            * sends(MediaKind::Audio, AUDIO_RESIDUE, MAX_AUDIO_SENDS)
            + u64::from(media.video_bps) * sends(MediaKind::Video, VIDEO_RESIDUE, MAX_VIDEO_SENDS);
    }

    /// Returns what would be sent, in bits per second, if the way carried it.
    pub const fn wanted_bps(&self) -> u64 {
        self.wanted_bps
    }

    /// Returns how audio is protected now.
    pub const fn audio(&self) -> AudioPlan {
        self.audio
    }

    /// Returns how video is protected now.
    pub const fn video(&self) -> VideoPlan {
        self.video
    }

    /// Returns the share of packets of a kind that the way loses.
    pub const fn loss(&self, kind: MediaKind) -> f64 {
        match kind {
            MediaKind::Audio => self.audio_loss.share,
            MediaKind::Video => self.video_loss.share,
        }
    }

    /// Both kinds go the same way, so one that is not heard of fares like the other.
    fn assumed(&self, kind: MediaKind, now: MediaTime) -> f64 {
        let (own, other) = match kind {
            MediaKind::Audio => (&self.audio_loss, &self.video_loss),
            MediaKind::Video => (&self.video_loss, &self.audio_loss),
        };
        let is_heard = own.updated.is_some_and(|updated| now.since(updated) < UNHEARD);
        if is_heard { own.share } else { own.share.max(other.share) }
    }

    fn decide_audio(&self, media: MediaSize, now: MediaTime) -> AudioPlan {
        let from = AUDIO_FROM * if self.audio.sends() > 1 { HYSTERESIS } else { 1.0 };
        let loss = self.assumed(MediaKind::Audio, now);
        if loss < from {
            return AudioPlan::NONE;
        }
        let budget = self.available_bps.map_or(f64::INFINITY, |bps| f64::from(bps) * AUDIO_SHARE);
        let wanted = sends_for(loss, AUDIO_RESIDUE, MAX_AUDIO_SENDS);
        let sends = within(wanted, media.audio_bps, budget);
        if !self.has_red {
            return AudioPlan { depth: 0, copies: sends - 1, spacing: AUDIO_SPACING };
        }
        let blocks = (MAX_AUDIO_PAYLOAD / media.audio_frame.max(1)).clamp(1, MAX_DEPTH + 1);
        let packets = sends.div_ceil(blocks);
        // Even shares: five blocks three times rather than seven, seven and one.
        let depth = sends.div_ceil(packets) - 1;
        AudioPlan { depth, copies: packets - 1, spacing: AUDIO_SPACING }
    }

    fn decide_video(&self, media: MediaSize, now: MediaTime) -> VideoPlan {
        let from = VIDEO_FROM * if self.video.answers > 1 { HYSTERESIS } else { 1.0 };
        let loss = self.assumed(MediaKind::Video, now);
        if loss < from {
            return VideoPlan::NONE;
        }
        let audio_bps = f64::from(media.audio_bps) * self.audio.sends() as f64;
        let budget = self.available_bps.map_or(f64::INFINITY, |bps| f64::from(bps) - audio_bps);
        let sends =
            within(sends_for(loss, VIDEO_RESIDUE, MAX_VIDEO_SENDS), media.video_bps, budget);
        VideoPlan {
            copies: sends - 1,
            answers: 2,
            spacing: (self.rtt / 4).clamp(MIN_VIDEO_SPACING, MAX_VIDEO_SPACING),
        }
    }
}

/// What is to be protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MediaSize {
    /// Rate of the audio as it comes from its publisher.
    pub audio_bps: u32,
    /// Bytes in one frame of it.
    pub audio_frame: usize,
    /// Rate of the video as it comes from its publisher.
    pub video_bps: u32,
}

/// The loss of one kind of packets.
#[derive(Debug, Default)]
struct Loss {
    share: f64,
    lost: u32,
    total: u32,
    since: Option<MediaTime>,
    /// When the share was last brought up to date.
    updated: Option<MediaTime>,
}

impl Loss {
    /// `sends` is how often each of the packets was sent, `elsewhere` the loss that other packets
    /// on the same way have.
    fn handle(&mut self, lost: u32, total: u32, sends: usize, elsewhere: f64, now: MediaTime) {
        self.lost += lost.min(total);
        self.total += total;
        let since = *self.since.get_or_insert(now);
        let is_full = self.total >= WINDOW_PACKETS || now.since(since) >= WINDOW;
        if self.total == 0 || !is_full {
            return;
        }
        let sample = if sends == 1 {
            f64::from(self.lost) / f64::from(self.total)
        } else if self.lost == 0 {
            // Nothing was lost as often as it was sent, which bounds the loss but does not tell it.
            root(0.5 / f64::from(self.total), sends).min(elsewhere)
        } else {
            root(f64::from(self.lost) / f64::from(self.total), sends)
        };
        let spread = (self.share * (1.0 - self.share)).max(0.04) / f64::from(self.total);
        let step = sample - self.share;
        self.share += step
            * if step.abs() <= CHANCE * spread.sqrt() {
                // The way is as it was: following luck upwards only would end too high.
                STEADY
            } else if step > 0.0 {
                RISE
            } else {
                let seconds = now.since(self.updated.unwrap_or(now)).as_secs_f64();
                (FALL_PER_SECOND * seconds).min(0.5)
            };
        (self.lost, self.total) = (0, 0);
        (self.since, self.updated) = (Some(now), Some(now));
    }

    fn forget_if_stale(&mut self, now: MediaTime) {
        if self.updated.is_some_and(|updated| now.since(updated) >= STALE) {
            *self = Self::default();
        }
    }
}

fn root(share: f64, degree: usize) -> f64 {
    share.powf(1.0 / degree as f64)
}

/// How often a packet must be sent so that no more than `residue` of them are lost every time.
fn sends_for(loss: f64, residue: f64, most: usize) -> usize {
    (1..most).find(|sends| loss.powf(*sends as f64) <= residue).unwrap_or(most)
}

/// At most as many sends as the budget carries, but always one.
fn within(sends: usize, bps: u32, budget: f64) -> usize {
    (1..=sends).rev().find(|sends| f64::from(bps) * *sends as f64 <= budget).unwrap_or(1)
}
