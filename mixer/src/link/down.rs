//! Messages from the server to a mixer process.

use bytes::Bytes;
use media_rules::{Scene, SenderReport, TapItem, TapPacket};

use super::clip::{Clip, MAX_CLIPS, clip, put_clip};
use super::duty::Duty;
use super::fields::{Fields, put_codec, put_duration, put_feed, put_kind, put_list};
use super::scene::{put_scene, scene};
use super::snapshot::{SnapshotWish, put_wish, wish};
use super::sound::{SideMix, put_side_mixes, side_mixes};
use super::{LinkError, VERSION, frame};
use crate::{Quality, Rendition, RenditionName, VideoEncoder};

/// A message from the server to a mixer process.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Down {
    /// The first message: what to make.
    Start(Start),
    /// Media of a host.
    Input(TapItem),
    /// What the picture is from now on.
    Scene(Scene),
    /// Which mixes to make beside the program's; replaces those that were asked for before.
    SideMixes(Vec<SideMix>),
    /// The next picture must be a keyframe.
    Keyframe,
    /// End now.
    Stop,
    /// What to make from now on; [`Duty::Mix`] until told.
    Duty(Duty),
    /// The films that are played in or about to be; replaces those before.
    Clips(Vec<Clip>),
    /// Asks for a picture of the program.
    Snapshot(SnapshotWish),
    /// How much is made of each picture from now on.
    Quality(Quality),
    /// Whether AAC is made from now on; it is until told.
    Aac(bool),
}

/// The shape of the program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Start {
    /// Width of the picture in pixels, even.
    pub width: u32,
    /// Height of the picture in pixels, even.
    pub height: u32,
    /// Pictures per second; also the distance of keyframes.
    pub fps: u32,
    /// Target of the Opus encoder.
    pub opus_kbps: u32,
    /// Target of the AAC encoder.
    pub aac_kbps: u32,
    /// What encodes the picture.
    pub encoder: VideoEncoder,
    /// How much is made of each picture at first.
    pub quality: Quality,
}

impl Down {
    /// Appends this message as one frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        frame(out, |out| match self {
            Self::Start(start) => put_start(out, start),
            Self::Input(TapItem::Packet(packet)) => {
                out.push(2);
                put_feed(out, &packet.feed);
                put_codec(out, packet.codec);
                out.extend_from_slice(&packet.arrival.nanos().to_le_bytes());
                out.extend_from_slice(&packet.rtp);
            }
            Self::Input(TapItem::Report(report)) => {
                out.push(3);
                put_feed(out, &report.feed);
                put_kind(out, report.kind);
                out.extend_from_slice(&report.ntp.to_le_bytes());
                out.extend_from_slice(&report.rtp_timestamp.to_le_bytes());
                out.extend_from_slice(&report.arrival.nanos().to_le_bytes());
                put_duration(out, report.round_trip);
            }
            Self::Scene(scene) => {
                out.push(4);
                put_scene(out, scene);
            }
            Self::Keyframe => out.push(5),
            Self::Stop => out.push(6),
            Self::Duty(duty) => out.extend_from_slice(&[7, duty.number()]),
            Self::SideMixes(mixes) => {
                out.push(9);
                put_side_mixes(out, mixes);
            }
            Self::Quality(quality) => {
                out.push(8);
                put_quality(out, quality);
            }
            Self::Aac(is_wanted) => out.extend_from_slice(&[10, u8::from(*is_wanted)]),
            Self::Clips(clips) => {
                out.push(20);
                put_list(out, clips, put_clip);
            }
            Self::Snapshot(wish) => {
                out.push(21);
                put_wish(out, *wish);
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
            1 => Self::Start(start(&mut fields)?),
            2 => Self::Input(TapItem::Packet(TapPacket {
                feed: fields.feed()?,
                codec: fields.codec()?,
                arrival: fields.time()?,
                rtp: fields.rest(),
            })),
            3 => Self::Input(TapItem::Report(SenderReport {
                feed: fields.feed()?,
                kind: fields.kind()?,
                ntp: fields.u64()?,
                rtp_timestamp: fields.u32()?,
                arrival: fields.time()?,
                round_trip: fields.duration()?,
            })),
            4 => Self::Scene(scene(&mut fields)?),
            5 => Self::Keyframe,
            6 => Self::Stop,
            7 => Self::Duty(Duty::parse(fields.u8()?)?),
            8 => Self::Quality(quality(&mut fields)?),
            9 => Self::SideMixes(side_mixes(&mut fields)?),
            10 => Self::Aac(fields.flag()?),
            20 => Self::Clips(fields.list(MAX_CLIPS, clip)?),
            21 => Self::Snapshot(wish(&mut fields)?),
            _ => return Err(LinkError::BadValue),
        };
        fields.end(message)
    }
}

fn put_start(out: &mut Vec<u8>, start: &Start) {
    out.push(1);
    out.extend_from_slice(&VERSION.to_le_bytes());
    let Start { width, height, fps, opus_kbps, aac_kbps, encoder, ref quality } = *start;
    for number in [width, height, fps, opus_kbps, aac_kbps] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.push(encoder.number());
    put_quality(out, quality);
}

fn start(fields: &mut Fields) -> Result<Start, LinkError> {
    let version = fields.u16()?;
    if version != VERSION {
        return Err(LinkError::Version(version));
    }
    let start = Start {
        width: fields.u32()?,
        height: fields.u32()?,
        fps: fields.u32()?,
        opus_kbps: fields.u32()?,
        aac_kbps: fields.u32()?,
        encoder: VideoEncoder::from_number(fields.u8()?).ok_or(LinkError::BadValue)?,
        quality: quality(fields)?,
    };
    let is_sane = is_size(start.width) && is_size(start.height) && (1..=120).contains(&start.fps);
    if is_sane { Ok(start) } else { Err(LinkError::BadValue) }
}

