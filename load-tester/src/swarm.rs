//! Viewers in the thousands from one process, on one real publisher, and what they and the server saw.
//!
//! The viewers are real to the server (ICE, DTLS-SRTP, RTCP) but decrypt next to nothing, so that the
//! tester is not the bottleneck on a machine that it shares with the server.

mod compare;
mod crowd;
mod dtls;
mod engine;
mod feedback;
mod impairment;
mod janus;
mod keyframe;
mod namespace;
mod observer;
mod process;
mod publisher;
mod reception;
mod report;
mod rtp;
mod run;
mod sdp;
mod servers;
mod socket;
mod stamps;
mod stun;
mod table;
mod target;
mod track;
mod viewer;

pub(crate) use compare::{Options as CompareOptions, run as compare};
pub(crate) use process::Usage;
pub(crate) use run::{Options, run};
