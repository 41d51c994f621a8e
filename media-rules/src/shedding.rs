//! Decides how much picture a program makes on a machine that has too little time for it. What gives
//! way is smoothness first, unless even a single picture takes too long, then quality, then size; what never
//! gives way is time, because a viewer forgives a coarse picture and not a late one.
//!
//! It looks at the encoder's queue once per picture that is due. A short burst may wait, since a
//! gap is worse than a moment's delay, but a picture that would leave the encoder later than [`LATEST`] is
//! left out instead, unless it is the newest and nothing else is on its way. Waiting that does not go away
//! leads one rung down. The way up is slower, and slower still after a step up that failed, so that a
//! machine at its limit does not swing.
//!
//! ```text
//! full ──strained──▶ 2 of 3 pictures ──▶ 1 of 2 ──▶ fast preset ──▶ 2/3 of the size
//!      ◀── no late picture for 4 s, after failures up to 64 s ──
//! ```

use std::time::Duration;

use crate::MediaTime;

/// A picture that would leave the encoder later than this is late: no machine that keeps up needs so long.
const LATE: Duration = Duration::from_millis(75);

/// A picture that would leave the encoder later than this after its moment is left out, if encoding it
/// takes twice as long as the one before it did.
const LATEST: Duration = Duration::from_millis(170);

/// A picture that is due for longer than this is not the newest.
const NEWEST: Duration = Duration::from_millis(20);

/// Where a single picture takes longer than this, fewer of them would be as late.
const LONG: Duration = Duration::from_millis(60);

/// What each late picture adds to the strain; each that is in time takes one off. So a third of
/// all pictures must be late before anything happens.
const STRAIN_OF_LATE: u32 = 2;

/// The strain that leads a rung down: ten late pictures in a row.
const MOST_STRAIN: u32 = 20;

/// Without a late picture for this long, a rung up is tried.
const FIRST_PATIENCE: Duration = Duration::from_secs(4);

/// After steps up that failed, the wait grows up to this.
const LAST_PATIENCE: Duration = Duration::from_secs(64);

/// One way to make the picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rung {
    /// So many pictures ..
    kept: u64,
    /// .. of so many are made.
    of: u64,
    /// Whether the encoder takes its fastest preset, which looks coarser at the same bit rate.
    pub is_fast: bool,
    /// The size in thirds of the full width and height.
    pub thirds: u32,
}

/// Best first.
const LADDER: [Rung; 5] = [
    Rung { kept: 1, of: 1, is_fast: false, thirds: 3 },
    Rung { kept: 2, of: 3, is_fast: false, thirds: 3 },
    Rung { kept: 1, of: 2, is_fast: false, thirds: 3 },
    Rung { kept: 1, of: 2, is_fast: true, thirds: 3 },
    Rung { kept: 1, of: 2, is_fast: true, thirds: 2 },
];

/// The best rung on which a picture itself takes less time.
const FASTER: usize = 3;

impl Rung {
    /// Everything, as the program was asked for.
    pub const FULL: Self = LADDER[0];

    /// Returns whether it asks for less than another.
    pub const fn is_below(self, other: Self) -> bool {
        self.kept * other.of < other.kept * self.of
            || self.is_fast && !other.is_fast
            || self.thirds < other.thirds
    }

    /// Returns whether the picture with this number on the full rate's grid is made.
    fn keeps(self, number: u64) -> bool {
        number * self.kept % self.of < self.kept
    }
}

/// Pictures that are made but not yet encoded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waiting {
    /// How many, the one that is being encoded among them.
    pub pictures: u32,
    /// How long the encoder took for the last one that it finished.
    pub cost: Duration,
    /// How long it has worked on the one that is being encoded.
    pub working: Duration,
    /// How long after its moment the picture is that is about to be made.
    pub late: Duration,
    /// How long it took to compose the last one.
    pub compose: Duration,
}

