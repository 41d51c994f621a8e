//! Goal: what a forwarder reads off each codec's packets is what their specifications say.
//! Method: descriptors written out bit by bit, and every one of them cut short and flipped at random.

use media_rules::codec::{FrameReader, Opening, picture_size, vp8};
use media_rules::{Codec, FrameInfo, Layers};

fn read(codec: Codec, payload: &[u8]) -> FrameInfo {
    FrameReader::new(codec).read(payload, false, None)
}

/// Bits as text, spaces for the reader.
fn bits(text: &str) -> Vec<u8> {
    let mut all: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    all.resize(all.len().div_ceil(8) * 8, '0');
    all.chunks(8)
        .map(|byte| u8::from_str_radix(&byte.iter().collect::<String>(), 2).expect("bits"))
        .collect()
}

#[test]
fn a_vp8_keyframe_is_an_entry_and_tells_its_size() {
    // Extended, starts a partition; long picture number, base layer index, layer 0.
    let mut keyframe = vec![0x90, 0xe0, 0x81, 0x02, 0x07, 0x00];
    keyframe.extend([0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x41]);
    let info = read(Codec::Vp8, &keyframe);
    assert!(info.is_entry);
    assert_eq!(info.opening, Opening::ALL);
    assert_eq!(picture_size(Codec::Vp8, &keyframe), Some((640, 360)));
    // A later packet of the same frame.
    keyframe[0] = 0x80;
    assert!(!read(Codec::Vp8, &keyframe).is_entry);
    assert_eq!(picture_size(Codec::Vp8, &keyframe), None);
}

#[test]
fn a_vp8_frame_tells_its_layer_and_where_one_may_step_up() {
    // Not a reference; number of 7 bits; layer 2 that refers to the base layer.
    let frame = [0xb0, 0xe0, 0x05, 0x07, 0xa0, 0x11];
    let info = read(Codec::Vp8, &frame);
    assert!(!info.is_entry && info.is_discardable);
    assert_eq!((info.temporal, info.opening), (2, Opening { from: 1, to: 2 }));
    let plain = [0x90, 0xe0, 0x05, 0x07, 0x40, 0x11];
    let info = read(Codec::Vp8, &plain);
    assert_eq!((info.temporal, info.opening), (1, Opening::default()));
}

#[test]
fn vp8_numbers_are_shifted_in_place_at_either_width() {
    let shift = vp8::PictureNumbers { picture: 3, base_layer: 0xff };
    for (payload, expected) in [
        (&[0x90, 0xe0, 0x81, 0x02, 0x07, 0x00, 1][..], &[0x90, 0xe0, 0x81, 0x05, 0x06, 0x00][..]),
        // The long number wraps at 15 bits, the short one at 7.
        (&[0x90, 0xe0, 0xff, 0xfe, 0x07, 0x00], &[0x90, 0xe0, 0x80, 0x01, 0x06, 0x00]),
        (&[0x90, 0xe0, 0x7e, 0x07, 0x00], &[0x90, 0xe0, 0x01, 0x06, 0x00]),
        (&[0x90, 0x40, 0x00], &[0x90, 0x40, 0xff]),
        (&[0x10, 0x11], &[0x10]),
    ] {
        let descriptor = vp8::Descriptor::parse(payload).expect("a descriptor");
        let shifted = descriptor.shifted(payload, shift);
        assert_eq!(&shifted[..descriptor.len], expected);
    }
}

#[test]
fn a_vp8_picture_is_numbered_also_where_there_are_no_layers_to_count() {
    let numbers = |payload: &[u8]| vp8::Descriptor::parse(payload).expect("a descriptor").numbers();
    let picture = |picture, base_layer| Some(vp8::PictureNumbers { picture, base_layer });
    assert_eq!(numbers(&[0x90, 0xe0, 0x81, 0x02, 0x07, 0x00, 1]), picture(0x102, 7));
    // What browsers send without temporal layers.
    assert_eq!(numbers(&[0x90, 0x80, 0x81, 0x02, 1]), picture(0x102, 0));
    assert_eq!(numbers(&[0x10, 1]), None);
}

