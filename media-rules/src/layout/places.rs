//! The arrangements that have a name. Each is worked out for a portrait and for a landscape canvas;
//! sizes are shares of the canvas, so any size of it will do.

use super::{Place, even};
use crate::{Fit, Rect};

/// An arrangement with a name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Preset {
    /// One fills the canvas.
    Solo,
    /// Two side by side, as hosts of a battle stand.
    PkLeftRight,
    /// Two one above the other.
    PkTopBottom,
    /// The smallest grid that holds everybody.
    Grid,
    /// Two cells.
    Grid2,
    /// One large cell and two small ones.
    Grid3,
    /// Two by two.
    Grid4,
    /// Two by three.
    Grid6,
    /// Three by three.
    Grid9,
    /// One large, the others in a strip beside or below.
    Spotlight,
    /// One fills the canvas, the others float on it.
    PictureInPicture,
    /// One is shown whole, as slides need it, the others in a strip.
    Screen,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 12] = [
        Self::Solo,
        Self::PkLeftRight,
        Self::PkTopBottom,
        Self::Grid,
        Self::Grid2,
        Self::Grid3,
        Self::Grid4,
        Self::Grid6,
        Self::Grid9,
        Self::Spotlight,
        Self::PictureInPicture,
        Self::Screen,
    ];

    /// Returns the name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Solo => "solo",
            Self::PkLeftRight => "pk_lr",
            Self::PkTopBottom => "pk_tb",
            Self::Grid => "grid",
            Self::Grid2 => "grid2",
            Self::Grid3 => "grid3",
            Self::Grid4 => "grid4",
            Self::Grid6 => "grid6",
            Self::Grid9 => "grid9",
            Self::Spotlight => "spotlight",
            Self::PictureInPicture => "pip",
            Self::Screen => "screen",
        }
    }

    /// Returns the preset called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Returns what suits so many performers. In a battle one alone already stands in the left half,
    /// so that nothing jumps when the other comes.
    pub(super) const fn for_stage(performers: usize, is_battle: bool) -> Self {
        match performers {
            0 | 1 if !is_battle => Self::Solo,
            0..=2 => Self::PkLeftRight,
            3..=4 => Self::Grid4,
            5..=6 => Self::Grid6,
            _ => Self::Grid9,
        }
    }

    /// Returns the places for so many performers, who come in this order. There may be more places
    /// than performers or fewer.
    pub(super) fn places(self, performers: usize, canvas: (u32, u32)) -> Vec<Place> {
        let rects = match self {
            Self::Solo => vec![whole(canvas)],
            Self::PkLeftRight => halves(canvas, Axis::Across).into(),
            Self::PkTopBottom => halves(canvas, Axis::Down).into(),
            Self::Grid => match performers {
                0..=1 => vec![whole(canvas)],
                2 => return Self::Grid2.places(performers, canvas),
                3 => return Self::Grid3.places(performers, canvas),
                4 => return Self::Grid4.places(performers, canvas),
                5..=6 => return Self::Grid6.places(performers, canvas),
                _ => return Self::Grid9.places(performers, canvas),
            },
            Self::Grid2 => strip(whole(canvas), along(canvas), 2, 2, 1),
            Self::Grid3 => {
                let [large, rest] = split(whole(canvas), along(canvas), 1, 2);
                let mut rects = strip(rest, along(canvas).other(), 2, 2, 1);
                rects.insert(0, large);
                rects
            }
            Self::Grid4 => strip(whole(canvas), Axis::Across, 4, 2, 2),
            Self::Grid6 => strip(whole(canvas), along(canvas).other(), 6, 2, 3),
            Self::Grid9 => strip(whole(canvas), Axis::Across, 9, 3, 3),
            Self::Spotlight => beside(canvas, performers, (3, 4), 3),
            Self::Screen if is_tall(canvas) => beside(canvas, performers, (5, 8), 2),
            Self::Screen => beside(canvas, performers, (4, 5), 4),
            Self::PictureInPicture => floats(canvas, performers),
        };
        let place = |(index, rect)| Place {
            rect,
            z: u8::try_from(index).expect("there are a few places"),
            fit: if self == Self::Screen && index == 0 { Fit::Contain } else { Fit::Cover },
        };
        rects.into_iter().enumerate().map(place).collect()
    }
}

/// Which way neighbours follow one another.
#[derive(Clone, Copy, PartialEq)]
enum Axis {
    Across,
    Down,
}

