//! Decides what the picture of a program is: who stands where, by the choice of whoever directs the
//! room or by the number of performers alone, and what is drawn around them.
//!
//! Performers are placed in the order in which they are given, so whoever was first stays where
//! they are while others come and go within the same grid. Whoever has no place is heard and not
//! seen. All numbers are even.

mod places;
mod played_in;
mod spots;

use crate::{
    Border, Colour, Content, FeedId, Fill, Fit, ImageName, MediaTime, Overlay, Placeholder, Rect,
    Scene, Side, TextStyle, Tile, Transition,
};

pub use places::Preset;
pub use played_in::{DUCK_MAX_DB, INSERT_Z, Insert, MAX_INSERTS, Place as InsertPlace, StandIn};
pub use spots::{Misfit, Spot};

/// No more performers than this are seen or heard.
pub const MAX_TILES: usize = 9;

/// Most overlays of a choice, and most rectangles of a custom arrangement.
pub const MAX_PARTS: usize = 16;

/// The depth of an overlay for which none was chosen: nearer than every performer.
pub const OVERLAY_Z: u8 = 100;

/// Somebody on the stage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Performer {
    /// Their picture and sound.
    pub feed: FeedId,
    /// The name that others know them by.
    pub name: String,
    /// Whether they must not be heard.
    pub is_muted: bool,
}

/// What somebody chose for the picture of a room. The default is what a room has before anybody
/// chose: the number of performers decides, and nothing is drawn around them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Choice {
    /// Who stands where.
    pub arrangement: Arrangement,
    /// Who comes first, as `user` or `room/user`; the large one where one is large.
    pub main: Option<String>,
    /// How pictures fill their tiles; `None` leaves it to the arrangement.
    pub fit: Option<Fit>,
    /// Whether names are written into the picture.
    pub has_labels: bool,
    /// Whether the picture says who is muted.
    pub has_mute_marks: bool,
    /// The frame of each tile.
    pub border: Option<Border>,
    /// The radius of each tile's corners, in pixels.
    pub radius: u16,
    /// What fills the tile of somebody who cannot be seen.
    pub placeholder: Fill,
    /// What is behind the tiles.
    pub background: Fill,
    /// What is drawn over them.
    pub ornaments: Vec<Ornament>,
    /// How changes of the picture look.
    pub transition: Transition,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            arrangement: Arrangement::Auto,
            main: None,
            fit: None,
            has_labels: false,
            has_mute_marks: false,
            border: None,
            radius: 0,
            placeholder: Fill::Colour(Colour::EMPTY_TILE),
            background: Fill::Colour(Colour::SLATE),
            ornaments: Vec::new(),
            transition: Transition::Cut,
        }
    }
}

/// Who stands where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Arrangement {
    /// As suits the number of performers.
    Auto,
    /// Always the same, however many there are.
    Preset(Preset),
    /// In these rectangles.
    Custom(Vec<Spot>),
}

/// An overlay as it is chosen; what it shows is known when it is drawn.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ornament {
    /// Where, in pixels of the canvas.
    pub rect: Rect,
    /// Depth, as of a [`Tile`].
    pub z: u8,
    /// 100 hides what is beneath.
    pub opacity_percent: u8,
    /// What it shows.
    pub motif: Motif,
}

/// What an ornament shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Motif {
    /// A picture of the operator's.
    Image(ImageName),
    /// Words.
    Text {
        /// What is written.
        text: String,
        /// How.
        style: TextStyle,
    },
    /// The time of day.
    Clock {
        /// How far local time is ahead of UTC.
        utc_offset_minutes: i16,
        /// How.
        style: TextStyle,
    },
    /// Minutes and seconds until a deadline.
    Countdown {
        /// The deadline in room time, Unix milliseconds.
        ends_at_ms: u64,
        /// How.
        style: TextStyle,
    },
    /// The scores of a battle; nothing while there is none.
    Score {
        /// Colours of this room's side and of the other's.
        colours: [Colour; 2],
    },
}

/// What a picture needs to know of the room besides who is on stage.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Figures {
    /// Room time in Unix milliseconds when the media clock stood at zero.
    pub zero_ms: i64,
    /// This room's score and the other's, while there is a battle.
    pub scores: Option<[u64; 2]>,
}

impl Choice {
    /// Says whether a program of `canvas` can look like this.
    ///
    /// # Errors
    ///
    /// What does not fit.
    pub fn check(&self, canvas: (u32, u32)) -> Result<(), Misfit> {
        if let Arrangement::Custom(chosen) = &self.arrangement {
            spots::check(chosen, canvas)?;
        }
        if self.ornaments.len() > MAX_PARTS {
            return Err(Misfit::TooMany);
        }
        self.ornaments.iter().try_for_each(|ornament| spots::check_rect(ornament.rect, canvas))
    }

