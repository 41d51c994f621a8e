//! Joins the sound of several mixers into one stream, a codec at a time.
//!
//! A change of source is asked for at any time and happens at the edge of a frame. Both sources stamp
//! their frames with the same clock and on the same grid, so that the first frame of the new one begins
//! where the last of the old one ended: nothing is missing, nothing is heard twice, and time never steps
//! back. What surprises: a source that takes over is expected to send what is past as well, because by
//! then its codecs have settled, and whatever the old one has left out is there.
//!
//! ```text
//!            switch_to(b)              b has sent 100 ms and is level with a
//! a is sent ─────────────▶ a is sent ─────────────────────────────────────────▶ b is sent
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use crate::{EncodedFrame, MediaTime};

/// A source is believed to have settled when it has sent this much.
const WARM: Duration = Duration::from_millis(100);

/// A source that is no further behind than this is waited for: its next frames are on their way.
const LEVEL: Duration = Duration::from_millis(50);

/// When a source has come this far beyond what was sent, the one before it has fallen silent.
const ALONE: Duration = Duration::from_millis(60);

/// What is kept of a source that is to take over and is ahead. Full: the oldest is dropped.
const MOST_HELD: usize = 8;

/// The stream that frames of the sources `S` become.
#[derive(Debug)]
pub struct SoundSplice<S> {
    /// How long a frame is.
    length: Duration,
    current: S,
    next: Option<Next<S>>,
    newest: Option<MediaTime>,
}

/// Who is to take over.
#[derive(Debug)]
struct Next<S> {
    source: S,
    /// Its first frame since that was asked for.
    first: Option<MediaTime>,
    /// Full: see [`MOST_HELD`].
    held: VecDeque<EncodedFrame>,
}

impl<S: Copy + Eq> SoundSplice<S> {
    /// Creates a stream of `source`, whose frames are so long.
    pub const fn new(source: S, length: Duration) -> Self {
        Self { length, current: source, next: None, newest: None }
    }

    /// Goes on with `source` as soon as it can follow without a gap.
    pub fn switch_to(&mut self, source: S) {
        if self.current == source {
            self.next = None;
        } else if self.next.as_ref().is_none_or(|next| next.source != source) {
            self.next = Some(Next { source, first: None, held: VecDeque::new() });
        }
    }

    /// Takes what `source` has sent; returns what is to be sent now.
    pub fn handle_frame(&mut self, source: S, frame: EncodedFrame) -> Vec<EncodedFrame> {
        if self.current == source {
            let is_later = self.newest.is_none_or(|newest| frame.at > newest);
            return if is_later { self.send(frame).into() } else { Vec::new() };
        }
        let Some(next) = self.next.as_mut().filter(|next| next.source == source) else {
            return Vec::new();
        };
        let at = frame.at;
        if next.held.len() == MOST_HELD {
            next.held.pop_front();
        }
        next.held.push_back(frame);
        let is_warm = at.since(*next.first.get_or_insert(at)) >= WARM;
        let is_level = self.newest.is_none_or(|newest| at + LEVEL >= newest);
        let is_alone = self.newest.is_none_or(|newest| at.since(newest) > ALONE);
        if is_warm && is_level || is_alone { self.take_over() } else { Vec::new() }
    }

    /// Returns whose sound is sent.
    pub const fn current(&self) -> S {
        self.current
    }

    fn take_over(&mut self) -> Vec<EncodedFrame> {
        let Some(next) = self.next.take() else { return Vec::new() };
        self.current = next.source;
        // The grids of both differ where one of them was held up.
        let edge = self.newest.map(|newest| newest + self.length * 3 / 4);
        let follows = |frame: &EncodedFrame| edge.is_none_or(|edge| frame.at >= edge);
        let mut sent = Vec::new();
        for frame in next.held.into_iter().filter(follows) {
            sent.extend(self.send(frame));
        }
        // What is still to come of a source that is behind must not overlap either.
        self.newest = self.newest.max(edge.filter(|_| sent.is_empty()));
        sent
    }