impl Axis {
    const fn other(self) -> Self {
        match self {
            Self::Across => Self::Down,
            Self::Down => Self::Across,
        }
    }
}

const fn is_tall((width, height): (u32, u32)) -> bool {
    height > width
}

/// The axis along which a canvas is long.
const fn along(canvas: (u32, u32)) -> Axis {
    if is_tall(canvas) { Axis::Down } else { Axis::Across }
}

const fn whole((width, height): (u32, u32)) -> Rect {
    Rect { x: 0, y: 0, width: even(width), height: even(height) }
}

/// Two rectangles in the shape of the canvas, or of half of it where that is less of a strip. Side by
/// side on a portrait canvas they stand above the middle, where faces are; chat and goods cover the
/// lower part of a viewer's screen.
fn halves(canvas: (u32, u32), axis: Axis) -> [Rect; 2] {
    let (width, height) = canvas;
    let half = |x, y| Rect { x, y, width: even(width / 2), height: even(height / 2) };
    match axis {
        Axis::Across => {
            let y = even(if is_tall(canvas) { height / 8 } else { height / 4 });
            [half(0, y), half(even(width / 2), y)]
        }
        Axis::Down if is_tall(canvas) => split(whole(canvas), Axis::Down, 1, 2),
        Axis::Down => [half(even(width / 4), 0), half(even(width / 4), even(height / 2))],
    }
}

/// Cuts off `part` of `parts` along `axis`.
fn split(area: Rect, axis: Axis, part: u32, parts: u32) -> [Rect; 2] {
    let Rect { x, y, width, height } = area;
    match axis {
        Axis::Across => {
            let cut = even(width * part / parts);
            let rest = Rect { x: x + cut, y, width: width - cut, height };
            [Rect { x, y, width: cut, height }, rest]
        }
        Axis::Down => {
            let cut = even(height * part / parts);
            let rest = Rect { x, y: y + cut, width, height: height - cut };
            [Rect { x, y, width, height: cut }, rest]
        }
    }
}

/// Returns `count` cells of a grid that has `columns` along `axis` and `rows` the other way; a row is
/// filled before the next. Neighbours touch. Read along `Down` rows are columns.
fn strip(area: Rect, axis: Axis, count: u32, long: u32, short: u32) -> Vec<Rect> {
    let edge = |number: u32, length: u32, parts: u32| even(number * length / parts);
    let cell = |index: u32| {
        // Reading order is row by row whichever way the grid is long.
        let columns = if axis == Axis::Across { long } else { short };
        let rows = if axis == Axis::Across { short } else { long };
        let (column, row) = (index % columns, index / columns);
        let (left, right) =
            (edge(column, area.width, columns), edge(column + 1, area.width, columns));
        let (top, bottom) = (edge(row, area.height, rows), edge(row + 1, area.height, rows));
        Rect { x: area.x + left, y: area.y + top, width: right - left, height: bottom - top }
    };
    (0..count).map(cell).collect()
}

/// One with `share` of the canvas along its long side, the others in a strip of cells, at least
/// `fewest` long so that a single one is not stretched; more than four take two rows.
fn beside(canvas: (u32, u32), performers: usize, share: (u32, u32), fewest: u32) -> Vec<Rect> {
    let [large, rest] = split(whole(canvas), along(canvas), share.0, share.1);
    let others = u32::try_from(performers.saturating_sub(1)).expect("a stage is small");
    let rows = if others > 4 { 2 } else { 1 };
    let long = others.div_ceil(rows).max(fewest);
    let mut rects = strip(rest, along(canvas).other(), others, long, rows);
    rects.insert(0, large);
    rects
}

/// One that fills the canvas, the others a quarter of it each way, in columns from the upper right.
fn floats(canvas: (u32, u32), performers: usize) -> Vec<Rect> {
    let (width, height) = (even(canvas.0 / 4), even(canvas.1 / 4));
    let gap = even(canvas.0.min(canvas.1) / 36);
    let top = even(canvas.1 / 8);
    let rows = ((canvas.1 - top) / (height + gap)).max(1);
    let mut rects = vec![whole(canvas)];
    for index in 0..u32::try_from(performers.saturating_sub(1)).expect("a stage is small") {
        let (column, row) = (index / rows, index % rows);
        let from_right = (column + 1) * (width + gap);
        let Some(x) = even(canvas.0).checked_sub(from_right) else { break };
        rects.push(Rect { x, y: top + row * (height + gap), width, height });
    }
    rects
}
