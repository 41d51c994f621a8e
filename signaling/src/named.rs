//! The media session that a request's path names, and who asks about it. Whether it is theirs is for
//! the room to say.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use room_rules::{Member, ServerTime};
use wire_format::Code;

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{MediaId, Refused, RoomHandle, Services};

/// What `/v1/rooms/{room}/../{id}` with a good token says.
pub(crate) struct Named {
    pub(crate) room: RoomHandle,
    pub(crate) member: Member,
    /// When their token ends.
    pub(crate) until: ServerTime,
    pub(crate) id: MediaId,
}

impl FromRequestParts<Services> for Named {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, Refused> {
        let Path((room, id)) =
            Path::<(String, String)>::from_request_parts(parts, services).await?;
        let bearer = Bearer::from_request_parts(parts, services).await?;
        let room = find_room(&room, services)?;
        let (member, until) = bearer.holder_of(room.room())?;
        let id = MediaId::parse(&id)
            .ok_or_else(|| Refused::new(Code::NotFound, "there is no such media session"))?;
        Ok(Self { room, member, until, id })
    }
}
