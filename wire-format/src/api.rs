//! The bodies of what back ends ask over HTTP.

use room_rules::{Reply, Role, ServerTime, Snapshot, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::body::{ReplyData, SnapshotBody};
use crate::decode::bad;
use crate::encode::write;
use crate::{Code, DecodeError};

/// A token lives so long if nothing is said.
const TTL_S: u32 = 3_600;
/// No token lives longer.
const TTL_MAX_S: u32 = 86_400;

/// The body of `POST /v1/rooms/{room}/tokens`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MintToken {
    /// For whom.
    pub user: UserId,
    /// The name shown to others; the identity if none was sent.
    pub name: Option<String>,
    /// What they may do.
    pub role: Role,
    /// How long.
    pub ttl_s: u32,
}

impl MintToken {
    /// Reads the body.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let MintTokenBody { identity, name, role, ttl_s } =
            serde_json::from_slice(body).map_err(|e| bad(None, e.to_string()))?;
        let ttl_s = ttl_s.unwrap_or(TTL_S);
        if !(1..=TTL_MAX_S).contains(&ttl_s) {
            return Err(bad(None, format!("ttl_s must be 1 to {TTL_MAX_S}")));
        }
        Ok(Self {
            user: UserId::parse(&identity)
                .ok_or_else(|| bad(None, "identity must hold 1 to 64 of A-Z a-z 0-9 _ -"))?,
            name,
            role: Role::parse(&role).ok_or_else(|| bad(None, "there is no such role"))?,
            ttl_s,
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "MintToken")]
pub(crate) struct MintTokenBody {
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{1,64}$"))]
    identity: String,
    name: Option<String>,
    #[schemars(extend("enum" = ["host", "assistant", "guest", "viewer", "moderator", "admin"]))]
    role: String,
    #[schemars(range(min = 1, max = 86_400))]
    ttl_s: Option<u32>,
}

/// Encodes the answer of `POST /v1/rooms/{room}/tokens`.
pub fn encode_token(token: &str, expires_at: ServerTime) -> String {
    write(&TokenBody { token, expires_at: expires_at.unix_millis() })
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Token")]
pub(crate) struct TokenBody<'a> {
    token: &'a str,
    expires_at: u64,
}

/// Some of those who are in a room, by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Participants {
    /// Who.
    pub page: Vec<Participant>,
    /// How many there are altogether.
    pub online: usize,
    /// Whether more follow.
    pub has_more: bool,
}

/// Somebody in a room.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Participant {
    /// Who.
    pub user: String,
    /// The name shown to others.
    pub name: String,
    /// What they may do.
    pub role: &'static str,
    /// Their connections.
    pub sessions: usize,
}

/// Encodes the answer of `GET /v1/rooms/{room}/participants`.
pub fn encode_participants(participants: &Participants) -> String {
    let last = participants.page.last().filter(|_| participants.has_more);
    write(&ParticipantsBody {
        participants: &participants.page,
        online: participants.online,
        cursor: last.map(|last| last.user.as_str()),
    })
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Participants")]
pub(crate) struct ParticipantsBody<'a> {
    participants: &'a [Participant],
    online: usize,
    cursor: Option<&'a str>,
}

/// Encodes the answer to a command over HTTP: what the ack holds.
pub fn encode_reply(reply: &Reply) -> String {
    write(&ReplyData::from(reply))
}

/// Encodes the answer of `GET /v1/rooms/{room}/snapshot`.
pub fn encode_snapshot(snapshot: &Snapshot) -> String {
    write(&SnapshotBody::from(snapshot))
}

/// Encodes an error as RFC 9457 has it; its status is [`Code::http_status`].
pub fn encode_problem(code: Code, message: &str, retry_ms: Option<u64>) -> String {
    let (status, code) = (code.http_status(), code.as_str());
    let r#type = format!("urn:lianmai:{code}");
    write(&ProblemBody { r#type, title: code, status, detail: message, code, message, retry_ms })
}

/// `message` says the same as `detail`, as in an `err` of a WebSocket.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Problem")]
pub(crate) struct ProblemBody<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[schemars(schema_with = "code_schema")]
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_ms: Option<u64>,
}

fn code_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    crate::schema::codes().try_into().expect("it is an object")
}
