//! Cuts pictures into RTP payloads as browsers do, as far as a mixer can tell.

use bytes::Bytes;
use media_rules::Codec;
use media_rules::h264::Packetizer;

const MOST: usize = 1_100;

/// Returns the payloads of one picture; the last of them takes the marker.
pub(crate) fn payloads(codec: Codec, picture: &Bytes, is_key: bool) -> Vec<Bytes> {
    match codec {
        Codec::H264 => {
            let mut payloads = Vec::new();
            Packetizer::default().packetize(picture, &mut payloads);
            payloads
        }
        Codec::Vp8 => chunks(picture, |at, _| vec![if at == 0 { 0x10 } else { 0 }]),
        Codec::Vp9 => chunks(picture, |at, count| {
            let predicted = if is_key { 0 } else { 0x40 };
            vec![predicted | u8::from(at == 0) << 3 | u8::from(at + 1 == count) << 2]
        }),
        Codec::Av1 => av1(picture, is_key),
        Codec::Opus => vec![picture.clone()],
    }
}

fn chunks(bytes: &[u8], head: impl Fn(usize, usize) -> Vec<u8>) -> Vec<Bytes> {
    let count = bytes.len().div_ceil(MOST);
    let payload = |(at, piece): (usize, &[u8])| [&head(at, count), piece].concat().into();
    bytes.chunks(MOST).enumerate().map(payload).collect()
}

/// One unit after the other, without delimiters and sizes.
fn av1(mut unit: &[u8], is_key: bool) -> Vec<Bytes> {
    let mut payloads: Vec<Bytes> = Vec::new();
    while let Some(&header) = unit.first() {
        assert!(header & 6 == 2, "a unit with its size and no extension");
        let (mut size, mut at) = (0, 1);
        loop {
            size |= usize::from(unit[at] & 0x7f) << (7 * (at - 1));
            at += 1;
            if unit[at - 1] & 0x80 == 0 {
                break;
            }
        }
        let (whole, after) = unit.split_at(at + size);
        if header >> 3 != 2 {
            let bare = [&[header & !2], &whole[at..]].concat();
            let is_first = payloads.is_empty();
            payloads.extend(chunks(&bare, |at, count| {
                let begins = u8::from(is_key && is_first && at == 0) << 3;
                vec![u8::from(at > 0) << 7 | u8::from(at + 1 < count) << 6 | 0x10 | begins]
            }));
        }
        unit = after;
    }
    payloads
}
