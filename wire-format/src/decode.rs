//! What a client says, parsed once. Whatever gets past here is typed and within its limits.

use room_rules::{
    BattleTerms, ChatText, Command, GiftCount, GiftKind, GiftOrder, IdemKey, LikeCount,
    OrderRequest, PkId, Quantity, RoomId, SaleDuration, SaleId, SaleOffer, StockCount, Title,
    UserId,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::time::Duration;

use crate::Code;

/// The largest frame a client may send, in bytes.
pub const FRAME_MAX: usize = 4 * 1024;
/// The longest `rid`, in bytes.
const RID_MAX: usize = 64;
const DEFAULT_LEAD_MS: u32 = 3_000;
const DEFAULT_OPEN_MS: u32 = 60_000;
/// Far enough ahead for any live show; keeps a deadline within what clients' timers can hold.
const LEAD_MAX_MS: u32 = 86_400_000;
/// JavaScript numbers are exact up to here.
const PRICE_MAX_CENTS: u64 = (1 << 53) - 1;

/// One message of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientMessage {
    /// The first message on a WebSocket: let me in.
    Hello {
        /// Comes back in the ack.
        rid: Option<String>,
        /// Where to.
        room: RoomId,
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
        match read_body(&envelope.t, body) {
            Ok(Body::Hello(room)) => Ok(Self::Hello { rid, room }),
            Ok(Body::ClockPing(c0)) => Ok(Self::ClockPing { c0 }),
            Ok(Body::Command(command)) => Ok(Self::Command { rid, command }),
            Err(message) => Err(bad(rid, message)),
        }
    }
}

/// Reads the body of `POST /v1/rooms/{room}/orders`, which is that of `order.place`.
pub fn decode_order(body: &[u8]) -> Result<OrderRequest, DecodeError> {
    let text = std::str::from_utf8(body).map_err(|e| bad(None, e.to_string()))?;
    match read_body("order.place", text) {
        Ok(Body::Command(Command::OrderPlace(order))) => Ok(order),
        Ok(_) => unreachable!("the body of order.place is an order"),
        Err(message) => Err(bad(None, message)),
    }
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

#[derive(Deserialize)]
struct Envelope<'a> {
    v: u32,
    t: String,
    rid: Option<String>,
    #[serde(borrow)]
    d: Option<&'a RawValue>,
}

enum Body {
    Hello(RoomId),
    ClockPing(serde_json::Number),
    Command(Command),
}

fn read_body(kind: &str, body: &str) -> Result<Body, String> {
    let command = match kind {
        "hello" => {
            let RoomBody { room } = parse(body)?;
            return Ok(Body::Hello(room_id(&room)?));
        }
        "clk.ping" => {
            let PingBody { c0 } = parse(body)?;
            return Ok(Body::ClockPing(c0));
        }
        "chat.send" => {
            let ChatBody { text } = parse(body)?;
            Command::ChatSend(ChatText::parse(&text).ok_or("text must hold 1 to 300 characters")?)
        }
        "like" => {
            let LikeBody { n } = parse(body)?;
            Command::Like(LikeCount::new(n).ok_or("n must be 1 to 50")?)
        }
        "gift.send" => Command::GiftSend(parse::<GiftBody>(body)?.read()?),
        "seat.apply" => Command::SeatApply,
        "seat.accept" => Command::SeatAccept(parse::<UserBody>(body)?.read()?),
        "seat.reject" => Command::SeatReject(parse::<UserBody>(body)?.read()?),
        "seat.invite" => Command::SeatInvite(parse::<UserBody>(body)?.read()?),
        "seat.join" => Command::SeatJoin,
        "seat.decline" => Command::SeatDecline,
        "seat.leave" => Command::SeatLeave,
        "seat.kick" => Command::SeatKick(parse::<UserBody>(body)?.read()?),
        "seat.mute" => {
            let MuteBody { user, audio } = parse(body)?;
            Command::SeatMute { user: UserBody { user }.read()?, audio }
        }
        "pk.invite" => parse::<InviteBody>(body)?.read()?,
        "pk.accept" => Command::PkAccept(parse::<PkBody>(body)?.read()?),
        "pk.reject" => Command::PkReject(parse::<PkBody>(body)?.read()?),
        "pk.cancel" => Command::PkCancel(parse::<PkBody>(body)?.read()?),
        "pk.end" => Command::PkEnd(parse::<PkBody>(body)?.read()?),
        "sale.announce" => Command::SaleAnnounce(parse::<SaleBody>(body)?.read()?),
        "sale.cancel" => {
            let SaleIdBody { sale } = parse(body)?;
            Command::SaleCancel(sale_id(&sale)?)
        }
        "order.place" => Command::OrderPlace(parse::<OrderBody>(body)?.read()?),
        "room.end" => Command::RoomEnd,
        _ => return Err("there is no such t".to_owned()),
    };
    Ok(Body::Command(command))
}

