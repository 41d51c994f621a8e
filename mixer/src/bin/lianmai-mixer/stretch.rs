//! Makes a piece of sound longer or shorter by repeating or leaving out what sounds most like what is
//! beside it: for a voice that is one period of it, so its pitch stays and nothing clicks.

use crate::voice::Stereo;

/// Both ends of the seam are faded into each other over so many samples (4 ms).
const SEAM: usize = 192;

/// The least that is repeated or left out (2 ms), a period of 500 Hz.
const SHORTEST: usize = 96;

/// The most (10 ms), a period of 100 Hz.
const LONGEST: usize = 480;

/// Only every so many samples are compared to find the best place.
const STRIDE: usize = 4;

/// Returns `packet` longer by about `change` samples, or shorter if that is negative; unchanged if it
/// is too short for that.
pub(crate) fn stretched(packet: &[Stereo], change: i64) -> Vec<Stereo> {
    let most = usize::try_from(change.abs()).unwrap_or(LONGEST).clamp(SHORTEST, LONGEST);
    if packet.len() < LONGEST + SEAM + SHORTEST {
        return packet.to_vec();
    }
    // Where what is played goes over, and from where on it is gone on with.
    let (leave, lags) = if change > 0 { (LONGEST, SHORTEST..=most) } else { (0, SHORTEST..=most) };
    let enter = |lag: usize| if change > 0 { leave - lag } else { leave + lag };
    let likeness = |lag: &usize| {
        (likeness(&packet[leave..leave + SEAM], &packet[enter(*lag)..enter(*lag) + SEAM]) * 1e6)
            as i64
    };
    let lag = lags.step_by(STRIDE).max_by_key(likeness).unwrap_or(SHORTEST);
    let enter = enter(lag);

    let mut out = Vec::with_capacity(packet.len() + LONGEST);
    out.extend_from_slice(&packet[..leave]);
    for at in 0..SEAM {
        let share = at as f32 / SEAM as f32;
        out.push([0, 1].map(|channel| {
            let (old, new) = (packet[leave + at][channel], packet[enter + at][channel]);
            (f32::from(old) * (1.0 - share) + f32::from(new) * share) as i16
        }));
    }
    out.extend_from_slice(&packet[enter + SEAM..]);
    out
}

/// Returns how alike two pieces are, at most 1.
fn likeness(a: &[Stereo], b: &[Stereo]) -> f32 {
    let (mut product, mut power_a, mut power_b) = (0.0, 1.0, 1.0);
    for (a, b) in a.iter().zip(b).step_by(STRIDE) {
        let (a, b) = (f32::from(a[0]) + f32::from(a[1]), f32::from(b[0]) + f32::from(b[1]));
        product += a * b;
        power_a += a * a;
        power_b += b * b;
    }
    product / (power_a * power_b).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, length: usize) -> Vec<Stereo> {
        let sample =
            |n: usize| ((n as f64 * hz / 48_000.0 * std::f64::consts::TAU).sin() * 10_000.0) as i16;
        (0..length).map(|n| [sample(n); 2]).collect()
    }

    #[test]
    fn a_tone_gets_longer_or_shorter_by_whole_periods_without_a_click() {
        for hz in [150.0, 220.0, 440.0, 1_000.0] {
            let packet = tone(hz, 960);
            let steepest = packet.windows(2).map(|pair| pair[0][0].abs_diff(pair[1][0])).max();
            for change in [-480_i64, -260, 260, 480] {
                let out = stretched(&packet, change);
                let became = out.len() as i64 - 960;
                assert_eq!(became.signum(), change.signum(), "{hz} Hz by {change}");
                assert!(became.abs() <= change.abs().max(96), "{hz} Hz by {change}: {became}");
                let step = out.windows(2).map(|pair| pair[0][0].abs_diff(pair[1][0])).max();
                assert!(step <= steepest.map(|s| s + 60), "{hz} Hz by {change}: {step:?}");
                // Where it is alike, it is as loud as before.
                let level = |s: &[Stereo]| {
                    s.iter().map(|v| f64::from(v[0]).powi(2)).sum::<f64>() / s.len() as f64
                };
                if hz > 200.0 {
                    let ratio = level(&out) / level(&packet);
                    assert!((0.93..1.07).contains(&ratio), "{hz} Hz by {change}: {ratio}");
                }
            }
        }
    }

    #[test]
    fn what_is_too_short_stays_as_it_is() {
        let packet = tone(440.0, 480);
        assert_eq!(stretched(&packet, 300), packet);
        assert!(stretched(&[], -300).is_empty());
    }
}
