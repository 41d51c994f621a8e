//! Decodes the sound of one feed, in the thread that mixes it and when it does: whoever takes packets in
//! leaves them with the voice.
//!
//! It calls libopus itself. GStreamer's element does more than twice the work for a packet of 20 ms (its own
//! share is larger than the codec's), and does not look for what a packet says of the one before it.

use std::sync::PoisonError;
use std::time::Duration;

use media_rules::{FeedFrame, MediaTime};
use opus::{Channels, Decoder};

use crate::sound_tick::SharedVoice;
use crate::voice::{RATE_HZ, Stereo};

/// Browsers stamp a packet with its first sample's moment although libopus gives every sample out
/// this much later (RFC 7845 section 4.2 calls it pre-skip; RTP has no word for it).
const OPUS_DELAY_NANOS: u64 = 6_500_000;

/// The longest packet (120 ms, RFC 6716 section 3.2.5), in samples: also the most that is made up at once.
const LONGEST: usize = 5_760;

/// Lengths of Opus are multiples of this many samples (2.5 ms).
const SHORTEST: usize = 120;

/// What is made up for a packet that says nothing, in samples (20 ms).
const USUAL: usize = 960;

/// Returns when what a packet holds is due to a player that plays every sample its decoder makes.
pub(crate) fn due(stamp: MediaTime) -> MediaTime {
    MediaTime::from_nanos(stamp.nanos().saturating_sub(OPUS_DELAY_NANOS))
}

/// Decodes what was left with a voice.
pub(crate) fn decode_waiting(voice: &SharedVoice) {
    let taken = voice.lock().unwrap_or_else(PoisonError::into_inner).take_undecoded();
    let Some((mut decoder, frames)) = taken else { return };
    for frame in frames {
        decoder.decode(&frame, |at, sound| {
            voice.lock().unwrap_or_else(PoisonError::into_inner).handle_packet(at, sound);
        });
    }
    voice.lock().unwrap_or_else(PoisonError::into_inner).return_decoder(decoder);
}

/// One feed's decoder of Opus. Whatever a host sends, the worst that happens is that sound is made up.
pub(crate) struct OpusDecoder {
    decoder: Decoder,
    sound: Vec<i16>,
}

impl OpusDecoder {
    /// Creates a decoder that has heard nothing. It makes stereo at 48 kHz of whatever is in the packets.
    pub(crate) fn new() -> Self {
        let decoder = Decoder::new(RATE_HZ as u32, Channels::Stereo);
        let decoder = decoder.expect("libopus decodes stereo at 48 kHz");
        Self { decoder, sound: vec![0; 2 * LONGEST] }
    }

    /// Decodes a packet; `take` gets what was lost before it, and then what is in it, with the moments
    /// when they are due. What was lost is what this packet says of it, if its sender repeats itself (RFC 7587
    /// section 3.3), and else made up from what came before.
    fn decode(&mut self, frame: &FeedFrame, mut take: impl FnMut(MediaTime, &[Stereo])) {
        // To libopus nothing at all is a packet that was lost.
        if frame.data.is_empty() {
            return;
        }
        let at = due(frame.at);
        let lost = samples_of(frame.lost_before).min(LONGEST) / SHORTEST * SHORTEST;
        if lost > 0 {
            let from = at.nanos().saturating_sub(frame.lost_before.as_nanos() as u64);
            let lost = &mut self.sound[..2 * lost];
            let made = match self.decoder.decode(&frame.data, lost, true) {
                Ok(samples) => samples,
                Err(_) => self.decoder.decode(&[], lost, false).unwrap_or(0),
            };
            take(MediaTime::from_nanos(from), &stereo(&self.sound)[..made]);
        }
        let made = match self.decoder.decode(&frame.data, &mut self.sound, false) {
            Ok(samples) => samples,
            Err(_) => self.decoder.decode(&[], &mut self.sound[..2 * USUAL], false).unwrap_or(0),
        };
        take(at, &stereo(&self.sound)[..made]);
    }
}

fn stereo(samples: &[i16]) -> &[Stereo] {
    samples.as_chunks().0
}

