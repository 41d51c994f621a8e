//! Films that are played into a program, and what stands in while nobody is on stage, as
//! `docs/PROTOCOL.md` section 14 writes them. Which films may be played is the server's to say.

use media_rules::layout::{DUCK_MAX_DB, INSERT_Z, Insert, InsertPlace};
use media_rules::{ClipName, Fit, ImageName, Rect, Transition};
use room_rules::ServerTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::DecodeError;
use crate::decode::bad;
use crate::encode::{write, write_news};
use crate::layout::{FitBody, TransitionBody, fit, fit_body, image, transition};

/// The longest address of a film, in bytes.
const URI_MAX: usize = 1024;
/// The loudest, in percent.
const VOLUME_MAX: u8 = 200;
/// How far others go down under a film if nobody says otherwise, in decibels.
const USUAL_DUCK_DB: u8 = 12;

/// Where a film comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FilmSource {
    /// A file of the operator's folder.
    File(ClipName),
    /// An address; whether it is one of those that may be used is still to be seen.
    Uri(String),
}

/// A film that somebody wants to be played in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InsertOrder {
    /// The film.
    pub source: FilmSource,
    /// How it is shown and heard.
    pub insert: Insert,
    /// Whether it begins anew when it is over.
    pub is_loop: bool,
    /// How it comes and goes; `None` as layouts do.
    pub transition: Option<Transition>,
}

/// What shall stand in while nobody is on stage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StandInOrder {
    /// The background of the layout.
    Nothing,
    /// A picture.
    Image(ImageName),
    /// A film, over and over, with its fit and its loudness in percent.
    Film(FilmSource, Fit, u8),
}

/// How a film is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FilmState")]
pub enum FilmState {
    /// It is fetched from its address.
    Fetching,
    /// It is opened.
    Loading,
    /// It is on screen, or the next to be.
    Playing,
    /// It stands by.
    Ready,
    /// It cannot be played.
    Failed,
}

/// A film as its room's directors see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InsertView {
    /// Its name in requests.
    pub id: String,
    /// What was ordered.
    pub order: InsertOrder,
    /// Where it is on the canvas.
    pub rect: Rect,
    /// How it is doing.
    pub state: FilmState,
    /// How long it is, if that is known.
    pub length_ms: Option<u64>,
}

/// What is played into a room, and what could be.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct InsertList {
    /// The films of now.
    pub inserts: Vec<InsertView>,
    /// The files of the operator's folder of films.
    pub films: Vec<String>,
    /// Those of the folder of images.
    pub images: Vec<String>,
}

/// What stands in, as its room's directors see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StandInView {
    /// What was ordered.
    pub order: StandInOrder,
    /// How a film is doing; `None` while it is not needed.
    pub state: Option<FilmState>,
    /// What is the matter with it.
    pub error: Option<String>,
}

/// Reads the body of `POST /v1/rooms/{room}/inserts`.
///
/// # Errors
///
/// `BAD_REQUEST` with what is wrong.
pub fn decode_insert(body: &[u8]) -> Result<InsertOrder, DecodeError> {
    let body: InsertBody = serde_json::from_slice(body).map_err(|e| bad(None, e.to_string()))?;
    order(&body).map_err(|what| bad(None, what))
}

/// Reads the body of `PUT /v1/rooms/{room}/warmup` and `../slate`.
///
/// # Errors
///
/// `BAD_REQUEST` with what is wrong.
pub fn decode_stand_in(body: &[u8]) -> Result<StandInOrder, DecodeError> {
    let body: StandInBody = serde_json::from_slice(body).map_err(|e| bad(None, e.to_string()))?;
    stand_in(body).map_err(|what| bad(None, what))
}

/// Encodes a film.
pub fn encode_insert(view: &InsertView) -> String {
    write(&InsertViewBody::of(view))
}

/// Encodes all films of a room, and the names of those that could be played.
pub fn encode_inserts(list: &InsertList) -> String {
    let inserts = list.inserts.iter().map(InsertViewBody::of).collect();
    write(&InsertsBody { inserts, films: &list.films, images: &list.images })
}

/// Encodes what stands in.
pub fn encode_stand_in(view: &StandInView) -> String {
    let (image, src, fit, volume) = match &view.order {
        StandInOrder::Nothing => (None, None, None, None),
        StandInOrder::Image(name) => (Some(name.as_str()), None, None, None),
        StandInOrder::Film(source, fit, volume) => {
            (None, Some(shown(source)), Some(fit_body(*fit)), Some(*volume))
        }
    };
    let (state, error) = (view.state, view.error.as_deref());
    write(&StandInViewBody { image, src, fit, volume, state, error })
}

