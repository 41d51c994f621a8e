//! What back ends are told by webhooks: every kind of letter, and what its data hold. Most of them
//! say what a message to members says. This table is also the list of what an endpoint may ask for.

use serde_json::{Map, Value, json};

use crate::Schemas;

/// What the data of a letter are.
#[derive(Clone, Copy)]
enum Data {
    /// Those of the message with this `t`.
    Message(&'static str),
    /// The same, and the user who was told.
    MessageTo(&'static str),
    /// An accepted order: at once as the buyer was answered, or later as they were told.
    Order,
    /// These fields, all of them there.
    Fields(&'static [(&'static str, Field)]),
}

#[derive(Clone, Copy)]
enum Field {
    Text,
    TextOrNull,
    Count,
}

use Data::{Fields, Message, MessageTo, Order};
use Field::{Count, Text, TextOrNull};

const TARGET: Data = Fields(&[("target", Text), ("url", Text), ("error", TextOrNull)]);
const RECORDED: Data = Fields(&[
    ("recording", Text),
    ("file", Text),
    ("started_at", Count),
    ("duration_ms", Count),
    ("bytes", Count),
]);
const GIFT: Data = Fields(&[
    ("user", Text),
    ("gift", Text),
    ("count", Count),
    ("coins", Count),
    ("to", TextOrNull),
    ("idem", Text),
]);

const LETTERS: &[(&str, Data)] = &[
    ("room.waiting", Message("room.state")),
    ("room.live", Message("room.state")),
    ("room.interrupted", Message("room.state")),
    ("room.restarted", Fields(&[])),
    ("room.ended", Message("room.state")),
    ("participant.joined", Fields(&[("user", Text), ("name", Text), ("role", Text)])),
    ("participant.left", Fields(&[("user", Text)])),
    ("stream.started", Fields(&[("user", Text)])),
    ("stream.ended", Fields(&[("user", Text)])),
    ("seat.updated", Message("seat.updated")),
    ("seat.request", Message("seat.request")),
    ("pk.invited", Message("pk.updated")),
    ("pk.started", Message("pk.updated")),
    ("pk.settled", Message("pk.updated")),
    ("pk.ended", Message("pk.updated")),
    ("sale.announced", Message("sale.updated")),
    ("sale.opened", Message("sale.updated")),
    ("sale.paused", Message("sale.updated")),
    ("sale.sold_out", Message("sale.updated")),
    ("sale.closed", Message("sale.updated")),
    ("order.accepted", Order),
    ("order.refused", MessageTo("order.result")),
    ("order.paid", MessageTo("order.result")),
    ("order.expired", MessageTo("order.result")),
    ("auction.opened", Message("auction.updated")),
    ("auction.ended", Message("auction.updated")),
    ("auction.won", MessageTo("auction.won")),
    ("product.listed", Message("product.updated")),
    ("product.changed", Message("product.updated")),
    ("product.removed", Message("product.removed")),
    ("product.pinned", Message("product.pinned")),
    ("product.explained", Message("product.explained")),
    ("coupon.opened", Message("coupon.updated")),
    ("coupon.claimed", MessageTo("coupon.claimed")),
    ("coupon.ended", Message("coupon.updated")),
    ("quiz.opened", Message("quiz.updated")),
    ("quiz.ended", Message("quiz.updated")),
    ("quiz.won", MessageTo("quiz.won")),
    ("gift.accepted", GIFT),
    ("gift.batch", Message("gift.batch")),
    ("packet.opened", Message("packet.updated")),
    ("packet.ended", Message("packet.updated")),
    ("lottery.opened", Message("lottery.updated")),
    ("lottery.drawn", Message("lottery.updated")),
    ("lottery.aborted", Message("lottery.updated")),
    ("target.live", TARGET),
    ("target.failed", TARGET),
    ("recording.started", Fields(&[("recording", Text), ("file", Text), ("started_at", Count)])),
    ("recording.ready", RECORDED),
    ("recording.failed", Fields(&[("recording", Text), ("file", Text), ("error", TextOrNull)])),
    ("mixer.restarted", Fields(&[])),
];

/// Returns the name of every kind of letter.
pub fn letter_kinds() -> impl Iterator<Item = &'static str> {
    LETTERS.iter().map(|(kind, _)| *kind)
}

impl Schemas {
    /// Returns the schema of every kind of letter, by its name.
    pub fn letters(&self) -> impl Iterator<Item = (&'static str, Value)> {
        LETTERS.iter().map(|(kind, data)| (*kind, letter(kind, &self.data(*data))))
    }

    fn data(&self, data: Data) -> Value {
        match data {
            Message(t) => self.event(t),
            MessageTo(t) => with_user(&self.event(t)),
            Order => {
                let answer = self.answers.iter().find(|(name, _)| *name == "OrderResult");
                let (_, at_once) = answer.expect("it is an answer");
                with_user(&json!({"anyOf": [at_once, self.event("order.result")]}))
            }
            Fields(fields) => {
                let properties: Map<String, Value> = fields
                    .iter()
                    .map(|(name, field)| ((*name).to_owned(), field.schema()))
                    .collect();
                let required: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
                json!({"type": "object", "required": required, "properties": properties})
            }
        }
    }

    fn event(&self, t: &str) -> Value {
        let found = self.events.iter().find(|(name, _)| *name == t);
        found.expect("letters say what members are told").1.clone()
    }
}

impl Field {
    fn schema(self) -> Value {
        match self {
            Text => json!({"type": "string"}),
            TextOrNull => json!({"type": ["string", "null"]}),
            Count => json!({"type": "integer", "minimum": 0}),
        }
    }
}

fn with_user(schema: &Value) -> Value {
    let user = json!({"type": "object", "required": ["user"], "properties": {
        "user": {"type": "string"},
        "idem": {"type": "string", "description": "the key of the request, where this answers it"}}});
    json!({"allOf": [schema, user]})
}

fn letter(kind: &str, data: &Value) -> Value {
    json!({
        "title": kind,
        "type": "object",
        "required": ["id", "event", "room", "seq", "at", "data"],
        "properties": {
            "id": {"type": "string"},
            "event": {"const": kind},
            "room": {"type": "string"},
            "seq": {"type": "integer", "minimum": 1},
            "at": {"type": "integer", "minimum": 0},
            "data": data,
        },
    })
}
