//! One program from many hosts: a child process per program decodes, composes and encodes, and
//! this library is how a server runs it.
//!
//! GStreamer is linked into the program `lianmai-mixer` only. The library holds the framing that
//! both sides speak ([`link`]) and the supervisor that keeps the child alive ([`Program`]), so a
//! crash inside a codec costs one program a second of picture and never the server.

#![forbid(unsafe_code)]

mod backlog;
mod clock;
pub mod link;
mod outbox;
mod quality;
mod supervisor;

pub use backlog::Weight;
pub use clock::media_now;
pub use link::Duty;
pub use outbox::Outbox;
pub use quality::{Quality, Rendition, RenditionName, UnknownEncoder, VideoEncoder};
pub use supervisor::{Program, ProgramConfig, ProgramEvent, Taker};
