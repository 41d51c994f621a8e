//! What somebody chooses for the picture of a room's program, as `docs/PROTOCOL.md` section 11 writes
//! it. Limits that need the canvas are the choice's own (`Choice::check`).

mod body;

use std::time::Duration;

use body::{
    AlignBody, BorderBody, CanvasBody, FillBody, MotifBody, OverlayBody, SeenBody, SpotBody,
    StyleBody, TransitionKind,
};
pub(crate) use body::{AppliedBody, FitBody, LayoutBody, TransitionBody, ViewBody};

use crate::DecodeError;
use crate::decode::bad;
use crate::encode::{write, write_news};
use media_rules::layout::{Arrangement, Choice, MAX_PARTS, Motif, Ornament, Preset, Spot};
use media_rules::{
    Align, Border, Colour, Fill, Fit, ImageName, Rect, Scene, TextStyle, Transition,
};
use room_rules::ServerTime;

/// The longest text of an overlay, in characters.
const TEXT_MAX: usize = 200;
/// The smallest and the largest letters, in pixels.
const SIZES: std::ops::RangeInclusive<u16> = 8..=200;
/// The widest border, in pixels.
const BORDER_MAX: u16 = 64;
/// The largest radius of a corner, in pixels.
const RADIUS_MAX: u16 = 640;
/// How far any place's local time is from UTC.
const UTC_OFFSET_MAX: u16 = 14 * 60;

/// Reads the body of `PUT /v1/rooms/{room}/layout`.
///
/// # Errors
///
/// `BAD_REQUEST` with what is wrong.
pub fn decode_layout(body: &[u8]) -> Result<Choice, DecodeError> {
    let body: LayoutBody = serde_json::from_slice(body).map_err(|e| bad(None, e.to_string()))?;
    choice(body).map_err(|what| bad(None, what))
}

/// The layout of a room as its program draws it.
#[derive(Clone, Debug)]
pub struct LayoutView {
    /// What was chosen.
    pub choice: Choice,
    /// What came of it.
    pub scene: Scene,
    /// The preset in effect; `None` for custom rectangles.
    pub preset: Option<Preset>,
    /// The size of the picture.
    pub canvas: (u32, u32),
}

/// Encodes the answer of `GET` and `PUT /v1/rooms/{room}/layout`.
pub fn encode_layout(view: &LayoutView) -> String {
    let tiles = view.scene.tiles.iter().map(|tile| SeenBody {
        feed: tile.feed.as_str(),
        user: tile.feed.identity(),
        x: tile.rect.x,
        y: tile.rect.y,
        width: tile.rect.width,
        height: tile.rect.height,
        z: tile.z,
        seen: !tile.rect.is_empty(),
    });
    write(&ViewBody {
        rev: view.scene.revision,
        canvas: CanvasBody { width: view.canvas.0, height: view.canvas.1 },
        preset: view.preset.map(Preset::name),
        layout: body(&view.choice),
        tiles: tiles.collect(),
    })
}

/// A layout that is on viewers' screens, or about to be.
#[derive(Clone, Copy, Debug)]
pub struct LayoutApplied {
    /// Its revision.
    pub revision: u64,
    /// When its first picture is due, in room time.
    pub at: ServerTime,
    /// The preset in effect; `None` for custom rectangles.
    pub preset: Option<Preset>,
    /// Whether names are written into the picture.
    pub has_labels: bool,
}

/// Encodes the news that the first picture of a layout has left the encoder.
pub fn encode_layout_applied(applied: &LayoutApplied, at: ServerTime) -> String {
    let body = AppliedBody {
        rev: applied.revision,
        at: applied.at.unix_millis(),
        preset: applied.preset.map(Preset::name),
        labels: applied.has_labels,
    };
    write_news("layout.applied", at, &body)
}

impl Default for LayoutBody {
    fn default() -> Self {
        body(&Choice::default())
    }
}

type Wrong = String;

