//! What is said about sound: mixes beside the program's, and how loud each seat is.

use bytes::Bytes;
use media_rules::{EncodedFrame, FeedId, FrameCodec};

use super::LinkError;
use super::fields::{Fields, put_feed, put_list};

/// Most side mixes of a program: one for each seat in each codec.
const MAX_SIDE_MIXES: u16 = 32;

/// Most seats whose loudness is told.
const MAX_SEATS: u16 = 64;

/// The program's sound without one feed, for whoever sends that feed and hears only the mix.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SideMix {
    /// Whose voice is left out.
    pub without: FeedId,
    /// Opus or AAC.
    pub codec: FrameCodec,
    /// Target of the encoder.
    pub kbps: u32,
}

/// How loud one seat is, before its gain and before anybody is ducked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeatLoudness {
    /// Whose sound.
    pub feed: FeedId,
    /// Momentary loudness (ITU-R BS.1770, the last 400 ms) in tenths of a LUFS; -700 is silence.
    pub lufs_tenths: i16,
    /// The highest sample since the last report in tenths of a dBFS; -700 is silence.
    pub peak_dbfs_tenths: i16,
}

pub(super) fn put_side_mixes(out: &mut Vec<u8>, mixes: &[SideMix]) {
    put_list(out, mixes, |out, mix| {
        put_feed(out, &mix.without);
        put_frame_codec(out, mix.codec);
        out.extend_from_slice(&mix.kbps.to_le_bytes());
    });
}

pub(super) fn side_mixes(fields: &mut Fields) -> Result<Vec<SideMix>, LinkError> {
    fields.list(MAX_SIDE_MIXES, |fields| {
        Ok(SideMix { without: fields.feed()?, codec: sound_codec(fields)?, kbps: fields.u32()? })
    })
}

pub(super) fn put_side_frame(out: &mut Vec<u8>, without: &FeedId, frame: &EncodedFrame) {
    put_feed(out, without);
    put_frame_codec(out, frame.codec);
    out.extend_from_slice(&frame.at.nanos().to_le_bytes());
    out.extend_from_slice(&frame.data);
}

pub(super) fn side_frame(fields: &mut Fields) -> Result<(FeedId, EncodedFrame), LinkError> {
    let without = fields.feed()?;
    let codec = sound_codec(fields)?;
    let at = fields.time()?;
    let data: Bytes = fields.rest();
    Ok((without, EncodedFrame { codec, at, is_key: true, data }))
}

pub(super) fn put_loudness(out: &mut Vec<u8>, seats: &[SeatLoudness]) {
    put_list(out, seats, |out, seat| {
        put_feed(out, &seat.feed);
        for tenths in [seat.lufs_tenths, seat.peak_dbfs_tenths] {
            out.extend_from_slice(&tenths.to_le_bytes());
        }
    });
}

pub(super) fn loudness(fields: &mut Fields) -> Result<Vec<SeatLoudness>, LinkError> {
    fields.list(MAX_SEATS, |fields| {
        Ok(SeatLoudness {
            feed: fields.feed()?,
            lufs_tenths: fields.u16()?.cast_signed(),
            peak_dbfs_tenths: fields.u16()?.cast_signed(),
        })
    })
}

fn put_frame_codec(out: &mut Vec<u8>, codec: FrameCodec) {
    out.push(match codec {
        FrameCodec::H264 => 0,
        FrameCodec::Opus => 1,
        FrameCodec::Aac => 2,
    });
}

fn sound_codec(fields: &mut Fields) -> Result<FrameCodec, LinkError> {
    match fields.u8()? {
        1 => Ok(FrameCodec::Opus),
        2 => Ok(FrameCodec::Aac),
        _ => Err(LinkError::BadValue),
    }
}