impl Waiting {
    /// Returns how late another picture would be when it is encoded.
    pub fn of_another(&self) -> Duration {
        let before = (self.cost() * self.pictures).saturating_sub(self.working);
        self.late + self.compose.max(before) + self.cost()
    }

    /// Returns how long the encoder takes for a picture. One that takes longer than the one before it
    /// shows that time has become short.
    fn cost(&self) -> Duration {
        self.cost.max(self.working)
    }

    /// Returns whether a newer picture takes the place of one that is left out now.
    fn is_replaced(&self) -> bool {
        self.pictures > 0 || self.late > NEWEST
    }
}

/// Watches the encoder's queue of one program.
#[derive(Debug)]
pub struct Shedding {
    rung: usize,
    strain: u32,
    /// When the last picture was late, or the last step was taken.
    calm_since: Option<MediaTime>,
    patience: Duration,
    /// Whether the last step was up and has not proven itself.
    is_trial: bool,
}

impl Default for Shedding {
    fn default() -> Self {
        let patience = FIRST_PATIENCE;
        Self { rung: 0, strain: 0, calm_since: None, patience, is_trial: false }
    }
}

impl Shedding {
    /// The picture with this number is due while others wait. Returns whether it is to be made.
    pub fn handle_picture(&mut self, number: u64, waiting: Waiting, now: MediaTime) -> bool {
        if !self.rung().keeps(number) {
            return false;
        }
        let calm_since = *self.calm_since.get_or_insert(now);
        let lateness = waiting.of_another();
        if lateness > LATE {
            self.strain += STRAIN_OF_LATE;
            self.calm_since = Some(now);
        } else {
            self.strain = self.strain.saturating_sub(1);
            if now.since(calm_since) >= self.patience {
                self.step_up(now);
            }
        }
        if self.strain >= MOST_STRAIN {
            self.step_down(now);
            if waiting.cost() > LONG {
                self.rung = self.rung.max(FASTER);
            }
        }
        lateness + waiting.cost() <= LATEST || !waiting.is_replaced()
    }

    /// Returns how pictures are to be made now.
    pub fn rung(&self) -> Rung {
        LADDER[self.rung]
    }

    /// Returns how many rungs down that is.
    pub fn steps(&self) -> u32 {
        u32::try_from(self.rung).expect("the ladder is short")
    }

    fn step_down(&mut self, now: MediaTime) {
        self.strain = 0;
        self.calm_since = Some(now);
        self.rung = (self.rung + 1).min(LADDER.len() - 1);
        if std::mem::take(&mut self.is_trial) {
            self.patience = (self.patience * 2).min(LAST_PATIENCE);
        }
    }

