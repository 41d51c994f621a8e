//! The picture that a mixer draws: which feed goes where, what stands behind the feeds and what is
//! laid over them. Tiles and overlays share one order of depth, so an overlay may lie beneath a tile.

use std::time::Duration;

use crate::{Colour, FeedId, Overlay};

/// A whole program picture. Applied at one frame boundary, never half.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scene {
    /// Rises with every change of the same program's layout. A scene with the revision of the one
    /// before differs in the figures of its overlays only, such as a score.
    pub revision: u64,
    /// What is seen where nothing else is.
    pub background: Fill,
    /// The feeds that are seen, and also those that are heard.
    pub tiles: Vec<Tile>,
    /// What is drawn besides the feeds.
    pub overlays: Vec<Overlay>,
    /// How this scene takes the place of the one before it.
    pub transition: Transition,
    /// For so long the scene before it stays on while one of these feeds has no picture yet.
    pub patience: Duration,
}

impl Scene {
    /// The usual patience: a keyframe is there by then, and a host without a camera is not missed long.
    pub const PATIENCE: Duration = Duration::from_secs(1);

    /// The longest. Feeds that left the stage are kept no longer than this and a transition.
    pub const LONGEST_PATIENCE: Duration = Duration::from_secs(5);

    /// Returns a scene that shows `tiles` at once, with nothing over them.
    pub const fn new(revision: u64, tiles: Vec<Tile>) -> Self {
        Self {
            revision,
            background: Fill::Colour(Colour::SLATE),
            tiles,
            overlays: Vec::new(),
            transition: Transition::Cut,
            patience: Self::PATIENCE,
        }
    }
}

/// One feed's place in the picture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tile {
    /// Whose picture and sound.
    pub feed: FeedId,
    /// Where, in pixels of the program's canvas; empty if the feed is heard and not seen.
    pub rect: Rect,
    /// Depth: higher is nearer. Of equals overlays are nearer than tiles, and later ones than earlier.
    pub z: u8,
    /// How a picture of another shape fills `rect`.
    pub fit: Fit,
    /// A frame inside the edge of `rect`.
    pub border: Option<Border>,
    /// Radius of the rounded corners in pixels; 0 is square.
    pub radius: u16,
    /// The name that is written into the picture.
    pub label: Option<String>,
    /// Whether the picture says that this feed is muted.
    pub has_mute_mark: bool,
    /// What is seen while the feed has no picture.
    pub placeholder: Placeholder,
    /// Loudness in the mix, in percent; 0 is silent.
    pub gain_percent: u8,
    /// By how many decibels all others go down while this feed sounds, as hosts do under a clip that
    /// is played in; 0 for not at all. Feeds that have one themselves do not go down.
    pub duck_db: u8,
}

impl Tile {
    /// Returns a plain tile that is filled by its picture and heard as loud as it comes.
    pub fn new(feed: FeedId, rect: Rect) -> Self {
        Self {
            feed,
            rect,
            z: 0,
            fit: Fit::Cover,
            border: None,
            radius: 0,
            label: None,
            has_mute_mark: false,
            placeholder: Placeholder::default(),
            gain_percent: 100,
            duck_db: 0,
        }
    }
}

/// What a tile shows when its feed has no picture: never black, so that it does not look broken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Placeholder {
    /// What fills the tile.
    pub fill: Fill,
    /// Whose initials stand in the middle; empty for none.
    pub name: String,
}

impl Default for Placeholder {
    fn default() -> Self {
        Self { fill: Fill::Colour(Colour::EMPTY_TILE), name: String::new() }
    }
}

/// What a surface is filled with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fill {
    /// One colour.
    Colour(Colour),
    /// A picture, cut to the shape of the surface.
    Image(ImageName),
}

/// The name of a picture file in the folder that the operator gave for that. It has no path in it,
/// so it cannot lead out of that folder.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ImageName(String);

impl ImageName {
    /// Longest name, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Takes `name` if it is a plain file name that ends in `.png`, `.jpg` or `.jpeg`.
    pub fn parse(name: &str) -> Option<Self> {
        let has_known_end = [".png", ".jpg", ".jpeg"].iter().any(|end| name.ends_with(end));
        (is_plain(name) && has_known_end).then(|| Self(name.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a film in the folder that the operator gave for that, again without a path in it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ClipName(String);

impl ClipName {
    /// Takes `name` if it is a plain file name with an ending of a container that is understood.
    pub fn parse(name: &str) -> Option<Self> {
        const ENDS: [&str; 5] = [".mp4", ".m4v", ".mov", ".webm", ".mkv"];
        (is_plain(name) && ENDS.iter().any(|end| name.ends_with(end)))
            .then(|| Self(name.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether a name is one of a file that is neither hidden nor elsewhere.
fn is_plain(name: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_');
    name.len() <= ImageName::MAX_LEN && !name.starts_with('.') && name.bytes().all(is_plain)
}

/// A frame around a tile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Border {
    /// Its width in pixels, even.
    pub width: u16,
    /// Its colour.
    pub colour: Colour,
}

/// How one scene follows another, once the pictures of its feeds are there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Transition {
    /// From one picture to the next.
    #[default]
    Cut,
    /// The new picture covers the old one little by little.
    Fade(Duration),
    /// Tiles travel to their new places; who comes fades in and who leaves fades out.
    Slide(Duration),
}

impl Transition {
    /// The longest transition. Feeds that left the stage are kept no longer than this.
    pub const MAX: Duration = Duration::from_secs(1);

    /// Returns how long it takes.
    pub const fn length(self) -> Duration {
        match self {
            Self::Cut => Duration::ZERO,
            Self::Fade(length) | Self::Slide(length) => length,
        }
    }
}

/// A rectangle in pixels. All four numbers are even, as 4:2:0 chroma needs.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
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

impl Rect {
    /// The place of what is heard and not seen.
    pub const NOWHERE: Self = Self { x: 0, y: 0, width: 0, height: 0 };

    /// Returns whether nothing fits in.
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }
}

/// How a picture fills a tile of another shape.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fit {
    /// Fills the tile, the overhang is cut off.
    Cover,
    /// Shows the whole picture, the rest of the tile is background.
    Contain,
    /// Fills the tile with the whole picture, whatever becomes of its shape.
    Fill,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_image_never_leads_out_of_its_folder() {
        for name in ["logo.png", "Back-drop_2.jpeg", "a.b.jpg"] {
            assert_eq!(ImageName::parse(name).unwrap().as_str(), name);
        }
        let long = format!("{}.png", "a".repeat(ImageName::MAX_LEN));
        for name in ["", ".png", "../a.png", "a/b.png", "a\\b.png", "a.svg", "a.png\0", &long] {
            assert_eq!(ImageName::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn the_name_of_a_clip_never_leads_out_of_its_folder_either() {
        for name in ["ad.mp4", "Spring_2.webm", "a-b.c.mov", "x.mkv", "x.m4v"] {
            assert_eq!(ClipName::parse(name).unwrap().as_str(), name);
        }
        let long = format!("{}.mp4", "a".repeat(ImageName::MAX_LEN));
        for name in
            ["", ".mp4", "../a.mp4", "..", "a/b.mp4", "file:a.mp4", "a.ts", "a.mp4\n", &long]
        {
            assert_eq!(ClipName::parse(name), None, "{name:?}");
        }
    }
}
