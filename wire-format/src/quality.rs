//! How much is made of a room's picture, as `docs/PROTOCOL.md` section 14 writes it. What fits the
//! canvas and the server's limits is the room's to say.

use room_rules::ServerTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::DecodeError;
use crate::decode::bad;
use crate::encode::{write, write_news};

/// The usual names of renditions, the smallest first.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum RenditionSize {
    /// 360 lines.
    Ld,
    /// 540 lines.
    Sd,
    /// 720 lines.
    Hd,
}

impl RenditionSize {
    /// Returns the name as it stands behind a room's in `live/<room>_sd`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ld => "ld",
            Self::Sd => "sd",
            Self::Hd => "hd",
        }
    }
}

/// The body of `PUT /v1/rooms/{room}/quality`. What is left out is as the server is configured.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct QualityChoice {
    /// Target of the program's encoder.
    pub video_kbps: Option<u32>,
    /// The smaller pictures that are made of it where somebody takes them.
    pub renditions: Option<Vec<RenditionSize>>,
}

impl QualityChoice {
    /// Reads the body.
    ///
    /// # Errors
    ///
    /// `BAD_REQUEST` with what is wrong.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut choice: Self =
            serde_json::from_slice(body).map_err(|e| bad(None, e.to_string()))?;
        if let Some(renditions) = &mut choice.renditions {
            let asked = renditions.len();
            renditions.sort_unstable();
            renditions.dedup();
            if renditions.len() != asked {
                return Err(bad(None, "each rendition may be named once"));
            }
        }
        Ok(choice)
    }
}

/// How much is made of a room's picture.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(rename = "Quality")]
pub struct QualityView {
    /// Target of the program's encoder.
    pub video_kbps: u32,
    /// The smaller pictures that there are, the smallest first.
    pub renditions: Vec<RenditionView>,
    /// What may be chosen.
    pub limits: QualityLimits,
}

/// A smaller picture.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(rename = "Rendition")]
pub struct RenditionView {
    /// What players ask for.
    pub name: RenditionSize,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Target of its encoder.
    pub kbps: u32,
    /// Whether it is being encoded, because somebody takes it.
    pub active: bool,
}

/// What may be chosen.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct QualityLimits {
    /// The least `video_kbps`.
    pub min_kbps: u32,
    /// The most.
    pub max_kbps: u32,
    /// The renditions that are smaller than the program.
    pub renditions: Vec<RenditionSize>,
}

/// Encodes the answer of `GET` and `PUT /v1/rooms/{room}/quality`.
pub fn encode_quality(view: &QualityView) -> String {
    write(view)
}

/// Encodes the news that somebody chose otherwise.
pub fn encode_quality_updated(view: &QualityView, at: ServerTime) -> String {
    write_news("quality.updated", at, view)
}
