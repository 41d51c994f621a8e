//! Makes hosts quieter while something is played in over them: down quickly when it begins to sound,
//! up again gently some time after it has stopped, so that its pauses do not pump.

use std::time::Duration;

/// What is louder than this sounds (-45 dBFS, mean over a block).
const SOUNDS: f32 = 0.005_6;

/// For so long a pause is part of what sounds.
const HOLD: Duration = Duration::from_millis(600);

/// All the way down takes this long, and all the way up.
const ATTACK: Duration = Duration::from_millis(80);
const RELEASE: Duration = Duration::from_millis(500);

/// How far down the hosts are.
#[derive(Debug)]
pub(crate) struct Ducker {
    /// The depth to go to, as a gain; that of the deepest that sounds.
    depth: f32,
    gain: f32,
    silent_for: Duration,
}

impl Default for Ducker {
    fn default() -> Self {
        Self { depth: 1.0, gain: 1.0, silent_for: HOLD }
    }
}

impl Ducker {
    /// Whether hosts are as loud as the scene says, and stay so while nothing ducks them.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.gain == 1.0 && self.silent_for >= HOLD
    }

    /// Takes note of the deepest duck that sounds in this block, in decibels, and returns the gain at
    /// the block's start and end.
    pub(crate) fn next_block(&mut self, duck_db: Option<u8>, length: Duration) -> (f32, f32) {
        let from = self.gain;
        match duck_db {
            Some(decibels) => {
                self.depth = 10_f32.powf(-f32::from(decibels) / 20.0);
                self.silent_for = Duration::ZERO;
            }
            None => self.silent_for = (self.silent_for + length).min(HOLD),
        }
        let wanted = if self.silent_for < HOLD { self.depth } else { 1.0 };
        let way = 1.0 - self.depth.min(wanted);
        let share = |time: Duration| length.as_secs_f32() / time.as_secs_f32();
        self.gain = if wanted < from {
            (from - way * share(ATTACK)).max(wanted)
        } else {
            (from + way.max(0.05) * share(RELEASE)).min(wanted)
        };
        (from, self.gain)
    }
}

/// Returns whether there is anything to hear in a block.
pub(crate) fn sounds(block: &[[f32; 2]]) -> bool {
    let power: f32 = block.iter().flatten().map(|value| value * value).sum();
    power > SOUNDS * SOUNDS * (2 * block.len()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: Duration = Duration::from_millis(20);

    fn run(ducker: &mut Ducker, duck_db: Option<u8>, millis: u64) -> f32 {
        let mut gain = 0.0;
        for _ in 0..millis / 20 {
            let (from, to) = ducker.next_block(duck_db, BLOCK);
            assert!((from - to).abs() <= 0.25, "no click: {from} to {to}");
            gain = to;
        }
        gain
    }

    #[test]
    fn hosts_go_down_quickly_and_come_back_gently() {
        let mut ducker = Ducker::default();
        assert_eq!(run(&mut ducker, None, 200), 1.0);
        let down = run(&mut ducker, Some(12), 80);
        assert!((down - 0.251).abs() < 0.001, "12 dB are {down}");
        assert!((run(&mut ducker, Some(12), 5_000) - 0.251).abs() < 0.001);
        // A pause in the clip is no end of it.
        assert!((run(&mut ducker, None, 580) - 0.251).abs() < 0.001);
        let rising = run(&mut ducker, None, 260);
        assert!((0.5..0.8).contains(&rising), "half way up: {rising}");
        assert_eq!(run(&mut ducker, None, 400), 1.0);
    }

    #[test]
    fn hiss_is_not_sound() {
        assert!(!sounds(&[[0.002, -0.002]; 960]));
        assert!(sounds(&[[0.02, -0.02]; 960]));
        assert!(!sounds(&[]));
    }
}