    fn send(&mut self, frame: EncodedFrame) -> [EncodedFrame; 1] {
        self.newest = Some(frame.at);
        [frame]
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::FrameCodec;

    const LENGTH: Duration = Duration::from_millis(20);

    fn frame(millis: u64) -> EncodedFrame {
        let at = MediaTime::from_millis(millis);
        EncodedFrame { codec: FrameCodec::Opus, at, is_key: true, data: Bytes::new() }
    }

    fn sent(splice: &mut SoundSplice<char>, source: char, millis: &[u64]) -> Vec<u64> {
        let sent = millis.iter().flat_map(|millis| splice.handle_frame(source, frame(*millis)));
        sent.map(|frame| frame.at.millis()).collect()
    }

    #[test]
    fn a_source_takes_over_where_the_other_ended_once_it_has_settled() {
        let mut splice = SoundSplice::new('a', LENGTH);
        assert_eq!(sent(&mut splice, 'a', &[0, 20, 40]), [0, 20, 40]);
        assert_eq!(sent(&mut splice, 'b', &[40, 60]), [0; 0], "nobody asked for it");
        splice.switch_to('b');
        for millis in (60..160).step_by(20) {
            assert_eq!(sent(&mut splice, 'b', &[millis]), [0; 0]);
            assert_eq!(sent(&mut splice, 'a', &[millis]), [millis]);
        }
        assert_eq!(sent(&mut splice, 'b', &[160]), [160]);
        assert_eq!(sent(&mut splice, 'a', &[160, 180]), [0; 0]);
        assert_eq!((splice.current(), sent(&mut splice, 'b', &[180])), ('b', vec![180]));
    }

    #[test]
    fn what_a_silent_source_left_out_comes_from_the_past_of_the_other() {
        let mut splice = SoundSplice::new('a', LENGTH);
        sent(&mut splice, 'a', &[980, 1_000]);
        splice.switch_to('b');
        let past: Vec<u64> = (800..1_200).step_by(20).collect();
        assert_eq!(sent(&mut splice, 'b', &past)[..3], [1_020, 1_040, 1_060]);
    }

    #[test]
    fn a_source_without_a_past_takes_over_from_one_that_is_gone() {
        let mut splice = SoundSplice::new('a', LENGTH);
        sent(&mut splice, 'a', &[1_000]);
        splice.switch_to('b');
        assert_eq!(sent(&mut splice, 'b', &[1_060, 1_080, 1_100]), [1_060, 1_080, 1_100]);
    }

    #[test]
    fn a_change_that_is_taken_back_changes_nothing() {
        let mut splice = SoundSplice::new('a', LENGTH);
        sent(&mut splice, 'a', &[0]);
        splice.switch_to('b');
        splice.switch_to('a');
        assert_eq!(sent(&mut splice, 'b', &[0, 40, 80, 120, 160]), [0; 0]);
        assert_eq!(sent(&mut splice, 'a', &[20, 40]), [20, 40]);
    }

    #[test]
    fn whatever_is_switched_no_step_is_missing_and_none_goes_back() {
        let (mut switches, mut behind_at_switch, mut ahead_at_switch) = (0, 0, 0);
        for seed in 0..300 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut splice = SoundSplice::new(0_usize, LENGTH);
            // How many frames each source is behind when it is heard of.
            let behind: [u64; 3] = std::array::from_fn(|_| rng.u64(0..3));
            let (mut newest, mut source_of_last) = (None::<u64>, 0);
            for number in 10..600_u64 {
                if rng.u32(0..15) == 0 {
                    splice.switch_to(rng.usize(0..3));
                }
                let mut order = [0, 1, 2];
                rng.shuffle(&mut order);
                for source in order {
                    let own = (number - behind[source]) * 20;
                    for sent in splice.handle_frame(source, frame(own)) {
                        let at = sent.at.millis();
                        assert!(newest.is_none_or(|newest| at == newest + 20), "seed {seed}: {at}");
                        if source_of_last != source {
                            switches += 1;
                            let [now, before] = [source, source_of_last].map(|one| behind[one]);
                            behind_at_switch += u32::from(now > before);
                            ahead_at_switch += u32::from(now < before);
                        }
                        (newest, source_of_last) = (Some(at), source);
                    }
                }
            }
        }
        let figures = [switches, behind_at_switch, ahead_at_switch];
        assert!(figures.into_iter().all(|count| count > 200), "{figures:?}");
    }
}
