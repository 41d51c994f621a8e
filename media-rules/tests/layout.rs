//! Goal: everybody is seen where the choice says, nobody covers anybody who is not meant to be
//! covered, and every number suits 4:2:0 pictures.
//! Method: the exact places of the usual canvases, then every arrangement with every number of
//! performers on many canvases.

use media_rules::layout::{
    Arrangement, Choice, Figures, INSERT_Z, Insert, InsertPlace, MAX_PARTS, MAX_TILES, Misfit,
    Motif, OVERLAY_Z, Ornament, Performer, Preset, Spot, StandIn,
};
use media_rules::{
    Align, Colour, Content, FeedId, Fill, Fit, ImageName, MediaTime, Rect, Scene, TextStyle, Tile,
    Transition,
};

const PORTRAIT: (u32, u32) = (720, 1280);
const LANDSCAPE: (u32, u32) = (1280, 720);

/// Places as x, y, width, height.
type Places = &'static [[u32; 4]];

fn performers(count: usize) -> Vec<Performer> {
    let performer = |index: usize| Performer {
        feed: FeedId::new("room", &format!("host-{index}")),
        name: format!("Host {index}"),
        is_muted: false,
    };
    (0..count).map(performer).collect()
}

fn draw(choice: &Choice, count: usize, is_battle: bool, canvas: (u32, u32)) -> Scene {
    choice.scene(7, &performers(count), is_battle, canvas, Figures::default())
}

fn preset(preset: Preset) -> Choice {
    Choice { arrangement: Arrangement::Preset(preset), ..Choice::default() }
}

fn rects(scene: &Scene) -> Vec<Rect> {
    scene.tiles.iter().map(|tile| tile.rect).collect()
}

fn auto(count: usize, is_battle: bool, canvas: (u32, u32)) -> Vec<Rect> {
    rects(&draw(&Choice::default(), count, is_battle, canvas))
}

fn rect([x, y, width, height]: [u32; 4]) -> Rect {
    Rect { x, y, width, height }
}

fn seen(scene: &Scene) -> Vec<&Tile> {
    scene.tiles.iter().filter(|tile| !tile.rect.is_empty()).collect()
}

fn are_apart(a: Rect, b: Rect) -> bool {
    a.x >= b.x + b.width || b.x >= a.x + a.width || a.y >= b.y + b.height || b.y >= a.y + a.height
}

#[test]
fn one_fills_the_canvas() {
    assert_eq!(auto(1, false, PORTRAIT), [Rect { x: 0, y: 0, width: 720, height: 1280 }]);
}

#[test]
fn two_stand_side_by_side() {
    let left = Rect { x: 0, y: 160, width: 360, height: 640 };
    let right = Rect { x: 360, ..left };
    for is_battle in [false, true] {
        assert_eq!(auto(2, is_battle, PORTRAIT), [left, right]);
    }
    assert_eq!(auto(1, true, PORTRAIT), [left], "the opponent's half stays free");
}

#[test]
fn three_and_four_share_a_grid_of_two_by_two() {
    let corner = Rect { x: 360, y: 640, width: 360, height: 640 };
    assert_eq!(auto(4, false, PORTRAIT)[3], corner);
    assert_eq!(auto(3, false, PORTRAIT), auto(4, false, PORTRAIT)[..3]);
}

#[test]
fn the_tenth_is_left_out() {
    assert_eq!(auto(10, false, PORTRAIT).len(), MAX_TILES);
}

#[test]
fn the_muted_are_seen_and_not_heard() {
    let mut performers = performers(2);
    performers[1].is_muted = true;

    let scene = Choice::default().scene(1, &performers, true, PORTRAIT, Figures::default());

    let gains: Vec<_> = scene.tiles.iter().map(|tile| tile.gain_percent).collect();
    assert_eq!(gains, [100, 0]);
    assert_eq!(seen(&scene).len(), 2);
    assert!(scene.tiles.iter().all(|tile| tile.fit == Fit::Cover && !tile.has_mute_mark));
}

