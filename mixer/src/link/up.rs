//! Messages from a mixer process to the server.

use bytes::Bytes;
use media_rules::{EncodedFrame, FeedId, FrameCodec};

use super::clip::{ClipNews, clip_news, put_clip_news};
use super::fields::{Fields, put_feed};
use super::snapshot::{Snapshot, put_snapshot, snapshot};
use super::sound::{SeatLoudness, loudness, put_loudness, put_side_frame, side_frame};
use super::{LinkError, VERSION, frame};
use crate::RenditionName;

/// A message from a mixer process to the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Up {
    /// The first message: the process runs and speaks [`VERSION`].
    Ready,
    /// A piece of the program.
    Frame {
        /// The piece.
        frame: EncodedFrame,
        /// The revision of the scene that a picture shows, or the first part of on its way to it; 0
        /// before there is one, and for sound.
        revision: u64,
    },
    /// The feed's picture cannot be decoded before its next keyframe.
    KeyframeWanted(FeedId),
    /// A piece of a side mix.
    SideFrame {
        /// Whose voice is left out.
        without: FeedId,
        /// Opus or AAC.
        frame: EncodedFrame,
    },
    /// How loud the seats are; sent five times a second.
    Loudness(Vec<SeatLoudness>),
    /// Sent every second.
    Beat(Beat),
    /// How a clip is doing.
    Clip(FeedId, ClipNews),
    /// A picture that was asked for.
    Snapshot(Snapshot),
    /// A picture of a rendition.
    Rendition {
        /// Which.
        name: RenditionName,
        /// The picture.
        frame: EncodedFrame,
    },
}

/// What a mixer process counted since it started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Beat {
    /// Pictures composed and handed to the encoder.
    pub pictures: u64,
    /// Pictures left out because the encoder was behind or the machine was late.
    pub skipped: u64,
    /// Encoded pictures that found the link full.
    pub dropped: u64,
    /// Time from a picture's due moment to the end of composing it, worst of the last second, in
    /// microseconds.
    pub compose_us: u32,
    /// Time from a picture's due moment to its encoded bytes, worst of the last second, in
    /// microseconds.
    pub encode_us: u32,
    /// How many steps below full quality the picture is for want of time
    /// ([`media_rules::Shedding`]).
    pub steps_down: u32,
}

impl Up {
    /// Appends this message as one frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        frame(out, |out| match self {
            Self::Ready => {
                out.push(1);
                out.extend_from_slice(&VERSION.to_le_bytes());
            }
            Self::Frame { frame: encoded, revision } => {
                out.push(2);
                out.push(match encoded.codec {
                    FrameCodec::H264 => 0,
                    FrameCodec::Opus => 1,
                    FrameCodec::Aac => 2,
                });
                out.push(u8::from(encoded.is_key));
                out.extend_from_slice(&encoded.at.nanos().to_le_bytes());
                out.extend_from_slice(&revision.to_le_bytes());
                out.extend_from_slice(&encoded.data);
            }
            Self::KeyframeWanted(feed) => {
                out.push(3);
                put_feed(out, feed);
            }
            Self::SideFrame { without, frame } => {
                out.push(6);
                put_side_frame(out, without, frame);
            }
            Self::Loudness(seats) => {
                out.push(7);
                put_loudness(out, seats);
            }
            Self::Clip(feed, news) => {
                out.push(20);
                put_clip_news(out, feed, news);
            }
            Self::Snapshot(snapshot) => {
                out.push(21);
                put_snapshot(out, snapshot);
            }
            Self::Beat(beat) => {
                out.push(4);
                for count in [beat.pictures, beat.skipped, beat.dropped] {
                    out.extend_from_slice(&count.to_le_bytes());
                }
                for number in [beat.compose_us, beat.encode_us, beat.steps_down] {
                    out.extend_from_slice(&number.to_le_bytes());
                }
            }
            Self::Rendition { name, frame } => {
                out.extend_from_slice(&[5, name.number(), u8::from(frame.is_key)]);
                out.extend_from_slice(&frame.at.nanos().to_le_bytes());
                out.extend_from_slice(&frame.data);
            }
        });
    }

    /// Reads one body.
    ///
    /// # Errors
    ///
    /// Any [`LinkError`] but `TooLong`.
    pub fn decode(body: Bytes) -> Result<Self, LinkError> {
        let mut fields = Fields::new(body);
        let message = match fields.u8()? {
            1 => match fields.u16()? {
                VERSION => Self::Ready,
                other => return Err(LinkError::Version(other)),
            },
            2 => encoded_frame(&mut fields)?,
            3 => Self::KeyframeWanted(fields.feed()?),
            6 => {
                let (without, frame) = side_frame(&mut fields)?;
                Self::SideFrame { without, frame }
            }
            7 => Self::Loudness(loudness(&mut fields)?),
            20 => {
                let (feed, news) = clip_news(&mut fields)?;
                Self::Clip(feed, news)
            }
            21 => Self::Snapshot(snapshot(&mut fields)?),
            4 => Self::Beat(Beat {
                pictures: fields.u64()?,
                skipped: fields.u64()?,
                dropped: fields.u64()?,
                compose_us: fields.u32()?,
                encode_us: fields.u32()?,
                steps_down: fields.u32()?,
            }),
            5 => {
                let name = RenditionName::from_number(fields.u8()?).ok_or(LinkError::BadValue)?;
                let (is_key, at) = (fields.flag()?, fields.time()?);
                let data = fields.rest();
                Self::Rendition {
                    name,
                    frame: EncodedFrame { codec: FrameCodec::H264, at, is_key, data },
                }
            }
            _ => return Err(LinkError::BadValue),
        };
        fields.end(message)
    }
}

