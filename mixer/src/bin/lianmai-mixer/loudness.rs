//! How loud a voice is, as people hear it: momentary loudness of ITU-R BS.1770-4, over the last
//! 400 ms, in LUFS.

use crate::voice::RATE_HZ;

/// A value comes out for every such stretch (100 ms); the last four make a loudness.
const STEP: usize = RATE_HZ as usize / 10;
const STEPS: usize = 4;

/// What silence is given as.
pub(crate) const SILENCE_LUFS: f32 = -70.0;

/// The head's influence (BS.1770-4, table 1) and what is not heard of low tones (table 2), at 48 kHz.
const SHELF: [f64; 5] = [
    1.535_124_859_586_97,
    -2.691_696_189_406_38,
    1.198_392_810_852_85,
    -1.690_659_293_182_41,
    0.732_480_774_215_85,
];
const HIGH_PASS: [f64; 5] = [1.0, -2.0, 1.0, -1.990_047_454_833_98, 0.990_072_250_366_21];

/// The meter of one voice.
#[derive(Debug, Default)]
pub(crate) struct LoudnessMeter {
    shelf: Biquad,
    high_pass: Biquad,
    sum: f64,
    count: usize,
    steps: [f64; STEPS],
    peak: f32,
}

impl LoudnessMeter {
    /// Takes what was heard; 1.0 is full scale.
    pub(crate) fn handle_block(&mut self, block: &[[f32; 2]]) {
        for sample in block {
            self.peak = self.peak.max(sample[0].abs()).max(sample[1].abs());
            let heard =
                self.high_pass.next(&HIGH_PASS, self.shelf.next(&SHELF, sample.map(f64::from)));
            self.sum += heard[0] * heard[0] + heard[1] * heard[1];
            self.count += 1;
            if self.count == STEP {
                self.steps.rotate_left(1);
                self.steps[STEPS - 1] = self.sum / STEP as f64;
                (self.sum, self.count) = (0.0, 0);
            }
        }
    }

    /// Returns the momentary loudness in LUFS.
    pub(crate) fn momentary(&self) -> f32 {
        let mean = self.steps.iter().sum::<f64>() / STEPS as f64;
        ((-0.691 + 10.0 * mean.max(1e-12).log10()) as f32).max(SILENCE_LUFS)
    }

    /// Returns the highest sample since the last call, in dBFS.
    pub(crate) fn take_peak_dbfs(&mut self) -> f32 {
        (20.0 * std::mem::take(&mut self.peak).max(1e-6).log10()).max(SILENCE_LUFS)
    }
}

/// A filter of second order for both channels, transposed direct form II.
#[derive(Clone, Copy, Debug, Default)]
struct Biquad([[f64; 2]; 2]);

impl Biquad {
    fn next(&mut self, [b0, b1, b2, a1, a2]: &[f64; 5], value: [f64; 2]) -> [f64; 2] {
        let [first, second] = self.0;
        let out = [0, 1].map(|side| b0 * value[side] + first[side]);
        self.0 = [
            [0, 1].map(|side| b1 * value[side] - a1 * out[side] + second[side]),
            [0, 1].map(|side| b2 * value[side] - a2 * out[side]),
        ];
        // Numbers too small to be heard would only be slow.
        out.map(|value| if value.abs() < 1e-20 { 0.0 } else { value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f32, dbfs: f32, seconds: usize) -> Vec<[f32; 2]> {
        let level = 10_f32.powf(dbfs / 20.0);
        let step = std::f64::consts::TAU * f64::from(hz) / RATE_HZ as f64;
        (0..RATE_HZ as usize * seconds)
            .map(|n| [level * (n as f64 * step).sin() as f32; 2])
            .collect()
    }

    #[test]
    fn a_stereo_tone_of_1_khz_is_as_loud_as_the_ebu_says() {
        // EBU Tech 3341, cases 1 and 2.
        for dbfs in [-23.0, -33.0] {
            let mut meter = LoudnessMeter::default();
            meter.handle_block(&sine(1_000.0, dbfs, 2));
            let loudness = meter.momentary();
            assert!((loudness - dbfs).abs() < 0.1, "{dbfs} dBFS is {loudness} LUFS");
            let peak = meter.take_peak_dbfs();
            assert!((peak - dbfs).abs() < 0.1, "and its peak {peak}");
        }
    }

    #[test]
    fn low_tones_count_less_and_silence_is_silence() {
        let mut low = LoudnessMeter::default();
        low.handle_block(&sine(30.0, -23.0, 2));
        assert!(low.momentary() < -30.0, "{}", low.momentary());

        let mut meter = LoudnessMeter::default();
        meter.handle_block(&sine(1_000.0, -23.0, 1));
        meter.handle_block(&vec![[0.0; 2]; RATE_HZ as usize]);
        assert!(meter.momentary() <= SILENCE_LUFS + 1.0, "{}", meter.momentary());
    }
}
