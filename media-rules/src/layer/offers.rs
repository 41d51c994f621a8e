//! Encodings that a source makes when somebody takes them.
//!
//! A program's smaller renditions cost an encoder each, so one that nobody takes is not made. It is on
//! the ladder all the same, at the rate that it will have: a viewer steps onto it, and that is what
//! begins it. One that is not offered any more leaves the ladder at once, while its last pictures
//! still come, so whoever is shown it has time to go elsewhere.

use std::time::Duration;

use super::{EncodingSet, Rung};
use crate::{Layers, MediaTime};

/// How long an encoding goes on that nobody takes any more: whoever comes back, or whose estimate
/// swings, finds it running.
const LINGER: Duration = Duration::from_secs(10);
const MAX_ENCODINGS: usize = 4;

/// What a source offers, by number; the first is what it always makes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Offers([Option<Offer>; MAX_ENCODINGS]);

/// An encoding that can be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Offer {
    /// Width and height in pixels.
    pub size: (u16, u16),
    /// What it will cost, in bits per second.
    pub bps: u64,
}

impl Offers {
    /// Adds an encoding; a number beyond 3 is ignored.
    pub fn insert(&mut self, encoding: u8, offer: Offer) {
        if let Some(place) = self.0.get_mut(usize::from(encoding)) {
            *place = Some(offer);
        }
    }

    /// Returns whether there is more than what is always made.
    pub fn is_choice(&self) -> bool {
        self.0[1..].iter().any(Option::is_some)
    }

    /// Makes the ladder, smallest picture first. `measured` says of an encoding what it costs at its
    /// full rate, if it is being sent.
    pub fn push_rungs(&self, measured: impl Fn(u8) -> Option<u64>, out: &mut Vec<Rung>) {
        let mut offered: Vec<(u8, Offer)> =
            (0..).zip(self.0).filter_map(|(number, offer)| Some((number, offer?))).collect();
        let area = |(width, height): (u16, u16)| u32::from(width) * u32::from(height);
        offered.sort_by_key(|(number, offer)| (area(offer.size), *number));
        out.extend(offered.into_iter().map(|(encoding, offer)| {
            let bps = match (encoding, measured(encoding)) {
                (_, None) => offer.bps,
                // A host who is passed on sends what it likes.
                (0, Some(bps)) => bps,
                // A keyframe that has just begun an encoding passes for a flood.
                (_, Some(bps)) => bps.min(offer.bps),
            };
            Rung { encoding, layers: Layers::ALL, bps }
        }));
    }
}

/// Which encodings are worth being made: those that somebody takes, and a while longer.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnDemand {
    /// By encoding: until when it goes on; `None` if nobody has taken it lately.
    until: [Option<MediaTime>; MAX_ENCODINGS],
}

impl OnDemand {
    /// Takes what is taken now. To be told whenever that changes and now and then while it does not.
    pub fn handle_taken(&mut self, taken: EncodingSet, now: MediaTime) {
        for (number, until) in (0..).zip(&mut self.until) {
            if taken.contains(number) {
                *until = Some(now + LINGER);
            }
        }
    }

    /// Returns what is to be made.
    pub fn wanted(&self, now: MediaTime) -> EncodingSet {
        let goes_on = |until: &Option<MediaTime>| until.is_some_and(|until| now < until);
        (0..)
            .zip(&self.until)
            .filter(|(_, until)| goes_on(until))
            .map(|(number, _)| number)
            .collect()
    }
}
