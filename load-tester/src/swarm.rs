//! Viewers in the thousands from one process, on one real publisher, and what they and the server saw.
//!
//! The viewers are real to the server (ICE, DTLS-SRTP, RTCP) but decrypt next to nothing, so that the
//! tester is not the bottleneck on a machine that it shares with the server.

mod crowd;
mod dtls;
mod engine;
mod feedback;
mod film;
mod impairment;
mod keyframe;
mod observer;
mod process;
mod publisher;
mod reception;
mod report;
mod rtp;
mod run;
mod sdp;
mod socket;
mod stamps;
mod stun;
mod table;
mod target;
mod viewer;

pub(crate) use run::{Options, run};
