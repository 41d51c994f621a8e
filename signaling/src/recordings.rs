//! Recordings of a room's program, over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use room_rules::Capability;
use wire_format::{Code, Recording, encode_recording, encode_recordings};

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{Answer, Refused, RoomHandle, RoomRequest, Services, refused};

/// What somebody has to do with the recordings of a program. The role is checked before.
#[derive(Debug)]
pub enum RecordingRequest {
    /// They want one to begin.
    Start {
        /// Receives what it is called.
        reply: Answer<Recording>,
    },
    /// They look at all of them.
    List {
        /// Receives them, the newest first.
        reply: Answer<Vec<Recording>>,
    },
    /// They want one to end.
    Stop {
        /// Its id.
        id: String,
        /// Receives it once it is whole.
        reply: Answer<Recording>,
    },
}

/// `GET /v1/rooms/{room}/recordings`
pub(crate) async fn list(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = recorded(&room, bearer, &services)?;
    let recordings = room.ask(|reply| ask(RecordingRequest::List { reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_recordings(&recordings)))
}

/// `GET /v1/rooms/{room}/recordings/{id}`
pub(crate) async fn show(
    State(services): State<Services>,
    Path((room, id)): Path<(String, String)>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = recorded(&room, bearer, &services)?;
    let recordings = room.ask(|reply| ask(RecordingRequest::List { reply })).await?;
    let found = recordings.iter().find(|recording| recording.id == id);
    let found = found.ok_or_else(|| Refused::new(Code::NotFound, "there is no such recording"))?;
    Ok(refused::json(StatusCode::OK, encode_recording(found)))
}

/// `POST /v1/rooms/{room}/recordings`
pub(crate) async fn start(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = recorded(&room, bearer, &services)?;
    let recording = room.ask(|reply| ask(RecordingRequest::Start { reply })).await?;
    Ok(refused::json(StatusCode::CREATED, encode_recording(&recording)))
}

/// `POST /v1/rooms/{room}/recordings/{id}/stop`
pub(crate) async fn stop(
    State(services): State<Services>,
    Path((room, id)): Path<(String, String)>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = recorded(&room, bearer, &services)?;
    let recording = room.ask(|reply| ask(RecordingRequest::Stop { id, reply })).await?;
    Ok(refused::json(StatusCode::OK, encode_recording(&recording)))
}

const fn ask(request: RecordingRequest) -> RoomRequest {
    RoomRequest::Recording(request)
}

/// Returns the room if whoever asks may say where its program goes.
fn recorded(room: &str, bearer: Bearer, services: &Services) -> Result<RoomHandle, Refused> {
    let room = find_room(room, services)?;
    bearer.member_who_may(Capability::ManageTargets, room.room())?;
    Ok(room)
}