/// The places of every preset on the two usual canvases.
const EXACT: &[(Preset, usize, (u32, u32), Places)] = &[
    (Preset::Solo, 1, PORTRAIT, &[[0, 0, 720, 1280]]),
    (Preset::Solo, 1, LANDSCAPE, &[[0, 0, 1280, 720]]),
    (Preset::PkLeftRight, 2, PORTRAIT, &[[0, 160, 360, 640], [360, 160, 360, 640]]),
    (Preset::PkLeftRight, 2, LANDSCAPE, &[[0, 180, 640, 360], [640, 180, 640, 360]]),
    (Preset::PkTopBottom, 2, PORTRAIT, &[[0, 0, 720, 640], [0, 640, 720, 640]]),
    (Preset::PkTopBottom, 2, LANDSCAPE, &[[320, 0, 640, 360], [320, 360, 640, 360]]),
    (Preset::Grid2, 2, PORTRAIT, &[[0, 0, 720, 640], [0, 640, 720, 640]]),
    (Preset::Grid2, 2, LANDSCAPE, &[[0, 0, 640, 720], [640, 0, 640, 720]]),
    (Preset::Grid3, 3, PORTRAIT, &[[0, 0, 720, 640], [0, 640, 360, 640], [360, 640, 360, 640]]),
    (Preset::Grid3, 3, LANDSCAPE, &[[0, 0, 640, 720], [640, 0, 640, 360], [640, 360, 640, 360]]),
    (
        Preset::Grid4,
        4,
        PORTRAIT,
        &[[0, 0, 360, 640], [360, 0, 360, 640], [0, 640, 360, 640], [360, 640, 360, 640]],
    ),
    (
        Preset::Grid4,
        4,
        LANDSCAPE,
        &[[0, 0, 640, 360], [640, 0, 640, 360], [0, 360, 640, 360], [640, 360, 640, 360]],
    ),
    (
        Preset::Grid6,
        6,
        PORTRAIT,
        &[
            [0, 0, 360, 426],
            [360, 0, 360, 426],
            [0, 426, 360, 426],
            [360, 426, 360, 426],
            [0, 852, 360, 428],
            [360, 852, 360, 428],
        ],
    ),
    (
        Preset::Grid6,
        6,
        LANDSCAPE,
        &[
            [0, 0, 426, 360],
            [426, 0, 426, 360],
            [852, 0, 428, 360],
            [0, 360, 426, 360],
            [426, 360, 426, 360],
            [852, 360, 428, 360],
        ],
    ),
    (
        Preset::Grid9,
        9,
        PORTRAIT,
        &[
            [0, 0, 240, 426],
            [240, 0, 240, 426],
            [480, 0, 240, 426],
            [0, 426, 240, 426],
            [240, 426, 240, 426],
            [480, 426, 240, 426],
            [0, 852, 240, 428],
            [240, 852, 240, 428],
            [480, 852, 240, 428],
        ],
    ),
    (
        Preset::Grid9,
        9,
        LANDSCAPE,
        &[
            [0, 0, 426, 240],
            [426, 0, 426, 240],
            [852, 0, 428, 240],
            [0, 240, 426, 240],
            [426, 240, 426, 240],
            [852, 240, 428, 240],
            [0, 480, 426, 240],
            [426, 480, 426, 240],
            [852, 480, 428, 240],
        ],
    ),
    (
        Preset::Spotlight,
        4,
        PORTRAIT,
        &[[0, 0, 720, 960], [0, 960, 240, 320], [240, 960, 240, 320], [480, 960, 240, 320]],
    ),
    (
        Preset::Spotlight,
        4,
        LANDSCAPE,
        &[[0, 0, 960, 720], [960, 0, 320, 240], [960, 240, 320, 240], [960, 480, 320, 240]],
    ),
    (
        Preset::PictureInPicture,
        5,
        PORTRAIT,
        &[
            [0, 0, 720, 1280],
            [520, 160, 180, 320],
            [520, 500, 180, 320],
            [520, 840, 180, 320],
            [320, 160, 180, 320],
        ],
    ),
    (
        Preset::PictureInPicture,
        3,
        LANDSCAPE,
        &[[0, 0, 1280, 720], [940, 90, 320, 180], [940, 290, 320, 180]],
    ),
    (Preset::Screen, 2, PORTRAIT, &[[0, 0, 720, 800], [0, 800, 360, 480]]),
    (
        Preset::Screen,
        3,
        LANDSCAPE,
        &[[0, 0, 1024, 720], [1024, 0, 256, 180], [1024, 180, 256, 180]],
    ),
];

