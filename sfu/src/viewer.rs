//! The sending half of a viewer: one gapless stream per track, whatever feed it carries.
//!
//! A viewer has no queue. Each of its tracks has a cursor into the log of the stream that it plays,
//! and is served from there when the feed is due. A viewer that is switched keeps playing the feed
//! before until the new one has a keyframe; audio changes with its first packet. So for a moment the
//! viewer belongs to two feeds.

mod descriptor;
mod header;
mod layer;
mod media_clock;
mod pace;
mod redundancy;
mod repair;
mod send_track;
mod timing;

use std::time::Duration;

use media_rules::layer::LayerChoice;
use media_rules::twcc::Feedback;
use media_rules::{FeedId, MediaKind, MediaTime};

use crate::clock::NtpClock;
use crate::egress::Egress;
use crate::feed::{Feed, Stream};
use crate::link::Link;
use crate::negotiate::Track;
use crate::packet::{Anchor, Slot, SourceId, StreamId};
use crate::peer_stats::SentStream;
use crate::rtcp::{self, Reception};
use media_clock::MediaClock;
use pace::Pace;
use redundancy::{Again, Redundancy};
use send_track::{Outlet, Progress, SendTrack};

pub(crate) use pace::TICK as PACE_TICK;
pub(crate) use timing::{PlayoutDelay, Wishes};

/// A viewer is not kept on its old feed for longer than this, even if the new one never comes.
const SWITCH_PATIENCE: Duration = Duration::from_secs(5);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// What one peer watches.
pub(crate) struct Viewer {
    /// What it shall see.
    pub(crate) feed: FeedId,
    /// What it saw before, until the new feed has a keyframe.
    pub(crate) previous: Option<FeedId>,
    switched: MediaTime,
    cname: String,
    /// Sound first: it is sent first.
    tracks: Vec<SendTrack>,
    choice: LayerChoice,
    reported: MediaTime,
    pace: Pace,
    /// Whether pictures wait for their time, so that the worker is to serve it again soon.
    pub(crate) is_waiting: bool,
    /// Whether the worker has noted so.
    pub(crate) is_listed: bool,
    /// There while packets get lost on the way.
    redundancy: Option<Box<Redundancy>>,
    /// Whether the worker has noted when the next copy is due.
    pub(crate) has_alarm: bool,
    media_clock: MediaClock,
}

/// The feeds that a viewer is served from, as its worker sees them.
#[derive(Clone, Copy)]
pub(crate) struct Feeds<'a> {
    /// What the viewer shall see.
    pub(crate) wanted: &'a Feed,
    /// What it saw before.
    pub(crate) previous: Option<&'a Feed>,
}

impl<'a> Feeds<'a> {
    /// Returns a stream if either feed still has it.
    fn stream_of(self, id: StreamId) -> Option<&'a Stream> {
        self.wanted.stream_of(id).or_else(|| self.previous?.stream_of(id))
    }
}

/// What came of serving a viewer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Served {
    /// The stream whose next keyframe the picture waits for.
    pub(crate) lacks: Option<Slot>,
    /// There is more to send than the arena has room for: send it and serve again.
    pub(crate) is_cut_short: bool,
    /// How many packets were written, and since when the oldest of them could have been sent.
    pub(crate) packets: u64,
    pub(crate) since: Option<MediaTime>,
}

impl Served {
    fn note_packet(&mut self, since: MediaTime) {
        self.packets += 1;
        self.since = Some(self.since.map_or(since, |oldest| oldest.min(since)));
    }
}

