//! Enough RTMP for both roles: handshake, chunks, commands, and a connection that keeps to limits.
//!
//! What we send is built with `rml_rtmp`. What strangers send is read here instead: that crate
//! recurses as deep as the input says, panics on some malformed chunks and knows no size limits.

mod amf;
mod chunk_reader;
mod connection;
mod message;

pub(crate) use connection::{Connection, ConnectionError, Limits, Role};
pub(crate) use message::{Command, STREAM_ID, status};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use {chunk_reader::ChunkReader, message::Inbound};
