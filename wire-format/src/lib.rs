//! The JSON that crosses the wire, as `docs/PROTOCOL.md` describes it, with no I/O.
//!
//! Going up, text becomes typed values once, here, limits first. Going down, the room rules' own
//! types become text. `fixtures/` holds one example of everything.

#![forbid(unsafe_code)]

mod api;
mod body;
mod code;
mod cue;
mod decode;
mod encode;
mod insert;
mod lane;
mod layout;
mod leaderboard;
mod letter;
mod media_news;
mod peer_stats;
mod quality;
mod recording;
mod rest;
mod sale_orders;
mod schema;
mod shop_log;
mod srs;
mod stats;

pub use api::{
    MintToken, Participant, Participants, encode_participants, encode_problem, encode_reply,
    encode_snapshot, encode_token,
};
pub use body::room_state_name;
pub use code::Code;
pub use cue::{CUE_MAX, Cue, CueBattle, CueCountdown, CueTile, encode_cue, encode_media_clock};
pub use decode::{
    ClientMessage, DecodeError, FRAME_MAX, Fired, Hello, Resume, Resync, decode_command,
    decode_order,
};
pub use encode::{
    SessionName, encode_ack, encode_batch, encode_done, encode_err, encode_event, encode_hello_ack,
    encode_layers, encode_pong, encode_reconnect, encode_refusal, encode_resumed, encode_resynced,
    encode_staff, encode_welcome, encode_whisper,
};
pub use insert::{
    FilmSource, FilmState, InsertEnd, InsertList, InsertOrder, InsertView, StandInOrder,
    StandInView, decode_insert, decode_stand_in, encode_insert, encode_insert_ended,
    encode_insert_started, encode_inserts, encode_stand_in,
};
pub use lane::{Lane, stream_name, stream_of};
pub use layout::{LayoutApplied, LayoutView, decode_layout, encode_layout, encode_layout_applied};
pub use leaderboard::{
    encode_coupon, encode_gift_catalog, encode_leaderboard, encode_lottery, encode_packet,
    encode_products, encode_quiz,
};
pub use letter::letter_kinds;
pub use media_news::{Uplink, UplinkNews, encode_speaker, encode_uplink};
pub use peer_stats::{
    CandidatePair, CodecStat, InboundRtp, InboundVideo, LocalCandidate, OutboundRtp, OutboundVideo,
    PeerEntry, PeerList, PeerReport, PeerStat, RemoteInboundRtp, RemoteOutboundRtp, StatBody,
    Transport, encode_peer_report, encode_peers,
};
pub use quality::{
    QualityChoice, QualityLimits, QualityView, RenditionSize, RenditionView, encode_quality,
    encode_quality_updated,
};
pub use recording::{Recording, RecordingState, encode_recording, encode_recordings};
pub use rest::{
    AddTarget, CreateRoom, JSON_BODY_MAX, PickLayer, PictureSize, SDP_BODY_MAX, Target,
    TargetState, encode_order, encode_room, encode_rooms, encode_target, encode_targets,
};
pub use sale_orders::encode_sale_orders;
pub use schema::{Schemas, protocol_schema};
pub use shop_log::{encode_auction_log, encode_sale_log};
pub use srs::{SRS_BODY_MAX, SrsOffer, encode_srs_answer, encode_srs_error};
pub use stats::{StatsPoint, encode_stats, encode_stats_csv};
