//! Goal: everything a client can do to the HTTP and WebSocket side, good or bad, gets the answer that
//! docs/PROTOCOL.md promises, and a room never waits for a client.
//! Method: the real server on a loopback port; clients are raw TCP and tokio-tungstenite, neither of
//! which shares code with it. The rooms behind it give plain answers, because what a room decides is
//! not in question here. Every wait has a bound.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in a test, an unexpected value is a failure and a panic reports it"
)]

mod back_end;
mod bad_input;
mod client;
mod http;
mod room;
mod srs;
mod storm;
mod websocket;
mod whip;
mod world;
