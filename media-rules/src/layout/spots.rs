//! Rectangles that somebody chose one by one: whether they fit, and who stands in which.

use super::{MAX_PARTS, Performer, Place, is_called};
use crate::{Fit, Rect};

/// The smallest rectangle: a block of 4:2:0 video on each side.
const LEAST: u32 = 16;

/// One chosen rectangle.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Spot {
    /// Where, in pixels of the canvas.
    pub rect: Rect,
    /// Depth; no two are equal.
    pub z: u8,
    /// How a picture fills it; `None` cuts off what hangs over.
    pub fit: Option<Fit>,
    /// Whose it is, as `user` or `room/user`; `None` is for whoever comes next.
    pub who: Option<String>,
}

/// Why a choice cannot be drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Misfit {
    /// Nobody would be seen.
    #[error("a custom arrangement needs a rectangle")]
    Empty,
    /// More than [`MAX_PARTS`].
    #[error("there may be {MAX_PARTS} rectangles and {MAX_PARTS} overlays")]
    TooMany,
    /// 4:2:0 pictures have no half pixels of colour.
    #[error("x, y, width and height of a rectangle must be even")]
    Odd,
    /// Too small to see anything in it.
    #[error("a rectangle must be at least {LEAST} pixels wide and high")]
    Small,
    /// It would be cut.
    #[error("a rectangle lies outside the canvas of {}x{}", .canvas.0, .canvas.1)]
    Outside {
        /// The canvas.
        canvas: (u32, u32),
    },
    /// Which is nearer must be clear.
    #[error("two rectangles have the same z")]
    SameDepth,
}

pub(super) fn check(spots: &[Spot], canvas: (u32, u32)) -> Result<(), Misfit> {
    if spots.is_empty() {
        return Err(Misfit::Empty);
    }
    if spots.len() > MAX_PARTS {
        return Err(Misfit::TooMany);
    }
    for (index, spot) in spots.iter().enumerate() {
        check_rect(spot.rect, canvas)?;
        if spots[..index].iter().any(|other| other.z == spot.z) {
            return Err(Misfit::SameDepth);
        }
    }
    Ok(())
}

pub(super) fn check_rect(rect: Rect, canvas: (u32, u32)) -> Result<(), Misfit> {
    let Rect { x, y, width, height } = rect;
    if ![x, y, width, height].iter().all(|number| number.is_multiple_of(2)) {
        return Err(Misfit::Odd);
    }
    if width < LEAST || height < LEAST {
        return Err(Misfit::Small);
    }
    let is_inside = |start: u32, length: u32, whole: u32| {
        start.checked_add(length).is_some_and(|end| end <= whole)
    };
    if is_inside(x, width, canvas.0) && is_inside(y, height, canvas.1) {
        Ok(())
    } else {
        Err(Misfit::Outside { canvas })
    }
}

/// Returns the place of each performer. Rectangles that name somebody are theirs, the others are
/// filled in their order by those who are named nowhere.
pub(super) fn assign(spots: &[Spot], performers: &[&Performer]) -> Vec<Option<Place>> {
    let is_theirs = |spot: &Spot, performer: &Performer| {
        spot.who.as_deref().is_some_and(|who| is_called(performer, who))
    };
    let mut free = spots.iter().filter(|spot| spot.who.is_none());
    let spot_of = |performer: &&Performer| {
        let own = spots.iter().find(|spot| is_theirs(spot, performer));
        let spot = own.or_else(|| free.next())?;
        Some(Place { rect: spot.rect, z: spot.z, fit: spot.fit.unwrap_or(Fit::Cover) })
    };
    performers.iter().map(spot_of).collect()
}
