//! What holds for every recording of a program.

use media_rules::{EncodedFrame, FrameCodec, MediaTime, Rect};

use crate::viewer::{Picture, Recorded, frames};

pub(crate) fn assert_colour(picture: &Picture, tile: Rect, wanted: [u8; 3]) {
    let (x, y) = (tile.x + tile.width / 2, tile.y + tile.height * 2 / 5);
    let seen = picture.colour(x as usize, y as usize);
    let is_near = seen.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) < 16);
    assert!(is_near, "{seen:?} where {wanted:?} should be");
}

/// A late picture leaves a hole in presentation times, so arrival times, which on a busy machine
/// tell more of the test than of the mixer, are only printed.
pub(crate) fn assert_no_gap(recorded: &[Recorded]) {
    for codec in [FrameCodec::H264, FrameCodec::Opus, FrameCodec::Aac] {
        let frames = frames(recorded, codec);
        let longest = |moment: fn(&(MediaTime, EncodedFrame)) -> MediaTime| {
            let gaps = frames.windows(2).map(|pair| moment(&pair[1]).since(moment(&pair[0])));
            gaps.max().expect("there are frames").as_millis()
        };
        let (came, at) = (longest(|(came, _)| *came), longest(|(_, frame)| frame.at));
        println!("{codec:?}: longest gap {at} ms by presentation, {came} ms by arrival");
        assert!(at <= 100, "{codec:?}: a gap of {at} ms");
    }
}