#[test]
fn vp9_tells_layers_frame_ends_and_what_higher_layers_refer_to() {
    // I, not P, L, not F, B, not E, V, not Z; number; T0 U S0 not D; index; structure: two layers
    // with sizes.
    let keyframe = bits(
        "1010 1010  1000 0000 0000 0001  000 1 000 0  00000111
         001 1 0000  0000000101000000 0000000010110100  0000001010000000 0000000101101000",
    );
    let info = read(Codec::Vp9, &keyframe);
    assert!(info.is_entry && info.serves_higher_layers && !info.ends_frame);
    assert_eq!((info.spatial, info.temporal), (0, 0));
    assert_eq!(picture_size(Codec::Vp9, &keyframe), Some((640, 360)));
    // The upper layer of the same picture: an end, and nobody's reference.
    let upper = read(Codec::Vp9, &bits("1010 1101  00000001  000 1 001 1  00000111"));
    assert!(!upper.is_entry && upper.ends_frame && !upper.serves_higher_layers);
    assert_eq!(upper.spatial, 1);
    // A later frame in flexible mode: two references, temporal layer 2 that one may step up at.
    let later = read(Codec::Vp9, &bits("1111 1100  00000010  010 1 001 0  0000001 1 0000011 0"));
    assert_eq!((later.temporal, later.spatial), (2, 1));
    assert_eq!(later.opening, Opening { from: 2, to: u8::MAX });
    assert!(!later.is_entry);
}

#[test]
fn av1_begins_with_a_new_sequence_and_names_its_layers() {
    // One unit of a counted one: a sequence header with an extension, layers T1 S2.
    let start = bits("0 0 01 1 000  0 0001 1 0 0  001 10 000");
    let info = read(Codec::Av1, &start);
    assert!(info.is_entry);
    assert_eq!((info.temporal, info.spatial), (1, 2));
    // A temporal delimiter with its length in front, then a frame with an extension.
    let frame = bits("0 0 00 0 000  00000001 0 0010 0 0 0  00000010 0 0110 1 0 0  010 00 000");
    assert_eq!((read(Codec::Av1, &frame).temporal, read(Codec::Av1, &frame).is_entry), (2, false));
    // A fragment goes on: nothing can be told.
    assert_eq!(read(Codec::Av1, &bits("1 0 01 0 000 0 0110 1 0 0 010 00 000")).temporal, 0);
}

/// `L1T3` as Chromium writes it: templates T0 keyframe, T0, T1, T2 (twice).
fn l1t3(template: &str, structure: bool, number: &str) -> Vec<u8> {
    let structure = if structure {
        "1 0 0 0 0   000000 00010   00 01 01 00 11
         10 10 10  10 10 10  00 01 10  00 00 01  00 00 01
         0   1 0011 0   1 0001 0   1 0000 0   1 0000 0
         01 0 0 0   0000 0100 0010 0001 0011   0"
    } else {
        ""
    };
    bits(&format!("1 1 {template} {number} {structure}"))
}

#[test]
fn a_dependency_descriptor_tells_layers_by_template() {
    let mut reader = FrameReader::new(Codec::Av1);
    let mut read = |descriptor: &[u8]| reader.read(&[0x10, 0x30], true, Some(descriptor));
    let number = "0000000000000001";
    // Without the structure, the payload has to do.
    assert_eq!(read(&l1t3("000011", false, number)).temporal, 0);
    let keyframe = read(&l1t3("000000", true, number));
    assert_eq!((keyframe.temporal, keyframe.ends_frame), (0, true));
    assert_eq!(keyframe.opening, Opening { from: 0, to: 2 });
    assert!(!keyframe.is_discardable);
    let highest = read(&l1t3("000011", false, number));
    assert_eq!((highest.temporal, highest.is_discardable), (2, true));
    assert_eq!(highest.opening, Opening::default());
    let middle = read(&l1t3("000010", false, number));
    assert_eq!((middle.temporal, middle.opening), (1, Opening { from: 1, to: 2 }));
    assert!(!middle.is_discardable);
    // A template that does not exist.
    assert_eq!(read(&l1t3("000111", false, number)).temporal, 0);
}

#[test]
fn a_dependency_descriptor_tells_that_only_keyframes_serve_higher_layers() {
    // Two spatial layers, two targets; key pictures S0, S1, then S0, S1 of their own.
    let structure = "1 0 0 0 0  000000 00001   00 10 00 11
        11 11   01 00   00 11   00 10
        0  0  1 0000 0  1 0001 0
        00   0";
    let of = |template: &str, structure: &str| {
        bits(&format!("1 1 {template} 0000000000000001 {structure}"))
    };
    let mut reader = FrameReader::new(Codec::Vp9);
    let base = reader.read(&[0x08], false, Some(&of("000000", structure)));
    assert!(base.serves_higher_layers && base.is_entry);
    let alone = reader.read(&[0x48], false, Some(&of("000001", "")));
    assert!(!alone.serves_higher_layers && alone.spatial == 0);
    let upper = Layers { spatial: 1, temporal: 0 };
    assert!(base.is_needed_for(upper) && !alone.is_needed_for(upper));
    assert!(alone.is_needed_for(Layers { spatial: 0, temporal: 0 }));
    assert!(reader.read(&[0x48], false, Some(&of("000011", ""))).is_needed_for(upper));
}