impl Viewer {
    /// Creates the tracks that the negotiation agreed on.
    pub(crate) fn new(feed: FeedId, tracks: &[Track], cname: String, wishes: Wishes) -> Self {
        let has_ids = tracks.iter().all(|track| track.extensions.transport_cc.is_some());
        let mut tracks: Vec<_> = tracks.iter().map(|track| SendTrack::new(track, wishes)).collect();
        tracks.sort_by_key(|track| track.kind);
        // Numbers on half of the packets would tell less than none.
        let can_repeat = |track: &SendTrack| track.kind == MediaKind::Audio || track.has_rtx();
        let has_transport_cc = has_ids && tracks.iter().all(can_repeat);
        if !has_transport_cc {
            tracks.iter_mut().for_each(SendTrack::forgo_numbers);
        }
        Self {
            feed,
            previous: None,
            switched: MediaTime::default(),
            cname,
            tracks,
            choice: LayerChoice::default(),
            reported: MediaTime::default(),
            pace: Pace::new(has_transport_cc),
            is_waiting: false,
            is_listed: false,
            redundancy: None,
            has_alarm: false,
            media_clock: MediaClock::default(),
        }
    }

    /// Changes the feed. Returns the feed that the viewer no longer belongs to, if any.
    pub(crate) fn switch(&mut self, feed: FeedId, now: MediaTime) -> Option<FeedId> {
        if feed == self.feed {
            return None;
        }
        self.switched = now;
        let before = std::mem::replace(&mut self.feed, feed);
        match self.previous.take() {
            // Back to what is still on screen.
            Some(previous) if previous == self.feed => Some(before),
            // The one between was never seen.
            Some(previous) => {
                self.previous = Some(previous);
                Some(before)
            }
            None => {
                self.previous = Some(before);
                None
            }
        }
    }

    /// Returns the feed before if no track needs it any more, or if it was waited for long enough.
    pub(crate) fn poll_left(&mut self, now: MediaTime, source: Option<SourceId>) -> Option<FeedId> {
        let is_settled =
            source.is_some_and(|source| self.tracks.iter().all(|track| track.plays(source)));
        let has_waited = now.since(self.switched) >= SWITCH_PATIENCE;
        if is_settled || has_waited { self.previous.take() } else { None }
    }

    /// Reads a little of each piece of the viewer that serving takes, so that memory brings it.
    pub(crate) fn touch(&self) -> u64 {
        let flags = self.is_waiting | self.previous.is_some() | self.redundancy.is_some();
        let sum = u64::from(flags).wrapping_add(self.tracks.len() as u64);
        sum.wrapping_add(self.pace.touch()).wrapping_add(self.reported.nanos())
    }

    /// The same for what it points to.
    pub(crate) fn touch_what_it_points_to(&self) -> u64 {
        let path = self.pace.touch_path();
        self.tracks.iter().fold(path, |sum, track| sum.wrapping_add(track.touch()))
    }

    /// Reads a little of each piece of what is known of the path, which feedback is compared with.
    pub(crate) fn touch_estimate(&self) -> u64 {
        self.pace.touch_estimate()
    }

    /// Returns the stream of `source` whose keyframe the picture waits for.
    pub(crate) fn lacks_picture_of(&self, source: SourceId, now: MediaTime) -> Option<Slot> {
        if !self.pace.may_ask(now) {
            return None;
        }
        self.tracks.iter().find_map(|track| track.lacks_picture_of(source))
    }

    /// Sends what has come since the last time.
    pub(crate) fn serve(
        &mut self,
        feeds: Feeds<'_>,
        now: MediaTime,
        link: &mut Link,
        egress: &mut Egress,
    ) -> Served {
        let mut served = Served::default();
        if link.media().is_none() {
            return served;
        }
        let is_clogged = link.is_clogged();
        self.pace.refill(now);
        self.pace.poll_probe(now);
        let was_waiting = std::mem::replace(&mut self.is_waiting, false);
        for track in &mut self.tracks {
            if is_clogged && track.kind == MediaKind::Video {
                // Goes on where it was, or, after too long, with the next keyframe.
                continue;
            }
            if track.choose(feeds, now) {
                // The first report of a new source does not wait.
                self.reported = MediaTime::default();
            }
            if track.poll_skipped() && was_waiting {
                self.pace.handle_skip(now);
            }
            let mut out = Outlet { now, pace: &mut self.pace, link, egress };
            match track.send_pending(feeds, &mut self.redundancy, &mut served, &mut out) {
                Progress::Done => {}
                Progress::Waits => self.is_waiting = true,
                Progress::Cut => {
                    served.is_cut_short = true;
                    self.is_waiting |= was_waiting;
                    return served;
                }
            }
            if let Some(source) = feeds.wanted.source
                && self.pace.may_ask(now)
            {
                served.lacks = served.lacks.or(track.lacks_picture_of(source));
            }
        }
        self.pace.note_demand(self.is_waiting, now);
        if !is_clogged {
            self.pad(now, link, egress);
        }
        served
    }

