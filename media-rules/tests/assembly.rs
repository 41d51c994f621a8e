//! Goal: pictures of every codec come out of their packets exactly as they went in, or not at all.
//! Method: pictures cut into payloads as the RTP specifications say, in every size, then lost,
//! garbled and cut short at random.

use std::time::Duration;

use bytes::Bytes;
use media_rules::assembly::Assembler;
use media_rules::codec::coded_size;
use media_rules::h264::{AccessUnit, VideoPacket};
use media_rules::{Codec, MediaTime};

const CODECS: [Codec; 3] = [Codec::Vp8, Codec::Vp9, Codec::Av1];

#[test]
fn pictures_come_out_as_they_went_in_whatever_their_packets_size() {
    for codec in CODECS {
        for size in 4..80 {
            let stream = stream(codec, 12, size);
            let pictures = assemble(codec, stream.iter().flat_map(|picture| &picture.packets));

            assert_eq!(pictures.len(), 12, "{codec:?} in packets of {size}");
            for (sent, came) in stream.iter().zip(&pictures) {
                assert_eq!(came.data, sent.data, "{codec:?} in packets of {size}");
                assert_eq!(came.is_key, sent.is_key);
                assert_eq!(came.arrival, sent.packets.last().unwrap().arrival);
            }
            assert!(!pictures[1..].iter().any(|picture| picture.follows_loss));
        }
    }
}

#[test]
fn a_picture_without_a_packet_never_comes_out_and_the_next_says_so() {
    for codec in CODECS {
        let stream = stream(codec, 12, 30);
        for lost in 0..stream[1].packets.len() {
            let mut assembler = Assembler::new(codec);
            let mut pictures = Vec::new();
            for (number, picture) in stream.iter().enumerate() {
                for (at, packet) in picture.packets.iter().enumerate() {
                    if (number, at) == (1, lost) {
                        assembler.handle_gap();
                    } else {
                        assembler.handle_packet(packet);
                    }
                    pictures.extend(std::iter::from_fn(|| assembler.poll_picture()));
                }
            }
            assert!(pictures.iter().all(|came| stream.iter().any(|sent| came.data == sent.data)));
            assert!(!pictures.iter().any(|came| came.data == stream[1].data));
            let next = pictures.iter().find(|came| came.timestamp > stream[1].timestamp()).unwrap();
            assert!(next.follows_loss, "{codec:?} without packet {lost}");
            // Without its last packet the end shows at the next; that one is whole where its
            // packets say that they are its first.
            let whole = pictures.iter().filter(|came| came.timestamp > stream[1].timestamp());
            assert!(whole.count() >= 10 - usize::from(codec == Codec::Av1), "{codec:?}");
            assert!(assembler.poll_broken() > 0);
        }
    }
}

#[test]
fn two_layers_of_a_vp9_picture_are_one() {
    let packet = |payload: &[u8], marker| VideoPacket {
        timestamp: 9,
        marker,
        arrival: MediaTime::default(),
        payload: Bytes::copy_from_slice(payload),
    };
    // Layer 0 of a keyframe with a structure of two pictures, then layer 1 that refers to it.
    let first = [&[0x2e, 0x00, 0x00, 0x08, 0x02, 0x00, 0x14, 0x01][..], b"low"].concat();
    let second = [&[0x6c, 0x03, 0x00][..], b"high"].concat();
    let mut assembler = Assembler::new(Codec::Vp9);
    assembler.handle_packet(&packet(&first, false));
    assembler.handle_packet(&packet(&second, true));

    let picture = assembler.poll_picture().expect("both layers came");
    assert_eq!((&picture.data[..], picture.is_key), (&b"lowhigh"[..], true));
}

