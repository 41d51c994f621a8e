//! Keeps a mix below full scale without the distortion of clamping: it looks a few milliseconds
//! ahead, so that it is already quieter when a peak comes, and is slow to get louder again.
//!
//! The gain that a sample needs is held for everybody within [`HOLD`] before it, let go slowly and
//! then averaged over the look-ahead. Every value in the average that a peak meets is one that
//! allows for this peak, so none gets through; and since the hold outlasts a period of the lowest
//! tone, a steady sound meets a steady gain, which is no distortion at all.

use std::collections::VecDeque;

use crate::voice::RATE_HZ;

/// How much later samples come out than they went in (5 ms).
pub(crate) const LOOK_AHEAD: usize = RATE_HZ as usize / 200;

/// -1 dBFS: what a lossy codec adds on top still fits.
const CEILING: f32 = 0.891_25;

/// For so many samples after a peak the gain stays (100 ms).
const HOLD: usize = RATE_HZ as usize / 10;

/// The way back to full loudness takes about half a second.
const RELEASE: f32 = 1.0 / (0.15 * RATE_HZ as f32);

/// What is nearer to full loudness than this is full loudness: the way there has no end.
const NEARLY: f32 = 2.5e-4;

/// One mix's limiter. 1.0 is full scale.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// Samples that are not out yet; always [`LOOK_AHEAD`] of them.
    delayed: VecDeque<[f32; 2]>,
    /// The gains that may become the smallest of the hold, with the moment they came, rising.
    smallest: VecDeque<(u64, f32)>,
    /// The last [`LOOK_AHEAD`] gains after the release, and their sum.
    recent: VecDeque<f32>,
    sum: f64,
    released: f32,
    /// For how many samples in a row the gain after the release has been 1.
    untouched: usize,
    count: u64,
}

impl Default for Limiter {
    fn default() -> Self {
        Self {
            delayed: VecDeque::from(vec![[0.0; 2]; LOOK_AHEAD]),
            smallest: VecDeque::new(),
            recent: VecDeque::from(vec![1.0; LOOK_AHEAD]),
            sum: LOOK_AHEAD as f64,
            released: 1.0,
            untouched: LOOK_AHEAD,
            count: 0,
        }
    }
}

impl Limiter {
    /// Replaces a block by what comes out, which went in [`LOOK_AHEAD`] samples earlier. Returns the
    /// smallest gain that was used.
    pub(crate) fn process(&mut self, block: &mut [[f32; 2]]) -> f32 {
        // Nearly all sound is like this.
        if self.untouched >= LOOK_AHEAD && block.iter().flatten().all(|it| it.abs() <= CEILING) {
            self.delay(block);
            return 1.0;
        }
        let mut least = 1.0_f32;
        for sample in block {
            let gain = self.next_gain(sample[0].abs().max(sample[1].abs()));
            least = least.min(gain);
            self.delayed.push_back(*sample);
            let due = self.delayed.pop_front().expect("it holds the look-ahead");
            *sample = due.map(|value| value * gain);
        }
        least
    }

    /// Lets a block through that needs no other gain than 1, as everything before it.
    fn delay(&mut self, block: &mut [[f32; 2]]) {
        self.delayed.extend(block.iter());
        let due = self.delayed.drain(..block.len());
        for (slot, due) in block.iter_mut().zip(due) {
            *slot = due;
        }
        self.count += block.len() as u64;
        self.smallest.clear();
        self.sum = LOOK_AHEAD as f64;
    }

    fn next_gain(&mut self, peak: f32) -> f32 {
        let needed = if peak > CEILING { CEILING / peak } else { 1.0 };
        while self.smallest.back().is_some_and(|(_, gain)| *gain >= needed) {
            self.smallest.pop_back();
        }
        self.smallest.push_back((self.count, needed));
        if self.smallest[0].0 + (LOOK_AHEAD + HOLD) as u64 <= self.count {
            self.smallest.pop_front();
        }
        self.count += 1;

        let held = self.smallest[0].1;
        let risen = self.released + (1.0 - self.released) * RELEASE;
        self.released = held.min(if 1.0 - risen < NEARLY { 1.0 } else { risen });
        self.untouched = if self.released < 1.0 { 0 } else { self.untouched + 1 };
        self.recent.push_back(self.released);
        let oldest = self.recent.pop_front().expect("it holds the look-ahead");
        self.sum += f64::from(self.released) - f64::from(oldest);
        (self.sum / LOOK_AHEAD as f64) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUS_1_DBFS: f32 = 0.891_26;

    fn tones(parts: &[(f64, f64)], length: usize) -> Vec<[f32; 2]> {
        let sample = |n: usize| {
            let time = n as f64 / RATE_HZ as f64;
            let wave = |(hz, level): &(f64, f64)| level * (time * hz * std::f64::consts::TAU).sin();
            [parts.iter().map(wave).sum::<f64>() as f32; 2]
        };
        (0..length).map(sample).collect()
    }

    fn limited(mut samples: Vec<[f32; 2]>) -> Vec<[f32; 2]> {
        let mut limiter = Limiter::default();
        for block in samples.chunks_mut(960) {
            limiter.process(block);
        }
        samples
    }

    /// How strong one frequency is, 1.0 being a full sine.
    fn level(samples: &[[f32; 2]], hz: f64) -> f64 {
        let turn = |n: usize| n as f64 / RATE_HZ as f64 * hz * std::f64::consts::TAU;
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            real += f64::from(sample[0]) * turn(n).cos();
            imaginary += f64::from(sample[0]) * turn(n).sin();
        }
        2.0 * real.hypot(imaginary) / samples.len() as f64
    }