#[test]
fn every_preset_has_exactly_these_places() {
    for (chosen, count, canvas, places) in EXACT {
        let scene = draw(&preset(*chosen), *count, false, *canvas);
        let expected: Vec<Rect> = places.iter().map(|place| rect(*place)).collect();
        assert_eq!(rects(&scene), expected, "{chosen:?} on {canvas:?}");
    }
    let is_there = |preset: &Preset| EXACT.iter().any(|(there, ..)| there == preset);
    let missing: Vec<_> = Preset::ALL.into_iter().filter(|preset| !is_there(preset)).collect();
    assert_eq!(missing, [Preset::Grid], "it takes the places of the others");
}

#[test]
fn a_grid_is_the_smallest_that_holds_everybody() {
    let cells = [(1, Preset::Solo), (2, Preset::Grid2), (3, Preset::Grid3), (4, Preset::Grid4)];
    let more = [(5, Preset::Grid6), (6, Preset::Grid6), (7, Preset::Grid9), (9, Preset::Grid9)];
    for (count, cells) in cells.into_iter().chain(more) {
        let grid = rects(&draw(&preset(Preset::Grid), count, false, PORTRAIT));
        assert_eq!(grid, rects(&draw(&preset(cells), count, false, PORTRAIT)), "{count}");
    }
}

#[test]
fn a_shared_screen_is_shown_whole_and_the_chosen_one_is_large() {
    let choice = Choice { main: Some("host-2".into()), ..preset(Preset::Screen) };
    let scene = draw(&choice, 3, false, LANDSCAPE);
    let order: Vec<_> = scene.tiles.iter().map(|tile| tile.feed.identity()).collect();
    assert_eq!(order, ["host-2", "host-0", "host-1"]);
    let fits: Vec<_> = scene.tiles.iter().map(|tile| tile.fit).collect();
    assert_eq!(fits, [Fit::Contain, Fit::Cover, Fit::Cover]);
}

#[test]
fn whoever_has_no_place_is_heard_and_not_seen() {
    let scene = draw(&preset(Preset::Solo), 3, false, PORTRAIT);
    assert_eq!(seen(&scene).len(), 1);
    assert!(scene.tiles.iter().all(|tile| tile.gain_percent == 100));
    assert_eq!(scene.tiles.len(), 3);
}

#[test]
fn tiles_are_even_inside_and_apart_unless_they_float() {
    let canvases = [PORTRAIT, LANDSCAPE, (1080, 1920), (360, 640), (722, 1278), (500, 500)];
    let choices = std::iter::once(Choice::default()).chain(Preset::ALL.map(preset));
    let mut looked_at = 0;
    for (choice, canvas) in choices.flat_map(|choice| canvases.map(|c| (choice.clone(), c))) {
        for count in 0..=MAX_TILES {
            let scene = draw(&choice, count, count == 2, canvas);
            assert_eq!(scene.tiles.len(), count);
            let seen = seen(&scene);
            for (index, tile) in seen.iter().enumerate() {
                let a = tile.rect;
                let case = format!("{:?}, {count} on {canvas:?}: {a:?}", choice.arrangement);
                assert!([a.x, a.y, a.width, a.height].iter().all(|n| n % 2 == 0), "{case}");
                assert!(a.x + a.width <= canvas.0 && a.y + a.height <= canvas.1, "{case}");
                for other in &seen[..index] {
                    let floats = choice == preset(Preset::PictureInPicture) && other.z == 0;
                    assert!(floats || are_apart(a, other.rect), "{case} covers {:?}", other.rect);
                    assert!(other.z < tile.z, "{case}");
                    looked_at += 1;
                }
            }
        }
    }
    assert!(looked_at > 1_000, "{looked_at} pairs");
}

#[test]
fn everybody_is_seen_where_there_is_room_for_nine() {
    for chosen in [Preset::Grid, Preset::Grid9, Preset::Spotlight, Preset::Screen] {
        for canvas in [PORTRAIT, LANDSCAPE] {
            assert_eq!(seen(&draw(&preset(chosen), 9, false, canvas)).len(), 9, "{chosen:?}");
        }
    }
    assert_eq!(seen(&draw(&preset(Preset::PictureInPicture), 9, false, LANDSCAPE)).len(), 9);
}

