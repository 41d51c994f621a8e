//! A scene with everything in it drawn ahead of time, so that making a picture is only laying what
//! is there: names, marks, images and letters are rasters already.

use std::sync::Arc;
use std::time::Duration;

use media_rules::{Align, FeedId, Fit, MediaTime, Rect, Scene, Transition};

use crate::paint::Raster;

/// A scene, ready to be drawn.
#[derive(Debug)]
pub(crate) struct Scenery {
    /// Which scene this is.
    pub(crate) revision: u64,
    /// How it follows the one before it.
    pub(crate) transition: Transition,
    /// How long it waits for the first pictures of its feeds.
    pub(crate) patience: Duration,
    /// What is seen where nothing else is.
    pub(crate) backdrop: Backdrop,
    /// Tiles and overlays, the farthest first.
    pub(crate) parts: Vec<Arc<Part>>,
}

/// What is behind everything.
#[derive(Clone, Debug)]
pub(crate) enum Backdrop {
    /// One colour, as Y, U, V.
    Colour([u8; 3]),
    /// A raster of the size of the canvas.
    Image(Arc<Raster>),
}

/// Something with a place in the picture. A part that two sceneries have in common is the same one.
#[derive(Debug)]
pub(crate) struct Part {
    /// Where it rests.
    pub(crate) rect: Rect,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What a part is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A feed.
    Tile(Box<TileArt>),
    /// Anything else.
    Overlay(Box<OverlayArt>),
}

/// A feed's tile.
#[derive(Debug)]
pub(crate) struct TileArt {
    /// Whose picture.
    pub(crate) feed: FeedId,
    /// How it fills the tile.
    pub(crate) fit: Fit,
    /// Width and colour of the frame.
    pub(crate) border: Option<(u32, [u8; 3])>,
    /// Radius of the corners.
    pub(crate) radius: u32,
    /// What is seen beside a picture that does not fill the tile.
    pub(crate) ground: [u8; 3],
    /// What is seen instead of a picture.
    pub(crate) placeholder: Raster,
    /// The name.
    pub(crate) label: Option<Raster>,
    /// The mute mark.
    pub(crate) mark: Option<Raster>,
}

/// An overlay's drawing.
#[derive(Debug)]
pub(crate) struct OverlayArt {
    /// How much of 255 it hides.
    pub(crate) opacity: u8,
    /// A colour behind all of its rectangle.
    pub(crate) backing: Option<[u8; 3]>,
    /// What it shows.
    pub(crate) drawing: Drawing,
}

/// What an overlay shows.
#[derive(Debug)]
pub(crate) enum Drawing {
    /// The same all the time, in the middle of the rectangle or along an edge.
    Still(Raster, Align),
    /// A time that goes on, in digits.
    Time(Counting, Digits, Align),
}

/// Which time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counting {
    /// The time of day; milliseconds when the media clock stood at zero.
    Day(i64),
    /// What is left until then.
    Until(MediaTime),
}

/// One raster for each of `0123456789:`.
#[derive(Debug)]
pub(crate) struct Digits(pub(crate) Vec<Raster>);

impl Scenery {
    /// Returns a scenery with nothing in it.
    pub(crate) fn empty() -> Self {
        let backdrop = Backdrop::Colour(media_rules::Colour::SLATE.yuv());
        let (transition, patience) = (Transition::Cut, Scene::PATIENCE);
        Self { revision: 0, transition, patience, backdrop, parts: Vec::new() }
    }

    /// Returns whether this is a slate that somebody chose to be seen.
    pub(crate) fn is_slate(&self) -> bool {
        self.revision > 0 && self.feeds().next().is_none()
    }

    /// Returns the feeds that are seen.
    pub(crate) fn feeds(&self) -> impl Iterator<Item = &FeedId> {
        self.parts.iter().filter_map(|part| part.feed())
    }
}

impl Part {
    /// Returns whose picture it shows.
    pub(crate) const fn feed(&self) -> Option<&FeedId> {
        match &self.kind {
            Kind::Tile(tile) => Some(&tile.feed),
            Kind::Overlay(_) => None,
        }
    }
}

impl Counting {
    /// Returns the digits to show in the picture that is due at `at`.
    pub(crate) fn text(self, at: MediaTime) -> String {
        match self {
            Self::Day(zero_ms) => {
                let millis = i64::try_from(at.millis()).unwrap_or(i64::MAX);
                let seconds = zero_ms.saturating_add(millis).div_euclid(1_000).rem_euclid(86_400);
                let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
                format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
            }
            Self::Until(end) => {
                // The last second is shown as 1, and zero is the end.
                let seconds = end.since(at).as_millis().div_ceil(1_000);
                format!("{:02}:{:02}", seconds / 60, seconds % 60)
            }
        }
    }
}

impl Digits {
    /// What there is a raster of.
    pub(crate) const ALL: &'static str = "0123456789:";

    /// Returns the rasters of `text`.
    pub(crate) fn of<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a Raster> {
        text.chars().filter_map(|c| self.0.get(Self::ALL.find(c)?))
    }
}

/// Returns where something `length` long starts between `start` and `start + whole`.
pub(crate) fn aligned(align: Align, start: u32, whole: u32, length: usize) -> i32 {
    let start = i32::try_from(start).unwrap_or(i32::MAX);
    let free = i32::try_from(i64::from(whole) - length as i64).unwrap_or(0);
    match align {
        Align::Left => start,
        Align::Middle => start + free / 2,
        Align::Right => start + free,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    #[test]
    fn a_clock_shows_the_time_of_day_also_before_midnight() {
        let noon = Counting::Day(12 * 3_600_000);
        assert_eq!(noon.text(at(0)), "12:00:00");
        assert_eq!(noon.text(at(61_999)), "12:01:01");
        assert_eq!(noon.text(at(12 * 3_600_000)), "00:00:00");
        assert_eq!(Counting::Day(-1).text(at(0)), "23:59:59");
    }

    #[test]
    fn a_countdown_is_at_zero_when_it_is_over_and_not_before() {
        let countdown = Counting::Until(at(65_000));
        assert_eq!(countdown.text(at(0)), "01:05");
        assert_eq!(countdown.text(at(64_000)), "00:01");
        assert_eq!(countdown.text(at(64_999)), "00:01");
        assert_eq!(countdown.text(at(65_000)), "00:00");
        assert_eq!(countdown.text(at(70_000)), "00:00");
    }
}
