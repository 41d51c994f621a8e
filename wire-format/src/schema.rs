//! JSON Schema (2020-12) of everything that crosses the wire, made from the types that read and
//! write it. A line in one of the tables below makes a message known to the schema; golden fixtures
//! are held against it.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::api::{MintTokenBody, ParticipantsBody, ProblemBody, TokenBody};
use crate::body::{
    AuctionBody, BannedBody, BattleBody, ChatBody, CountdownBody, CouponBody, CouponRecordBody,
    DeletedBody, ExplainedBody, GiftBatchBody, IndexedProductBody, LotteryBody, LotteryRecordBody,
    MutedBody, OrderBody, OrderNewsBody, PacketBody, PacketRecordBody, PinnedBody, PriceBody,
    ProductsBody, QuestionBody, QuestionGoneBody, QueuedBody, QuizBody, QuizRecordBody,
    QuizWonBody, ReactBody, RemovedBody, ReplyData, RoomStateBody, SaleBody, SanctionBody,
    ScoreBody, SeatBody, SeatRequestBody, SettingsBody, SnapshotBody, StaffUserBody,
    StaffWordsBody, StageBody, TicketBody, UnmutedBody, WhisperBody, WipedBody, WonBody,
};
use crate::cue::MediaClock;
use crate::encode::{BegunBody, LayersBody, ReconnectBody, ResumedBody, ResyncedBody};
use crate::insert::{
    InsertBody, InsertEnded, InsertStarted, InsertViewBody, InsertsBody, StandInBody,
    StandInViewBody,
};
use crate::layout::{AppliedBody, LayoutBody, ViewBody};
use crate::leaderboard::{GiftsBody, LeaderboardBody};
use crate::media_news::{Speaker, Uplink};
use crate::peer_stats::{PeerList, PeerReport};
use crate::quality::{QualityChoice, QualityView};
use crate::recording::{Recording, RecordingsBody};
use crate::rest::{AddTarget, CreateRoomBody, PickLayer, RoomBody, RoomsBody, Target, TargetsBody};
use crate::sale_orders::SaleOrdersBody;
use crate::shop_log::{AuctionLogBody, SaleLogBody};
use crate::stats::StatsBody;
use crate::{Code, decode, stream_name};
use room_rules::Stream;

/// Something with a name, and the schema of its body.
struct Named {
    name: &'static str,
    schema: fn(&mut SchemaGenerator) -> Schema,
}

const fn named<T: JsonSchema>(name: &'static str) -> Named {
    Named { name, schema: |generator| generator.subschema_for::<T>() }
}

/// What rooms tell, by `t`.
const EVENTS: &[Named] = &[
    named::<SnapshotBody<'static>>("welcome"),
    named::<RoomStateBody<'static>>("room.state"),
    named::<SettingsBody<'static>>("room.settings"),
    named::<MutedBody>("me.muted"),
    named::<UnmutedBody>("me.unmuted"),
    named::<BannedBody<'static>>("me.banned"),
    named::<SanctionBody<'static>>("mod.muted"),
    named::<StaffUserBody<'static>>("mod.unmuted"),
    named::<SanctionBody<'static>>("mod.banned"),
    named::<StaffUserBody<'static>>("mod.unbanned"),
    named::<StaffWordsBody<'static>>("mod.words"),
    named::<StageBody<'static>>("stage.updated"),
    named::<SeatBody<'static>>("seat.updated"),
    named::<SeatRequestBody<'static>>("seat.request"),
    named::<BattleBody<'static>>("pk.updated"),
    named::<ScoreBody<'static>>("pk.score"),
    named::<CountdownBody<'static>>("countdown"),
    named::<SaleBody<'static>>("sale.updated"),
    named::<PacketBody<'static>>("packet.updated"),
    named::<LotteryBody<'static>>("lottery.updated"),
    named::<OrderNewsBody<'static>>("order.result"),
    named::<AuctionBody<'static>>("auction.updated"),
    named::<PriceBody<'static>>("bid.update"),
    named::<PriceBody<'static>>("bid.outbid"),
    named::<WonBody<'static>>("auction.won"),
    named::<IndexedProductBody<'static>>("product.updated"),
    named::<RemovedBody<'static>>("product.removed"),
    named::<PinnedBody<'static>>("product.pinned"),
    named::<ExplainedBody<'static>>("product.explained"),
    named::<CouponBody<'static>>("coupon.updated"),
    named::<TicketBody<'static>>("coupon.claimed"),
    named::<QuizBody<'static>>("quiz.updated"),
    named::<QuizWonBody<'static>>("quiz.won"),
    named::<GiftBatchBody<'static>>("gift.batch"),
    named::<ChatBody<'static>>("chat"),
    named::<WhisperBody<'static>>("whisper"),
    named::<DeletedBody<'static>>("chat.deleted"),
    named::<WipedBody<'static>>("chat.wiped"),
    named::<QuestionBody<'static>>("question.updated"),
    named::<QuestionGoneBody<'static>>("question.gone"),
    named::<ReactBody<'static>>("react"),
    named::<LayersBody<'static>>("publish.layers"),
    named::<ReconnectBody<'static>>("reconnect"),
    named::<AppliedBody>("layout.applied"),
    named::<QualityView>("quality.updated"),
    named::<InsertStarted<'static>>("insert.started"),
    named::<InsertEnded<'static>>("insert.ended"),
    named::<MediaClock<'static>>("media.clock"),
    named::<Speaker<'static>>("speaker"),
    named::<Uplink<'static>>("uplink"),
    named::<Uplink<'static>>("uplink.bad"),
    named::<Uplink<'static>>("uplink.good"),
];