    /// Sends what the running probe lacks beside media.
    fn pad(&mut self, now: MediaTime, link: &mut Link, egress: &mut Egress) {
        let Some(len) = self.pace.padding(now) else {
            return;
        };
        self.is_waiting = true;
        let video = self.tracks.iter_mut().find(|track| track.kind == MediaKind::Video);
        let mut out = Outlet { now, pace: &mut self.pace, link, egress };
        if !video.is_some_and(|track| track.pad(len, &mut out)) {
            self.pace.drop_probe();
        }
    }

    /// The viewer told which packets arrived, and when.
    pub(crate) fn handle_feedback(&mut self, feedback: &Feedback<'_>, now: MediaTime) {
        self.pace.handle_feedback(feedback, now);
    }

    /// The viewer named the most that it wants, in bits per second.
    pub(crate) fn handle_remb(&mut self, bps: u64, now: MediaTime) {
        self.pace.handle_remb(bps, now);
    }

    /// Notes how the clock of a stream relates to ours.
    pub(crate) fn handle_anchor(&mut self, stream: StreamId, anchor: Anchor) {
        for track in &mut self.tracks {
            if track.handle_anchor(stream, anchor) {
                // Lips are in sync from the first report on, so it does not wait.
                self.reported = MediaTime::default();
            }
        }
    }

    /// Answers a request for lost packets.
    pub(crate) fn handle_nack(
        &mut self,
        ssrc: u32,
        lost: &[u16],
        now: MediaTime,
        feeds: Feeds<'_>,
        link: &mut Link,
        egress: &mut Egress,
    ) {
        let has_red = self.has_red();
        let Some(track) = self.tracks.iter_mut().find(|track| track.ssrc == ssrc) else {
            return;
        };
        track.handle_nack();
        if track.kind == MediaKind::Audio {
            // From now on what is sent is kept, to be sent again.
            self.redundancy.get_or_insert_with(|| Box::new(Redundancy::new(has_red, now)));
        }
        for &sequence in lost {
            let mut out = Outlet { now, pace: &mut self.pace, link, egress };
            track.answer(sequence, feeds, self.redundancy.as_deref_mut(), &mut out);
        }
    }

