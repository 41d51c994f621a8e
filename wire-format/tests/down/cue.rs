//! What travels in the picture's own stream beside the picture.

use room_rules::CountdownKind;
use serde_json::Value;
use wire_format::{CUE_MAX, Cue, CueBattle, CueCountdown, CueTile, encode_cue};

use crate::at;

#[test]
fn a_cue_is_never_longer_than_its_limit() {
    let mut cue = battle();
    for number in 0..20 {
        let id = format!("a-1-sale{number}-open");
        cue.countdowns.push(CueCountdown { id, open_at: at(0), kind: CountdownKind::Punish });
    }
    let text = encode_cue(&cue, 0);
    assert!(text.len() <= CUE_MAX && text.contains("a-1-sale2-open"), "the first ones stay");
    assert!(text.contains("a-1-pk1"));

    let name = "f".repeat(100);
    cue.tiles = (0..9).map(|_| CueTile(name.clone(), [9_999; 4])).collect();
    let text = encode_cue(&cue, 0);
    assert!(text.len() <= CUE_MAX && text.contains(&name) && !text.contains("a-1-pk1"));
    serde_json::from_str::<Value>(&text).unwrap();

    cue.tiles = vec![CueTile("f".repeat(1_000), [0; 4])];
    assert!(encode_cue(&cue, 0).len() <= CUE_MAX);
}

pub(crate) fn battle() -> Cue {
    let half = |feed: &str, x| CueTile(feed.to_owned(), [x, 1_250, 5_000, 5_000]);
    let kind = CountdownKind::SaleOpen;
    Cue {
        layout: 7,
        tiles: vec![half("a/alice", 0), half("b/ben", 5_000)],
        countdowns: vec![CueCountdown { id: "a-1-sale2-open".into(), open_at: at(3_000), kind }],
        battle: Some(CueBattle { pk: "a-1-pk1".into(), end_at: at(63_000), scores: vec![10, 0] }),
        pinned: Some("a-1-product1".into()),
    }
}

pub(crate) fn solo() -> Cue {
    let tiles = vec![CueTile("a/alice".to_owned(), [0, 0, 10_000, 10_000])];
    Cue { layout: 8, tiles, ..Cue::default() }
}
