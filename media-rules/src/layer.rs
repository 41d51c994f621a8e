//! Which of a host's pictures a viewer is shown, by what its network carries.
//!
//! The host's encodings and their layers make a ladder. A viewer stands on the highest rung that
//! fits. It steps down as soon as its own does not fit any more, since every packet too much is one
//! that comes late; it steps up only after a while of ample room, and after a longer while if the
//! last step up went wrong, because what looks like room before a step may not carry it. If not even
//! the lowest rung fits, it keeps the sound.
//!
//! Frame rate is given up only for the smallest picture: a large one that stutters is worse than a
//! smaller one that does not. A picture that costs a little too much and cannot be made smaller is
//! sent as well as it goes, because some of it is better than none.

mod demand;
mod meter;
mod offers;

use std::time::Duration;

use crate::{Layers, MediaTime};
pub use demand::{Demand, EncodingSet};
pub use meter::{LayerMeter, MAX_LAYERS};
pub use offers::{Offer, Offers, OnDemand};

/// How far above the rung's rate the estimate must be for a step up, in percent.
const HEADROOM_PERCENT: u64 = 115;
/// For how long there must be room before the first step up ...
const UP_PATIENCE: Duration = Duration::from_secs(1);
/// ... and at most, however often steps went wrong.
const MAX_UP_PATIENCE: Duration = Duration::from_secs(32);
/// A step down within this after a step up means that the step up was wrong.
const REGRET: Duration = Duration::from_secs(10);
/// For how long a little too much is put up with: keyframes make rates jump.
const DOWN_PATIENCE: Duration = Duration::from_millis(500);
/// Above this much too much, in percent of the estimate, there is no waiting.
const FAR_TOO_MUCH_PERCENT: u64 = 150;
/// For how long even the lowest rung may be far too much before there is only sound, and for how
/// long it must fit again.
const PICTURE_PATIENCE: Duration = Duration::from_secs(2);

/// One thing that a viewer can be shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rung {
    /// Which of the host's encodings.
    pub encoding: u8,
    /// What of it.
    pub layers: Layers,
    /// What it costs, in bits per second.
    pub bps: u64,
}

/// What a viewer asked for itself.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Pin {
    /// The smallest picture.
    Low,
    /// The one in the middle; of two, the larger.
    Medium,
    /// The largest picture.
    High,
}

/// What a viewer is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shown {
    /// An encoding, or what is left of it.
    Picture {
        /// Which of the host's encodings.
        encoding: u8,
        /// What of it.
        layers: Layers,
    },
    /// Sound only.
    Nothing,
}

/// The choice for one viewer.
#[derive(Debug)]
pub struct LayerChoice {
    shown: Option<Shown>,
    pin: Option<Pin>,
    /// Since when there is room above.
    roomy_since: Option<MediaTime>,
    /// Since when there is too little room.
    tight_since: Option<MediaTime>,
    stepped_up: Option<MediaTime>,
    up_patience: Duration,
    wanted_bps: Option<u64>,
}

impl Default for LayerChoice {
    fn default() -> Self {
        Self {
            shown: None,
            pin: None,
            roomy_since: None,
            tight_since: None,
            stepped_up: None,
            up_patience: UP_PATIENCE,
            wanted_bps: None,
        }
    }
}

impl LayerChoice {
    /// Pins the size of the picture. The estimate then decides about its frame rate only.
    pub fn set_pin(&mut self, pin: Option<Pin>) {
        self.pin = pin;
        // It takes effect at once.
        self.shown = None;
    }

    /// Returns the pin.
    pub const fn pin(&self) -> Option<Pin> {
        self.pin
    }