/// Events that a client must understand.
const MUST: [&str; 3] = ["chat.deleted", "chat.wiped", "question.gone"];

/// What HTTP answers, by the name it has in PROTOCOL.md.
const ANSWERS: &[Named] = &[
    named::<RoomBody<'static>>("RoomView"),
    named::<RoomsBody<'static>>("Rooms"),
    named::<Target>("Target"),
    named::<TargetsBody<'static>>("Targets"),
    named::<Recording>("Recording"),
    named::<RecordingsBody<'static>>("Recordings"),
    named::<TokenBody<'static>>("Token"),
    named::<ParticipantsBody<'static>>("Participants"),
    named::<SnapshotBody<'static>>("Snapshot"),
    named::<PeerList>("Peers"),
    named::<PeerReport>("PeerStats"),
    named::<ViewBody<'static>>("Layout"),
    named::<QualityView>("Quality"),
    named::<InsertViewBody<'static>>("Insert"),
    named::<InsertsBody<'static>>("Inserts"),
    named::<StandInViewBody<'static>>("StandIn"),
    named::<OrderBody<'static>>("OrderResult"),
    named::<PacketRecordBody<'static>>("RedPacketRecord"),
    named::<LotteryRecordBody<'static>>("LotteryRecord"),
    named::<QueuedBody<'static>>("OrderQueued"),
    named::<SaleOrdersBody<'static>>("SaleOrders"),
    named::<SaleLogBody<'static>>("SaleLog"),
    named::<AuctionLogBody<'static>>("AuctionLog"),
    named::<StatsBody<'static>>("Stats"),
    named::<ProductsBody<'static>>("Products"),
    named::<CouponRecordBody<'static>>("CouponRecord"),
    named::<QuizRecordBody<'static>>("QuizRecord"),
    named::<GiftsBody<'static>>("Gifts"),
    named::<LeaderboardBody<'static>>("Leaderboard"),
    named::<ReplyData<'static>>("Reply"),
    named::<BegunBody<'static>>("Begun"),
    named::<ResumedBody<'static>>("Resumed"),
    named::<ResyncedBody>("Resynced"),
    named::<ProblemBody<'static>>("Problem"),
];

/// What HTTP takes besides messages.
const REQUESTS: &[Named] = &[
    named::<CreateRoomBody>("CreateRoom"),
    named::<MintTokenBody>("MintToken"),
    named::<AddTarget>("AddTarget"),
    named::<PickLayer>("PickLayer"),
    named::<LayoutBody>("LayoutChoice"),
    named::<QualityChoice>("QualityChoice"),
    named::<InsertBody>("InsertOrder"),
    named::<StandInBody>("StandInOrder"),
];