#[test]
fn h264_pictures_that_nobody_refers_to_can_be_left_out() {
    for (payload, is_discardable) in [
        (&[0x01, 0x9a][..], true),
        (&[0x41, 0x9a], false),
        // Fragments of a slice, of a supplement.
        (&[0x1c, 0x81, 0x9a], true),
        (&[0x1c, 0x86, 0x9a], false),
        (&[0x5c, 0x81, 0x9a], false),
        // A delimiter alone belongs to no picture in particular.
        (&[0x09, 0xf0], false),
        (&[0x18, 0, 2, 0x09, 0xf0, 0, 2, 0x01, 0x9a], true),
        (&[0x18, 0, 2, 0x09, 0xf0, 0, 2, 0x41, 0x9a], false),
        (&[0x18, 0, 2, 0x09, 0xf0], false),
        (&[], false),
    ] {
        let info = read(Codec::H264, payload);
        assert_eq!(info.is_discardable, is_discardable, "{payload:x?}");
        assert_eq!(info.is_needed_for(Layers { spatial: 0, temporal: 0 }), !is_discardable);
        assert!(info.is_needed_for(Layers::ALL));
    }
}

#[test]
fn less_is_taken_at_once_and_more_where_the_codec_allows_it() {
    let layers = |spatial, temporal| Layers { spatial, temporal };
    let plain = FrameInfo::default();
    let opens = |from, to| FrameInfo { opening: Opening { from, to }, ..plain };
    assert_eq!(layers(0, 2).toward(layers(0, 0), &plain, true), layers(0, 0));
    assert_eq!(layers(0, 0).toward(layers(0, 2), &plain, true), layers(0, 0));
    // One layer at a time where a frame opens no more, and not past the one that is taken.
    assert_eq!(layers(0, 0).toward(layers(0, 2), &opens(0, 1), true), layers(0, 1));
    assert_eq!(layers(0, 0).toward(layers(0, 2), &opens(1, 2), true), layers(0, 0));
    assert_eq!(layers(0, 0).toward(layers(0, 2), &opens(0, u8::MAX), true), layers(0, 2));
    // A smaller picture at once only if its frames were there all along, a larger one never.
    assert_eq!(layers(1, 0).toward(layers(0, 0), &plain, true), layers(0, 0));
    assert_eq!(layers(1, 0).toward(layers(0, 0), &plain, false), layers(1, 0));
    assert_eq!(layers(0, 0).toward(layers(1, 0), &opens(0, u8::MAX), true), layers(0, 0));
    let entry = FrameInfo { is_entry: true, ..plain };
    assert_eq!(layers(1, 0).toward(layers(0, 2), &entry, false), layers(0, 2));
}

#[test]
fn no_bytes_whatever_make_a_reader_panic() {
    let seeds = [
        l1t3("000000", true, "0000000000000001"),
        bits("1010 1010  1000 0000 0000 0001  000 1 000 0  00000111 001 1 0000 00000001"),
        vec![0x90, 0xe0, 0x81, 0x02, 0x07, 0x00, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 2, 9, 9],
        bits("0 0 00 0 000  00000001 0 0010 0 0 0  00000010 0 0110 1 0 0  010 00 000"),
        vec![0x18, 0, 2, 0x67, 0xf0, 0, 9, 0x01, 0x9a],
    ];
    let mut random = Random(7);
    let mut entries = 0;
    for _ in 0..20_000 {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        bytes.truncate(random.below(bytes.len() + 1));
        for _ in 0..random.below(4) {
            if !bytes.is_empty() {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
        for codec in [Codec::Opus, Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1] {
            let mut reader = FrameReader::new(codec);
            entries += usize::from(reader.read(&bytes, false, Some(&bytes)).is_entry);
            let _ = picture_size(codec, &bytes);
        }
        if let Some(descriptor) = vp8::Descriptor::parse(&bytes) {
            let _ = descriptor.shifted(&bytes, vp8::PictureNumbers::default());
        }
    }
    assert!(entries > 20_000, "some of it was read: {entries}");
}

/// A small generator, so that the test needs no other crate and always does the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}