fn is_size(pixels: u32) -> bool {
    (16..=4096).contains(&pixels) && pixels.is_multiple_of(2)
}

fn put_quality(out: &mut Vec<u8>, quality: &Quality) {
    out.extend_from_slice(&quality.video_kbps.to_le_bytes());
    out.push(u8::try_from(quality.renditions.len()).expect("a handful of renditions"));
    for rendition in &quality.renditions {
        out.push(rendition.name.number());
        for number in [rendition.width, rendition.height, rendition.kbps] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

fn quality(fields: &mut Fields) -> Result<Quality, LinkError> {
    let video_kbps = fields.u32()?;
    let count = fields.u8()?;
    if usize::from(count) > Quality::MAX_RENDITIONS {
        return Err(LinkError::BadValue);
    }
    let rendition = |_| {
        Ok(Rendition {
            name: RenditionName::from_number(fields.u8()?).ok_or(LinkError::BadValue)?,
            width: fields.u32()?,
            height: fields.u32()?,
            kbps: fields.u32()?,
        })
    };
    let renditions = (0..count).map(rendition).collect::<Result<Vec<_>, LinkError>>()?;
    let is_sane = |rendition: &Rendition| {
        is_size(rendition.width) && is_size(rendition.height) && is_rate(rendition.kbps)
    };
    if is_rate(video_kbps) && renditions.iter().all(is_sane) {
        Ok(Quality { video_kbps, renditions })
    } else {
        Err(LinkError::BadValue)
    }
}

fn is_rate(kbps: u32) -> bool {
    (10..=100_000).contains(&kbps)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use media_rules::{Codec, FeedId, FrameCodec, MediaKind, MediaTime, Rect, Tile};

    use super::*;

    fn body(message: &Down) -> Bytes {
        let mut out = Vec::new();
        message.encode(&mut out);
        Bytes::from(out).slice(4..)
    }

    fn examples() -> Vec<Down> {
        let feed = FeedId::new("a", "alice");
        let rect = Rect { x: 0, y: 160, width: 360, height: 640 };
        vec![
            Down::Start(Start {
                width: 720,
                height: 1280,
                fps: 30,
                opus_kbps: 96,
                aac_kbps: 128,
                encoder: VideoEncoder::OpenH264,
                quality: Quality { video_kbps: 1500, renditions: Vec::new() },
            }),
            Down::Aac(true),
            Down::Aac(false),
            Down::Quality(Quality {
                video_kbps: 900,
                renditions: vec![Rendition::named("ld", (720, 1280)).unwrap()],
            }),
            Down::Input(TapItem::Packet(TapPacket {
                feed: feed.clone(),
                codec: Codec::Vp9,
                arrival: MediaTime::from_millis(77),
                rtp: Bytes::from_static(b"rtp"),
            })),
            Down::Input(TapItem::Report(SenderReport {
                feed: feed.clone(),
                kind: MediaKind::Audio,
                ntp: u64::MAX,
                rtp_timestamp: 9,
                arrival: MediaTime::from_millis(78),
                round_trip: Some(Duration::from_millis(40)),
            })),
            Down::Scene(Scene::new(3, vec![Tile::new(feed, rect)])),
            Down::SideMixes(vec![SideMix {
                without: FeedId::new("a", "carol"),
                codec: FrameCodec::Aac,
                kbps: 96,
            }]),
            Down::Keyframe,
            Down::Stop,
            Down::Duty(Duty::Mix),
            Down::Duty(Duty::MixOrPass),
            Down::Duty(Duty::Rest),
            Down::Duty(Duty::Sleep),
            Down::Clips(vec![Clip {
                feed: FeedId::clip("a", 7),
                file: "/films/ad.mp4".into(),
                is_loop: true,
                longest: Duration::from_secs(60),
            }]),
            Down::Snapshot(SnapshotWish { number: 3, width: 360 }),
        ]
    }

    #[test]
    fn every_message_comes_back_as_it_was() {
        for message in examples() {
            assert_eq!(Down::decode(body(&message)), Ok(message));
        }
    }

    #[test]
    fn a_cut_or_padded_message_is_refused_and_never_panics() {
        for message in examples() {
            let whole = body(&message);
            let ends_in_data = matches!(message, Down::Input(TapItem::Packet(_)));
            for length in 0..whole.len() {
                let cut = Down::decode(whole.slice(..length));
                assert!(cut.is_err() || ends_in_data, "{message:?} cut at {length}");
            }
            let padded = [&whole[..], b"!"].concat();
            assert!(Down::decode(padded.into()).is_err() || ends_in_data);
        }
    }

    #[test]
    fn garbage_never_panics() {
        let (mut state, mut read) = (1_u32, 0);
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        for _ in 0..20_000 {
            // Small bytes, as they are kinds and lengths that mean something.
            let garbage: Vec<u8> = (0..random(60)).map(|_| random(8) as u8).collect();
            read += u32::from(Down::decode(garbage.into()).is_ok());
        }
        assert!((10..10_000).contains(&read), "{read} of 20,000 look like messages");
    }

    #[test]
    fn another_version_is_named() {
        let mut other = body(&examples()[0]).to_vec();
        other[1] = 9;
        assert_eq!(Down::decode(other.into()), Err(LinkError::Version(9)));
    }
}
