//! The table of messages: by its name, how a message's `d` is read and what its schema is.

use schemars::{Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

/// One message that a client may send.
pub(super) struct Message<T: 'static> {
    /// Its name.
    pub(super) t: &'static str,
    /// Makes a typed value of its `d`, or says what is wrong with it.
    pub(super) read: fn(&str) -> Result<T, String>,
    /// Describes its `d`.
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
}

/// Makes a table: `"name": Body => |body| ..`, where `Body` is what serde reads and the closure
/// makes of it what the room understands, or an error for people.
macro_rules! messages {
    ($($t:literal: $body:ty => $read:expr;)*) => {
        &[$($crate::decode::message::Message {
            t: $t,
            read: |text| {
                let read: fn($body) -> Result<_, String> = $read;
                read($crate::decode::message::parse(text)?)
            },
            schema: |generator| generator.subschema_for::<$body>(),
        },)*]
    };
}
pub(super) use messages;

/// The `d` of a message that says everything with its name.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[schemars(rename = "Nothing")]
pub(super) struct Nothing {}

/// Reads the `d` of the message called `t`; `None` if there is none of that name.
pub(super) fn read<T>(areas: &[&[Message<T>]], t: &str, body: &str) -> Option<Result<T, String>> {
    let message = areas.iter().flat_map(|area| area.iter()).find(|message| message.t == t)?;
    Some((message.read)(body))
}

/// Returns all names with the schemas of their bodies.
pub(super) fn schemas<T>(
    areas: &[&[Message<T>]],
    generator: &mut SchemaGenerator,
) -> Vec<(&'static str, Schema)> {
    let all = areas.iter().flat_map(|area| area.iter());
    all.map(|message| (message.t, (message.schema)(generator))).collect()
}

pub(super) fn parse<T: DeserializeOwned>(body: &str) -> Result<T, String> {
    serde_json::from_str(body).map_err(|error| format!("d: {error}"))
}