fn samples_of(length: Duration) -> usize {
    let samples = (length.as_nanos() * u128::from(RATE_HZ) + 500_000_000) / 1_000_000_000;
    usize::try_from(samples).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use media_rules::Codec;
    use opus::{Application, Bandwidth, Bitrate, Encoder, Signal};

    use super::*;

    const PACKET: Duration = Duration::from_millis(20);

    /// Half a second of a voice that glides, as packets of 20 ms.
    fn packets(repeats_itself: bool) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(48_000, Channels::Mono, Application::Voip).unwrap();
        encoder.set_bitrate(Bitrate::Bits(24_000)).unwrap();
        encoder.set_signal(Signal::Voice).unwrap();
        encoder.set_bandwidth(Bandwidth::Wideband).unwrap();
        encoder.set_inband_fec(repeats_itself).unwrap();
        encoder.set_packet_loss_perc(if repeats_itself { 30 } else { 0 }).unwrap();
        let mut phase = 0.0_f32;
        let mut packet = |number: usize| {
            let sound: Vec<f32> = (0..960)
                .map(|sample| {
                    let hertz = 150.0 + (number * 960 + sample) as f32 / 80.0;
                    phase += hertz * std::f32::consts::TAU / 48_000.0;
                    0.3 * phase.sin() + 0.15 * (2.0 * phase).sin() + 0.1 * (5.0 * phase).sin()
                })
                .collect();
            encoder.encode_vec_float(&sound, 1_500).unwrap()
        };
        (0..25).map(&mut packet).collect()
    }

    fn frame(number: u64, packet: &[u8], lost_before: Duration) -> FeedFrame {
        let at = MediaTime::from_millis(1_000 + number * 20);
        let data = Bytes::copy_from_slice(packet);
        FeedFrame { codec: Codec::Opus, at, is_key: true, lost_before, data }
    }

    /// Decodes all of it but the packet `lost`; returns what is heard from then on until the next.
    fn heard(packets: &[Vec<u8>], lost: Option<usize>) -> Vec<Stereo> {
        let mut decoder = OpusDecoder::new();
        let wanted = due(frame(20, &[], Duration::ZERO).at);
        let (mut heard, mut gap) = (Vec::new(), Duration::ZERO);
        for (number, packet) in packets.iter().enumerate() {
            if lost == Some(number) {
                gap = PACKET;
                continue;
            }
            decoder.decode(&frame(number as u64, packet, gap), |at, sound| {
                if at == wanted {
                    heard.extend_from_slice(sound);
                }
            });
            gap = Duration::ZERO;
        }
        assert_eq!(heard.len(), 960);
        heard
    }

    /// Returns how far one is from the other, as a part of the other's loudness.
    fn difference(one: &[Stereo], other: &[Stereo]) -> f64 {
        let power = |values: &mut dyn Iterator<Item = f64>| values.map(|it| it * it).sum::<f64>();
        let pairs = one.iter().zip(other);
        let off = power(&mut pairs.map(|(a, b)| f64::from(a[0]) - f64::from(b[0])));
        (off / power(&mut other.iter().map(|sample| f64::from(sample[0])))).sqrt()
    }

    #[test]
    fn what_was_lost_is_taken_from_the_packet_after_it_if_that_repeats_it() {
        let [alone, repeated] = [false, true].map(|repeats_itself| {
            let packets = packets(repeats_itself);
            difference(&heard(&packets, Some(20)), &heard(&packets, None))
        });
        assert!(repeated < alone / 2.0, "{repeated:.2} of a packet, {alone:.2} made up");
    }

    #[test]
    fn a_packet_that_says_nothing_is_made_up_and_the_next_is_heard() {
        let mut packets = packets(false);
        let whole = heard(&packets, None);
        // Three frames of different lengths, of which none is there.
        packets[20] = vec![0xff, 0xff];
        let made_up = heard(&packets, None);
        assert!(made_up.iter().any(|sample| sample[0].unsigned_abs() > 1_000), "it is not silent");
        assert_ne!(made_up, whole);
        packets[20].clear();
        packets[19] = vec![0xff, 0xff];
        let mut decoder = OpusDecoder::new();
        let mut lengths = Vec::new();
        for (number, packet) in packets.iter().enumerate() {
            let frame = frame(number as u64, packet, Duration::ZERO);
            decoder.decode(&frame, |_, sound| lengths.push(sound.len()));
        }
        assert_eq!(lengths, [960; 24], "nothing comes of an empty one");
    }

    #[test]
    fn a_long_loss_is_made_up_for_as_long_as_a_packet_can_be() {
        let packets = packets(false);
        let mut decoder = OpusDecoder::new();
        decoder.decode(&frame(0, &packets[0], Duration::ZERO), |_, _| {});
        let lost = Duration::from_millis(120);
        let mut pieces = Vec::new();
        decoder.decode(&frame(7, &packets[7], lost), |at, sound| pieces.push((at, sound.len())));
        let at = due(MediaTime::from_millis(1_140));
        let from = MediaTime::from_nanos(at.nanos() - 120_000_000);
        assert_eq!(pieces, [(from, LONGEST), (at, 960)]);
    }
}
