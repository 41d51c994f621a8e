//! The server's API over HTTP: every path with its document, twins of messages, and what back ends
//! need besides.

mod commands;
mod document;
mod idempotency;
mod participants;
mod route;
mod routes;
mod tokens;
mod twins;

pub(crate) use idempotency::{Idempotency, Key};
pub(crate) use routes::routes;
