//! Joins the pictures of several encoders into one stream that a decoder cannot tell was joined.
//!
//! A change of source is asked for at any time and happens at the new source's next keyframe; until
//! then the old one goes on. Every source stamps its pictures with the same clock, but one may be a
//! few pictures behind another: what would step back is moved to just after what was sent before,
//! and a few pictures later the stamps are the source's own again.
//!
//! ```text
//!            switch_to(b)               keyframe of b
//! a is sent ─────────────▶ a is sent ─────────────────▶ b is sent
//! ```

use std::time::Duration;

use crate::{EncodedFrame, MediaTime};

/// Two pictures are at least this far apart, so that their stamps differ on every output: RTMP
/// counts milliseconds.
const LEAST_STEP: Duration = Duration::from_millis(1);

/// Where a picture goes that would step back. A decoder shows the last of such a run.
const SQUEEZED_STEP: Duration = Duration::from_millis(5);

/// The stream that pictures of the sources `S` become.
#[derive(Debug)]
pub struct PictureSplice<S> {
    current: Option<S>,
    next: Option<S>,
    newest: Option<MediaTime>,
    /// Whether pictures of the current source are missing, so that only a keyframe may follow.
    needs_key: bool,
}

impl<S: Copy + Eq> PictureSplice<S> {
    /// Creates a stream that starts with the first keyframe of `source`.
    pub const fn new(source: S) -> Self {
        Self { current: None, next: Some(source), newest: None, needs_key: false }
    }

    /// Goes on with `source` from its next keyframe on.
    pub fn switch_to(&mut self, source: S) {
        self.next = (self.current != Some(source)).then_some(source);
    }

    /// Pictures of `source` were lost before they came here.
    pub fn handle_loss(&mut self, source: S) {
        self.needs_key |= self.current == Some(source);
    }

    /// Takes a picture of `source`; returns it as it is to be sent, if it is.
    pub fn handle_picture(&mut self, source: S, mut frame: EncodedFrame) -> Option<EncodedFrame> {
        if self.next == Some(source) && frame.is_key {
            self.current = self.next.take();
            self.needs_key = false;
        }
        if self.current != Some(source) {
            return None;
        }
        self.needs_key &= !frame.is_key;
        if self.needs_key {
            return None;
        }
        if let Some(newest) = self.newest
            && frame.at < newest + LEAST_STEP
        {
            frame.at = newest + SQUEEZED_STEP;
        }
        self.newest = Some(frame.at);
        Some(frame)
    }

    /// Returns whose pictures are sent; `None` before the first keyframe.
    pub const fn current(&self) -> Option<S> {
        self.current
    }

    /// Returns the stamp of the newest picture that was sent.
    pub const fn newest(&self) -> Option<MediaTime> {
        self.newest
    }

    /// Returns whose keyframe is waited for: that of the source to come, or of one that lost pictures.
    pub fn waits_for(&self) -> Option<S> {
        self.next.or_else(|| self.current.filter(|_| self.needs_key))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::FrameCodec;

    fn picture(at: u64, is_key: bool) -> EncodedFrame {
        let at = MediaTime::from_millis(at);
        EncodedFrame { codec: FrameCodec::H264, at, is_key, data: Bytes::new() }
    }

    fn sent(splice: &mut PictureSplice<char>, source: char, at: u64, is_key: bool) -> Option<u64> {
        splice.handle_picture(source, picture(at, is_key)).map(|frame| frame.at.millis())
    }

    #[test]
    fn the_old_source_goes_on_until_the_new_one_has_a_keyframe() {
        let mut splice = PictureSplice::new('a');
        assert_eq!(sent(&mut splice, 'a', 0, false), None, "nothing starts without one");
        assert_eq!(sent(&mut splice, 'a', 33, true), Some(33));

        splice.switch_to('b');
        assert_eq!(sent(&mut splice, 'b', 60, false), None);
        assert_eq!(sent(&mut splice, 'a', 66, false), Some(66));
        assert_eq!(splice.waits_for(), Some('b'));
        assert_eq!(sent(&mut splice, 'b', 93, true), Some(93));
        assert_eq!(sent(&mut splice, 'a', 100, true), None);
        assert_eq!((splice.current(), splice.waits_for()), (Some('b'), None));
    }

    #[test]
    fn a_source_that_is_behind_is_squeezed_in_and_then_keeps_its_own_time() {
        let mut splice = PictureSplice::new('a');
        assert_eq!(sent(&mut splice, 'a', 100, true), Some(100));
        splice.switch_to('b');
        assert_eq!(sent(&mut splice, 'b', 50, true), Some(105));
        assert_eq!(sent(&mut splice, 'b', 83, false), Some(110));
        assert_eq!(sent(&mut splice, 'b', 116, false), Some(116));
    }

    #[test]
    fn a_switch_that_is_taken_back_changes_nothing() {
        let mut splice = PictureSplice::new('a');
        sent(&mut splice, 'a', 0, true);
        splice.switch_to('b');
        splice.switch_to('a');
        assert_eq!(sent(&mut splice, 'b', 10, true), None);
        assert_eq!(sent(&mut splice, 'a', 33, false), Some(33));
    }

    #[test]
    fn after_a_loss_only_a_keyframe_goes_on() {
        let mut splice = PictureSplice::new('a');
        sent(&mut splice, 'a', 0, true);
        splice.handle_loss('b');
        assert_eq!(sent(&mut splice, 'a', 33, false), Some(33), "it was another's loss");
        splice.handle_loss('a');
        assert_eq!(sent(&mut splice, 'a', 66, false), None);
        assert_eq!(splice.waits_for(), Some('a'));
        assert_eq!(sent(&mut splice, 'a', 99, true), Some(99));
    }

    #[test]
    fn whatever_is_switched_time_rises_and_every_source_starts_at_its_keyframe() {
        let (mut switches, mut squeezed) = (0, 0);
        for seed in 0..300 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut splice = PictureSplice::new(0_usize);
            // Each source is some time behind and has keyframes of its own.
            let behind: [u64; 3] = std::array::from_fn(|_| rng.u64(0..120));
            let (mut newest, mut source_of_last) = (None, None);
            for number in 5..400_u64 {
                if rng.u32(0..20) == 0 {
                    splice.switch_to(rng.usize(0..3));
                }
                if rng.u32(0..50) == 0 {
                    splice.handle_loss(rng.usize(0..3));
                }
                for (source, behind) in behind.into_iter().enumerate() {
                    let own = number * 33 - behind;
                    let is_key = rng.u32(0..15) == 0;
                    let Some(frame) = splice.handle_picture(source, picture(own, is_key)) else {
                        continue;
                    };
                    let at = frame.at.millis();
                    assert!(newest.is_none_or(|newest| at > newest), "seed {seed}");
                    assert!(at < own + 300, "seed {seed}: {at} for {own}");
                    if source_of_last != Some(source) {
                        assert!(frame.is_key, "seed {seed}");
                        switches += u32::from(source_of_last.is_some());
                    }
                    squeezed += u32::from(at != own);
                    (newest, source_of_last) = (Some(at), Some(source));
                }
            }
        }
        assert!(switches > 1_000 && squeezed > 500, "{switches} switches, {squeezed} squeezed");
    }
}