/// Encodes the news that a film is on screen since `since`.
pub fn encode_insert_started(view: &InsertView, since: ServerTime, at: ServerTime) -> String {
    let body = InsertStarted {
        id: &view.id,
        mode: mode(view.order.insert.place),
        r#loop: view.order.is_loop,
        length_ms: view.length_ms,
        at: since.unix_millis(),
    };
    write_news("insert.started", at, &body)
}

/// Why a film is over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum InsertEnd {
    /// It came to its end.
    End,
    /// Somebody ended it.
    Stopped,
    /// It could not be played, or not any further.
    Failed(String),
}

/// Encodes the news that a film is over.
pub fn encode_insert_ended(id: &str, end: &InsertEnd, at: ServerTime) -> String {
    let (reason, error) = match end {
        InsertEnd::End => ("end", None),
        InsertEnd::Stopped => ("stopped", None),
        InsertEnd::Failed(what) => ("failed", Some(what.as_str())),
    };
    write_news("insert.ended", at, &InsertEnded { id, reason, error })
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct InsertStarted<'a> {
    id: &'a str,
    mode: &'static str,
    r#loop: bool,
    length_ms: Option<u64>,
    at: u64,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct InsertEnded<'a> {
    id: &'a str,
    reason: &'static str,
    error: Option<&'a str>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "InsertOrder")]
pub(crate) struct InsertBody {
    src: String,
    #[serde(default)]
    mode: ModeBody,
    #[serde(default)]
    rect: Option<RectBody>,
    #[serde(default)]
    z: Option<u8>,
    #[serde(default)]
    fit: Option<FitBody>,
    #[serde(default)]
    volume: Option<u8>,
    #[serde(default)]
    duck: Option<u8>,
    #[serde(default)]
    r#loop: bool,
    #[serde(default)]
    transition: Option<TransitionBody>,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "InsertMode")]
enum ModeBody {
    #[default]
    Fullscreen,
    Pip,
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Rect")]
struct RectBody {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "StandInOrder")]
pub(crate) struct StandInBody {
    image: Option<String>,
    src: Option<String>,
    fit: Option<FitBody>,
    volume: Option<u8>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "StandIn")]
pub(crate) struct StandInViewBody<'a> {
    image: Option<&'a str>,
    src: Option<&'a str>,
    fit: Option<FitBody>,
    volume: Option<u8>,
    state: Option<FilmState>,
    error: Option<&'a str>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Inserts")]
pub(crate) struct InsertsBody<'a> {
    inserts: Vec<InsertViewBody<'a>>,
    films: &'a [String],
    images: &'a [String],
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Insert")]
pub(crate) struct InsertViewBody<'a> {
    id: &'a str,
    src: &'a str,
    mode: &'static str,
    rect: RectBody,
    z: u8,
    fit: FitBody,
    volume: u8,
    duck: u8,
    r#loop: bool,
    state: FilmState,
    length_ms: Option<u64>,
}

impl<'a> InsertViewBody<'a> {
    fn of(view: &'a InsertView) -> Self {
        let Rect { x, y, width, height } = view.rect;
        let Insert { place, z, fit, volume_percent, duck_db } = view.order.insert;
        Self {
            id: &view.id,
            src: shown(&view.order.source),
            mode: mode(place),
            rect: RectBody { x, y, width, height },
            z,
            fit: fit_body(fit),
            volume: volume_percent,
            duck: duck_db,
            r#loop: view.order.is_loop,
            state: view.state,
            length_ms: view.length_ms,
        }
    }
}

const fn mode(place: InsertPlace) -> &'static str {
    match place {
        InsertPlace::Fullscreen => "fullscreen",
        InsertPlace::Corner | InsertPlace::Pip(_) => "pip",
    }
}

/// Returns a source as it may be shown: what signs an address stays away.
fn shown(source: &FilmSource) -> &str {
    match source {
        FilmSource::File(name) => name.as_str(),
        FilmSource::Uri(uri) => uri.split('?').next().unwrap_or_default(),
    }
}

