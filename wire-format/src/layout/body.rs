//! The JSON of a layout: names, shapes and what is left out.

use media_rules::Colour;
use media_rules::layout::OVERLAY_Z;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(JsonSchema, Serialize)]
pub(crate) struct AppliedBody {
    pub(super) rev: u64,
    pub(super) at: u64,
    pub(super) preset: Option<&'static str>,
    pub(super) labels: bool,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct ViewBody<'a> {
    pub(super) rev: u64,
    pub(super) canvas: CanvasBody,
    pub(super) preset: Option<&'static str>,
    pub(super) layout: LayoutBody,
    pub(super) tiles: Vec<SeenBody<'a>>,
}

#[derive(JsonSchema, Serialize)]
pub(super) struct CanvasBody {
    pub(super) width: u32,
    pub(super) height: u32,
}

#[derive(JsonSchema, Serialize)]
pub(super) struct SeenBody<'a> {
    pub(super) feed: &'a str,
    pub(super) user: &'a str,
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) z: u8,
    pub(super) seen: bool,
}

#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LayoutBody {
    pub(super) preset: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tiles: Vec<SpotBody>,
    pub(super) main: Option<String>,
    pub(super) fit: Option<FitBody>,
    pub(super) labels: bool,
    pub(super) mute_marks: bool,
    pub(super) border: Option<BorderBody>,
    pub(super) radius: u16,
    pub(super) placeholder: FillBody,
    pub(super) background: FillBody,
    pub(super) overlays: Vec<OverlayBody>,
    pub(super) transition: TransitionBody,
}

#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpotBody {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) z: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fit: Option<FitBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FitBody {
    Cover,
    Contain,
    Fill,
}

#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BorderBody {
    pub(super) width: u16,
    pub(super) colour: String,
}

#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FillBody {
    Colour(String),
    Image(String),
}

#[derive(Deserialize, JsonSchema, Serialize)]
pub(super) struct OverlayBody {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    #[serde(default = "overlay_z")]
    pub(super) z: u8,
    #[serde(default = "opaque")]
    pub(super) opacity: u8,
    #[serde(flatten)]
    pub(super) motif: MotifBody,
}

#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum MotifBody {
    Image {
        image: String,
    },
    Text {
        text: String,
        #[serde(flatten)]
        style: StyleBody,
    },
    Clock {
        #[serde(default)]
        utc_offset_minutes: i16,
        #[serde(flatten)]
        style: StyleBody,
    },
    Countdown {
        ends_at: u64,
        #[serde(flatten)]
        style: StyleBody,
    },
    Score {
        #[serde(default = "score_colours")]
        colours: [String; 2],
    },
}

#[derive(Deserialize, JsonSchema, Serialize)]
pub(super) struct StyleBody {
    #[serde(default = "usual_size")]
    pub(super) size: u16,
    #[serde(default = "white")]
    pub(super) colour: String,
    #[serde(default)]
    pub(super) backing: Option<String>,
    #[serde(default)]
    pub(super) align: AlignBody,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AlignBody {
    Left,
    #[default]
    Middle,
    Right,
}

#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransitionBody {
    pub(super) kind: TransitionKind,
    #[serde(default)]
    pub(super) ms: u64,
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TransitionKind {
    Cut,
    Fade,
    Slide,
}

pub(super) const fn overlay_z() -> u8 {
    OVERLAY_Z
}

pub(super) const fn opaque() -> u8 {
    100
}

pub(super) const fn usual_size() -> u16 {
    32
}

pub(super) fn white() -> String {
    Colour::WHITE.to_string()
}

pub(super) fn score_colours() -> [String; 2] {
    ["#ff4d6d", "#4d7cff"].map(str::to_owned)
}