fn encoded_frame(fields: &mut Fields) -> Result<Up, LinkError> {
    let codec = match fields.u8()? {
        0 => FrameCodec::H264,
        1 => FrameCodec::Opus,
        2 => FrameCodec::Aac,
        _ => return Err(LinkError::BadValue),
    };
    let (is_key, at, revision) = (fields.flag()?, fields.time()?, fields.u64()?);
    let frame = EncodedFrame { codec, at, is_key, data: fields.rest() };
    Ok(Up::Frame { frame, revision })
}

#[cfg(test)]
mod tests {
    use media_rules::MediaTime;

    use super::*;

    fn body(message: &Up) -> Bytes {
        let mut out = Vec::new();
        message.encode(&mut out);
        Bytes::from(out).slice(4..)
    }

    fn examples() -> Vec<Up> {
        let frame = |codec, is_key| {
            let data = Bytes::from_static(b"\0\0\0\x01data");
            let frame = EncodedFrame { codec, at: MediaTime::from_millis(40), is_key, data };
            Up::Frame { frame, revision: u64::from(is_key) }
        };
        vec![
            Up::Ready,
            frame(FrameCodec::H264, false),
            frame(FrameCodec::Opus, true),
            frame(FrameCodec::Aac, true),
            Up::KeyframeWanted(FeedId::new("b", "bob")),
            Up::SideFrame {
                without: FeedId::new("b", "bob"),
                frame: EncodedFrame {
                    codec: FrameCodec::Opus,
                    at: MediaTime::from_millis(40),
                    is_key: true,
                    data: Bytes::from_static(b"opus"),
                },
            },
            Up::Loudness(vec![SeatLoudness {
                feed: FeedId::new("b", "bob"),
                lufs_tenths: -231,
                peak_dbfs_tenths: -12,
            }]),
            Up::Clip(FeedId::clip("a", 1), ClipNews::Ready { length: None }),
            Up::Clip(FeedId::clip("a", 1), ClipNews::Ended),
            Up::Clip(FeedId::clip("a", 1), ClipNews::Failed { reason: "no picture".into() }),
            Up::Snapshot(Snapshot {
                number: 3,
                at: MediaTime::from_millis(40),
                revision: 2,
                jpeg: Bytes::from_static(b"jpeg"),
            }),
            Up::Beat(Beat {
                pictures: 1,
                skipped: 2,
                dropped: 3,
                compose_us: 4,
                encode_us: 5,
                steps_down: 6,
            }),
            Up::Rendition {
                name: RenditionName::Hd,
                frame: EncodedFrame {
                    codec: FrameCodec::H264,
                    at: MediaTime::from_millis(80),
                    is_key: true,
                    data: Bytes::from_static(b"\0\0\0\x01data"),
                },
            },
        ]
    }

    #[test]
    fn every_message_comes_back_as_it_was() {
        for message in examples() {
            assert_eq!(Up::decode(body(&message)), Ok(message));
        }
    }

    #[test]
    fn a_cut_or_padded_message_is_refused_and_never_panics() {
        for message in examples() {
            let whole = body(&message);
            let ends_in_data = matches!(
                message,
                Up::Frame { .. } | Up::SideFrame { .. } | Up::Rendition { .. } | Up::Snapshot(_)
            );
            for length in 0..whole.len() {
                let cut = Up::decode(whole.slice(..length));
                assert!(cut.is_err() || ends_in_data, "{message:?} cut at {length}");
            }
            let padded = [&whole[..], b"!"].concat();
            assert!(Up::decode(padded.into()).is_err() || ends_in_data);
        }
    }
}