fn order(body: &InsertBody) -> Result<InsertOrder, String> {
    let place = match (body.mode, body.rect) {
        (ModeBody::Fullscreen, None) => InsertPlace::Fullscreen,
        (ModeBody::Fullscreen, Some(_)) => return Err("rect is for the mode pip".into()),
        (ModeBody::Pip, None) => InsertPlace::Corner,
        (ModeBody::Pip, Some(RectBody { x, y, width, height })) => {
            InsertPlace::Pip(Rect { x, y, width, height })
        }
    };
    let duck_db = body.duck.unwrap_or(USUAL_DUCK_DB);
    if duck_db > DUCK_MAX_DB {
        return Err(format!("duck is 0 to {DUCK_MAX_DB} decibels"));
    }
    let insert = Insert {
        place,
        z: body.z.unwrap_or(INSERT_Z),
        fit: body.fit.map_or(Fit::Contain, fit),
        volume_percent: volume(body.volume)?,
        duck_db,
    };
    let transition = body.transition.as_ref().map(transition).transpose()?;
    Ok(InsertOrder { source: source(&body.src)?, insert, is_loop: body.r#loop, transition })
}

fn stand_in(body: StandInBody) -> Result<StandInOrder, String> {
    match (body.image, body.src) {
        (None, None) => Ok(StandInOrder::Nothing),
        (Some(name), None) => image(&name).map(StandInOrder::Image),
        (None, Some(src)) => {
            let fit = body.fit.map_or(Fit::Cover, fit);
            Ok(StandInOrder::Film(source(&src)?, fit, volume(body.volume)?))
        }
        (Some(_), Some(_)) => Err("either image or src".into()),
    }
}

fn volume(wanted: Option<u8>) -> Result<u8, String> {
    match wanted.unwrap_or(100) {
        volume if volume <= VOLUME_MAX => Ok(volume),
        _ => Err(format!("volume is 0 to {VOLUME_MAX} percent")),
    }
}

fn source(text: &str) -> Result<FilmSource, String> {
    let is_uri = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    if is_uri && text.len() <= URI_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(FilmSource::Uri(text.to_owned()));
    }
    ClipName::parse(text).map(FilmSource::File).ok_or_else(|| {
        "src is an http(s) address, or a file name: letters, digits, . _ -, .mp4 .m4v .mov .webm or .mkv"
            .into()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_order_is_read_with_what_is_usual() {
        let order = decode_insert(br#"{"src":"ad.mp4"}"#).unwrap();
        assert_eq!(order.source, FilmSource::File(ClipName::parse("ad.mp4").unwrap()));
        let Insert { place, z, fit, volume_percent, duck_db } = order.insert;
        assert_eq!((place, z, fit), (InsertPlace::Fullscreen, 99, Fit::Contain));
        assert_eq!((volume_percent, duck_db, order.is_loop), (100, 12, false));

        let body = br#"{"src":"https://cdn.example/a.mp4?sig=1","mode":"pip","rect":{"x":2,"y":4,
            "width":200,"height":300},"z":7,"fit":"cover","volume":50,"duck":0,"loop":true,
            "transition":{"kind":"fade","ms":300}}"#;
        let order = decode_insert(body).unwrap();
        assert_eq!(order.transition, Some(Transition::Fade(Duration::from_millis(300))));
        let view = InsertView {
            id: "i1".into(),
            rect: order.insert.place.rect((720, 1280)),
            order,
            state: FilmState::Playing,
            length_ms: Some(5_000),
        };
        let told = encode_insert(&view);
        assert!(told.contains(r#""src":"https://cdn.example/a.mp4","mode":"pip""#), "{told}");
        assert!(!told.contains("sig"), "{told}");
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for src in [
            "../ad.mp4",
            "/etc/passwd",
            "file:///etc/passwd",
            "rtsp://host/a.mp4",
            "ftp://host/a.mp4",
            "gopher://x/a.mp4",
            "ad.mp4/../x.mp4",
            ".hidden.mp4",
            "ad.exe",
            "",
            "https://host/a b.mp4",
        ] {
            let body = serde_json::to_vec(&serde_json::json!({ "src": src })).unwrap();
            assert!(decode_insert(&body).is_err(), "{src}");
            assert!(decode_stand_in(&body).is_err(), "{src}");
        }
        for body in [
            r#"{"src":"a.mp4","duck":61}"#,
            r#"{"src":"a.mp4","volume":201}"#,
            r#"{"src":"a.mp4","mode":"fullscreen","rect":{"x":0,"y":0,"width":2,"height":2}}"#,
            r#"{"src":"a.mp4","mode":"wall"}"#,
            r#"{"src":"a.mp4","unknown":1}"#,
            r#"{"src":"a.mp4","transition":{"kind":"fade","ms":1001}}"#,
            "[]",
        ] {
            assert!(decode_insert(body.as_bytes()).is_err(), "{body}");
        }
        assert!(decode_stand_in(br#"{"image":"a.png","src":"a.mp4"}"#).is_err());
        assert_eq!(decode_stand_in(b"{}").unwrap(), StandInOrder::Nothing);
    }
}
