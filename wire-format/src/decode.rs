//! What a client says, parsed once. Whatever gets past here is typed and within its limits.
//!
//! Each area has a file with a table of its messages: a line there makes a message known to
//! WebSocket, data channels, HTTP, the schema and the API's document at once.

mod auction;
mod chat;
mod coupon;
mod gift;
mod giveaway;
mod hello;
mod message;
mod moderation;
mod pk;
mod product;
mod quiz;
mod room;
mod sale;
mod seat;

use room_rules::{
    Command, IdemKey, OrderId, OrderRequest, PkId, ProductId, RoomId, SaleId, UserId,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Code;
use message::Message;

pub use hello::{Fired, Hello, Resume, Resync};

/// The largest frame a client may send, in bytes.
pub const FRAME_MAX: usize = 4 * 1024;
/// The longest `rid`, in bytes.
const RID_MAX: usize = 64;

/// What asks something of a room, area by area.
const COMMANDS: &[&[Message<Command>]] = &[
    room::COMMANDS,
    chat::COMMANDS,
    gift::COMMANDS,
    giveaway::COMMANDS,
    moderation::COMMANDS,
    seat::COMMANDS,
    pk::COMMANDS,
    sale::COMMANDS,
    auction::COMMANDS,
    product::COMMANDS,
    coupon::COMMANDS,
    quiz::COMMANDS,
];

/// One message of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientMessage {
    /// The first message on a WebSocket: let me in; later: let me into another room.
    Hello {
        /// Comes back in the ack.
        rid: Option<String>,
        /// Where to, and what the client has already.
        hello: Hello,
    },
    /// Events of one stream are missing.
    Resync {
        /// Comes back in the ack.
        rid: Option<String>,
        /// Which.
        resync: Resync,
    },
    /// What was told to this user alone has arrived.
    MeAck {
        /// Comes back in the ack.
        rid: Option<String>,
        /// Up to this number.
        q: u64,
    },
    /// Gifts, chat and reactions come by data channel, or do not any more.
    Carrier {
        /// Comes back in the ack.
        rid: Option<String>,
        /// Whether this WebSocket may leave them out.
        by_data_channel: bool,
    },
    /// A countdown fired.
    Fired {
        /// Comes back in the ack.
        rid: Option<String>,
        /// Which, and when.
        fired: Fired,
    },
    /// What time is it?
    ClockPing {
        /// The client's own clock, echoed as it was written.
        c0: serde_json::Number,
    },
    /// Something for the room.
    Command {
        /// Comes back in the ack.
        rid: Option<String>,
        /// What.
        command: Command,
    },
}

impl ClientMessage {
    /// Reads one frame.
    ///
    /// # Errors
    ///
    /// The error holds the `rid` as far as it could be read, so that the answer can carry it.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        if frame.len() > FRAME_MAX {
            return Err(DecodeError {
                rid: None,
                code: Code::TooLarge,
                message: format!("a frame may hold {FRAME_MAX} bytes"),
            });
        }
        let envelope: Envelope<'_> =
            serde_json::from_slice(frame).map_err(|e| bad(None, e.to_string()))?;
        let rid = envelope.rid;
        if rid.as_ref().is_some_and(|rid| rid.len() > RID_MAX) {
            return Err(bad(None, format!("a rid may hold {RID_MAX} bytes")));
        }
        if envelope.v != 1 {
            return Err(bad(rid, "only version 1 is spoken here"));
        }
        let body = envelope.d.map_or("{}", RawValue::get);
        match read(&envelope.t, body) {
            Ok(Said::Session(said)) => Ok(said.with(rid)),
            Ok(Said::Command(command)) => Ok(Self::Command { rid, command }),
            Err(message) => Err(bad(rid, message)),
        }
    }
}

/// Reads a command as HTTP carries it: its name, and its body by itself.
pub fn decode_command(t: &str, body: &str) -> Result<Command, DecodeError> {
    match message::read(COMMANDS, t, body) {
        Some(command) => command.map_err(|message| bad(None, message)),
        None => Err(bad(None, NO_SUCH_T)),
    }
}

/// Reads the body of `POST /v1/rooms/{room}/orders`, which is that of `order.place`.
pub fn decode_order(body: &[u8]) -> Result<OrderRequest, DecodeError> {
    let text = std::str::from_utf8(body).map_err(|e| bad(None, e.to_string()))?;
    let command = decode_command("order.place", text)?;
    let Command::OrderPlace(order) = command else {
        unreachable!("the body of order.place is an order, not {command:?}");
    };
    Ok(order)
}

/// A frame or body that cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct DecodeError {
    /// The `rid` of the message, if that could be read.
    pub rid: Option<String>,
    /// `BAD_REQUEST` or `TOO_LARGE`.
    pub code: Code,
    /// What is wrong, for a person to read.
    pub message: String,
}

pub(crate) fn bad(rid: Option<String>, message: impl Into<String>) -> DecodeError {
    DecodeError { rid, code: Code::BadRequest, message: message.into() }
}

/// Every message of a client that asks something of a room, with the schema of its `d`.
pub(crate) fn command_schemas(
    generator: &mut schemars::SchemaGenerator,
) -> Vec<(&'static str, schemars::Schema)> {
    message::schemas(COMMANDS, generator)
}

/// Every other message of a client, with the schema of its `d`.
pub(crate) fn session_schemas(
    generator: &mut schemars::SchemaGenerator,
) -> Vec<(&'static str, schemars::Schema)> {
    message::schemas(&[hello::SESSION], generator)
}

const NO_SUCH_T: &str = "there is no such t";

#[derive(Deserialize)]
struct Envelope<'a> {
    v: u32,
    t: String,
    rid: Option<String>,
    #[serde(borrow)]
    d: Option<&'a RawValue>,
}

enum Said {
    Session(hello::Said),
    Command(Command),
}

fn read(t: &str, body: &str) -> Result<Said, String> {
    if let Some(command) = message::read(COMMANDS, t, body) {
        return command.map(Said::Command);
    }
    let said = message::read(&[hello::SESSION], t, body).ok_or(NO_SUCH_T)?;
    said.map(Said::Session)
}

fn room_id(text: &str) -> Result<RoomId, String> {
    RoomId::parse(text).ok_or_else(|| "room must hold 1 to 64 of A-Z a-z 0-9 _ -".to_owned())
}

fn user_id(text: &str) -> Result<UserId, String> {
    UserId::parse(text).ok_or_else(|| "user must hold 1 to 64 of A-Z a-z 0-9 _ -".to_owned())
}

fn sale_id(text: &str) -> Result<SaleId, String> {
    SaleId::parse(text).ok_or_else(|| "sale is not an id".to_owned())
}

fn pk_id(text: &str) -> Result<PkId, String> {
    PkId::parse(text).ok_or_else(|| "pk is not an id".to_owned())
}

fn order_id(text: &str) -> Result<OrderId, String> {
    OrderId::parse(text).ok_or_else(|| "order is not an id".to_owned())
}

fn product_id(text: &str) -> Result<ProductId, String> {
    ProductId::parse(text).ok_or_else(|| "product is not an id".to_owned())
}

fn idem_key(text: &str) -> Result<IdemKey, String> {
    IdemKey::parse(text).ok_or_else(|| "idem must hold 1 to 64 characters".to_owned())
}
