//! Whether a host's own pictures could be the program as they come: the shape, the format, the pace
//! and the bits of what its encoder makes.

use std::collections::VecDeque;
use std::time::Duration;

use super::Limits;
use crate::h264::{NalType, SequenceParameters, has_b_slices, nals};
use crate::{EncodedFrame, MediaTime};

/// Pace and bits are those of this long a time, so that a keyframe does not pass for a flood.
const WINDOW: Duration = Duration::from_secs(2);

/// Before this much was seen, nothing is said about pace and bits.
const LEAST_SEEN: Duration = Duration::from_millis(500);

/// Most pictures of a window. Full: the pace is too high anyway.
const MAX_PICTURES: usize = 256;

/// Profiles that every viewer decodes: (constrained) baseline and main.
const BASELINE: u8 = 66;
const MAIN: u8 = 77;

/// What was seen of a host's pictures.
#[derive(Debug)]
pub(super) struct Fitness {
    limits: Limits,
    /// Whether the newest parameter sets suit; `None` before there were any.
    has_fitting_format: Option<bool>,
    has_b_slices: bool,
    recent: VecDeque<(MediaTime, usize)>,
    bytes: usize,
}

impl Fitness {
    pub(super) const fn new(limits: Limits) -> Self {
        let recent = VecDeque::new();
        Self { limits, has_fitting_format: None, has_b_slices: false, recent, bytes: 0 }
    }

    /// Takes other bounds; what was seen of the format suits them as it did.
    pub(super) const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub(super) fn handle_picture(&mut self, picture: &EncodedFrame) {
        let mut sets = nals(&picture.data).filter(|nal| NalType::of(nal) == NalType::Sps);
        if let Some(sps) = sets.next() {
            self.has_fitting_format = Some(fits(sps, &self.limits));
            self.has_b_slices = false;
        }
        self.has_b_slices |= has_b_slices(&picture.data);

        self.bytes += picture.data.len();
        self.recent.push_back((picture.at, picture.data.len()));
        while let Some(&(at, length)) = self.recent.front()
            && (picture.at.since(at) > WINDOW || self.recent.len() > MAX_PICTURES)
        {
            self.bytes -= length;
            self.recent.pop_front();
        }
    }

    /// Returns whether they suit; `None` while that is not known.
    pub(super) fn is_fit(&self) -> Option<bool> {
        let is_fit = self.has_fitting_format? && !self.has_b_slices;
        if !is_fit {
            return Some(false);
        }
        let (first, last) = (self.recent.front()?.0, self.recent.back()?.0);
        let seen = last.since(first);
        if seen < LEAST_SEEN {
            return None;
        }
        let per_second = |count: usize| count as f64 / seen.as_secs_f64();
        // Without the first picture, whose time has not begun in the window.
        let pace = per_second(self.recent.len() - 1);
        let kbps = per_second(self.bytes - self.recent[0].1) * 8.0 / 1_000.0;
        Some(pace <= self.limits.most_fps() && kbps <= self.limits.most_kbps())
    }
}

/// Returns whether pictures of this kind may take the canvas's place.
fn fits(sps: &[u8], limits: &Limits) -> bool {
    let Some(sets) = SequenceParameters::parse(sps) else { return false };
    let profile = sps[1];
    // The second constraint flag of baseline says that nothing is in it that main has not
    // (ITU-T H.264 section A.2.1).
    let is_known = profile == MAIN || profile == BASELINE && sps[2] & 0x40 != 0;
    let is_plain = sets.chroma_format == 1 && sets.luma_bits == 8 && sets.chroma_bits == 8;
    is_known && is_plain && sets.is_progressive && limits.takes(sets.width, sets.height)
}
