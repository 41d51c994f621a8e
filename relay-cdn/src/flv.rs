//! FLV tag bodies: what an RTMP audio or video message holds (FLV 10.1, appendix E.4).
//!
//! An H.264 access unit comes with start codes (Annex B) and leaves with length prefixes (AVCC).
//! SPS and PPS travel apart from the picture, in a sequence header, so they are taken out of it.

use bytes::{BufMut, Bytes, BytesMut};
use media_rules::h264::{self, ParameterSets};

/// AAC-LC, 48 kHz, stereo (ISO 14496-3 section 1.6.2.1).
pub(crate) const AUDIO_SPECIFIC_CONFIG: [u8; 2] = [0x11, 0x90];
/// Sound format 10 (AAC); rate, size and channels are fixed for AAC and say 44 kHz, 16 bit, stereo.
const AAC: u8 = 0xaf;
const AVC: u8 = 7;
const KEYFRAME: u8 = 1 << 4;
const INTER_FRAME: u8 = 2 << 4;
const SEQUENCE_HEADER: u8 = 0;
const CODED_DATA: u8 = 1;
/// Real sets are below 100 bytes; their length field in the sequence header has 16 bits.
const MAX_PARAMETER_SET: usize = 4096;

/// Finds the parameter sets of a keyframe, without which nothing can be decoded.
pub(crate) fn parameter_sets(access_unit: &Bytes) -> Option<ParameterSets> {
    ParameterSets::find(access_unit)
        .filter(|sets| sets.sps.len() <= MAX_PARAMETER_SET && sets.pps.len() <= MAX_PARAMETER_SET)
}

/// Returns the AVC sequence header.
pub(crate) fn video_sequence_header(sets: &ParameterSets) -> Bytes {
    let record = h264::decoder_configuration(sets);
    video_message(KEYFRAME, SEQUENCE_HEADER, &record)
}

/// Returns the body of a video message, or `None` if the access unit holds no picture.
pub(crate) fn video(access_unit: &[u8], is_key: bool) -> Option<Bytes> {
    let units = h264::to_length_prefixed(access_unit);
    let frame_type = if is_key { KEYFRAME } else { INTER_FRAME };
    (!units.is_empty()).then(|| video_message(frame_type, CODED_DATA, &units))
}

/// Returns the AAC sequence header.
pub(crate) fn audio_sequence_header() -> Bytes {
    audio_message(SEQUENCE_HEADER, &AUDIO_SPECIFIC_CONFIG)
}

/// Returns the body of an audio message around one raw AAC frame.
pub(crate) fn audio(raw: &[u8]) -> Bytes {
    audio_message(CODED_DATA, raw)
}

fn video_message(frame_type: u8, packet_type: u8, data: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(data.len() + 5);
    // Composition time is zero: without B-frames a picture is shown when it is decoded.
    body.put_slice(&[frame_type | AVC, packet_type, 0, 0, 0]);
    body.put_slice(data);
    body.freeze()
}

fn audio_message(packet_type: u8, data: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(data.len() + 2);
    body.put_slice(&[AAC, packet_type]);
    body.put_slice(data);
    body.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPS_NAL: &[u8] = &[0x67, 0x42, 0xc0, 0x1e, 0xaa];
    const PPS_NAL: &[u8] = &[0x68, 0xce, 0x3c, 0x80, 0x11];

    fn keyframe() -> Bytes {
        let mut stream = vec![0, 0, 0, 1, 0x09, 0xf0];
        for nal in [SPS_NAL, PPS_NAL, &[0x65, 1, 0, 0, 3, 1]] {
            stream.extend_from_slice(&[0, 0, 0, 1]);
            stream.extend_from_slice(nal);
        }
        stream.extend_from_slice(&[0, 0, 1, 0x65, 2, 2]);
        stream.into()
    }

    #[test]
    fn the_picture_leaves_with_length_prefixes_and_without_parameter_sets() {
        let body = video(&keyframe(), true).unwrap();

        assert_eq!(
            body[..],
            [
                0x17, 1, 0, 0, 0, // keyframe, coded data, no composition offset
                0, 0, 0, 6, 0x65, 1, 0, 0, 3, 1, // first slice
                0, 0, 0, 3, 0x65, 2, 2, // second slice
            ]
        );
    }

    #[test]
    fn the_sequence_header_holds_profile_level_and_both_sets() {
        let header = video_sequence_header(&parameter_sets(&keyframe()).unwrap());

        assert_eq!(header[..11], [0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x1e, 0xff, 0xe1]);
        assert_eq!(header[11..13], [0, 5]);
        assert_eq!(&header[13..18], SPS_NAL);
        assert_eq!(header[18..21], [1, 0, 5]);
        assert_eq!(&header[21..], PPS_NAL);
    }

    #[test]
    fn bytes_that_are_no_picture_make_no_message() {
        for junk in [&[][..], &[0, 0, 1], &[1, 2, 3], &[0, 0, 0, 1, 0x09, 0xf0]] {
            assert_eq!(video(junk, false), None);
        }
        assert_eq!(parameter_sets(&Bytes::from_static(&[0, 0, 1, 0x67, 1])), None);
    }
}
