//! Goal: a WebRTC implementation that shares no code with ours publishes to the server and plays from
//! it, in either DTLS role, and goes on after a restart of ICE. Method: str0m on both ends of the real
//! `lianmai` process; what comes out is compared with what went in, byte by byte.

// A helper of a test may give up as a test may.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

mod peer;
mod server;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use str0m::media::{Direction, MediaKind};

use crate::peer::{Peer, run};
use crate::server::{Server, Session};

/// Frames of each kind that have to arrive.
const ENOUGH: usize = 30;
const FRAME: Duration = Duration::from_millis(20);

#[tokio::test]
async fn what_str0m_publishes_str0m_plays_unchanged() {
    let server = Server::start().await;
    let mut host = Host::publish(&server, |offer| offer).await;

    let (mut viewer, session) = view(&server, &mut host, |offer| offer).await;
    host.streams_until_enough_arrives(&mut viewer);

    assert!(session.answer.contains("a=setup:passive"), "{}", session.answer);
    assert_eq!(server.end(&session).await, 200);
    assert_eq!(server.end(&session).await, 404);
}

#[tokio::test]
async fn a_peer_that_is_only_the_dtls_server_meets_a_client() {
    let server = Server::start().await;
    let passive = |offer: String| offer.replace("a=setup:actpass", "a=setup:passive");
    let mut host = Host::publish(&server, passive).await;

    let (mut viewer, session) = view(&server, &mut host, passive).await;
    host.streams_until_enough_arrives(&mut viewer);

    for answer in [&session.answer, &host.session.answer] {
        assert!(answer.contains("a=setup:active"), "{answer}");
    }
}

#[tokio::test]
async fn a_viewer_that_moves_restarts_ice_and_goes_on() {
    let server = Server::start().await;
    let mut host = Host::publish(&server, |offer| offer).await;
    let (mut viewer, mut session) = view(&server, &mut host, |offer| offer).await;
    host.streams_until_enough_arrives(&mut viewer);

    let fragment = viewer.restart_ice();
    let fragment = server.restart_ice(&mut session, fragment).await;
    viewer.accept(&with_credentials_of(&session.answer, &fragment));
    viewer.received.clear();

    host.streams_until_enough_arrives(&mut viewer);
}

/// A publisher and what it has sent.
struct Host {
    peer: Peer,
    session: Session,
    sent: HashSet<Vec<u8>>,
    started: Instant,
    frames: u32,
}

impl Host {
    async fn publish(server: &Server, change: impl Fn(String) -> String) -> Self {
        let (mut peer, offer) = Peer::offer(Direction::SendOnly);
        let token = server.token("alice", "host").await;
        let session = server.offer("whip", &token, change(offer)).await.unwrap();
        peer.accept(&session.answer);
        run("the publisher to connect", &mut [&mut peer], |peers| peers[0].is_connected);
        Self { peer, session, sent: HashSet::new(), started: Instant::now(), frames: 0 }
    }

    /// Sends a picture and a sound every 20 ms, as far as they are due.
    fn stream(&mut self) {
        while self.started + FRAME * self.frames <= Instant::now() {
            let at_ms = u64::from(self.frames) * 20;
            let picture = picture(self.frames);
            let sound = [&[0x78], self.frames.to_be_bytes().as_slice(), &[7; 60]].concat();
            self.peer.send(MediaKind::Video, at_ms, &picture);
            self.peer.send(MediaKind::Audio, at_ms, &sound);
            self.sent.extend([picture, sound]);
            self.frames += 1;
        }
        self.peer.step();
    }

    fn streams_until_enough_arrives(&mut self, viewer: &mut Peer) {
        run("enough frames", &mut [viewer], |peers| {
            self.stream();
            [MediaKind::Video, MediaKind::Audio].iter().all(|kind| {
                peers[0].received.iter().filter(|(other, _)| other == kind).count() >= ENOUGH
            })
        });
        for (kind, data) in &viewer.received {
            assert!(self.sent.contains(data), "{kind:?} of {} bytes was never sent", data.len());
        }
    }
}

/// Plays what `host` publishes, once it is on the stage.
async fn view(
    server: &Server,
    host: &mut Host,
    change: impl Fn(String) -> String,
) -> (Peer, Session) {
    let token = server.token("vera", "viewer").await;
    let deadline = Instant::now() + Duration::from_secs(20);
    let (mut viewer, session) = loop {
        host.stream();
        let (viewer, offer) = Peer::offer(Direction::RecvOnly);
        match server.offer("whep?feed=a/alice", &token, change(offer)).await {
            Ok(session) => break (viewer, session),
            Err(refusal) => assert!(Instant::now() < deadline, "{refusal}"),
        }
        tokio::time::sleep(FRAME).await;
    };
    viewer.accept(&session.answer);
    run("the viewer to connect", &mut [&mut viewer], |peers| {
        host.stream();
        peers[0].is_connected
    });
    (viewer, session)
}

/// Returns an access unit in Annex B: a keyframe every half second, of several packets, no two alike.
fn picture(number: u32) -> Vec<u8> {
    // Seven bits a byte: no zeros, so nothing looks like a start code.
    let mut body: Vec<u8> = (0..4).map(|at| 0x80 | (number >> (7 * at)).to_be_bytes()[3]).collect();
    let length = if number.is_multiple_of(25) { 5_000 } else { 700 };
    body.resize(length, 0xa5);
    let start = [0, 0, 0, 1];
    if number.is_multiple_of(25) {
        let (sps, pps) =
            ([0x67, 0x42, 0xe0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe8], [0x68, 0xce, 0x3c, 0x80]);
        [&start, &sps[..], &start, &pps, &start, &[0x65, 0x88], &body].concat()
    } else {
        [&start, &[0x41, 0x9a][..], &body].concat()
    }
}

/// Returns the answer as it would be after the restart that `fragment` tells of.
fn with_credentials_of(answer: &str, fragment: &str) -> String {
    let new = |start: &str| fragment.lines().find(|line| line.starts_with(start)).unwrap();
    let changed = answer.lines().map(|line| match line {
        line if line.starts_with("a=ice-ufrag:") => new("a=ice-ufrag:"),
        line if line.starts_with("a=ice-pwd:") => new("a=ice-pwd:"),
        line => line,
    });
    changed.map(|line| format!("{line}\r\n")).collect()
}
