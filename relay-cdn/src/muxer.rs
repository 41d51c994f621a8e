//! Encoded frames in, RTMP media messages out; one muxer per connection.
//!
//! Nothing leaves before a keyframe that carries its parameter sets. Then come, all at timestamp
//! zero, the metadata and both sequence headers. Parameter sets that change later, as after a
//! restart of the mixer with other settings, send a new sequence header before their keyframe and
//! leave the connection and its timeline alone. A cue inside a picture is repeated as a data message
//! in front of it, for relays that strip what they do not know from pictures.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use media_rules::h264::{ParameterSets, SequenceParameters};
use media_rules::{EncodedFrame, FrameCodec, cue_of};
use rml_rtmp::rml_amf0::Amf0Value;

use crate::flv;
use crate::timeline::Timeline;

/// One message of the stream, to be sent in this order.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) timestamp_ms: u32,
    pub(crate) body: Body,
}

/// What a [`Message`] carries.
#[derive(Debug, PartialEq)]
pub(crate) enum Body {
    /// The properties of `onMetaData`.
    Metadata(HashMap<String, Amf0Value>),
    /// An FLV audio tag's body.
    Audio(Bytes),
    /// An FLV video tag's body.
    Video(Bytes),
    /// What the picture that follows shows: the properties of `onLianmaiCue`.
    Cue(HashMap<String, Amf0Value>),
}

/// Turns one program's frames into one connection's messages.
#[derive(Debug, Default)]
pub(crate) struct Muxer {
    started: Option<Started>,
    /// Drained by the caller after every frame; one frame adds a reorder window's worth at most.
    messages: VecDeque<Message>,
}

#[derive(Debug)]
struct Started {
    timeline: Timeline,
    sets: ParameterSets,
}

impl Muxer {
    /// Takes the next frame of the subscription.
    pub(crate) fn handle_frame(&mut self, frame: EncodedFrame) {
        if self.started.is_none() {
            self.start(&frame);
        }
        let Some(started) = &mut self.started else {
            return;
        };
        started.timeline.handle_frame(frame);
        while let Some((frame, timestamp_ms)) = started.timeline.poll_frame() {
            for body in started.bodies(&frame, timestamp_ms) {
                self.messages.push_back(Message { timestamp_ms, body });
            }
        }
    }

    /// Returns the next message to send.
    pub(crate) fn poll_message(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }

    fn start(&mut self, frame: &EncodedFrame) {
        if frame.codec != FrameCodec::H264 || !frame.is_key {
            return;
        }
        let Some(sets) = flv::parameter_sets(&frame.data) else {
            metrics::counter!("relay_frames_dropped_total", "reason" => "no_parameter_sets")
                .increment(1);
            return;
        };
        let headers = [
            Body::Metadata(metadata(&sets)),
            Body::Video(flv::video_sequence_header(&sets)),
            Body::Audio(flv::audio_sequence_header()),
        ];
        self.messages.extend(headers.map(|body| Message { timestamp_ms: 0, body }));
        self.started = Some(Started { timeline: Timeline::new(frame.at), sets });
    }
}

impl Started {
    fn bodies(
        &mut self,
        frame: &EncodedFrame,
        timestamp_ms: u32,
    ) -> impl Iterator<Item = Body> + use<> {
        let (mut header, mut cue) = (None, None);
        let body = match frame.codec {
            FrameCodec::H264 => {
                if frame.is_key {
                    header = self.changed_header(frame);
                }
                cue = cue_of(&frame.data).map(|cue| Body::Cue(cue_point(cue, timestamp_ms)));
                flv::video(&frame.data, frame.is_key).map(Body::Video)
            }
            FrameCodec::Aac => Some(Body::Audio(flv::audio(&frame.data))),
            FrameCodec::Opus => None,
        };
        header.into_iter().chain(cue).chain(body)
    }

    fn changed_header(&mut self, frame: &EncodedFrame) -> Option<Body> {
        let sets = flv::parameter_sets(&frame.data)?;
        if sets == self.sets {
            return None;
        }
        self.sets = sets;
        Some(Body::Video(flv::video_sequence_header(&self.sets)))
    }
}

/// The properties of a cue point as FLV knows it.
fn cue_point(cue: String, timestamp_ms: u32) -> HashMap<String, Amf0Value> {
    let text = |text: &str| Amf0Value::Utf8String(text.to_owned());
    let parameters = HashMap::from([("cue".to_owned(), Amf0Value::Utf8String(cue))]);
    HashMap::from([
        ("name".to_owned(), text("lianmai")),
        ("type".to_owned(), text("event")),
        ("time".to_owned(), Amf0Value::Number(f64::from(timestamp_ms) / 1e3)),
        ("parameters".to_owned(), Amf0Value::Object(parameters)),
    ])
}

