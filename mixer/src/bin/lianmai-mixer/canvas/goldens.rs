//! Goal: what a layout says is what is in the picture, to two pixels: places, fits, depth, frames,
//! corners, names, marks and overlays; changes are without black and take one step a picture.
//! Method: artist, stage and canvas draw synthetic hosts of one colour each, or of three stripes;
//! edges are found in the pixels.

use std::sync::Arc;
use std::time::Duration;

use media_rules::layout::{Arrangement, Choice, Figures, Motif, Ornament, Performer, Preset};
use media_rules::{
    Align, Border, Colour, FeedId, Fill, Fit, ImageName, MediaTime, Rect, Scene, TextStyle,
    Transition,
};

use super::*;
use crate::artist::Artist;
use crate::pictures::Sight;
use crate::stage::Stage;

#[path = "cost.rs"]
mod cost;

const PORTRAIT: (u32, u32) = (720, 1280);
const LANDSCAPE: (u32, u32) = (1280, 720);

/// The hosts' lumas. Their colour is grey, so that names and marks are easy to tell from them.
const LUMA: [u8; 9] = [90, 102, 114, 126, 138, 150, 162, 174, 186];

/// Edges are this exact.
const EXACT: u32 = 2;

/// An artist, a stage and a canvas, and hosts who always have a picture.
struct Studio {
    artist: Artist,
    stage: Stage,
    canvas: Canvas,
    hosts: Vec<gst::Sample>,
    size: (u32, u32),
}

/// The pixels of a picture.
struct Pixels {
    luma: Vec<u8>,
    width: usize,
}

impl Studio {
    fn new(size: (u32, u32), images: Option<std::path::PathBuf>) -> Self {
        gst::init().unwrap();
        let hosts = LUMA.map(|luma| picture(360, 640, |_, _| luma)).into();
        let (artist, canvas) = (Artist::new(size, images), Canvas::new(size.0, size.1).unwrap());
        Self { artist, stage: Stage::default(), canvas, hosts, size }
    }

    fn scene(&self, choice: &Choice, revision: u64, count: usize) -> Scene {
        let performers: Vec<_> = (0..count).map(performer).collect();
        choice.scene(revision, &performers, false, self.size, Figures::default())
    }

    fn show(&mut self, scene: Scene) {
        self.stage.handle_scenery(Arc::new(self.artist.draw(scene)), MediaTime::default());
    }

    fn draw(&mut self, at: MediaTime) -> Pixels {
        let buffer = self.draw_only(at);
        let bytes = buffer.map_readable().unwrap();
        let (width, height) = (self.size.0 as usize, self.size.1 as usize);
        Pixels { luma: bytes[..width * height].to_vec(), width }
    }

    fn draw_only(&mut self, at: MediaTime) -> gst::Buffer {
        let view = self.stage.poll_view(at, at, |_| Sight::Live);
        let hosts = &self.hosts;
        let picture = |feed: &FeedId| {
            let number: usize = feed.identity().parse().unwrap();
            hosts.get(number).cloned()
        };
        self.canvas.draw(&view, at, picture).unwrap()
    }

    fn draw_once(&mut self, choice: &Choice, count: usize) -> (Scene, Pixels) {
        let scene = self.scene(choice, 1, count);
        self.show(scene.clone());
        (scene, self.draw(at(0)))
    }
}

impl Pixels {
    fn at(&self, x: u32, y: u32) -> u8 {
        self.luma[y as usize * self.width + x as usize]
    }

    /// The smallest rectangle around all pixels that `is_meant`, or none.
    fn bounds(&self, is_meant: impl Fn(u8) -> bool) -> Option<Rect> {
        let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
        for (place, value) in self.luma.iter().enumerate() {
            if is_meant(*value) {
                let (x, y) = ((place % self.width) as u32, (place / self.width) as u32);
                (left, top) = (left.min(x), top.min(y));
                (right, bottom) = (right.max(x + 1), bottom.max(y + 1));
            }
        }
        (left < right).then(|| Rect { x: left, y: top, width: right - left, height: bottom - top })
    }

    fn darkest(&self) -> u8 {
        *self.luma.iter().min().unwrap()
    }
}

