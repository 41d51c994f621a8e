//! Goal: the real `lianmai` program comes up, answers good and bad requests as the protocol says,
//! and goes away without leaving anything behind. Method: start the binary on free ports, read its
//! addresses from its first line of output, talk to it over HTTP, RTMP and UDP, send it signals.

// A helper of a test may give up as a test may.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod buyers;
mod command_line;
mod crash;
mod folder;
mod life;
mod listener;
mod requests;
mod resume;
mod running;
mod watchers;