fn metadata(sets: &ParameterSets) -> HashMap<String, Amf0Value> {
    let mut properties = HashMap::new();
    let mut number = |name: &str, value: f64| {
        properties.insert(name.to_owned(), Amf0Value::Number(value));
    };
    // A courtesy: without it players take the size from the decoder.
    if let Some(picture) = SequenceParameters::parse(&sets.sps) {
        number("width", f64::from(picture.width));
        number("height", f64::from(picture.height));
    }
    number("videocodecid", 7.0);
    number("audiocodecid", 10.0);
    number("audiosamplerate", 48_000.0);
    number("audiosamplesize", 16.0);
    number("audiochannels", 2.0);
    properties.insert("stereo".to_owned(), Amf0Value::Boolean(true));
    properties.insert("encoder".to_owned(), Amf0Value::Utf8String("lianmai".to_owned()));
    properties
}

#[cfg(test)]
mod tests {
    use media_rules::{MediaTime, with_cue};

    use super::*;

    fn picture(at_ms: u64, level: Option<u8>) -> EncodedFrame {
        let mut data = Vec::new();
        if let Some(level) = level {
            data.extend_from_slice(&[0, 0, 1, 0x67, 0x42, 0xc0, level]);
            data.extend_from_slice(&[0, 0, 1, 0x68, 0xce, 0x3c, 0x80]);
        }
        data.extend_from_slice(&[0, 0, 1, 0x65, 0xff]);
        EncodedFrame {
            codec: FrameCodec::H264,
            at: MediaTime::from_millis(at_ms),
            is_key: level.is_some(),
            data: data.into(),
        }
    }

    fn sound(at_ms: u64) -> EncodedFrame {
        let at = MediaTime::from_millis(at_ms);
        EncodedFrame { codec: FrameCodec::Aac, at, is_key: true, data: Bytes::from_static(&[9, 9]) }
    }

    fn mux(frames: impl IntoIterator<Item = EncodedFrame>) -> Vec<(u32, String)> {
        let mut muxer = Muxer::default();
        for frame in frames {
            muxer.handle_frame(frame);
        }
        std::iter::from_fn(|| muxer.poll_message())
            .map(|message| {
                let name = match message.body {
                    Body::Metadata(_) => "metadata".to_owned(),
                    Body::Audio(body) => format!("audio {}", body[1]),
                    Body::Cue(point) => format!("cue {point:?}"),
                    Body::Video(body) if body[1] == 0 => format!("header {}", body[8]),
                    Body::Video(body) => format!("video {}", body[0]),
                };
                (message.timestamp_ms, name)
            })
            .collect()
    }

    #[test]
    fn a_connection_begins_with_headers_at_the_first_keyframe() {
        let sent = mux([
            sound(80),
            picture(90, None),
            picture(100, Some(30)),
            sound(110),
            picture(133, None),
        ]);

        let sent: Vec<_> = sent.iter().map(|(ms, name)| (*ms, name.as_str())).collect();
        assert_eq!(
            sent,
            [(0, "metadata"), (0, "header 30"), (0, "audio 0"), (0, "video 23"), (10, "audio 1")]
        );
    }

    #[test]
    fn changed_parameter_sets_are_sent_before_their_keyframe() {
        let frames = [(100, Some(30)), (133, None), (1_100, Some(30)), (2_100, Some(31))];
        let frames = frames.map(|(at, level)| picture(at, level));
        let sent = mux(frames.into_iter().chain([sound(2_101)]));

        let headers: Vec<_> = sent.iter().filter(|(_, name)| name.starts_with("header")).collect();
        assert_eq!(headers, [&(0, "header 30".to_owned()), &(2_000, "header 31".to_owned())]);
        assert_eq!(sent.last(), Some(&(2_000, "video 23".to_owned())));
    }

    #[test]
    fn a_cue_goes_before_the_picture_that_it_is_about() {
        let mut told = picture(133, None);
        told.data = with_cue(&told.data, r#"{"v":1}"#);
        let sent = mux([picture(100, Some(30)), told, sound(140)]);

        let names: Vec<&str> = sent.iter().map(|(_, name)| &name[..5]).collect();
        assert_eq!(names, ["metad", "heade", "audio", "video", "cue {", "video"]);
        let (at, point) = &sent[4];
        assert_eq!((*at, sent[5].0), (33, 33));
        assert!(point.contains(r#"{\"v\":1}"#) && point.contains("0.033"), "{point}");
    }

    #[test]
    fn the_pause_while_a_mixer_restarts_is_a_pause_in_the_same_timeline() {
        let frames = [(100, Some(30)), (133, None), (1_700, Some(30)), (1_733, None)];
        let frames = frames.map(|(at, level)| picture(at, level));
        let sent = mux(frames.into_iter().chain([sound(1_734)]));

        let sent: Vec<_> = sent.iter().map(|(ms, name)| (*ms, name.as_str())).collect();
        assert_eq!(
            sent[3..],
            [(0, "video 23"), (33, "video 39"), (1_600, "video 23"), (1_633, "video 39")],
            "no second header, no second beginning"
        );
    }
}
