//! Decides where each performer stands in the picture, by their number alone.
//!
//! Performers are placed in the order in which they are given, so whoever was first stays where
//! they are while others come and go within the same grid. All numbers are even.

use crate::{FeedId, Rect, Tile};

/// No more performers than this fit; the rest are neither seen nor heard.
pub const MAX_TILES: usize = 9;

/// Returns the tiles for `performers` on a canvas of `(width, height)` pixels.
///
/// One fills the canvas, two stand side by side as hosts of a battle do, more form a grid. In a
/// battle one alone already stands in the left half, so that nothing jumps when the other comes.
/// Those for whom `is_muted` are seen and not heard.
pub fn scene(
    performers: &[FeedId],
    is_battle: bool,
    canvas: (u32, u32),
    is_muted: impl Fn(&FeedId) -> bool,
) -> Vec<Tile> {
    let places: fn(usize, (u32, u32)) -> Rect = match performers.len() {
        0 | 1 if !is_battle => |index, canvas| cell(index, 1, canvas),
        0..=2 => half,
        3..=4 => |index, canvas| cell(index, 2, canvas),
        _ => |index, canvas| cell(index, 3, canvas),
    };
    performers
        .iter()
        .take(MAX_TILES)
        .enumerate()
        .map(|(index, feed)| Tile {
            gain_percent: if is_muted(feed) { 0 } else { 100 },
            ..Tile::new(feed.clone(), places(index, canvas))
        })
        .collect()
}

/// The left or right half, in the shape of the canvas. On a portrait canvas it stands above the
/// middle, where faces are; chat and goods cover the lower part of a viewer's screen.
fn half(index: usize, (width, height): (u32, u32)) -> Rect {
    let y = if height > width { height / 8 } else { height / 4 };
    let x = if index == 0 { 0 } else { even(width / 2) };
    Rect { x, y: even(y), width: even(width / 2), height: even(height / 2) }
}

/// Cell `index` of a grid of `side` by `side`, row by row. Neighbours touch.
fn cell(index: usize, side: u32, (width, height): (u32, u32)) -> Rect {
    let index = u32::try_from(index).expect("a grid has at most nine cells");
    let (column, row) = (index % side, index / side);
    let edge = |number: u32, length: u32| even(number * length / side);
    let (x, y) = (edge(column, width), edge(row, height));
    Rect { x, y, width: edge(column + 1, width) - x, height: edge(row + 1, height) - y }
}

const fn even(number: u32) -> u32 {
    number & !1
}