fn at(millis: u64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn performer(number: usize) -> Performer {
    let feed = FeedId::new("a", &number.to_string());
    Performer { feed, name: String::new(), is_muted: false }
}

/// A decoded picture in grey.
fn picture(width: usize, height: usize, luma: impl Fn(usize, usize) -> u8) -> gst::Sample {
    let info = VideoInfo::builder(VideoFormat::I420, width as u32, height as u32).build().unwrap();
    let mut bytes = vec![128; info.size()];
    let stride = info.stride()[0] as usize;
    for y in 0..height {
        for x in 0..width {
            bytes[y * stride + x] = luma(x, y);
        }
    }
    let buffer = gst::Buffer::from_mut_slice(bytes);
    gst::Sample::builder().buffer(&buffer).caps(&info.to_caps().unwrap()).build()
}

fn assert_near(seen: Option<Rect>, wanted: Rect, what: &str) {
    let seen = seen.unwrap_or_else(|| panic!("{what}: nothing is seen"));
    let edges = |r: Rect| [r.x, r.y, r.x + r.width, r.y + r.height];
    let is_near = edges(seen).iter().zip(edges(wanted)).all(|(a, b)| a.abs_diff(b) <= EXACT);
    assert!(is_near, "{what}: {seen:?} where {wanted:?} should be");
}

fn preset(preset: Preset) -> Choice {
    Choice { arrangement: Arrangement::Preset(preset), ..Choice::default() }
}

fn is_luma(luma: u8) -> impl Fn(u8) -> bool {
    move |value| value.abs_diff(luma) <= 4
}

fn ornament(place: [u32; 4], z: u8, motif: Motif) -> Ornament {
    let [x, y, width, height] = place;
    Ornament { rect: Rect { x, y, width, height }, z, opacity_percent: 100, motif }
}

fn style(backing: Option<Colour>, align: Align) -> TextStyle {
    TextStyle { size: 40, colour: Colour::WHITE, backing, align }
}

#[test]
fn every_preset_puts_every_host_in_their_place() {
    let mut looked_at = 0;
    for size in [PORTRAIT, LANDSCAPE] {
        let mut studio = Studio::new(size, None);
        for (revision, chosen) in (1..).zip(Preset::ALL) {
            for count in [1, 2, 3, 4, 6, 9] {
                let scene = studio.scene(&preset(chosen), revision * 10 + count as u64, count);
                studio.show(scene.clone());
                let pixels = studio.draw(at(0));
                for (tile, luma) in scene.tiles.iter().zip(LUMA) {
                    let seen = pixels.bounds(is_luma(luma));
                    if tile.rect.is_empty() {
                        assert_eq!(seen, None, "{chosen:?}");
                    } else if tile.fit == Fit::Cover {
                        assert_near(seen, tile.rect, &format!("{chosen:?} of {count} on {size:?}"));
                        looked_at += 1;
                    }
                }
                assert!(pixels.darkest() >= 60, "{chosen:?}: something is black");
            }
        }
    }
    assert!(looked_at > 300, "{looked_at} tiles");
}

#[test]
fn every_fit_shows_the_part_that_it_should() {
    let tile = Rect { x: 360, y: 160, width: 360, height: 640 };
    // Three stripes of a wide picture: the middle one is from 400 to 880.
    let stripes = picture(1280, 720, |x, _| if (400..880).contains(&x) { 180 } else { 120 });
    for (fit, middle, whole) in [
        // 404 of 1280 columns are seen, all of the middle stripe.
        (Fit::Cover, tile, None),
        (
            Fit::Contain,
            Rect { x: 472, y: 378, width: 136, height: 202 },
            Some(Rect { y: 378, height: 202, ..tile }),
        ),
        (Fit::Fill, Rect { x: 472, width: 136, ..tile }, Some(tile)),
    ] {
        let mut studio = Studio::new(PORTRAIT, None);
        studio.hosts[1] = stripes.clone();
        let choice = Choice { fit: Some(fit), ..preset(Preset::PkLeftRight) };
        let (_, pixels) = studio.draw_once(&choice, 2);
        assert_near(pixels.bounds(|luma| luma > 165), middle, &format!("{fit:?}, middle"));
        let outer = pixels.bounds(|luma| luma > 110);
        assert_near(outer, whole.unwrap_or(tile), &format!("{fit:?}, whole"));
    }
}

#[test]
fn a_host_whose_picture_is_odd_or_missing_has_a_tile_that_is_not_black() {
    let mut studio = Studio::new(PORTRAIT, None);
    studio.hosts.truncate(1);
    let mut scene = studio.scene(&preset(Preset::PkLeftRight), 1, 2);
    scene.tiles[1].placeholder.name = "李雷".into();
    studio.show(scene);
    let pixels = studio.draw(at(0));

    let right = Rect { x: 360, y: 160, width: 360, height: 640 };
    let empty = Colour::EMPTY_TILE.yuv()[0];
    assert_eq!((pixels.at(362, 162), pixels.at(716, 796)), (empty, empty));
    let letters = pixels.bounds(|luma| luma > 220).expect("initials and a name");
    assert!(letters.x > right.x + 40 && letters.x + letters.width < 680, "{letters:?}");
    assert!(letters.y > right.y + 100 && letters.y + letters.height < 700, "{letters:?}");

    // A picture that says it is larger than it is.
    let small = gst::Buffer::from_mut_slice(vec![0; 100]);
    let caps = VideoInfo::builder(VideoFormat::I420, 640, 360).build().unwrap().to_caps().unwrap();
    studio.hosts.push(gst::Sample::builder().buffer(&small).caps(&caps).build());
    assert_eq!(studio.draw(at(33)).at(362, 162), empty);
}

#[test]
fn frames_and_corners_are_as_wide_and_as_round_as_chosen() {
    let border = Some(Border { width: 8, colour: Colour::WHITE });
    let choice = Choice { border, radius: 40, ..preset(Preset::PkLeftRight) };
    let (_, pixels) = Studio::new(PORTRAIT, None).draw_once(&choice, 2);

    // Along the middle of the tile: frame, host, frame.
    let across: Vec<_> = (0..360).filter(|x| is_luma(LUMA[0])(pixels.at(*x, 480))).collect();
    let down: Vec<_> = (160..800).filter(|y| is_luma(LUMA[0])(pixels.at(180, *y))).collect();
    assert_eq!((across[0], across.len(), down[0], down.len()), (8, 344, 168, 624));
    let frames = Rect { x: 0, y: 160, width: 720, height: 640 };
    assert_near(pixels.bounds(|luma| luma > 220), frames, "both frames");
    let slate = Colour::SLATE.yuv()[0];
    for (x, y) in [(2, 162), (357, 162), (2, 797), (357, 797), (362, 162)] {
        assert_eq!(pixels.at(x, y), slate, "the corner at {x}, {y} shows what is beneath");
    }
    assert!(pixels.at(40, 162) > 220 && pixels.at(2, 200) > 220, "where the corner ends");
}

#[test]
fn names_and_mute_marks_are_at_the_foot_of_their_tile() {
    let mut studio = Studio::new(PORTRAIT, None);
    let mut scene = studio.scene(&preset(Preset::PkLeftRight), 1, 2);
    scene.tiles[1].label = Some("韩梅梅 Hanna".into());
    scene.tiles[1].has_mute_mark = true;
    studio.show(scene);
    let pixels = studio.draw(at(0));

    let white = pixels.bounds(|luma| luma > 225).expect("a name and a mark");
    assert!(white.x >= 368 && white.x + white.width <= 712, "{white:?}");
    assert!(white.y >= 740 && white.y + white.height <= 792, "{white:?}");
    assert!(white.width > 150, "a mark and nine letters: {white:?}");
    let shade = pixels.bounds(|luma| luma < 60).expect("a ground behind the name");
    assert!(shade.y + shade.height <= 792 && shade.x >= 368, "{shade:?}");
}

#[test]
fn images_lie_where_they_should_and_let_through_what_they_should() {
    let folder = std::env::temp_dir().join(format!("lianmai-goldens-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // Twice as wide as high; its left half is see-through.
    let logo = image::RgbaImage::from_fn(200, 100, |x, _| {
        image::Rgba([255, 255, 255, if x < 100 { 0 } else { 255 }])
    });
    logo.save(folder.join("logo.png")).unwrap();
    // Darker above than below, in the shape of no canvas.
    let stage =
        image::RgbImage::from_fn(400, 400, |_, y| image::Rgb([if y < 200 { 90 } else { 150 }; 3]));
    stage.save(folder.join("stage.png")).unwrap();
    std::fs::write(folder.join("broken.png"), b"not an image").unwrap();

    let image = |name: &str| ImageName::parse(name).unwrap();
    let mut studio = Studio::new(PORTRAIT, Some(folder.clone()));
    let choice = Choice {
        background: Fill::Image(image("stage.png")),
        ornaments: vec![
            ornament([100, 900, 300, 300], 100, Motif::Image(image("logo.png"))),
            ornament([100, 20, 100, 100], 100, Motif::Image(image("broken.png"))),
        ],
        ..preset(Preset::PkLeftRight)
    };
    let (_, pixels) = studio.draw_once(&choice, 2);
    std::fs::remove_dir_all(&folder).unwrap();

    // 300 x 150 in the middle of the square; the right half is white.
    let right_half = Rect { x: 250, y: 975, width: 150, height: 150 };
    assert_near(pixels.bounds(|luma| luma > 225), right_half, "the watermark");
    let [above, below] = [90, 150].map(|grey| Colour::new(grey, grey, grey).yuv()[0]);
    assert_eq!((pixels.at(10, 20), pixels.at(150, 1050)), (above, below));
    assert_eq!(pixels.at(150, 60), above, "an image that cannot be read is left out");
}

#[test]
fn text_clocks_and_scores_stay_in_their_rectangles_and_on_their_side() {
    let black = Some(Colour::new(0, 0, 0));
    let text = |align, text: &str| Motif::Text { text: text.into(), style: style(black, align) };
    let clock = Motif::Clock { utc_offset_minutes: 0, style: style(black, Align::Middle) };
    let ends_at_ms = 61_500;
    let countdown = Motif::Countdown { ends_at_ms, style: style(black, Align::Middle) };
    let place = [60, 880, 600, 60];
    let rect = Rect { x: 60, y: 880, width: 600, height: 60 };
    for (motif, side) in [
        (text(Align::Left, "八折 sale"), Align::Left),
        (text(Align::Right, "八折 sale"), Align::Right),
        (text(Align::Middle, "八折 sale"), Align::Middle),
        (text(Align::Left, &"long words that need more room ".repeat(9)), Align::Left),
        (clock, Align::Middle),
        (countdown, Align::Middle),
    ] {
        let what = format!("{motif:?}");
        let mut studio = Studio::new(PORTRAIT, None);
        let choice =
            Choice { ornaments: vec![ornament(place, 100, motif)], ..preset(Preset::PkLeftRight) };
        let (_, pixels) = studio.draw_once(&choice, 2);
        assert_near(pixels.bounds(|luma| luma < 40), rect, &what);
        let ink = pixels.bounds(|luma| luma > 225).expect(&what);
        assert!(ink.x >= rect.x && ink.x + ink.width <= 660, "{what}: {ink:?}");
        assert!(ink.y >= rect.y && ink.y + ink.height <= 940, "{what}: {ink:?}");
        let (left, right) = (ink.x - rect.x, 660 - (ink.x + ink.width));
        match side {
            Align::Left => assert!(left <= 8, "{what}: {left}"),
            Align::Right => assert!(right <= 8, "{what}: {right}"),
            Align::Middle => assert!(left.abs_diff(right) <= 12, "{what}: {left}, {right}"),
        }
    }
}

#[test]
fn a_clock_ticks_on_the_second_and_costs_no_new_drawing() {
    let clock = Motif::Clock { utc_offset_minutes: 0, style: style(None, Align::Middle) };
    let mut studio = Studio::new(PORTRAIT, None);
    let ornaments = vec![ornament([60, 880, 600, 60], 100, clock)];
    studio.draw_once(&Choice { ornaments, ..preset(Preset::PkLeftRight) }, 2);
    let [early, late, next] = [1_033, 1_999, 2_000].map(|millis| studio.draw(at(millis)).luma);
    assert!(early == late, "the same second");
    assert!(late != next, "another second");
}

#[test]
fn a_score_bar_is_parted_where_the_scores_say() {
    let colours = [Colour::new(0, 0, 0), Colour::WHITE];
    let mut studio = Studio::new(PORTRAIT, None);
    let choice = Choice {
        ornaments: vec![ornament([0, 100, 720, 40], 100, Motif::Score { colours })],
        ..preset(Preset::PkLeftRight)
    };
    let performers = [performer(0), performer(1)];
    for (revision, scores, cut) in [(1, [30, 10], 540), (2, [10, 30], 180), (3, [0, 0], 360)] {
        let figures = Figures { zero_ms: 0, scores: Some(scores) };
        studio.show(choice.scene(revision, &performers, true, PORTRAIT, figures));
        let pixels = studio.draw(at(0));
        // Along the upper edge, where no number is.
        let first_white = (0..720).find(|x| pixels.at(*x, 101) > 200).unwrap();
        assert!(first_white.abs_diff(cut) <= EXACT, "{scores:?}: {first_white}");
    }
}

#[test]
fn what_has_the_higher_z_is_nearer_whatever_it_is() {
    let white = |z| {
        let text =
            Motif::Text { text: String::new(), style: style(Some(Colour::WHITE), Align::Left) };
        ornament([300, 400, 120, 120], z, text)
    };
    for (z, seen) in [(0, 235), (9, 235)] {
        let mut studio = Studio::new(PORTRAIT, None);
        let choice = Choice { ornaments: vec![white(z)], ..preset(Preset::PkLeftRight) };
        let (_, pixels) = studio.draw_once(&choice, 2);
        assert_eq!(pixels.at(310, 410), seen, "over the left tile, of z 0");
        let over_right = if z >= 1 { seen } else { LUMA[1] };
        assert_eq!(pixels.at(410, 410), over_right, "the right tile is of z 1");
    }
    let (_, pixels) = Studio::new(PORTRAIT, None).draw_once(&preset(Preset::PictureInPicture), 2);
    let float = Rect { x: 520, y: 160, width: 180, height: 320 };
    assert_near(pixels.bounds(is_luma(LUMA[1])), float, "it floats over the other");
}

#[test]
fn half_an_opacity_lets_half_through() {
    let text = Motif::Text { text: String::new(), style: style(Some(Colour::WHITE), Align::Left) };
    let faint = Ornament { opacity_percent: 50, ..ornament([0, 200, 100, 100], 100, text) };
    let choice = Choice { ornaments: vec![faint], ..preset(Preset::PkLeftRight) };
    let (_, pixels) = Studio::new(PORTRAIT, None).draw_once(&choice, 2);
    let middle = (235 + u32::from(LUMA[0])) / 2;
    assert!(u32::from(pixels.at(50, 250)).abs_diff(middle) <= 2, "{}", pixels.at(50, 250));
}

/// Shows two hosts side by side, then another scene with a transition; returns a picture each 33 ms.
fn change(transition: Transition, to: Preset) -> Vec<Pixels> {
    let mut studio = Studio::new(PORTRAIT, None);
    studio.draw_once(&preset(Preset::PkLeftRight), 2);
    let choice = Choice { transition, ..preset(to) };
    let scene = studio.scene(&choice, 2, 2);
    studio.show(scene);
    (1..=12).map(|number| studio.draw(at(number * 1_000 / 30))).collect()
}

#[test]
fn a_fade_goes_from_one_picture_to_the_other_in_equal_steps_and_is_never_black() {
    let fade = Transition::Fade(Duration::from_millis(300));
    let pictures = change(fade, Preset::PkTopBottom);
    // The left half of what was the slate becomes the upper host.
    let seen: Vec<_> = pictures.iter().map(|picture| picture.at(100, 50)).collect();
    let (slate, host) = (Colour::SLATE.yuv()[0], LUMA[0]);
    assert!(seen[0] > slate, "the first picture is a step already: {seen:?}");
    assert!(seen.is_sorted() && seen[9..].iter().all(|luma| *luma == host), "{seen:?}");
    let steps: Vec<_> = seen[..9].windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.iter().all(|step| (1..=5).contains(step)), "{seen:?}");
    assert!(pictures.iter().all(|picture| picture.darkest() >= 60));
}

#[test]
fn a_slide_moves_everybody_with_every_picture_and_no_edge_is_lost() {
    let slide = Transition::Slide(Duration::from_millis(300));
    let pictures = change(slide, Preset::PkTopBottom);
    let places: Vec<_> = pictures
        .iter()
        .map(|picture| picture.bounds(is_luma(LUMA[1])).expect("the second host is seen"))
        .collect();
    let start = Rect { x: 360, y: 160, width: 360, height: 640 };
    let end = Rect { x: 0, y: 640, width: 720, height: 640 };
    assert!(places[0] != start, "the first picture is a step already");
    for pair in places[..9].windows(2) {
        assert!(pair[0].y < pair[1].y || pair[0].x > pair[1].x, "{pair:?} repeats itself");
    }
    for place in &places[8..] {
        assert_near(Some(*place), end, "at the end");
    }
    assert!(pictures.iter().all(|picture| picture.darkest() >= 60));
}

#[test]
fn a_cut_is_whole_in_its_first_picture() {
    let pictures = change(Transition::Cut, Preset::PkTopBottom);
    let end = Rect { x: 0, y: 640, width: 720, height: 640 };
    assert_near(pictures[0].bounds(is_luma(LUMA[1])), end, "the first picture");
}

#[test]
fn who_comes_fades_in_and_who_leaves_fades_out() {
    let mut studio = Studio::new(PORTRAIT, None);
    let slide = Transition::Slide(Duration::from_millis(300));
    let grid = Choice { transition: slide, ..preset(Preset::Grid4) };
    studio.draw_once(&grid, 3);
    for (revision, count, rises) in [(2, 4, true), (3, 3, false)] {
        let scene = studio.scene(&grid, revision, count);
        let start = revision * 1_000;
        studio.draw(at(start - 33));
        studio.show(scene);
        let seen: Vec<_> = (0..8).map(|n| studio.draw(at(start + n * 33)).at(500, 900)).collect();
        assert_eq!(seen.is_sorted(), rises, "{seen:?}");
        assert!(seen[0] != seen[7], "{seen:?}");
    }
}