    fn step_up(&mut self, now: MediaTime) {
        self.calm_since = Some(now);
        if std::mem::take(&mut self.is_trial) {
            // The last step up has held for as long as this one was waited for.
            self.patience = FIRST_PATIENCE;
        }
        if self.rung > 0 {
            self.rung -= 1;
            self.is_trial = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FPS: u64 = 30;

    /// An encoder that takes `cost` for a full picture, less for those of lower rungs, on a machine
    /// on which time is virtual.
    struct Machine {
        shedding: Shedding,
        number: u64,
        cost: Duration,
        /// Moments of pictures not yet encoded, when each will be, and how long it takes.
        queue: Vec<(MediaTime, MediaTime, Duration)>,
        free: MediaTime,
        last_cost: Duration,
        last_done: MediaTime,
        worst: Duration,
        made: u64,
        steps: Vec<u32>,
    }

    impl Machine {
        fn new() -> Self {
            Self {
                shedding: Shedding::default(),
                number: 0,
                cost: Duration::from_millis(10),
                queue: Vec::new(),
                free: MediaTime::default(),
                last_cost: Duration::ZERO,
                last_done: MediaTime::default(),
                worst: Duration::ZERO,
                made: 0,
                steps: vec![0],
            }
        }

        fn run(&mut self, seconds: u64) {
            for _ in 0..seconds * FPS {
                self.number += 1;
                let now = MediaTime::from_nanos(self.number * 1_000_000_000 / FPS);
                for (_, done, cost) in self.queue.extract_if(.., |(_, done, _)| *done <= now) {
                    (self.last_done, self.last_cost) = (done, cost);
                }
                let began = |(due, ..): &(MediaTime, _, _)| self.last_done.max(*due);
                let waiting = Waiting {
                    pictures: self.queue.len() as u32,
                    cost: self.last_cost,
                    working: self
                        .queue
                        .first()
                        .map(began)
                        .map_or(Duration::ZERO, |it| now.since(it)),
                    ..Waiting::default()
                };
                if self.shedding.handle_picture(self.number, waiting, now) {
                    let rung = self.shedding.rung();
                    let cost = self.cost * rung.thirds * rung.thirds / 9;
                    let cost = if rung.is_fast { cost * 2 / 3 } else { cost };
                    self.free = self.free.max(now) + cost;
                    self.queue.push((now, self.free, cost));
                    self.worst = self.worst.max(self.free.since(now));
                    self.made += 1;
                }
                if self.steps.last() != Some(&self.shedding.steps()) {
                    self.steps.push(self.shedding.steps());
                }
            }
        }
    }

    #[test]
    fn a_machine_that_keeps_up_makes_every_picture() {
        let mut machine = Machine::new();
        machine.cost = Duration::from_millis(33);
        machine.run(60);
        assert_eq!((machine.made, &machine.steps[..]), (1_800, &[0][..]));
    }

    #[test]
    fn a_hiccup_costs_pictures_at_most_and_no_step() {
        let mut machine = Machine::new();
        machine.run(10);
        machine.free = MediaTime::from_millis(10_000 + 250);
        machine.run(10);
        assert_eq!(machine.steps, [0]);
        assert!((590..600).contains(&machine.made), "{} of 600", machine.made);
        assert!(machine.worst < Duration::from_millis(300), "{:?}", machine.worst);
    }

    #[test]
    fn overload_goes_down_as_far_as_needed_and_comes_back_when_it_is_over() {
        for (millis, rung) in [(45, 1), (55, 2), (90, 3), (200, 4)] {
            let mut machine = Machine::new();
            machine.run(5);
            machine.cost = Duration::from_millis(millis);
            machine.run(3);
            assert_eq!(machine.shedding.steps(), rung, "at {millis} ms a picture");

            machine.cost = Duration::from_millis(10);
            machine.run(30);
            assert_eq!(machine.shedding.steps(), 0, "after {millis} ms a picture");
        }
    }

    #[test]
    fn no_picture_is_later_than_allowed_and_what_its_own_encoding_took_longer_than_expected() {
        for millis in 30..120 {
            let mut machine = Machine::new();
            machine.run(5);
            machine.cost = Duration::from_millis(millis);
            machine.run(60);
            let bound = LATEST.max(machine.cost * 2);
            assert!(machine.worst <= bound, "{:?} at {millis} ms a picture", machine.worst);
            assert!(machine.made > 60 * 6, "{} pictures at {millis} ms", machine.made);
        }
    }

    #[test]
    fn a_machine_at_its_limit_tries_less_and_less_often() {
        let mut machine = Machine::new();
        machine.cost = Duration::from_millis(45);
        machine.run(10 * 60);
        let tries = machine.steps.windows(2).filter(|pair| pair[1] < pair[0]).count();
        assert!((4..=16).contains(&tries), "{tries} steps up in ten minutes: {:?}", machine.steps);
    }

    #[test]
    fn kept_pictures_are_spread_evenly() {
        let kept = |rung: Rung| (0..6).filter(|number| rung.keeps(*number)).collect::<Vec<_>>();
        assert_eq!(kept(LADDER[0]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(kept(LADDER[1]), [0, 2, 3, 5]);
        assert_eq!(kept(LADDER[2]), [0, 2, 4]);
    }
}