    /// Takes the viewer's word for how much it got, which came at `heard` by the clock of our reports.
    pub(crate) fn handle_reception(&mut self, report: &Reception, heard: u64, now: MediaTime) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.ssrc == report.ssrc) else {
            return;
        };
        let rtt = report.round_trip(heard);
        let kind = track.kind;
        let (lost, total) = track.handle_reception(report, rtt);
        if kind == MediaKind::Video && total > 0 {
            self.pace.handle_report(lost as f32 / total as f32, rtt, now);
        }
        if lost > 0 && self.redundancy.is_none() {
            self.redundancy = Some(Box::new(Redundancy::new(self.has_red(), now)));
        }
        if let Some(redundancy) = &mut self.redundancy {
            redundancy.handle_report(kind, lost, total, now);
            if let Some(rtt) = rtt {
                redundancy.handle_rtt(rtt);
            }
        }
    }

    /// Tells a viewer how far away we are: one that only receives cannot measure it, and waits far
    /// too long before it asks for a lost packet again.
    pub(crate) fn push_last_reference(&self, to: u32, reference: u32, out: &mut Vec<u8>) {
        if let Some(track) = self.tracks.first() {
            // A compound packet begins with a report.
            rtcp::push_receiver_report(out, track.ssrc, &[]);
            rtcp::push_last_reference(out, track.ssrc, to, reference);
        }
    }

    /// Returns when something is to be sent again.
    pub(crate) fn next_copy(&self) -> Option<MediaTime> {
        self.redundancy.as_ref()?.poll_timeout()
    }

    /// Sends again what is due.
    pub(crate) fn send_copies(
        &mut self,
        feeds: Feeds<'_>,
        now: MediaTime,
        link: &mut Link,
        egress: &mut Egress,
    ) {
        let Some(redundancy) = &mut self.redundancy else {
            return;
        };
        while let Some(again) = redundancy.poll_again(now) {
            metrics::counter!("sfu_copies_sent_total").increment(1);
            match again {
                Again::Audio(sequence) => {
                    if let (Some(sealed), Some((srtp, path))) =
                        (redundancy.sealed(sequence), link.media())
                    {
                        self.pace.charge(sealed.len());
                        srtp.note_sent(sealed.len());
                        egress.push(path, sealed);
                    }
                }
                Again::Video(sequence) => {
                    let video = self.tracks.iter_mut().find(|track| track.kind == MediaKind::Video);
                    if let Some(track) = video {
                        let mut out = Outlet { now, pace: &mut self.pace, link, egress };
                        track.copy(sequence, feeds, &mut out);
                    }
                }
            }
        }
    }

    /// Decides anew how much is sent twice.
    pub(crate) fn poll_redundancy(&mut self, now: MediaTime) {
        let Some(redundancy) = &mut self.redundancy else {
            return;
        };
        if let Some((bps, queue)) = self.pace.path(now) {
            redundancy.handle_path(bps, queue, now);
        }
        if redundancy.poll(now) {
            // A little more than is needed, so that the way is found before it is filled.
            let wish = redundancy.wanted_bps() * 5 / 4;
            self.pace.handle_repairs(wish, redundancy.allowed_bps(), now);
        } else {
            self.redundancy = None;
            self.pace.handle_repairs(0, 0, now);
        }
    }

    fn has_red(&self) -> bool {
        self.tracks.iter().any(SendTrack::has_red)
    }

    /// Takes a request for a keyframe of the track named `ssrc`. Returns the stream that it is to be
    /// of, if the viewer may ask for that.
    pub(crate) fn handle_keyframe_request(&mut self, ssrc: u32, now: MediaTime) -> Option<Slot> {
        let track = self.tracks.iter_mut().find(|track| track.ssrc == ssrc)?;
        let wanted = track.handle_keyframe_request();
        (track.kind == MediaKind::Video && self.pace.may_ask(now)).then_some(wanted)
    }

    /// Writes the sender reports that are due.
    pub(crate) fn poll_reports(&mut self, now: MediaTime, clock: NtpClock, out: &mut Vec<u8>) {
        if now.since(self.reported) < REPORT_INTERVAL {
            return;
        }
        self.reported = now;
        self.pace.heed(now);
        self.pace.record(now);
        for track in &mut self.tracks {
            track.look(now);
            if let Some(info) = track.report(now, clock) {
                rtcp::push_sender_report(out, info, &self.cname);
            }
        }
    }

    /// Returns a timestamp of its picture and the moment that it stands for, when that is to be told.
    pub(crate) fn poll_media_clock(&mut self, now: MediaTime) -> Option<(u32, MediaTime)> {
        let picture = self.tracks.iter().find(|track| track.kind == MediaKind::Video)?;
        let timestamp = picture.timestamp_at(now)?;
        let offset = timestamp.wrapping_sub(now.rtp_timestamp(picture.kind.clock_rate_hz()));
        self.media_clock.poll(offset, now).then_some((timestamp, now))
    }

    /// Returns what is known of each track.
    pub(crate) fn stats(&mut self, now: MediaTime) -> Vec<SentStream> {
        let target_bps = self.pace.target_bps(now);
        self.tracks.iter_mut().map(|track| track.stats(target_bps, now)).collect()
    }

    /// Returns the round trip and what the path carries, where they are known.
    pub(crate) fn path(&self, now: MediaTime) -> (Option<Duration>, Option<u64>) {
        (self.pace.rtt(), self.pace.known_bps(now))
    }
}
