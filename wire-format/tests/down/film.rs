//! Films that are shown between or instead of hosts.

use wire_format::{
    FilmState, InsertEnd, InsertList, InsertView, StandInView, decode_insert, decode_stand_in,
};

pub(crate) fn insert() -> InsertView {
    let order = decode_insert(br#"{"src":"ad.mp4","mode":"pip","volume":80}"#).unwrap();
    let rect = order.insert.place.rect((720, 1280));
    let (state, length_ms) = (FilmState::Playing, Some(15_000));
    InsertView { id: "i1".into(), order, rect, state, length_ms }
}

pub(crate) fn broken() -> InsertEnd {
    InsertEnd::Failed("it has no picture".into())
}

pub(crate) fn inserts() -> InsertList {
    let (films, images) = (vec!["ad.mp4".into()], vec!["soon.png".into()]);
    InsertList { inserts: vec![insert()], films, images }
}

pub(crate) fn stand_in() -> StandInView {
    let order = decode_stand_in(br#"{"src":"soon.mp4"}"#).unwrap();
    StandInView { order, state: Some(FilmState::Ready), error: None }
}
