//! What a mixer draws over the picture besides feeds: images, text, clocks and scores. It is in the
//! picture because players of RTMP have no page around it. Times are on the media clock, so that the
//! mixer needs no other.

use crate::{Colour, ImageName, MediaTime, Rect};

/// Something drawn besides the feeds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Overlay {
    /// Where, in pixels of the program's canvas.
    pub rect: Rect,
    /// Depth: higher is nearer; see [`Tile::z`](crate::Tile::z).
    pub z: u8,
    /// 100 hides what is beneath, as far as the content itself does.
    pub opacity_percent: u8,
    /// What is drawn.
    pub content: Content,
}

/// What an overlay shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content {
    /// A whole picture in the middle of the rectangle, see-through where it is.
    Image(ImageName),
    /// Words.
    Text {
        /// What is written; broken into lines to suit the rectangle, cut where it is full.
        text: String,
        /// How.
        style: TextStyle,
    },
    /// The time of day as hours, minutes and seconds.
    Clock {
        /// The local time of day in milliseconds when the media clock stood at zero; may be negative.
        zero_ms: i64,
        /// How.
        style: TextStyle,
    },
    /// Minutes and seconds until a deadline; zeros after it.
    Countdown {
        /// The deadline.
        ends_at: MediaTime,
        /// How.
        style: TextStyle,
    },
    /// The scores of two sides as a bar that they share.
    ScoreBar {
        /// The left side.
        left: Side,
        /// The right side.
        right: Side,
    },
}

/// One side of a score.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Side {
    /// Its score.
    pub score: u64,
    /// Its part of the bar.
    pub colour: Colour,
}

/// How text looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TextStyle {
    /// Height of a line's letters (the em) in pixels.
    pub size: u16,
    /// Colour of the letters.
    pub colour: Colour,
    /// What is behind them; `None` leaves the picture there, with a dark edge around the letters.
    pub backing: Option<Colour>,
    /// Where lines stand in the rectangle.
    pub align: Align,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Align {
    /// At the left edge.
    Left,
    /// In the middle.
    Middle,
    /// At the right edge.
    Right,
}
