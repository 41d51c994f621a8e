//! A clip in memory, cut into what one RTP timestamp carries: access units and Opus packets.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;

use crate::film;
use crate::mark::LOOP_MS;

/// Pictures a second.
pub(crate) const FRAME_RATE: u64 = 30;

/// Pictures from one keyframe to the next.
pub(crate) const KEYFRAME_EVERY: u64 = FRAME_RATE;

/// Milliseconds of sound in one Opus packet.
pub(crate) const AUDIO_PACKET_MS: u64 = 20;

/// Picture and sound of one synthetic host; both repeat after the same time.
pub(crate) struct Clip {
    /// Access units in Annex B, one a frame.
    pub(crate) video: Vec<Bytes>,
    /// Opus packets of [`AUDIO_PACKET_MS`].
    pub(crate) audio: Vec<Bytes>,
}

impl Clip {
    /// Reads `name.h264` and `name.ogg` from `folder`; the film is made there first.
    pub(crate) fn load(folder: &Path, name: &str) -> Result<Self> {
        if name == film::NAME {
            film::ensure(folder)?;
        }
        let video = folder.join(format!("{name}.h264"));
        let stream = std::fs::read(&video).with_context(|| {
            format!("cannot read {}; run `lianmai-load media`", video.display())
        })?;
        let video = access_units(&Bytes::from(stream));
        let audio = opus_packets(&folder.join(format!("{name}.ogg")))?;

        let (frames, packets) = (LOOP_MS * FRAME_RATE / 1_000, LOOP_MS / AUDIO_PACKET_MS);
        ensure!(video.len() as u64 == frames, "the clip has {} frames, not {frames}", video.len());
        ensure!(
            audio.len() as u64 >= packets,
            "the clip has {} packets, not {packets}",
            audio.len()
        );
        // The encoder's delay makes one packet more than the loop holds.
        Ok(Self { video, audio: audio[..packets as usize].to_vec() })
    }
}

/// Cuts an Annex B stream before each access unit delimiter (H.264 section 7.4.1.2.3).
fn access_units(stream: &Bytes) -> Vec<Bytes> {
    let delimiters: Vec<usize> = stream
        .windows(5)
        .enumerate()
        .filter(|(_, window)| window[..4] == [0, 0, 0, 1] && window[4] & 0x1f == 9)
        .map(|(at, _)| at)
        .collect();
    let ends = delimiters.iter().skip(1).copied().chain([stream.len()]);
    delimiters.iter().zip(ends).map(|(start, end)| stream.slice(*start..end)).collect()
}

fn opus_packets(file: &Path) -> Result<Vec<Bytes>> {
    let source = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut reader = ogg::PacketReader::new(source);
    let mut packets = Vec::new();
    while let Some(packet) = reader.read_packet()? {
        packets.push(Bytes::from(packet.data));
    }
    ensure!(packets.len() > 2, "{} holds no sound", file.display());
    // The first two packets are the headers (RFC 7845 section 3).
    Ok(packets.split_off(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_cut_before_each_delimiter() {
        let unit = |tail: &[u8]| [&[0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1][..], tail].concat();
        let stream = Bytes::from([unit(&[0x67, 1]), unit(&[0x41, 2, 3])].concat());

        let units = access_units(&stream);

        assert_eq!(units, [unit(&[0x67, 1]), unit(&[0x41, 2, 3])]);
    }
}
