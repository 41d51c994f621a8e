use media_rules::layout::{Insert, InsertPlace};
use media_rules::{ClipName, Fit};
use wire_format::FilmSource;

use super::*;

const CANVAS: (u32, u32) = (720, 1280);
const LONGEST: Duration = Duration::from_secs(60);

fn at(seconds: u64) -> ServerTime {
    ServerTime::from_unix_millis(seconds * 1_000)
}

fn order(is_loop: bool) -> InsertOrder {
    InsertOrder {
        source: FilmSource::File(ClipName::parse("ad.mp4").unwrap()),
        insert: Insert {
            place: InsertPlace::Fullscreen,
            z: 99,
            fit: Fit::Contain,
            volume_percent: 100,
            duck_db: 12,
        },
        is_loop,
        transition: Some(Transition::Fade(Duration::from_millis(200))),
    }
}

fn film() -> LocalFilm {
    LocalFilm::for_tests("/films/ad.mp4")
}

fn url() -> Url {
    "https://cdn.example/ad.mp4".parse().unwrap()
}

fn ready(seconds: u64) -> ClipNews {
    ClipNews::Ready { length: Some(Duration::from_secs(seconds)) }
}

fn told(played_in: &mut PlayedIn) -> Vec<String> {
    std::iter::from_fn(|| played_in.poll_news())
        .map(|news| match news {
            PlayNews::Fetch(number, ..) => format!("fetch {number}"),
            PlayNews::Started(view, at) => format!("{} since {}", view.id, at.unix_millis()),
            PlayNews::Ended(id, end) => format!("{id} {end:?}"),
        })
        .collect()
}

#[test]
fn a_film_is_loaded_first_seen_then_and_told_with_its_first_picture() {
    let mut played_in = PlayedIn::new("a", CANVAS, LONGEST);
    let view = played_in.insert(order(false), Film::Here(film()), at(0)).unwrap();
    assert_eq!((view.id.as_str(), view.state), ("i1", FilmState::Loading));
    assert_eq!(played_in.clips().len(), 1);
    assert!(played_in.tiles().is_empty(), "nothing can be seen of it yet");

    let feed = FeedId::clip("a", 1);
    played_in.handle_clip(&feed, ready(5), at(1));
    assert_eq!(played_in.tiles()[0].feed, feed);
    assert!(played_in.take_transition().is_some() && played_in.take_transition().is_none());
    played_in.handle_drawn(7);
    played_in.handle_applied(6, at(1));
    assert!(told(&mut played_in).is_empty(), "an older layout says nothing of it");
    played_in.handle_applied(8, at(2));
    played_in.handle_applied(9, at(3));
    assert_eq!(told(&mut played_in), ["i1 since 2000"]);

    played_in.handle_clip(&feed, ClipNews::Ended, at(6));
    assert_eq!(told(&mut played_in), ["i1 End"]);
    assert!(played_in.tiles().is_empty() && played_in.clips().is_empty());
    assert!(played_in.take_transition().is_some(), "it goes as it came");
}

#[test]
fn a_film_from_elsewhere_is_fetched_before_the_mixer_hears_of_it() {
    let mut played_in = PlayedIn::new("a", CANVAS, LONGEST);
    played_in.insert(order(false), Film::There(url()), at(0)).unwrap();
    assert_eq!(told(&mut played_in), ["fetch 1"]);
    assert!(played_in.clips().is_empty());
    assert_eq!(played_in.poll_timeout(), Some(at(75)));
    played_in.handle_fetched(1, Ok(film()), at(5));
    assert_eq!(played_in.clips()[0].file, std::path::Path::new("/films/ad.mp4"));
    assert_eq!(played_in.poll_timeout(), Some(at(20)));

    played_in.insert(order(false), Film::There(url()), at(5)).unwrap();
    played_in.handle_fetched(2, Err("it is too large".into()), at(6));
    assert_eq!(told(&mut played_in)[1..], ["i2 Failed(\"it is too large\")"]);
    played_in.handle_fetched(2, Ok(film()), at(7));
    assert_eq!(played_in.clips().len(), 1, "what nobody waits for is let go");
}

#[test]
fn what_does_not_load_or_whose_end_is_not_heard_of_is_over_in_time() {
    let mut played_in = PlayedIn::new("a", CANVAS, LONGEST);
    played_in.insert(order(false), Film::Here(film()), at(0)).unwrap();
    played_in.insert(order(false), Film::Here(film()), at(0)).unwrap();
    played_in.insert(order(true), Film::Here(film()), at(0)).unwrap();
    played_in.handle_clip(&FeedId::clip("a", 2), ready(30), at(1));
    played_in.handle_clip(&FeedId::clip("a", 3), ready(3), at(1));
    played_in.handle_timeout(at(14));
    assert!(told(&mut played_in).is_empty());
    played_in.handle_timeout(at(15));
    assert_eq!(told(&mut played_in), ["i1 Failed(\"it did not load in time\")"]);
    assert_eq!(played_in.poll_timeout(), Some(at(34)));
    played_in.handle_timeout(at(34));
    assert_eq!(told(&mut played_in), ["i2 End"]);
    played_in.handle_timeout(at(10_000));
    assert!(played_in.is_playing(), "a loop has no end");
    played_in.remove("i3").unwrap();
    assert_eq!(told(&mut played_in), ["i3 Stopped"]);
    assert_eq!(played_in.remove("i3").unwrap_err().code, Code::NotFound);
}

