//! What is shown besides performers: films that are played in over them, and what stands in while
//! nobody is on stage.

use super::{Misfit, spots};
use crate::{FeedId, Fill, Fit, ImageName, Rect, Scene, Tile};

/// Most films that are played into a room at once; each is decoded.
pub const MAX_INSERTS: usize = 4;

/// The depth of a film for which none was chosen: nearer than performers, beneath overlays.
pub const INSERT_Z: u8 = 99;

/// The most that others may go down under a film, in decibels.
pub const DUCK_MAX_DB: u8 = 60;

/// How a film is shown and heard.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Insert {
    /// Where.
    pub place: Place,
    /// Depth, as of a [`Tile`].
    pub z: u8,
    /// How a film of another shape fills its place.
    pub fit: Fit,
    /// Loudness in percent.
    pub volume_percent: u8,
    /// By how many decibels everybody else goes down while it sounds.
    pub duck_db: u8,
}

/// Where a film is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// Over all of the picture.
    Fullscreen,
    /// In the corner at the top right, a third as wide as the picture.
    Corner,
    /// Here.
    Pip(Rect),
}

impl Insert {
    /// Says whether a program of `canvas` can show this.
    ///
    /// # Errors
    ///
    /// What does not fit.
    pub fn check(&self, canvas: (u32, u32)) -> Result<(), Misfit> {
        spots::check_rect(self.place.rect(canvas), canvas)
    }

    /// Returns the tile of the film that is called `feed`.
    pub fn tile(&self, feed: FeedId, canvas: (u32, u32)) -> Tile {
        Tile {
            z: self.z,
            fit: self.fit,
            gain_percent: self.volume_percent,
            duck_db: self.duck_db.min(DUCK_MAX_DB),
            ..Tile::new(feed, self.place.rect(canvas))
        }
    }
}

impl Place {
    /// Returns where that is on a canvas of `(width, height)` pixels.
    pub fn rect(self, (width, height): (u32, u32)) -> Rect {
        match self {
            Self::Fullscreen => Rect { x: 0, y: 0, width, height },
            Self::Corner => {
                let even = |pixels: u32| pixels & !1;
                let (across, down) = (even(width / 3), even(height / 3));
                let gap = even(width / 40);
                Rect { x: even(width - across - gap), y: gap, width: across, height: down }
            }
            Self::Pip(rect) => rect,
        }
    }
}

/// What a program shows while nobody is on stage.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum StandIn {
    /// The background of the layout.
    #[default]
    Slate,
    /// A picture over all of it.
    Image(ImageName),
    /// A film, over and over.
    Film(Box<Tile>),
}

impl StandIn {
    /// Puts it into a scene that shows nobody.
    pub fn stand_in(&self, scene: &mut Scene) {
        match self {
            Self::Slate => {}
            Self::Image(name) => scene.background = Fill::Image(name.clone()),
            Self::Film(tile) => scene.tiles.push(Tile::clone(tile)),
        }
    }
}
