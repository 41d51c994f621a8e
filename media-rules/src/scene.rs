//! The picture that a mixer draws: which feed goes where.

use crate::FeedId;

/// A whole program picture. Applied at one frame boundary, never half.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scene {
    /// Rises with every change of the same program.
    pub revision: u64,
    /// Drawn in this order, later over earlier; also the feeds that are heard.
    pub tiles: Vec<Tile>,
}

/// One feed's place in the picture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tile {
    /// Whose picture and sound.
    pub feed: FeedId,
    /// Where, in pixels of the program's canvas.
    pub rect: Rect,
    /// How a picture of another shape fills `rect`.
    pub fit: Fit,
    /// Loudness in the mix, in percent; 0 is silent.
    pub gain_percent: u8,
}

/// A rectangle in pixels. All four numbers are even, as 4:2:0 chroma needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// How a picture fills a tile of another shape.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fit {
    /// Fills the tile, the overhang is cut off.
    Cover,
    /// Shows the whole picture, the rest of the tile is background.
    Contain,
}