#[test]
fn there_are_four_at_most_and_those_of_a_dead_mixer_are_over() {
    let mut played_in = PlayedIn::new("a", CANVAS, LONGEST);
    for _ in 0..MAX_INSERTS {
        played_in.insert(order(true), Film::Here(film()), at(0)).unwrap();
    }
    let refused = played_in.insert(order(true), Film::Here(film()), at(0)).unwrap_err();
    assert_eq!(refused.code, Code::Conflict);
    played_in.handle_mixer_ended(true);
    assert_eq!(told(&mut played_in).len(), MAX_INSERTS);
    assert!(!played_in.is_playing());
}

#[test]
fn a_film_that_nobody_wants_any_more_is_not_fetched_on() {
    let mut played_in = PlayedIn::new("a", CANVAS, LONGEST);
    let fetch = |played_in: &mut PlayedIn| match played_in.poll_news() {
        Some(PlayNews::Fetch(_, _, cancelled)) => cancelled,
        other => panic!("a film must be fetched, not {other:?}"),
    };
    played_in.insert(order(false), Film::There(url()), at(0)).unwrap();
    let stopped = fetch(&mut played_in);
    played_in.insert(order(false), Film::There(url()), at(1)).unwrap();
    let slow = fetch(&mut played_in);
    played_in.set_stand_in(Occasion::Away, film_order(), Some(Film::There(url())));
    let stand_in = fetch(&mut played_in);
    played_in.set_stand_in(Occasion::WarmUp, film_order(), Some(Film::There(url())));
    let kept = fetch(&mut played_in);

    assert!(!stopped.is_cancelled() && !slow.is_cancelled() && !stand_in.is_cancelled());
    played_in.remove("i1").unwrap();
    assert!(stopped.is_cancelled() && !slow.is_cancelled());
    played_in.handle_timeout(at(76));
    assert!(slow.is_cancelled());
    played_in.set_stand_in(Occasion::Away, StandInOrder::Nothing, None);
    assert!(stand_in.is_cancelled() && !kept.is_cancelled());
    drop(played_in);
    assert!(kept.is_cancelled(), "the room is over");
}

fn film_order() -> StandInOrder {
    let source = FilmSource::File(ClipName::parse("soon.mp4").unwrap());
    StandInOrder::Film(source, Fit::Cover, 50)
}

#[test]
fn a_warm_up_is_loaded_while_it_is_needed_and_has_a_new_name_each_time() {
    let mut played_in = PlayedIn::new("a", CANVAS, LONGEST);
    played_in.set_stand_in(Occasion::WarmUp, film_order(), Some(Film::Here(film())));
    assert!(played_in.has_stand_in(Occasion::WarmUp) && !played_in.has_stand_in(Occasion::Away));
    assert!(played_in.clips().is_empty(), "nobody needs it");

    played_in.set_needed(Some(Occasion::WarmUp));
    let first = played_in.clips()[0].feed.clone();
    assert_eq!(played_in.stand_in(Occasion::WarmUp), StandIn::Slate);
    played_in.handle_clip(&first, ready(3), at(1));
    let StandIn::Film(tile) = played_in.stand_in(Occasion::WarmUp) else { panic!("the film") };
    assert_eq!((tile.feed, tile.gain_percent), (first.clone(), 50));

    played_in.set_needed(None);
    assert!(played_in.clips().is_empty());
    played_in.set_needed(Some(Occasion::WarmUp));
    assert_ne!(played_in.clips()[0].feed, first, "an old one may still be on its way out");
}

#[test]
fn a_film_that_kills_the_mixer_twice_gives_way_to_the_slate() {
    let mut played_in = PlayedIn::new("a", CANVAS, LONGEST);
    played_in.set_needed(Some(Occasion::Away));
    played_in.set_stand_in(Occasion::Away, film_order(), Some(Film::Here(film())));
    assert_eq!(played_in.clips().len(), 1);
    played_in.handle_mixer_ended(false);
    played_in.handle_mixer_ended(true);
    assert_eq!(played_in.clips().len(), 1, "once may be chance");
    played_in.handle_mixer_ended(true);
    assert!(played_in.clips().is_empty());
    assert_eq!(played_in.stand_in_view(Occasion::Away).state, Some(FilmState::Failed));
    assert_eq!(played_in.stand_in(Occasion::Away), StandIn::Slate);
}
