//! What is made of a program's picture: the encoder, the bit rate, and smaller renditions of it.

use std::fmt;
use std::str::FromStr;

/// What encodes the program's picture. docs/CODECS.md says what each choice means.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum VideoEncoder {
    /// x264 where it is installed, else OpenH264.
    #[default]
    Auto,
    /// `x264enc`.
    X264,
    /// `openh264enc`.
    OpenH264,
    /// `vah264enc` or `vaapih264enc`, on Intel's and AMD's graphics processors.
    Vaapi,
    /// `nvh264enc`, on Nvidia's.
    Nvenc,
}

const NAMES: [(&str, VideoEncoder); 5] = [
    ("auto", VideoEncoder::Auto),
    ("x264", VideoEncoder::X264),
    ("openh264", VideoEncoder::OpenH264),
    ("vaapi", VideoEncoder::Vaapi),
    ("nvenc", VideoEncoder::Nvenc),
];

impl VideoEncoder {
    /// Returns its number on the link.
    pub(crate) fn number(self) -> u8 {
        let place = NAMES.iter().position(|(_, encoder)| *encoder == self);
        place.and_then(|place| u8::try_from(place).ok()).expect("every encoder has a name")
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        NAMES.get(usize::from(number)).map(|(_, encoder)| *encoder)
    }
}

/// A word that names no encoder.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("there is no encoder {0:?}; there are: auto, x264, openh264, vaapi, nvenc")]
pub struct UnknownEncoder(String);

impl FromStr for VideoEncoder {
    type Err = UnknownEncoder;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, encoder)| *encoder).ok_or_else(|| UnknownEncoder(name.to_owned()))
    }
}

impl fmt::Display for VideoEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES[usize::from(self.number())].0)
    }
}

/// How much is made of each picture. May change at any time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quality {
    /// Target of the encoder of the whole picture.
    pub video_kbps: u32,
    /// Smaller pictures beside it.
    pub renditions: Vec<Rendition>,
}

impl Quality {
    /// No program has more renditions: one of each name.
    pub const MAX_RENDITIONS: usize = LADDER.len();
}

/// A smaller version of the program's picture, made of the same composite by an encoder of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rendition {
    /// What players ask for.
    pub name: RenditionName,
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Target of its encoder.
    pub kbps: u32,
}

/// The usual names of renditions.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum RenditionName {
    /// 360 lines, 400 kbit/s.
    Ld,
    /// 540 lines, 1,000 kbit/s.
    Sd,
    /// 720 lines, 1,800 kbit/s.
    Hd,
}

/// With the shorter side in pixels and kbit/s.
const LADDER: [(&str, RenditionName, u32, u32); 3] = [
    ("ld", RenditionName::Ld, 360, 400),
    ("sd", RenditionName::Sd, 540, 1_000),
    ("hd", RenditionName::Hd, 720, 1_800),
];

impl RenditionName {
    /// Returns its number on the link.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Ld => 0,
            Self::Sd => 1,
            Self::Hd => 2,
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        LADDER.get(usize::from(number)).map(|(_, name, _, _)| *name)
    }

    /// Returns its place among all, the smallest first. It does not depend on which others are made.
    pub const fn place(self) -> usize {
        self.number() as usize
    }

    /// Returns the name as it stands behind a room's in `live/<room>_sd`.
    pub fn as_str(self) -> &'static str {
        LADDER[usize::from(self.number())].0
    }
}

impl Rendition {
    /// Returns every rendition that a program of `canvas` pixels can have, the smallest first.
    pub fn all(canvas: (u32, u32)) -> impl Iterator<Item = Self> {
        LADDER.iter().filter_map(move |(name, ..)| Self::named(name, canvas))
    }

    /// Returns the rendition of this name (`ld`, `sd` or `hd`) of a program of `canvas` pixels;
    /// `None` if there is no such name or the program itself is no larger.
    pub fn named(name: &str, canvas: (u32, u32)) -> Option<Self> {
        let (_, name, side, kbps) = *LADDER.iter().find(|(known, ..)| *known == name)?;
        let short = canvas.0.min(canvas.1);
        let shrink = |pixels: u32| (pixels * side / short) & !1;
        let (width, height) = (shrink(canvas.0), shrink(canvas.1));
        (side < short).then_some(Self { name, width, height, kbps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoder_has_a_name_and_a_number() {
        for (name, encoder) in NAMES {
            assert_eq!((name.parse(), encoder.to_string()), (Ok(encoder), name.to_owned()));
            assert_eq!(VideoEncoder::from_number(encoder.number()), Some(encoder));
        }
    }

    #[test]
    fn renditions_keep_the_shape_and_are_smaller() {
        let size = |name, canvas| {
            Rendition::named(name, canvas).map(|found| (found.width, found.height, found.kbps))
        };
        assert_eq!(size("ld", (720, 1280)), Some((360, 640, 400)));
        assert_eq!(size("sd", (720, 1280)), Some((540, 960, 1_000)));
        assert_eq!((size("hd", (720, 1280)), size("xd", (720, 1280))), (None, None));
        assert_eq!(size("hd", (1920, 1080)), Some((1280, 720, 1_800)));
        let names = Rendition::all((720, 1280)).map(|it| it.name).collect::<Vec<_>>();
        assert_eq!(names, [RenditionName::Ld, RenditionName::Sd]);
        for (text, name, ..) in LADDER {
            assert_eq!(
                (name.as_str(), RenditionName::from_number(name.number())),
                (text, Some(name))
            );
        }
    }

    #[test]
    fn an_unknown_encoder_is_told_which_there_are() {
        let error = "h265".parse::<VideoEncoder>().unwrap_err().to_string();
        assert!(error.contains("h265") && error.contains("openh264"), "{error}");
    }
}