#[test]
fn garbage_never_panics_and_takes_no_room() {
    let (mut whole, mut broken) = (0, 0);
    for seed in 0..3_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let codec = CODECS[rng.usize(..3)];
        let mut assembler = Assembler::new(codec);
        for picture in stream(codec, 6, rng.usize(8..60)) {
            for mut packet in picture.packets {
                if rng.u32(..8) == 0 {
                    let mut bytes = packet.payload.to_vec();
                    let at = rng.usize(..bytes.len().min(6));
                    bytes[at] ^= 1 << rng.u32(..8);
                    bytes.truncate(rng.usize(1..=bytes.len()));
                    packet.payload = bytes.into();
                }
                assembler.handle_packet(&packet);
                while let Some(picture) = assembler.poll_picture() {
                    whole += 1;
                    assert!(picture.data.len() < 4_000, "seed {seed}");
                    let _ = coded_size(codec, &picture.data);
                }
            }
        }
        broken += assembler.poll_broken();
    }
    assert!(whole > 5_000 && broken > 500, "{whole} whole, {broken} broken");
}

#[test]
fn an_endless_picture_is_given_up() {
    for codec in CODECS {
        let endless = match codec {
            // One unit that goes on for ever.
            Codec::Av1 => 0xd0,
            Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Opus => 0x00,
        };
        let mut assembler = Assembler::new(codec);
        let first = stream(codec, 1, 1_000).remove(0).packets.remove(0);
        let mut head = first.payload.to_vec();
        if codec == Codec::Av1 {
            head[0] |= 0x40;
        }
        assembler.handle_packet(&VideoPacket { marker: false, payload: head.into(), ..first });
        let mut payload = vec![endless; 60_000];
        payload[0] = endless;
        for _ in 0..80 {
            let payload = Bytes::from(payload.clone());
            let arrival = MediaTime::default();
            assembler.handle_packet(&VideoPacket { timestamp: 0, marker: false, arrival, payload });
        }
        let packet = VideoPacket {
            timestamp: 0,
            marker: true,
            arrival: MediaTime::default(),
            payload: Bytes::from_static(&[0x10, 0x00, 0x00]),
        };
        assembler.handle_packet(&packet);
        assert_eq!(assembler.poll_picture(), None, "{codec:?}");
        assert_eq!(assembler.poll_broken(), 1, "{codec:?}");
    }
}

#[test]
fn the_size_that_a_decoder_is_asked_for_is_read_before_it_is_asked() {
    // VP8: a keyframe, and a frame that depends on it.
    let vp8 = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x41];
    assert_eq!(coded_size(Codec::Vp8, &vp8), Some((640, 360)));
    assert_eq!(coded_size(Codec::Vp8, &[0x11, 0, 0]), Some((0, 0)));
    assert_eq!(coded_size(Codec::Vp8, &vp8[..9]), None);

    // VP9: profile 0, key, shown; sync code, colour space 1, studio range; 1280x720.
    let vp9 =
        bits("10 00 0 0 1 0 010010011000001101000010 001 0 0000010011111111 0000001011001111");
    assert_eq!(coded_size(Codec::Vp9, &vp9), Some((1280, 720)));
    // A dependent frame that names its own size: 65536x65536.
    let huge =
        bits("10 00 0 1 1 0 00 00000000 0000 0000 0000 0 0 0 1111111111111111 1111111111111111");
    assert_eq!(coded_size(Codec::Vp9, &huge), Some((65_536, 65_536)));
    let plain = bits("10 00 0 1 1 0 00 00000000 0000 0000 0000 1");
    assert_eq!(coded_size(Codec::Vp9, &plain), Some((0, 0)));

    // AV1: a sequence header of profile 0 with one operating point, 11 and 10 bits for 1280x720.
    let sequence = bits("000 0 0 0 0 00000 000000000000 01000 0 1010 1001 10011111111 1011001111");
    let unit = [&[0x12, 0x00, 0x0a, sequence.len() as u8][..], &sequence, &[0x32, 0x01, 0x55]];
    assert_eq!(coded_size(Codec::Av1, &unit.concat()), Some((1280, 720)));
    assert_eq!(coded_size(Codec::Av1, &[0x12, 0x00, 0x32, 0x01, 0x55]), Some((0, 0)));
    assert_eq!(coded_size(Codec::Av1, &[0x0a, 0x40, 0x00]), None);
}

/// A picture and how it travels.
struct Sent {
    data: Vec<u8>,
    is_key: bool,
    packets: Vec<VideoPacket>,
}

impl Sent {
    fn timestamp(&self) -> u32 {
        self.packets[0].timestamp
    }
}