fn spot(place: [u32; 4], z: u8, who: Option<&str>) -> Spot {
    Spot { rect: rect(place), z, fit: None, who: who.map(str::to_owned) }
}

fn custom(spots: Vec<Spot>) -> Choice {
    Choice { arrangement: Arrangement::Custom(spots), ..Choice::default() }
}

#[test]
fn named_rectangles_wait_for_their_own_and_the_others_are_filled_in_order() {
    let (first, named, last) = ([0, 0, 100, 100], [100, 0, 100, 100], [200, 0, 100, 100]);
    let choice = custom(vec![
        spot(first, 3, None),
        spot(named, 1, Some("room/host-2")),
        spot(last, 2, None),
    ]);
    let scene = draw(&choice, 3, false, LANDSCAPE);
    assert_eq!(rects(&scene), [first, last, named].map(rect));
    assert_eq!(scene.tiles.iter().map(|tile| tile.z).collect::<Vec<_>>(), [3, 2, 1]);

    let scene = draw(&choice, 4, false, LANDSCAPE);
    assert_eq!(rects(&scene)[3], Rect::NOWHERE, "there is no place for a fourth");
    assert_eq!(rects(&draw(&choice, 1, false, LANDSCAPE)), [rect(first)]);
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let good = [0, 0, 360, 640];
    let fits = |spots| custom(spots).check(PORTRAIT);
    assert_eq!(fits(vec![spot(good, 0, None)]), Ok(()));
    assert_eq!(fits(vec![spot([360, 640, 360, 640], 0, None)]), Ok(()));
    assert_eq!(fits(Vec::new()), Err(Misfit::Empty));
    assert_eq!(fits(vec![spot(good, 1, None), spot(good, 1, None)]), Err(Misfit::SameDepth));
    for odd in [[1, 0, 360, 640], [0, 1, 360, 640], [0, 0, 361, 640], [0, 0, 360, 641]] {
        assert_eq!(fits(vec![spot(odd, 0, None)]), Err(Misfit::Odd));
    }
    for outside in [[362, 0, 360, 640], [0, 642, 360, 640], [u32::MAX - 1, 0, 360, 640]] {
        let misfit = Misfit::Outside { canvas: PORTRAIT };
        assert_eq!(fits(vec![spot(outside, 0, None)]), Err(misfit));
    }
    assert_eq!(fits(vec![spot([0, 0, 14, 640], 0, None)]), Err(Misfit::Small));
    let many = |count: usize| (0..count).map(|z| spot(good, z as u8, None)).collect::<Vec<_>>();
    assert_eq!(fits(many(MAX_PARTS)), Ok(()));
    assert_eq!(fits(many(MAX_PARTS + 1)), Err(Misfit::TooMany));

    let ornament = |place| {
        let motif = Motif::Score { colours: [Colour::WHITE; 2] };
        Ornament { rect: rect(place), z: 0, opacity_percent: 100, motif }
    };
    let with = |ornaments| Choice { ornaments, ..Choice::default() }.check(PORTRAIT);
    assert_eq!(with(vec![ornament(good); MAX_PARTS]), Ok(()));
    assert_eq!(with(vec![ornament(good); MAX_PARTS + 1]), Err(Misfit::TooMany));
    assert_eq!(with(vec![ornament([0, 0, 722, 640])]), Err(Misfit::Outside { canvas: PORTRAIT }));
}

#[test]
fn names_marks_and_colours_go_where_they_belong() {
    let mut performers = performers(2);
    performers[1].is_muted = true;
    let background = Fill::Image(ImageName::parse("stage.png").unwrap());
    let transition = Transition::Slide(std::time::Duration::from_millis(300));
    let choice = Choice {
        has_labels: true,
        has_mute_marks: true,
        radius: 8,
        fit: Some(Fit::Fill),
        placeholder: Fill::Colour(Colour::WHITE),
        background: background.clone(),
        transition,
        ..Choice::default()
    };

    let scene = choice.scene(9, &performers, false, PORTRAIT, Figures::default());

    assert_eq!((scene.revision, scene.transition), (9, transition));
    assert_eq!(scene.background, background);
    let labels: Vec<_> = scene.tiles.iter().map(|tile| tile.label.as_deref()).collect();
    assert_eq!(labels, [Some("Host 0"), Some("Host 1")]);
    let marks: Vec<_> = scene.tiles.iter().map(|tile| tile.has_mute_mark).collect();
    assert_eq!(marks, [false, true]);
    for tile in &scene.tiles {
        assert_eq!((tile.radius, tile.fit), (8, Fit::Fill));
        assert_eq!(tile.placeholder.fill, Fill::Colour(Colour::WHITE));
        assert!(tile.placeholder.name.starts_with("Host"));
    }
}

