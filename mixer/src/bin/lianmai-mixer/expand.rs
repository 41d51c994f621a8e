//! Makes up what is missing of a voice for a moment: what was heard last goes on, period by period,
//! and fades. So neither a lost packet nor one that comes too late is a hole, whatever the decoder
//! could make of it in time.

use std::collections::VecDeque;

/// What is remembered (30 ms).
const HISTORY: usize = 1_440;

/// Periods that are tried (2.5-12.5 ms, 400-80 Hz) and how much of them is compared (5 ms).
const SHORTEST: usize = 120;
const LONGEST: usize = 600;
const COMPARED: usize = 240;
const STRIDE: usize = 4;

/// After so many samples (60 ms) there is silence.
const FADE: usize = 2_880;

/// What comes after made up sound is faded in over so many samples (4 ms).
const SEAM: usize = 192;

/// One voice's last sound.
#[derive(Debug, Default)]
pub(crate) struct Expander {
    history: VecDeque<[f32; 2]>,
    period: usize,
    /// How much was made up since the last real sample.
    made: usize,
    /// How much of the seam is done; only of use while something was made up.
    joined: usize,
}

impl Expander {
    /// Returns the sample to play where `real` is what there is.
    pub(crate) fn next(&mut self, real: Option<[f32; 2]>) -> [f32; 2] {
        let Some(real) = real else {
            self.joined = 0;
            return self.make_up();
        };
        let mut played = real;
        if self.made > 0 {
            let share = self.joined as f32 / SEAM as f32;
            let made = self.make_up();
            played = [0, 1].map(|at| real[at] * share + made[at] * (1.0 - share));
            self.joined += 1;
            if self.joined == SEAM {
                (self.made, self.joined) = (0, 0);
            }
        }
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(real);
        played
    }

    /// Whether nothing was made up lately, so that sound is played as it is.
    pub(crate) const fn is_at_rest(&self) -> bool {
        self.made == 0
    }

    /// Takes note of a block that was played as it is.
    pub(crate) fn handle_played(&mut self, block: &[[f32; 2]]) {
        let block = &block[block.len().saturating_sub(HISTORY)..];
        let excess = (self.history.len() + block.len()).saturating_sub(HISTORY);
        self.history.drain(..excess);
        self.history.extend(block);
    }

    fn make_up(&mut self) -> [f32; 2] {
        if self.history.len() < HISTORY || self.made >= FADE {
            self.made = self.made.max(1);
            return [0.0; 2];
        }
        // Sound may have been missed before there was enough to find a period in.
        if self.made == 0 || self.period == 0 {
            self.period = self.find_period();
        }
        // While it is faded over, the history grows.
        let at = self.history.len() - self.joined.min(self.period) - self.period;
        let sample = self.history[at + self.made % self.period];
        let loudness = 1.0 - self.made as f32 / FADE as f32;
        self.made += 1;
        sample.map(|value| value * loudness)
    }

    /// Returns how long ago it sounded most like now.
    fn find_period(&self) -> usize {
        let mono = |at: usize| self.history[at][0] + self.history[at][1];
        let end = self.history.len();
        let likeness = |period: &usize| {
            let (mut product, mut power) = (0.0, 1e-6);
            for at in (end - COMPARED..end).step_by(STRIDE) {
                let before = mono(at - period);
                product += mono(at) * before;
                power += before * before;
            }
            (product / power.sqrt() * 1e6) as i64
        };
        (SHORTEST..=LONGEST).max_by_key(likeness).unwrap_or(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, at: usize) -> [f32; 2] {
        [(at as f64 * hz / 48_000.0 * std::f64::consts::TAU).sin() as f32 * 0.5; 2]
    }

    #[test]
    fn a_missing_packet_of_a_tone_is_hardly_missed() {
        for hz in [100.0, 220.0, 440.0, 1_000.0] {
            let mut expander = Expander::default();
            let missing = 9_600..10_560;
            let played: Vec<f32> = (0..19_200)
                .map(|at| expander.next((!missing.contains(&at)).then(|| tone(hz, at)))[0])
                .collect();
            let steepest = hz as f32 / 48_000.0 * std::f32::consts::TAU * 0.5;
            for pair in played.windows(2) {
                let step = (pair[1] - pair[0]).abs();
                assert!(step < steepest * 1.5 + 0.01, "{hz} Hz: a click of {step}");
            }
            let power = |part: &[f32]| part.iter().map(|v| v * v).sum::<f32>() / part.len() as f32;
            let kept = power(&played[missing.clone()]) / power(&played[..9_600]);
            assert!(kept > 0.5, "{hz} Hz: {kept} of its power");
            assert_eq!(
                played[12_000..],
                (12_000..19_200).map(|at| tone(hz, at)[0]).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn whole_blocks_are_remembered_like_samples() {
        let (mut one_by_one, mut by_block) = (Expander::default(), Expander::default());
        let block: Vec<_> = (0..960).map(|at| tone(220.0, at)).collect();
        for _ in 0..4 {
            for sample in &block {
                one_by_one.next(Some(*sample));
            }
            assert!(by_block.is_at_rest());
            by_block.handle_played(&block);
            assert_eq!(by_block.history, one_by_one.history);
        }
        let made = [&mut one_by_one, &mut by_block].map(|expander| expander.next(None));
        assert_eq!(made[0], made[1]);
        assert!(!by_block.is_at_rest());
    }

    #[test]
    fn sound_in_shreds_from_its_very_beginning_is_played() {
        // Frames of 2.5 ms whose timestamps say that as much and more lies between them.
        let mut expander = Expander::default();
        for at in 0..48_000 {
            let real = (at % 900 < 120).then(|| tone(220.0, at));
            let [left, _] = expander.next(real);
            assert!(left.abs() <= 1.0, "{left} at {at}");
        }
        assert!(expander.period >= SHORTEST, "a period was looked for");
    }

    #[test]
    fn a_long_hole_fades_to_silence_and_what_never_sounded_is_silent() {
        let mut expander = Expander::default();
        assert_eq!(expander.next(None), [0.0; 2]);
        for at in 0..4_800 {
            expander.next(Some(tone(220.0, at)));
        }
        let hole: Vec<f32> = (0..9_600).map(|_| expander.next(None)[0]).collect();
        assert!(hole[..960].iter().any(|sample| sample.abs() > 0.3));
        assert!(hole[FADE..].iter().all(|sample| *sample == 0.0));
    }
}
