//! Introduces the parts to one another and runs them: rooms on one side, media, mixers and relays on
//! the other. The shells know nothing of each other; whatever one must hear of another goes through
//! here.

#![forbid(unsafe_code)]

mod album;
mod back_end;
pub mod cli;
mod config;
mod cues;
mod data_session;
mod demand;
mod dev_welcome;
mod entrance;
mod event_rings;
mod fan_out;
mod films;
mod fired;
mod gauge;
mod gift_config;
mod hooks;
mod ice_restart;
mod inspector;
mod ledger_command;
mod lobby;
mod look;
mod mail;
mod media_news;
mod media_pace;
mod negotiation;
mod ops;
mod peer_report;
mod peers;
mod played_in;
mod program;
mod pull_catalog;
mod recordings;
mod restore;
mod room_journal;
mod room_layout;
mod room_media;
mod room_parts;
mod room_quality;
mod room_task;
mod seeds;
mod series;
mod serve;
mod sessions;
mod sids;
mod signals;
mod stage_voice;
mod switchboard;
mod targets;
mod token_command;
mod webhooks;

pub use config::{
    Auth, Config, ConfigError, DEV_SECRET, Endpoint, Fail, Hooks, Http, Ice, Ledger, Media, Mode,
    Moderation, Ops, Program, Recordings, Rooms, Rtmp, Webhooks,
};
pub use cues::Cues;
pub use films::Films;
pub use gift_config::GiftEntry;
pub use inspector::Inspector;
pub use ledger_command::ledger_command;
pub use lobby::Lobby;
pub use program::Composites;
pub use recordings::Shelf;
pub use room_parts::RoomParts;
pub use serve::serve;
pub use switchboard::{Switchboard, SwitchboardTask};
pub use token_command::token_command;
pub use webhooks::{Retry, Subscribers};