fn parse<T: DeserializeOwned>(body: &str) -> Result<T, String> {
    serde_json::from_str(body).map_err(|error| format!("d: {error}"))
}

fn room_id(text: &str) -> Result<RoomId, String> {
    RoomId::parse(text).ok_or_else(|| "room must hold 1 to 64 of A-Z a-z 0-9 _ -".to_owned())
}

fn sale_id(text: &str) -> Result<SaleId, String> {
    SaleId::parse(text).ok_or_else(|| "sale is not an id".to_owned())
}

fn idem_key(text: &str) -> Result<IdemKey, String> {
    IdemKey::parse(text).ok_or_else(|| "idem must hold 1 to 64 characters".to_owned())
}

#[derive(Deserialize)]
struct RoomBody {
    room: String,
}

#[derive(Deserialize)]
struct PingBody {
    c0: serde_json::Number,
}

#[derive(Deserialize)]
struct ChatBody {
    text: String,
}

#[derive(Deserialize)]
struct LikeBody {
    n: u32,
}

#[derive(Deserialize)]
struct GiftBody {
    gift: String,
    n: u32,
    to: Option<String>,
    idem: String,
}

impl GiftBody {
    fn read(self) -> Result<GiftOrder, String> {
        Ok(GiftOrder {
            gift: GiftKind::parse(&self.gift).ok_or("there is no such gift")?,
            count: GiftCount::new(self.n).ok_or("n must be 1 to 9999")?,
            to: self.to.as_deref().map(room_id).transpose()?,
            idem: idem_key(&self.idem)?,
        })
    }
}

#[derive(Deserialize)]
struct UserBody {
    user: String,
}

impl UserBody {
    fn read(self) -> Result<UserId, String> {
        UserId::parse(&self.user)
            .ok_or_else(|| "user must hold 1 to 64 of A-Z a-z 0-9 _ -".to_owned())
    }
}

#[derive(Deserialize)]
struct MuteBody {
    user: String,
    audio: bool,
}

#[derive(Deserialize)]
struct InviteBody {
    room: String,
    duration_s: Option<u32>,
    punish_s: Option<u32>,
}

impl InviteBody {
    fn read(self) -> Result<Command, String> {
        let terms = BattleTerms::new(self.duration_s.unwrap_or(300), self.punish_s.unwrap_or(30))
            .ok_or("duration_s must be 10 to 900, punish_s 0 to 300")?;
        Ok(Command::PkInvite { room: room_id(&self.room)?, terms })
    }
}

#[derive(Deserialize)]
struct PkBody {
    pk: String,
}

impl PkBody {
    fn read(self) -> Result<PkId, String> {
        PkId::parse(&self.pk).ok_or_else(|| "pk is not an id".to_owned())
    }
}

#[derive(Deserialize)]
struct SaleBody {
    title: String,
    sku: String,
    price_cents: u64,
    stock: u32,
    per_user: Option<u32>,
    lead_ms: Option<u32>,
    duration_ms: Option<u32>,
}

impl SaleBody {
    fn read(self) -> Result<SaleOffer, String> {
        let lead_ms = self.lead_ms.unwrap_or(DEFAULT_LEAD_MS);
        if lead_ms > LEAD_MAX_MS {
            return Err(format!("lead_ms must be at most {LEAD_MAX_MS}"));
        }
        if self.price_cents > PRICE_MAX_CENTS {
            return Err(format!("price_cents must be at most {PRICE_MAX_CENTS}"));
        }
        Ok(SaleOffer {
            title: Title::parse(&self.title).ok_or("title must hold 1 to 100 characters")?,
            sku: Title::parse(&self.sku).ok_or("sku must hold 1 to 100 characters")?,
            price_cents: self.price_cents,
            stock: StockCount::new(self.stock).ok_or("stock must be 1 to 100000")?,
            per_user: Quantity::new(self.per_user.unwrap_or(1))
                .ok_or("per_user must be 1 to 100000")?,
            lead: Duration::from_millis(lead_ms.into()),
            open_for: SaleDuration::new(self.duration_ms.unwrap_or(DEFAULT_OPEN_MS))
                .ok_or("duration_ms must be 1000 to 86400000")?,
        })
    }
}

#[derive(Deserialize)]
struct SaleIdBody {
    sale: String,
}

#[derive(Deserialize)]
struct OrderBody {
    sale: String,
    qty: u32,
    idem: String,
}

impl OrderBody {
    fn read(self) -> Result<OrderRequest, String> {
        Ok(OrderRequest {
            sale: sale_id(&self.sale)?,
            quantity: Quantity::new(self.qty).ok_or("qty must be 1 to 100000")?,
            idem: idem_key(&self.idem)?,
        })
    }
}
