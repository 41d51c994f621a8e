use std::time::Duration;

use bytes::{Buf, Bytes};
use media_rules::{EncodedFrame, FrameCodec, MediaTime};

use super::film::Film;

const PICTURE: u32 = 1;
const SOUND: u32 = 2;

fn picture(at_ms: u64, is_key: bool) -> EncodedFrame {
    let mut data = vec![0, 0, 0, 1, 0x09, 0xf0];
    if is_key {
        data.extend_from_slice(&[0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80]);
    }
    data.extend_from_slice(&[0, 0, 1, if is_key { 0x65 } else { 0x41 }, 0xff]);
    let at = MediaTime::from_millis(at_ms);
    EncodedFrame { codec: FrameCodec::H264, at, is_key, data: data.into() }
}

fn sound(at_ns: u64) -> EncodedFrame {
    let at = MediaTime::from_nanos(at_ns);
    EncodedFrame { codec: FrameCodec::Aac, at, is_key: true, data: Bytes::from_static(&[7, 7, 7]) }
}

/// What a fragment says of one track: its id, when it starts, and the ticks and bytes of its samples.
#[derive(Debug, PartialEq)]
struct Part {
    track: u32,
    start: u64,
    samples: Vec<(u32, u32)>,
}

/// Returns the boxes in `bytes`; panics unless they fill it.
fn boxes(mut bytes: &[u8]) -> Vec<(String, &[u8])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let size = (&bytes[..4]).get_u32() as usize;
        let kind = String::from_utf8(bytes[4..8].to_vec()).unwrap();
        found.push((kind, &bytes[8..size]));
        bytes = &bytes[size..];
    }
    found
}

fn within<'a>(bytes: &'a [u8], path: &[&str]) -> &'a [u8] {
    path.iter().fold(bytes, |bytes, kind| {
        boxes(bytes).into_iter().find(|(found, _)| found == kind).expect(kind).1
    })
}

/// Reads a fragment; panics unless its data is where it says.
fn parts(fragment: &[u8]) -> Vec<Part> {
    let moof = within(fragment, &["moof"]);
    let mut offset = moof.len() + 16;
    let mut parts = Vec::new();
    for (_, track) in boxes(moof).into_iter().filter(|(kind, _)| kind == "traf") {
        let mut run = &within(track, &["trun"])[4..];
        let count = run.get_u32();
        assert_eq!(run.get_u32() as usize, offset);
        let samples: Vec<_> = (0..count)
            .map(|_| {
                let sample = (run.get_u32(), run.get_u32());
                run.advance(4);
                sample
            })
            .collect();
        offset += samples.iter().map(|(_, bytes)| *bytes as usize).sum::<usize>();
        let track_id = (&within(track, &["tfhd"])[4..]).get_u32();
        let start = (&within(track, &["tfdt"])[4..]).get_u64();
        parts.push(Part { track: track_id, start, samples });
    }
    assert_eq!(offset, fragment.len(), "the data of all samples and nothing else");
    parts
}

#[test]
fn a_fragment_ends_before_a_keyframe_and_keeps_the_times_of_its_frames() {
    let (mut film, head) = Film::begin(&picture(1_000, true)).unwrap();
    assert_eq!(boxes(&head).len(), 2);
    assert_eq!(within(&head, &["moov", "mvex", "free"]).len(), 12);

    // A packet every 1024 samples, as nanoseconds say it.
    let packet = |index: u64| sound(1_000_000_000 + index * 1_024_000_000_000 / 48_000);
    assert_eq!(film.handle_frame(&sound(990_000_000)), None, "nothing is heard before the picture");
    for frame in [packet(0), picture(1_033, false), packet(1), picture(1_300, false), packet(2)] {
        assert_eq!(film.handle_frame(&frame), None);
    }
    let fragment = film.handle_frame(&picture(1_500, true)).unwrap();

    // Sizes: lengths in place of start codes, no delimiter; the sets stay in front of the keyframe.
    let shown =
        Part { track: PICTURE, start: 0, samples: vec![(2_970, 22), (24_030, 6), (18_000, 6)] };
    let heard = Part { track: SOUND, start: 0, samples: vec![(1_024, 3), (1_024, 3)] };
    assert_eq!(parts(&fragment), [shown, heard]);
    assert_eq!(film.duration(), Duration::from_millis(500));
}