fn choice(body: LayoutBody) -> Result<Choice, Wrong> {
    if body.tiles.len() > MAX_PARTS || body.overlays.len() > MAX_PARTS {
        return Err(format!("there may be {MAX_PARTS} tiles and {MAX_PARTS} overlays"));
    }
    let arrangement = match (body.preset.as_str(), Preset::named(&body.preset)) {
        ("auto", _) => Arrangement::Auto,
        ("custom", _) => {
            Arrangement::Custom(body.tiles.into_iter().map(spot).collect::<Result<_, _>>()?)
        }
        (_, Some(preset)) => Arrangement::Preset(preset),
        (_, None) => return Err("preset must be auto, custom or one of the presets".into()),
    };
    if body.radius > RADIUS_MAX {
        return Err(format!("radius may be {RADIUS_MAX} pixels"));
    }
    let ornaments = body.overlays.into_iter().map(ornament).collect::<Result<_, _>>()?;
    Ok(Choice {
        arrangement,
        main: body.main.map(name).transpose()?,
        fit: body.fit.map(fit),
        has_labels: body.labels,
        has_mute_marks: body.mute_marks,
        border: body.border.as_ref().map(border).transpose()?,
        radius: body.radius,
        placeholder: fill(&body.placeholder)?,
        background: fill(&body.background)?,
        ornaments,
        transition: transition(&body.transition)?,
    })
}

fn spot(body: SpotBody) -> Result<Spot, Wrong> {
    let SpotBody { x, y, width, height, z, fit: wanted, user } = body;
    let rect = Rect { x, y, width, height };
    Ok(Spot { rect, z, fit: wanted.map(fit), who: user.map(name).transpose()? })
}

/// A user, or a room and a user.
fn name(text: String) -> Result<String, Wrong> {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'/');
    if (1..=129).contains(&text.len()) && text.bytes().all(is_plain) {
        Ok(text)
    } else {
        Err("a performer is named by user or room/user".into())
    }
}

pub(crate) const fn fit(body: FitBody) -> Fit {
    match body {
        FitBody::Cover => Fit::Cover,
        FitBody::Contain => Fit::Contain,
        FitBody::Fill => Fit::Fill,
    }
}

fn border(body: &BorderBody) -> Result<Border, Wrong> {
    if body.width > BORDER_MAX || !body.width.is_multiple_of(2) {
        return Err(format!("a border's width is even and at most {BORDER_MAX} pixels"));
    }
    Ok(Border { width: body.width, colour: colour(&body.colour)? })
}

fn colour(text: &str) -> Result<Colour, Wrong> {
    Colour::parse(text).ok_or_else(|| "a colour is written #rrggbb".into())
}

pub(crate) fn image(text: &str) -> Result<ImageName, Wrong> {
    ImageName::parse(text)
        .ok_or_else(|| "an image is named by its file: letters, digits, . _ -, .png or .jpg".into())
}

fn fill(body: &FillBody) -> Result<Fill, Wrong> {
    match body {
        FillBody::Colour(text) => colour(text).map(Fill::Colour),
        FillBody::Image(text) => image(text).map(Fill::Image),
    }
}

fn ornament(body: OverlayBody) -> Result<Ornament, Wrong> {
    let OverlayBody { x, y, width, height, z, opacity, motif } = body;
    if opacity > 100 {
        return Err("opacity is 0 to 100".into());
    }
    let motif = match motif {
        MotifBody::Image { image: name } => Motif::Image(image(&name)?),
        MotifBody::Text { text, style: look } => {
            if text.chars().count() > TEXT_MAX {
                return Err(format!("a text may hold {TEXT_MAX} characters"));
            }
            Motif::Text { text, style: style(&look)? }
        }
        MotifBody::Clock { utc_offset_minutes, style: look } => {
            if utc_offset_minutes.unsigned_abs() > UTC_OFFSET_MAX {
                return Err("utc_offset_minutes is within 14 hours".into());
            }
            Motif::Clock { utc_offset_minutes, style: style(&look)? }
        }
        MotifBody::Countdown { ends_at, style: look } => {
            Motif::Countdown { ends_at_ms: ends_at, style: style(&look)? }
        }
        MotifBody::Score { colours: [left, right] } => {
            Motif::Score { colours: [colour(&left)?, colour(&right)?] }
        }
    };
    Ok(Ornament { rect: Rect { x, y, width, height }, z, opacity_percent: opacity, motif })
}

