//! What is drawn around and over tiles: names, the mute mark, the tile of somebody who cannot be seen,
//! and the scores of a battle.

use image::{Rgba, RgbaImage, imageops};
use media_rules::{Align, Colour, Side};

use super::coverage::corner;
use super::{Lettering, Line};

/// Behind names, so that they can be read on any picture.
const SHADE: [u8; 4] = [12, 8, 20, 150];

/// Behind the mute mark.
const MUTED: [u8; 4] = [214, 44, 72, 235];

/// How far the dark edge of letters without anything behind them reaches, and how dark it is.
const EDGE: u32 = 2;
const EDGE_COVER: u8 = 190;

/// Draws a name on a dark ground with round ends.
pub(crate) fn label(lettering: &mut Lettering, name: &str, size: u16, width: u32) -> RgbaImage {
    let padding = u32::from(size) / 2;
    let width = width.saturating_sub(2 * padding).max(2);
    let line =
        Line { text: name, size, colour: Colour::WHITE, width, lines: 1, align: Align::Left };
    let text = lettering.write(line);
    let (width, height) = (text.width() + 2 * padding, text.height());
    let mut drawing = pill(width, height, SHADE);
    imageops::overlay(&mut drawing, &text, i64::from(padding), 0);
    drawing
}

/// Draws a crossed microphone in a circle.
pub(crate) fn mute_mark(size: u32) -> RgbaImage {
    let mut drawing = pill(size, size, MUTED);
    let white = Rgba([255, 255, 255, 255]);
    for (x, y) in (0..size).flat_map(|y| (0..size).map(move |x| (x, y))) {
        // From -1 to 1 with the middle of the circle at zero.
        let place = |at: u32| (at as f32 + 0.5) / size as f32 * 2.0 - 1.0;
        let (x_, y_) = (place(x), place(y));
        let capsule = x_.hypot((y_ + 0.18).abs().max(0.22) - 0.22) < 0.19;
        let ring = x_.hypot(y_ + 0.02);
        let bow = y_ > 0.02 && (0.30..0.40).contains(&ring);
        let stem = x_.abs() < 0.055 && (0.36..0.58).contains(&y_);
        let slash = (x_ - y_).abs() < 0.09 && x_.abs() < 0.55;
        let gap = (x_ - y_ - 0.16).abs() < 0.08 && x_.abs() < 0.55;
        if slash || ((capsule || bow || stem) && !gap) {
            drawing.put_pixel(x, y, white);
        }
    }
    drawing
}

/// Draws the tile of somebody who cannot be seen: a circle with their initials, and their name.
pub(crate) fn placeholder(lettering: &mut Lettering, ground: RgbaImage, name: &str) -> RgbaImage {
    let mut drawing = ground;
    if name.is_empty() {
        return drawing;
    }
    let (width, height) = drawing.dimensions();
    let disc_size = width.min(height) * 2 / 5;
    let size = |part: u32| u16::try_from(part).unwrap_or(u16::MAX).max(8);
    let mut disc = pill(disc_size, disc_size, [255, 255, 255, 44]);
    let line = |text, size, width| {
        let (colour, align) = (Colour::WHITE, Align::Middle);
        Line { text, size, colour, width, lines: 1, align }
    };
    let initials = initials(name);
    let letters = lettering.write(line(&initials, size(disc_size / 2), disc_size));
    put_in_middle(&mut disc, &letters, disc_size / 2);
    let middle = height * 9 / 20;
    put_in_middle(&mut drawing, &disc, middle);
    let name = lettering.write(line(name, size(disc_size / 6), width * 9 / 10));
    put_in_middle(&mut drawing, &name, middle + disc_size / 2 + disc_size / 6);
    drawing
}

/// Draws two scores as one bar, parted as they are; the weaker side keeps room for its number.
pub(crate) fn score_bar(
    lettering: &mut Lettering,
    (width, height): (u32, u32),
    [left, right]: [Side; 2],
) -> RgbaImage {
    let total = u128::from(left.score) + u128::from(right.score);
    let share = (u128::from(left.score) * u128::from(width)).checked_div(total);
    let share = share.map_or(width / 2, |share| u32::try_from(share).expect("it is a part"));
    let cut = share.clamp(width / 5, width - width / 5);
    let mut drawing = RgbaImage::from_fn(width, height, |x, _| {
        solid(if x < cut { left.colour } else { right.colour })
    });
    let size = u16::try_from(height * 3 / 5).unwrap_or(u16::MAX);
    for (side, align) in [(left, Align::Left), (right, Align::Right)] {
        let text = side.score.to_string();
        let line =
            Line { text: &text, size, colour: Colour::WHITE, width: width / 2, lines: 1, align };
        let number = outlined(&lettering.write(line));
        let gap = height / 3;
        let x = match align {
            Align::Left | Align::Middle => gap,
            Align::Right => width.saturating_sub(gap + number.width()),
        };
        let y = height.saturating_sub(number.height()) / 2;
        imageops::overlay(&mut drawing, &number, i64::from(x), i64::from(y));
    }
    drawing
}