#[test]
fn times_of_the_room_become_times_of_the_media_clock_and_scores_come_with_the_battle() {
    let style = TextStyle { size: 24, colour: Colour::WHITE, backing: None, align: Align::Middle };
    let motifs = [
        Motif::Clock { utc_offset_minutes: 480, style },
        Motif::Countdown { ends_at_ms: 1_700_000_005_000, style },
        Motif::Countdown { ends_at_ms: 0, style },
        Motif::Score { colours: [Colour::WHITE, Colour::SLATE] },
    ];
    let ornament = |motif| Ornament { rect: Rect::NOWHERE, z: 1, opacity_percent: 50, motif };
    let choice = Choice { ornaments: motifs.map(ornament).into(), ..Choice::default() };
    let overlays = |scores| {
        let figures = Figures { zero_ms: 1_700_000_000_000, scores };
        let scene = choice.scene(1, &[], false, PORTRAIT, figures);
        scene.overlays.into_iter().map(|overlay| overlay.content).collect::<Vec<_>>()
    };

    let quiet = overlays(None);
    assert_eq!(quiet[0], Content::Clock { zero_ms: 1_700_028_800_000, style });
    let ends_at = MediaTime::from_millis(5_000);
    assert_eq!(quiet[1], Content::Countdown { ends_at, style });
    assert_eq!(quiet[2], Content::Countdown { ends_at: MediaTime::default(), style });
    assert_eq!(quiet.len(), 3, "no score without a battle");
    let Content::ScoreBar { left, right } = overlays(Some([3, 4]))[3] else { panic!() };
    assert_eq!((left.score, right.score), (3, 4));
    assert_eq!((left.colour, right.colour), (Colour::WHITE, Colour::SLATE));
}

#[test]
fn presets_are_found_by_their_names() {
    for preset in Preset::ALL {
        assert_eq!(Preset::named(preset.name()), Some(preset));
    }
    assert_eq!(Preset::named("auto"), None);
}

#[test]
fn a_film_lies_over_performers_beneath_overlays_and_ducks_them() {
    for canvas in [PORTRAIT, LANDSCAPE] {
        let insert = |place| Insert {
            place,
            z: INSERT_Z,
            fit: Fit::Contain,
            volume_percent: 80,
            duck_db: 12,
        };
        let feed = FeedId::clip("a", 1);
        for place in [InsertPlace::Fullscreen, InsertPlace::Corner] {
            insert(place).check(canvas).unwrap();
            let tile = insert(place).tile(feed.clone(), canvas);
            assert_eq!((tile.z, tile.gain_percent, tile.duck_db), (99, 80, 12));
            assert!(tile.z < OVERLAY_Z && tile.feed.is_clip());
        }
        let whole = insert(InsertPlace::Fullscreen).tile(feed, canvas).rect;
        assert_eq!((whole.width, whole.height), canvas);
        let over = Rect { x: canvas.0 - 20, y: 0, width: 40, height: 40 };
        assert!(insert(InsertPlace::Pip(over)).check(canvas).is_err());
    }
}

#[test]
fn what_stands_in_is_all_there_is_to_see() {
    let name = ImageName::parse("soon.png").unwrap();
    let mut scene = draw(&Choice::default(), 0, false, PORTRAIT);
    StandIn::Image(name.clone()).stand_in(&mut scene);
    assert_eq!(scene.background, Fill::Image(name));
    let tile = Tile::new(FeedId::clip("a", 2), InsertPlace::Fullscreen.rect(PORTRAIT));
    StandIn::Film(Box::new(tile.clone())).stand_in(&mut scene);
    assert_eq!(scene.tiles, [tile]);
    assert_eq!(media_rules::bypass::lone_feed(&scene, PORTRAIT), None, "a film is no host");
}