#[test]
fn a_fragment_lasts_a_second_even_if_no_keyframe_comes() {
    let (mut film, _) = Film::begin(&picture(0, true)).unwrap();
    let ends: Vec<u64> = (1..100)
        .map(|index| index * 40)
        .filter(|at| film.handle_frame(&picture(*at, false)).is_some())
        .collect();
    assert_eq!(ends, [1_000, 2_000, 3_000]);
}

#[test]
fn a_hole_in_the_sound_stays_a_hole_and_a_picture_stands() {
    let (mut film, _) = Film::begin(&picture(0, true)).unwrap();
    film.handle_frame(&sound(0));
    // Three seconds in which nothing came, as while a mixer starts anew.
    let before = film.handle_frame(&sound(3_000_000_000)).unwrap();
    assert_eq!(parts(&before), [Part { track: SOUND, start: 0, samples: vec![(1_024, 3)] }]);
    let after = film.handle_frame(&picture(3_000, true)).unwrap();
    assert_eq!(parts(&after), [Part { track: PICTURE, start: 0, samples: vec![(270_000, 22)] }]);

    let ending = film.finish();
    let end = ending.tail.len() - within(&ending.tail, &["mfra"]).len() - 8;
    let shown = Part { track: PICTURE, start: 270_000, samples: vec![(3_000, 22)] };
    let heard = Part { track: SOUND, start: 144_000, samples: vec![(1_024, 3)] };
    assert_eq!(parts(&ending.tail[..end]), [shown, heard]);
}

#[test]
fn the_end_says_how_long_the_film_is_and_where_its_keyframes_are() {
    let (mut film, head) = Film::begin(&picture(0, true)).unwrap();
    let mut file = head;
    for index in 1..=50 {
        file.extend(film.handle_frame(&picture(index * 40, index % 25 == 0)).unwrap_or_default());
    }
    let ending = film.finish();
    file.extend(&ending.tail);
    let (place, patch) = ending.patch;
    file[place as usize..][..patch.len()].copy_from_slice(&patch);

    assert_eq!(ending.duration, Duration::from_nanos(2_033_333_333));
    assert_eq!((&within(&file, &["moov", "mvex", "mehd"])[4..]).get_u64(), 2_033);
    let index = within(&file, &["mfra"]);
    assert_eq!((&file[file.len() - 4..]).get_u32() as usize, index.len() + 8);
    let mut entries = &within(index, &["tfra"])[12..];
    assert_eq!(entries.get_u32(), 3);
    for second in 0..3 {
        assert_eq!(entries.get_u64(), second * 90_000);
        let offset = entries.get_u64() as usize;
        assert_eq!(file[offset + 4..offset + 8], *b"moof");
        entries.advance(3);
    }
}

#[test]
fn what_steps_back_is_left_out() {
    let (mut film, _) = Film::begin(&picture(5_000, true)).unwrap();
    film.handle_frame(&picture(5_040, false));
    for late in [picture(5_040, true), picture(5_010, false), picture(4_000, true)] {
        assert_eq!(film.handle_frame(&late), None);
    }
    let fragment = film.handle_frame(&picture(5_080, true)).unwrap();
    let samples = vec![(3_600, 22), (3_600, 6)];
    assert_eq!(parts(&fragment), [Part { track: PICTURE, start: 0, samples }]);
    assert!(Film::begin(&picture(0, false)).is_none());
    assert!(Film::begin(&sound(0)).is_none());
}