/// Gives letters a dark edge, so that they can be read on any picture.
pub(crate) fn outlined(letters: &RgbaImage) -> RgbaImage {
    let (width, height) = (letters.width() + 2 * EDGE, letters.height() + 2 * EDGE);
    let mut drawing = RgbaImage::from_fn(width, height, |x, y| {
        let mut most = 0;
        for (near_x, near_y) in (0..=2 * EDGE).flat_map(|i| (0..=2 * EDGE).map(move |j| (i, j))) {
            let letter = (x + near_x).checked_sub(2 * EDGE).zip((y + near_y).checked_sub(2 * EDGE));
            let cover = letter.and_then(|(x, y)| letters.get_pixel_checked(x, y));
            most = most.max(cover.map_or(0, |pixel| pixel.0[3]));
        }
        Rgba([0, 0, 0, most.min(EDGE_COVER)])
    });
    imageops::overlay(&mut drawing, letters, i64::from(EDGE), i64::from(EDGE));
    drawing
}

/// Returns the first letters of the first and the last word; of a name in Chinese its first
/// character, which is the family's.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace();
    let first = words.next().and_then(|word| word.chars().next());
    let last = words.next_back().and_then(|word| word.chars().next());
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// A rectangle with round ends.
fn pill(width: u32, height: u32, colour: [u8; 4]) -> RgbaImage {
    let radius = width.min(height) / 2;
    RgbaImage::from_fn(width, height, |x, y| {
        let (x, y) = (x.min(width - 1 - x), y.min(height - 1 - y));
        let is_corner = x < radius && y < radius;
        let inside = if is_corner { corner(x as usize, y as usize, radius as usize) } else { 255 };
        let [red, green, blue, cover] = colour;
        let cover = u16::from(cover) * u16::from(inside) / 255;
        Rgba([red, green, blue, u8::try_from(cover).expect("a share of a byte is one")])
    })
}

/// Puts `part` in the middle of the width, around the height `middle`.
fn put_in_middle(drawing: &mut RgbaImage, part: &RgbaImage, middle: u32) {
    let x = (i64::from(drawing.width()) - i64::from(part.width())) / 2;
    let y = i64::from(middle) - i64::from(part.height()) / 2;
    imageops::overlay(drawing, part, x, y);
}

pub(super) const fn solid(colour: Colour) -> Rgba<u8> {
    Rgba([colour.red, colour.green, colour.blue, 255])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_suit_the_script() {
        for (name, expected) in
            [("Alice", "A"), ("ana maria cruz", "AC"), ("李雷", "李"), ("  ", ""), ("ß", "SS")]
        {
            assert_eq!(initials(name), expected);
        }
    }

    #[test]
    fn the_bar_is_parted_as_the_scores_are() {
        let mut lettering = Lettering::new();
        let (blue, red) = (Colour::new(0, 0, 255), Colour::new(255, 0, 0));
        for (left, right, cut) in [(0, 0, 300), (300, 100, 450), (0, 7, 120), (u64::MAX, 1, 480)] {
            let side = |score, colour| Side { score, colour };
            let sides = [side(left, blue), side(right, red)];
            let bar = score_bar(&mut lettering, (600, 40), sides);
            assert_eq!(*bar.get_pixel(cut - 1, 0), solid(blue), "{left} to {right}");
            assert_eq!(*bar.get_pixel(cut, 0), solid(red), "{left} to {right}");
        }
    }

    #[test]
    fn letters_without_a_ground_have_a_dark_edge() {
        let mut letter = RgbaImage::new(3, 3);
        letter.put_pixel(1, 1, Rgba([255, 255, 255, 255]));
        let outlined = outlined(&letter);
        assert_eq!(outlined.get_pixel(3, 3).0, [255, 255, 255, 255]);
        assert_eq!(outlined.get_pixel(1, 1).0, [0, 0, 0, EDGE_COVER]);
        assert_eq!(outlined.get_pixel(0, 0).0[3], 0);
    }

    #[test]
    fn somebody_who_cannot_be_seen_has_a_name() {
        let ground = RgbaImage::from_pixel(180, 320, Rgba([90, 70, 100, 255]));
        let drawing = placeholder(&mut Lettering::new(), ground.clone(), "李雷");
        assert!(drawing.pixels().any(|pixel| pixel.0[0] > 240), "white letters");
        assert_eq!(placeholder(&mut Lettering::new(), ground.clone(), ""), ground);
    }
}
