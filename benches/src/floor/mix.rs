//! The packets of a clip: how long each is and when it is due, as a publisher would send them.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// The most that one packet carries of a picture, header apart.
const MAX_PAYLOAD: usize = 1_188;
/// What a fragment repeats in front of its part of a NAL unit (RFC 6184 section 5.8).
const FRAGMENT_HEADER: usize = 2;
const ACCESS_UNIT_DELIMITER: u8 = 9;
const SEQUENCE_PARAMETERS: u8 = 7;
const PICTURE_PARAMETERS: u8 = 8;
const SOUND_PACKET: Duration = Duration::from_millis(20);

/// Packets that are due at once: a picture, or one packet of sound.
pub(crate) struct Burst {
    /// From the start of the clip.
    pub(crate) due: Duration,
    /// Payload lengths.
    pub(crate) payloads: Vec<usize>,
}

/// Reads a clip.
pub(crate) fn load(video: &Path, audio: &Path, rate: u32) -> Result<Vec<Burst>> {
    let stream =
        std::fs::read(video).with_context(|| format!("cannot read {}", video.display()))?;
    let mut bursts = Vec::new();
    for (unit, number) in access_units(&stream).into_iter().zip(0_u32..) {
        let due = Duration::from_secs(1) * number / rate;
        bursts.push(Burst { due, payloads: packets(unit) });
    }
    let length = Duration::from_secs(1) * u32::try_from(bursts.len())? / rate;
    let source = File::open(audio).with_context(|| format!("cannot read {}", audio.display()))?;
    let mut reader = ogg::PacketReader::new(source);
    let mut sound = Vec::new();
    while let Some(packet) = reader.read_packet()? {
        sound.push(packet.data.len());
    }
    // The first two are headers (RFC 7845 section 3).
    for (len, number) in sound.into_iter().skip(2).zip(0_u32..) {
        // A little later than the picture, as two tracks of one host never tick together.
        let due = SOUND_PACKET * number + Duration::from_millis(7);
        if due < length {
            bursts.push(Burst { due, payloads: vec![len] });
        }
    }
    ensure!(bursts.len() > 2, "there is nothing in {}", video.display());
    bursts.sort_by_key(|burst| burst.due);
    Ok(bursts)
}

/// Cuts an Annex B stream before each access unit delimiter.
fn access_units(stream: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut units: Vec<Vec<&[u8]>> = Vec::new();
    for nal in nal_units(stream) {
        if nal[0] & 0x1f == ACCESS_UNIT_DELIMITER {
            units.push(Vec::new());
        } else if let Some(unit) = units.last_mut() {
            unit.push(nal);
        }
    }
    units
}

fn nal_units(stream: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = stream
        .windows(3)
        .enumerate()
        .filter(|(_, window)| *window == [0, 0, 1])
        .map(|(at, _)| at + 3)
        .collect();
    let ends = starts.iter().skip(1).map(|start| start - 3).chain([stream.len()]);
    let units = starts.iter().zip(ends).map(|(&start, end)| {
        let unit = &stream[start..end];
        // A four-byte start code leaves a zero behind.
        unit.strip_suffix(&[0]).unwrap_or(unit)
    });
    units.filter(|unit| !unit.is_empty()).collect()
}

/// Returns the payload lengths of one picture: parameters together, slices whole or in fragments.
fn packets(unit: Vec<&[u8]>) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut parameters = 0;
    for nal in unit {
        if matches!(nal[0] & 0x1f, SEQUENCE_PARAMETERS | PICTURE_PARAMETERS) {
            parameters += 2 + nal.len();
            continue;
        }
        if parameters > 0 {
            lengths.push(1 + std::mem::take(&mut parameters));
        }
        if nal.len() <= MAX_PAYLOAD {
            lengths.push(nal.len());
            continue;
        }
        for part in nal[1..].chunks(MAX_PAYLOAD - FRAGMENT_HEADER) {
            lengths.push(FRAGMENT_HEADER + part.len());
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_becomes_fragments_of_one_size_and_a_shorter_one() {
        let slice = [&[0x65][..], &[1; 3_000]].concat();
        let stream = [
            &[0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 1][..],
            &slice,
            &[0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x41, 5],
        ]
        .concat();
        let units = access_units(&stream);
        let lengths: Vec<Vec<usize>> = units.into_iter().map(packets).collect();
        assert_eq!(lengths, [vec![10, 1_188, 1_188, 630], vec![2]]);
    }
}