    /// The share of everything but `wanted`, in decibels. The samples hold whole periods.
    fn distortion_db(samples: &[[f32; 2]], wanted: &[f64]) -> f64 {
        let power = |value: f64| value * value;
        let total: f64 =
            samples.iter().map(|s| power(f64::from(s[0]))).sum::<f64>() / samples.len() as f64;
        let tones: f64 = wanted.iter().map(|hz| power(level(samples, *hz)) / 2.0).sum();
        10.0 * ((total - tones).max(1e-12) / total).log10()
    }

    #[test]
    fn two_full_tones_stay_below_the_ceiling_without_distortion() {
        for (a, b) in [(440.0, 660.0), (100.0, 1_000.0), (50.0, 60.0), (997.0, 3_001.0)] {
            let out = limited(tones(&[(a, 1.0), (b, 1.0)], 5 * 48_000));
            let peak = out.iter().map(|sample| sample[0].abs()).fold(0.0, f32::max);
            assert!(peak <= MINUS_1_DBFS, "{a} and {b} Hz reach {peak}");
            let settled = &out[4 * 48_000..];
            let peak = settled.iter().map(|sample| sample[0].abs()).fold(0.0, f32::max);
            assert!(peak > 0.8, "{a} and {b} Hz are squeezed to {peak}");
            let distortion = distortion_db(settled, &[a, b]);
            assert!(distortion < -50.0, "{a} and {b} Hz: {distortion} dB of distortion");

            let clamped: Vec<_> = tones(&[(a, 1.0), (b, 1.0)], 48_000)
                .into_iter()
                .map(|sample| sample.map(|value| value.clamp(-1.0, 1.0)))
                .collect();
            assert!(distortion_db(&clamped, &[a, b]) > -30.0, "clamping would be heard");
        }
    }

    #[test]
    fn not_one_sample_gets_through_whatever_comes() {
        let mut seed = 1_u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 24) as f32
        };
        let (mut loud, mut most) = (0, 0.0_f32);
        let samples: Vec<[f32; 2]> = (0..480_000)
            .map(|n| {
                // Bursts of noise up to nine full-scale hosts.
                let burst = if n / 7_000 % 3 == 0 { 9.0 * random() } else { 0.3 };
                [burst * (2.0 * random() - 1.0), burst * (2.0 * random() - 1.0)]
            })
            .collect();
        loud += samples.iter().filter(|sample| sample[0].abs() > 1.0).count();
        for sample in limited(samples) {
            most = most.max(sample[0].abs()).max(sample[1].abs());
        }
        assert!(loud > 50_000, "{loud} samples are above full scale");
        assert!(most <= MINUS_1_DBFS, "{most}");
    }

    #[test]
    fn what_is_quiet_enough_comes_out_as_it_went_in_a_little_later() {
        let samples = tones(&[(440.0, 0.8)], 48_000);
        let out = limited(samples.clone());
        for (sent, came) in samples.iter().zip(&out[LOOK_AHEAD..]) {
            assert!((sent[0] - came[0]).abs() < 1e-4);
        }
        assert!(out[..LOOK_AHEAD].iter().all(|sample| *sample == [0.0; 2]));
    }

    #[test]
    fn after_a_peak_it_gets_loud_again_slowly() {
        let mut samples = tones(&[(1_000.0, 0.4)], 3 * 48_000);
        samples[48_000] = [3.0, 3.0];
        let out = limited(samples);
        let at = |millis: usize| {
            let start = 48_000 + LOOK_AHEAD + millis * 48;
            level(&out[start..start + 480], 1_000.0)
        };
        assert!((0.1..0.14).contains(&at(20)), "right after it: {}", at(20));
        assert!((0.15..0.35).contains(&at(200)), "on the way: {}", at(200));
        assert!((0.39..0.41).contains(&at(1_500)), "in the end: {}", at(1_500));
    }
}