    /// Returns the preset that is in effect for so many performers; `None` for custom rectangles.
    pub fn preset(&self, performers: usize, is_battle: bool) -> Option<Preset> {
        match &self.arrangement {
            Arrangement::Auto => Some(Preset::for_stage(performers, is_battle)),
            Arrangement::Preset(preset) => Some(*preset),
            Arrangement::Custom(_) => None,
        }
    }

    /// Returns the picture of `performers` on a canvas of `(width, height)` pixels. Those who are
    /// muted are seen and not heard.
    pub fn scene(
        &self,
        revision: u64,
        performers: &[Performer],
        is_battle: bool,
        canvas: (u32, u32),
        figures: Figures,
    ) -> Scene {
        let mut performers: Vec<&Performer> = performers.iter().take(MAX_TILES).collect();
        // Stable: the others keep their order.
        performers.sort_by_key(|performer| !self.is_main(performer));
        let places = match (&self.arrangement, self.preset(performers.len(), is_battle)) {
            (Arrangement::Custom(chosen), _) => spots::assign(chosen, &performers),
            (_, preset) => {
                let preset = preset.expect("only custom rectangles have none");
                let places = preset.places(performers.len(), canvas);
                (0..performers.len()).map(|index| places.get(index).copied()).collect()
            }
        };
        let tile = |(performer, place)| self.tile(performer, place);
        Scene {
            revision,
            background: self.background.clone(),
            tiles: performers.into_iter().zip(places).map(tile).collect(),
            overlays: self.ornaments.iter().filter_map(|one| one.overlay(figures)).collect(),
            transition: self.transition,
            patience: Scene::PATIENCE,
        }
    }

    fn is_main(&self, performer: &Performer) -> bool {
        self.main.as_deref().is_some_and(|main| is_called(performer, main))
    }

    fn tile(&self, performer: &Performer, place: Option<Place>) -> Tile {
        let is_heard = !performer.is_muted;
        let heard = Tile {
            gain_percent: if is_heard { 100 } else { 0 },
            ..Tile::new(performer.feed.clone(), Rect::NOWHERE)
        };
        let Some(Place { rect, z, fit }) = place else { return heard };
        Tile {
            rect,
            z,
            fit: self.fit.unwrap_or(fit),
            border: self.border,
            radius: self.radius,
            label: self.has_labels.then(|| performer.name.clone()),
            has_mute_mark: self.has_mute_marks && performer.is_muted,
            placeholder: Placeholder {
                fill: self.placeholder.clone(),
                name: performer.name.clone(),
            },
            ..heard
        }
    }
}

impl Ornament {
    /// Returns what is drawn now, if anything is.
    fn overlay(&self, figures: Figures) -> Option<Overlay> {
        let content = match &self.motif {
            Motif::Image(name) => Content::Image(name.clone()),
            Motif::Text { text, style } => Content::Text { text: text.clone(), style: *style },
            Motif::Clock { utc_offset_minutes, style } => {
                let zero_ms = figures.zero_ms + i64::from(*utc_offset_minutes) * 60_000;
                Content::Clock { zero_ms, style: *style }
            }
            Motif::Countdown { ends_at_ms, style } => {
                let ends_at = i64::try_from(*ends_at_ms).ok()?.saturating_sub(figures.zero_ms);
                // The media clock began with this machine; a deadline before that is long over.
                let ends_at = MediaTime::from_millis(u64::try_from(ends_at).unwrap_or(0));
                Content::Countdown { ends_at, style: *style }
            }
            Motif::Score { colours } => {
                let [left, right] = figures.scores?;
                let side = |score, colour| Side { score, colour };
                Content::ScoreBar { left: side(left, colours[0]), right: side(right, colours[1]) }
            }
        };
        let Self { rect, z, opacity_percent, .. } = *self;
        Some(Overlay { rect, z, opacity_percent, content })
    }
}

/// A performer's place in the picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Where.
    pub rect: Rect,
    /// Depth.
    pub z: u8,
    /// How the picture fills it.
    pub fit: Fit,
}

/// Returns whether `name` means this performer: `user`, or `room/user` where two rooms share a stage.
fn is_called(performer: &Performer, name: &str) -> bool {
    performer.feed.identity() == name || performer.feed.as_str() == name
}

const fn even(number: u32) -> u32 {
    number & !1
}