fn style(body: &StyleBody) -> Result<TextStyle, Wrong> {
    if !SIZES.contains(&body.size) {
        return Err(format!("letters are {} to {} pixels high", SIZES.start(), SIZES.end()));
    }
    Ok(TextStyle {
        size: body.size,
        colour: colour(&body.colour)?,
        backing: body.backing.as_deref().map(colour).transpose()?,
        align: match body.align {
            AlignBody::Left => Align::Left,
            AlignBody::Middle => Align::Middle,
            AlignBody::Right => Align::Right,
        },
    })
}

pub(crate) fn transition(body: &TransitionBody) -> Result<Transition, Wrong> {
    let length = Duration::from_millis(body.ms);
    if length > Transition::MAX {
        return Err(format!("a transition takes at most {} ms", Transition::MAX.as_millis()));
    }
    Ok(match body.kind {
        TransitionKind::Cut => Transition::Cut,
        TransitionKind::Fade => Transition::Fade(length),
        TransitionKind::Slide => Transition::Slide(length),
    })
}

fn body(choice: &Choice) -> LayoutBody {
    let (preset, tiles) = match &choice.arrangement {
        Arrangement::Auto => ("auto", Vec::new()),
        Arrangement::Preset(preset) => (preset.name(), Vec::new()),
        Arrangement::Custom(spots) => ("custom", spots.iter().map(spot_body).collect()),
    };
    let (kind, length) = match choice.transition {
        Transition::Cut => (TransitionKind::Cut, Duration::ZERO),
        Transition::Fade(length) => (TransitionKind::Fade, length),
        Transition::Slide(length) => (TransitionKind::Slide, length),
    };
    let border =
        |border: Border| BorderBody { width: border.width, colour: border.colour.to_string() };
    LayoutBody {
        preset: preset.to_owned(),
        tiles,
        main: choice.main.clone(),
        fit: choice.fit.map(fit_body),
        labels: choice.has_labels,
        mute_marks: choice.has_mute_marks,
        border: choice.border.map(border),
        radius: choice.radius,
        placeholder: fill_body(&choice.placeholder),
        background: fill_body(&choice.background),
        overlays: choice.ornaments.iter().map(overlay_body).collect(),
        transition: TransitionBody {
            kind,
            ms: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
        },
    }
}

fn spot_body(spot: &Spot) -> SpotBody {
    let Rect { x, y, width, height } = spot.rect;
    let (fit, user) = (spot.fit.map(fit_body), spot.who.clone());
    SpotBody { x, y, width, height, z: spot.z, fit, user }
}

pub(crate) const fn fit_body(fit: Fit) -> FitBody {
    match fit {
        Fit::Cover => FitBody::Cover,
        Fit::Contain => FitBody::Contain,
        Fit::Fill => FitBody::Fill,
    }
}

fn fill_body(fill: &Fill) -> FillBody {
    match fill {
        Fill::Colour(colour) => FillBody::Colour(colour.to_string()),
        Fill::Image(name) => FillBody::Image(name.as_str().to_owned()),
    }
}

fn overlay_body(ornament: &Ornament) -> OverlayBody {
    let motif = match &ornament.motif {
        Motif::Image(name) => MotifBody::Image { image: name.as_str().to_owned() },
        Motif::Text { text, style } => {
            MotifBody::Text { text: text.clone(), style: style_body(style) }
        }
        Motif::Clock { utc_offset_minutes, style } => {
            MotifBody::Clock { utc_offset_minutes: *utc_offset_minutes, style: style_body(style) }
        }
        Motif::Countdown { ends_at_ms, style } => {
            MotifBody::Countdown { ends_at: *ends_at_ms, style: style_body(style) }
        }
        Motif::Score { colours } => {
            MotifBody::Score { colours: colours.map(|colour| colour.to_string()) }
        }
    };
    let Rect { x, y, width, height } = ornament.rect;
    OverlayBody { x, y, width, height, z: ornament.z, opacity: ornament.opacity_percent, motif }
}

fn style_body(style: &TextStyle) -> StyleBody {
    StyleBody {
        size: style.size,
        colour: style.colour.to_string(),
        backing: style.backing.map(|colour| colour.to_string()),
        align: match style.align {
            Align::Left => AlignBody::Left,
            Align::Middle => AlignBody::Middle,
            Align::Right => AlignBody::Right,
        },
    }
}