/// Returns pictures of which the first and every fourth after it is a keyframe.
fn stream(codec: Codec, count: u32, size: usize) -> Vec<Sent> {
    let picture = |number: u32| {
        let is_key = number.is_multiple_of(4);
        let length = 40 + 37 * (number as usize % 5);
        let body: Vec<u8> = (0..length).map(|at| (at as u32 * 7 + number) as u8 | 1).collect();
        let (data, payloads) = match codec {
            Codec::Vp8 => vp8(body, is_key, size),
            Codec::Vp9 => vp9(body, is_key, size),
            Codec::Av1 => av1(&body, is_key, size),
            Codec::H264 | Codec::Opus => panic!("it has a test of its own"),
        };
        let last = payloads.len() - 1;
        let start = MediaTime::from_millis(u64::from(number) * 33);
        let packet = |(at, payload): (usize, Vec<u8>)| VideoPacket {
            timestamp: number * 3_000,
            marker: at == last,
            arrival: start + Duration::from_micros(at as u64),
            payload: payload.into(),
        };
        Sent { data, is_key, packets: payloads.into_iter().enumerate().map(packet).collect() }
    };
    (0..count).map(picture).collect()
}

fn vp8(mut body: Vec<u8>, is_key: bool, size: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    body[0] = if is_key { 0x10 } else { 0x11 };
    let payload = |(at, piece): (usize, &[u8])| {
        let head: &[u8] =
            if at == 0 { &[0x90, 0x80, 0x81, 0x02] } else { &[0x80, 0x80, 0x81, 0x02] };
        [head, piece].concat()
    };
    let payloads = body.chunks(size).enumerate().map(payload).collect();
    (body, payloads)
}

fn vp9(body: Vec<u8>, is_key: bool, size: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let count = body.len().div_ceil(size);
    let payload = |(at, piece): (usize, &[u8])| {
        let predicted = if is_key { 0 } else { 0x40 };
        let (begins, ends) = (u8::from(at == 0) << 3, u8::from(at + 1 == count) << 2);
        [&[0x80 | predicted | begins | ends, 0x81, 0x02][..], piece].concat()
    };
    let payloads = body.chunks(size).enumerate().map(payload).collect();
    (body, payloads)
}

/// Two units, each in pieces; what a decoder gets has their sizes and a delimiter in front.
fn av1(body: &[u8], is_key: bool, size: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let first = if is_key { vec![0x08, 0x01, 0x02] } else { vec![0x30, 0x07] };
    let second = [&[0x30][..], body].concat();
    let mut data = vec![0x12, 0x00];
    for unit in [&first, &second] {
        data.push(unit[0] | 0x02);
        let mut len = unit.len() - 1;
        while len >= 0x80 {
            data.push(len as u8 & 0x7f | 0x80);
            len >>= 7;
        }
        data.push(len as u8);
        data.extend(&unit[1..]);
    }
    let mut payloads = Vec::new();
    let new = if is_key { 0x08 } else { 0 };
    let pieces: Vec<&[u8]> = second.chunks(size).collect();
    for (at, piece) in pieces.iter().enumerate() {
        let (continues, goes_on) = (u8::from(at > 0) << 7, u8::from(at + 1 < pieces.len()) << 6);
        payloads.push(if at == 0 {
            [&[goes_on | 0x20 | new, first.len() as u8][..], &first, piece].concat()
        } else {
            [&[continues | goes_on | 0x10][..], piece].concat()
        });
    }
    (data, payloads)
}

fn assemble<'a>(codec: Codec, packets: impl Iterator<Item = &'a VideoPacket>) -> Vec<AccessUnit> {
    let mut assembler = Assembler::new(codec);
    let mut pictures = Vec::new();
    for packet in packets {
        assembler.handle_packet(packet);
        pictures.extend(std::iter::from_fn(|| assembler.poll_picture()));
    }
    pictures
}

/// Bits as text, spaces for the reader.
fn bits(text: &str) -> Vec<u8> {
    let mut all: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    all.resize(all.len().div_ceil(8) * 8, '0');
    all.chunks(8)
        .map(|byte| u8::from_str_radix(&byte.iter().collect::<String>(), 2).expect("bits"))
        .collect()
}