    /// Decides anew. `ladder` is what there is, smallest first; `budget_bps` what the network carries
    /// besides the sound, `None` if that is not known, which is taken for plenty.
    ///
    /// Returns `None` while there is nothing to choose from.
    pub fn handle_ladder(
        &mut self,
        ladder: &[Rung],
        budget_bps: Option<u64>,
        now: MediaTime,
    ) -> Option<Shown> {
        let allowed = self.allowed(ladder);
        let Some((lowest, highest)) = allowed.first().zip(allowed.last()) else {
            // What was shown is gone with the rest; it is not held against what comes.
            self.shown = None;
            return None;
        };
        let Some(budget) = budget_bps else {
            self.wanted_bps = None;
            return self.stand(highest);
        };
        let fits = |percent: u64| {
            move |rung: &&Rung| rung.bps.saturating_mul(percent) <= budget.saturating_mul(100)
        };
        let best = allowed.iter().rev().find(fits(100)).unwrap_or(lowest);
        let roomy = allowed.iter().rev().find(fits(HEADROOM_PERCENT));
        let standing = allowed.iter().position(|rung| self.shown == Some(rung.shown()));
        let next_up = |from: usize| allowed.get(from).map(|rung| rung.bps * HEADROOM_PERCENT / 100);
        match (self.shown, standing) {
            (Some(Shown::Nothing), _) => {
                self.wanted_bps = next_up(0);
                self.stand_again(roomy.map(|_| lowest), now)
            }
            (_, Some(at)) => {
                self.wanted_bps = next_up(at + 1);
                let current = &allowed[at];
                if current.bps > budget {
                    self.step_down(current, best, lowest, budget, now)
                } else {
                    self.tight_since = None;
                    let above = roomy.filter(|rung| rung.bps > current.bps);
                    self.step_up(above, now)
                }
            }
            // Just come, or what was shown is gone.
            (_, None) => self.stand(best),
        }
    }

    /// Returns the rate, in bits per second, that would let the viewer step up; `None` if it is on
    /// top. What probes the network need not probe further.
    pub const fn wanted_bps(&self) -> Option<u64> {
        self.wanted_bps
    }

    /// Returns the rungs that the pin leaves.
    fn allowed<'a>(&self, ladder: &'a [Rung]) -> &'a [Rung] {
        let Some(pin) = self.pin else {
            return ladder;
        };
        let is_new_picture =
            |at: &usize| *at == 0 || ladder[*at].picture() != ladder[at - 1].picture();
        let starts: Vec<usize> = (0..ladder.len()).filter(is_new_picture).collect();
        let at = match pin {
            Pin::Low => 0,
            Pin::Medium => starts.len() / 2,
            Pin::High => starts.len().saturating_sub(1),
        };
        let from = starts.get(at).copied().unwrap_or(0);
        let to = starts.get(at + 1).copied().unwrap_or(ladder.len());
        &ladder[from..to]
    }

    fn step_down(
        &mut self,
        current: &Rung,
        best: &Rung,
        lowest: &Rung,
        budget: u64,
        now: MediaTime,
    ) -> Option<Shown> {
        self.roomy_since = None;
        let since = *self.tight_since.get_or_insert(now);
        let is_lowest = current == lowest;
        let is_far = current.bps.saturating_mul(100) > budget.saturating_mul(FAR_TOO_MUCH_PERCENT);
        let patience = match (is_lowest, is_far) {
            (true, true) => PICTURE_PATIENCE,
            (true, false) => {
                self.tight_since = None;
                return self.shown;
            }
            (false, true) => Duration::ZERO,
            (false, false) => DOWN_PATIENCE,
        };
        if now.since(since) < patience {
            return self.shown;
        }
        if let Some(up) = self.stepped_up.take()
            && now.since(up) < REGRET
        {
            self.up_patience = (self.up_patience * 2).min(MAX_UP_PATIENCE);
        }
        if is_lowest {
            self.tight_since = None;
            self.shown = Some(Shown::Nothing);
            return self.shown;
        }
        self.stand(best)
    }

    fn step_up(&mut self, above: Option<&Rung>, now: MediaTime) -> Option<Shown> {
        if self.stepped_up.is_some_and(|up| now.since(up) >= REGRET) {
            self.stepped_up = None;
            self.up_patience = UP_PATIENCE;
        }
        let Some(above) = above else {
            self.roomy_since = None;
            return self.shown;
        };
        if now.since(*self.roomy_since.get_or_insert(now)) < self.up_patience {
            return self.shown;
        }
        self.stepped_up = Some(now);
        self.stand(above)
    }

    /// Shows a picture again when there has been room for long enough.
    fn stand_again(&mut self, lowest: Option<&Rung>, now: MediaTime) -> Option<Shown> {
        let Some(lowest) = lowest else {
            self.roomy_since = None;
            return self.shown;
        };
        if now.since(*self.roomy_since.get_or_insert(now)) < PICTURE_PATIENCE {
            return self.shown;
        }
        self.stand(lowest)
    }

    fn stand(&mut self, rung: &Rung) -> Option<Shown> {
        (self.roomy_since, self.tight_since) = (None, None);
        self.shown = Some(rung.shown());
        self.shown
    }
}

impl Rung {
    const fn shown(&self) -> Shown {
        Shown::Picture { encoding: self.encoding, layers: self.layers }
    }

    /// What decides about the size of the picture.
    const fn picture(&self) -> (u8, u8) {
        (self.encoding, self.layers.spatial)
    }
}
