//! The JSON bodies of HTTP requests and answers.

use room_rules::{Reply, RoomId, RoomView, Title};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::DecodeError;
use crate::body::{BattleBody, PerformerBody, ReplyData, SeatBody, performers, room_state_name};
use crate::decode::bad;
use crate::encode::write;

/// The largest JSON body of a request, in bytes.
pub const JSON_BODY_MAX: usize = 16 * 1024;
/// The largest SDP body of a request, in bytes.
pub const SDP_BODY_MAX: usize = 64 * 1024;

/// The body of `POST /v1/rooms`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CreateRoom {
    /// Its name.
    pub room: RoomId,
    /// Its title; the room's name if none was sent.
    pub title: Title,
}

impl CreateRoom {
    /// Reads the body.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let CreateRoomBody { room, title } =
            serde_json::from_slice(body).map_err(|e| bad(None, e.to_string()))?;
        let room = RoomId::parse(&room)
            .ok_or_else(|| bad(None, "room must hold 1 to 64 of A-Z a-z 0-9 _ -"))?;
        let title = Title::parse(title.as_deref().unwrap_or(room.as_str()))
            .ok_or_else(|| bad(None, "title must hold 1 to 100 characters"))?;
        Ok(Self { room, title })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "CreateRoom")]
pub(crate) struct CreateRoomBody {
    room: String,
    title: Option<String>,
}

/// The body of `PUT /v1/rooms/{room}/whep/{id}/layer`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
pub struct PickLayer {
    /// Which picture the viewer wants.
    pub picture: PictureSize,
}

impl PickLayer {
    /// Reads the body.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        serde_json::from_slice(body).map_err(|e| bad(None, e.to_string()))
    }
}

/// Which of a host's pictures.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum PictureSize {
    /// The best that the viewer's network carries.
    Auto,
    /// The smallest.
    Low,
    /// The one in the middle.
    Medium,
    /// The largest.
    High,
}

/// The body of `POST /v1/rooms/{room}/targets`. Prints without its URL, which holds the stream key.
#[derive(Clone, Deserialize, Eq, JsonSchema, PartialEq)]
pub struct AddTarget {
    /// Where to push to, stream key included.
    pub url: String,
}

impl AddTarget {
    /// Reads the body.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        serde_json::from_slice(body).map_err(|e| bad(None, e.to_string()))
    }
}

impl std::fmt::Debug for AddTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AddTarget(***)")
    }
}

/// Somewhere the program is pushed to. Its URL never shows the stream key.
#[derive(Clone, Debug, Eq, PartialEq, JsonSchema, Serialize)]
pub struct Target {
    /// Its id within the room.
    pub id: String,
    /// The URL with the stream key starred out.
    pub url: String,
    /// How it is doing.
    pub state: TargetState,
    /// Connections tried so far.
    pub attempts: u64,
    /// What went wrong last.
    pub error: Option<String>,
}

/// How a push target is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// Being connected to.
    Connecting,
    /// Receiving.
    Live,
    /// Failed; tried again in a while.
    Waiting,
}

/// Encodes the answer of `GET /v1/rooms/{room}/targets`.
pub fn encode_targets(targets: &[Target]) -> String {
    write(&TargetsBody { targets })
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Targets")]
pub(crate) struct TargetsBody<'a> {
    targets: &'a [Target],
}

/// Encodes one target.
pub fn encode_target(target: &Target) -> String {
    write(target)
}

/// Encodes a `RoomView`. `rtmp_base` is `rtmp://host:port/live`, without a slash at the end.
pub fn encode_room(view: &RoomView, rtmp_base: &str) -> String {
    write(&RoomBody::new(view, rtmp_base))
}

/// Encodes the answer of `GET /v1/rooms`.
pub fn encode_rooms(views: &[RoomView], cursor: Option<&str>, rtmp_base: &str) -> String {
    write(&RoomsBody {
        cursor,
        rooms: views.iter().map(|view| RoomBody::new(view, rtmp_base)).collect(),
    })
}

/// Encodes the answer of `POST /v1/rooms/{room}/orders`.
pub fn encode_order(reply: &Reply) -> String {
    write(&ReplyData::from(reply))
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Rooms")]
pub(crate) struct RoomsBody<'a> {
    rooms: Vec<RoomBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "RoomView")]
pub(crate) struct RoomBody<'a> {
    room: &'a str,
    title: &'a str,
    state: &'static str,
    host: Option<&'a str>,
    seats: Vec<SeatBody<'a>>,
    stage: Vec<PerformerBody<'a>>,
    battle: Option<BattleBody<'a>>,
    online: u32,
    tags: Vec<&'a str>,
    program: ProgramBody,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ProgramAddress")]
struct ProgramBody {
    whep: String,
    rtmp: String,
}

impl<'a> RoomBody<'a> {
    fn new(view: &'a RoomView, rtmp_base: &str) -> Self {
        let room = view.room.as_str();
        Self {
            room,
            title: &view.title,
            state: room_state_name(view.state),
            host: view.host.as_ref().map(room_rules::UserId::as_str),
            seats: view.seats.iter().map(Into::into).collect(),
            stage: performers(&view.stage),
            battle: view.battle.as_ref().map(Into::into),
            online: view.online,
            tags: view.tags.iter().map(room_rules::Tag::as_str).collect(),
            program: ProgramBody {
                whep: format!("/v1/rooms/{room}/whep"),
                rtmp: format!("{rtmp_base}/{room}"),
            },
        }
    }
}