/// The schemas of all bodies. Definitions that they share are in `definitions`.
#[derive(Debug)]
pub struct Schemas {
    /// What the others refer to, by the last part of the reference.
    pub definitions: Map<String, Value>,
    /// `d` of what asks something of a room, by `t`.
    pub commands: Vec<(&'static str, Value)>,
    /// `d` of what a client says about its session, by `t`.
    pub session: Vec<(&'static str, Value)>,
    /// `d` of what rooms tell, by `t`.
    pub events: Vec<(&'static str, Value)>,
    /// Bodies of HTTP answers, by name.
    pub answers: Vec<(&'static str, Value)>,
    /// Bodies of HTTP requests, by name.
    pub requests: Vec<(&'static str, Value)>,
}

impl Schemas {
    /// Makes them, with references to `definitions_at`, such as `#/$defs`.
    pub fn new(definitions_at: &'static str) -> Self {
        let settings = SchemaSettings::draft2020_12()
            .with(|settings| settings.definitions_path = definitions_at.into());
        let mut up = SchemaGenerator::new(settings.clone().for_deserialize());
        let mut down = SchemaGenerator::new(settings.for_serialize());
        let commands = plain(decode::command_schemas(&mut up));
        let session = plain(decode::session_schemas(&mut up));
        let requests = made(REQUESTS, &mut up);
        let events = made(EVENTS, &mut down);
        let answers = made(ANSWERS, &mut down);
        let mut definitions = down.take_definitions(true);
        // What goes up and what comes down are different types with different names, but for those
        // that are read and written alike.
        definitions.extend(up.take_definitions(true));
        Self { definitions, commands, session, events, answers, requests }
    }
}

/// Returns the schema of every frame of a WebSocket or data channel: `$defs/Up` and `$defs/Down`.
pub fn protocol_schema() -> Value {
    let schemas = Schemas::new("#/$defs");
    let letters: Vec<_> = schemas.letters().map(|(_, letter)| letter).collect();
    let mut defs = schemas.definitions;
    let up = schemas.session.iter().chain(&schemas.commands).map(|(t, d)| up(t, d));
    defs.insert("Up".to_owned(), json!({"oneOf": up.collect::<Vec<_>>()}));
    let mut downs: Vec<_> = schemas.events.iter().map(|(t, d)| event(t, d)).collect();
    downs.extend([
        frame("ack", &["st", "d"], json!({"rid": rid(), "st": time(), "d": {"type": "object"}})),
        frame(
            "err",
            &["code", "st", "d"],
            json!({"rid": rid(), "code": codes(), "retry_ms": {"type": "integer", "minimum": 0},
                "st": time(), "d": {"type": "object", "required": ["message"],
                    "properties": {"message": {"type": "string"}}}}),
        ),
        frame("clk.pong", &["d"], json!({"d": {"type": "object", "required": ["c0", "s1", "s2"]}})),
        frame(
            "batch",
            &["s", "q", "st", "d"],
            json!({"s": streams(), "q": {"type": "array", "items": number(), "minItems": 2,
                "maxItems": 2}, "st": time(), "d": {"type": "array", "items": {"$ref": "#/$defs/Down"}}}),
        ),
    ]);
    defs.insert("Down".to_owned(), json!({"oneOf": downs}));
    defs.insert("Letter".to_owned(), json!({"oneOf": letters}));
    for (name, schema) in schemas.answers.into_iter().chain(schemas.requests) {
        defs.entry(name.to_owned()).or_insert(schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lianmai.v1",
        "description": "Frames of WebSocket and data channels: $defs/Up and $defs/Down. Webhooks: $defs/Letter. Bodies of HTTP by name.",
        "$defs": defs,
    })
}

/// Returns the schema of a code.
pub(crate) fn codes() -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({"type": "string", "enum": codes})
}

fn up(t: &str, d: &Value) -> Value {
    frame(t, &[], json!({"rid": rid(), "d": d}))
}

fn event(t: &str, d: &Value) -> Value {
    let mut more = json!({"s": streams(), "q": number(), "st": time(), "d": d});
    if !MUST.contains(&t) {
        return frame(t, &["d"], more);
    }
    more["must"] =
        json!({"const": true, "description": "who does not know this `t` closes with 4013"});
    frame(t, &["must", "d"], more)
}

/// An envelope; fields that it does not name are allowed, because clients ignore them.
fn frame(t: &str, required: &[&str], more: Value) -> Value {
    let mut properties = json!({"v": {"const": 1}, "t": {"const": t}});
    let (Value::Object(properties_map), Value::Object(more)) = (&mut properties, more) else {
        unreachable!("both are written as objects");
    };
    properties_map.extend(more);
    let required: Vec<_> = ["v", "t"].iter().chain(required).collect();
    json!({"title": t, "type": "object", "required": required, "properties": properties})
}

fn rid() -> Value {
    json!({"type": "string", "maxLength": 64})
}

fn number() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn time() -> Value {
    json!({"type": "number", "description": "room time, milliseconds since 1970"})
}

fn streams() -> Value {
    json!({"enum": Stream::ALL.map(stream_name)})
}

fn made(table: &[Named], generator: &mut SchemaGenerator) -> Vec<(&'static str, Value)> {
    table.iter().map(|named| (named.name, (named.schema)(generator).to_value())).collect()
}

fn plain(schemas: Vec<(&'static str, Schema)>) -> Vec<(&'static str, Value)> {
    schemas.into_iter().map(|(name, schema)| (name, schema.to_value())).collect()
}
