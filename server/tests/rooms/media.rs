//! Media sessions and whose they are. Time is real here, because the SFU's threads live in it.

use std::time::Duration;

use room_rules::{Command, Member, Role, SeatCommand, SeatPick, ServerTime};
use sfu::Stats;
use signaling::{
    IceFragment, IfMatch, MediaId, MediaSession, Patched, Refused, RoomHandle, RoomRequest,
};
use wire_format::Code;

use crate::stage::{NEVER, Person, Stage, member};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// An offer to send and receive what browsers do; nobody is behind it.
pub(crate) const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    a=group:BUNDLE 0 1 2\r\na=fingerprint:sha-256 AB:CD\r\na=setup:actpass\r\n\
    a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n\
    a=rtpmap:111 opus/48000/2\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 102\r\na=mid:1\r\na=sendrecv\r\na=rtcp-mux\r\n\
    a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\n";

#[tokio::test]
async fn publishing_again_replaces_the_older_session() {
    let stage = Stage::with_media();
    let host = stage.open("a").await;
    let first = publish(&host.room, &host.member).await.unwrap();
    publishers_become(&stage, 1).await;

    let second = publish(&host.room, &host.member).await.unwrap();

    assert_ne!(first.id, second.id);
    assert_eq!(close(&host.room, &host.member, first.id).await.unwrap_err().code, Code::NotFound);
    publishers_become(&stage, 1).await;
    close(&host.room, &host.member, second.id).await.unwrap();
    publishers_become(&stage, 0).await;
}

#[tokio::test]
async fn a_session_is_only_its_owners() {
    let stage = Stage::with_media();
    let host = stage.open("a").await;
    let (vera, walter) = (member("vera", Role::Viewer), member("walter", Role::Viewer));
    let session = play(&host.room, &vera).await.unwrap();

    let stolen = close(&host.room, &walter, session.id).await;
    let trickled = trickle(&host.room, &walter, session.id).await;

    assert_eq!(stolen.unwrap_err().code, Code::Forbidden);
    assert_eq!(trickled.unwrap_err().code, Code::Forbidden);
    trickle(&host.room, &vera, session.id).await.unwrap();
    close(&host.room, &vera, session.id).await.unwrap();
}

#[tokio::test]
async fn a_guest_who_is_made_to_get_up_is_off_the_air() {
    let stage = Stage::with_media();
    let host = stage.open("a").await;
    let bob = member("bob", Role::Guest);
    let guest = Person::join(&stage, &host.room, bob.clone()).await.unwrap();
    assert_eq!(publish(&host.room, &bob).await.unwrap_err().code, Code::Forbidden);
    guest.says(Command::Seat(SeatCommand::Apply(SeatPick::ANY))).await.unwrap();
    publish(&host.room, &bob).await.unwrap();
    publishers_become(&stage, 1).await;

    host.says(Command::Seat(SeatCommand::Kick(bob.user.clone()))).await.unwrap();

    publishers_become(&stage, 0).await;
    assert!(publish(&host.room, &bob).await.is_err());
}

#[tokio::test]
async fn a_room_that_ends_takes_its_sessions_with_it() {
    let stage = Stage::with_media();
    let host = stage.open("a").await;
    publish(&host.room, &host.member).await.unwrap();
    play(&host.room, &member("vera", Role::Viewer)).await.unwrap();
    assert_eq!(stage.parts.sfu.stats().await.peers, 2);

    host.says(Command::RoomEnd).await.unwrap();

    until(&stage, |stats| stats.peers == 0).await;
}

#[tokio::test]
async fn one_user_does_not_use_up_the_media_workers() {
    let stage = Stage::with_media();
    let host = stage.open("a").await;
    let (vera, walter) = (member("vera", Role::Viewer), member("walter", Role::Viewer));
    let mut sessions = Vec::new();
    for _ in 0..32 {
        sessions.push(play(&host.room, &vera).await.unwrap().id);
    }

    assert_eq!(play(&host.room, &vera).await.unwrap_err().code, Code::RateLimited);
    play(&host.room, &walter).await.unwrap();
    close(&host.room, &vera, sessions[0]).await.unwrap();
    play(&host.room, &vera).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_with_its_token_and_a_newer_token_prolongs_it() {
    let stage = Stage::new();
    let host = stage.open("a").await;
    let vera = member("vera", Role::Viewer);
    let now = stage.parts.clock.now();
    // Sooner than the room gives up on a host who does not connect.
    let (early, late) = (now + Duration::from_secs(5), now + Duration::from_secs(90));
    let publisher = publish_until(&host.room, &host.member, early).await.unwrap();
    let short = play_until(&host.room, &vera, early).await.unwrap();
    let long = play_until(&host.room, &vera, early).await.unwrap();
    let (fragment, condition) = (IceFragment::parse("").unwrap(), IfMatch::Any);
    let (member, id) = (vera.clone(), long.id);
    host.room
        .ask(|reply| RoomRequest::PatchPeer { member, until: late, id, condition, fragment, reply })
        .await
        .unwrap();

    tokio::time::sleep(Duration::from_millis(4_998)).await;
    find(&host.room, &host.member, publisher.id).await.unwrap();
    find(&host.room, &vera, short.id).await.unwrap();
    tokio::time::sleep(Duration::from_millis(4)).await;

    let gone = find(&host.room, &host.member, publisher.id).await;
    assert_eq!(gone.unwrap_err().code, Code::NotFound);
    assert_eq!(find(&host.room, &vera, short.id).await.unwrap_err().code, Code::NotFound);
    find(&host.room, &vera, long.id).await.unwrap();
    tokio::time::sleep(Duration::from_secs(85)).await;
    assert_eq!(find(&host.room, &vera, long.id).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn ice_is_restarted_and_the_tag_of_before_is_outdated() {
    let stage = Stage::with_media();
    let host = stage.open("a").await;
    let vera = member("vera", Role::Viewer);
    let session = play(&host.room, &vera).await.unwrap();
    let first = IfMatch::Tags(vec![session.etag.clone()]);
    let new = "a=mid:0\r\na=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n";

    let restarted = patch(&host.room, &vera, session.id, IfMatch::Any, new).await.unwrap();
    let stale = patch(&host.room, &vera, session.id, first, "").await;

    let Patched::Restarted { etag, fragment } = restarted else { panic!("{restarted:?}") };
    assert_ne!(etag, session.etag);
    assert_eq!(stale.unwrap_err().code, Code::PreconditionFailed);
    // What the SDP answer said of our transport is said again; only the credentials are new.
    let lines = |text: &str, start: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with(start)).map(str::to_owned).collect()
    };
    for start in ["a=ice-lite", "a=candidate:"] {
        let said = lines(&fragment, start);
        assert!(!said.is_empty() && lines(&session.answer, start).starts_with(&said), "{fragment}");
    }
    for start in ["a=ice-ufrag:", "a=ice-pwd:"] {
        assert_eq!(lines(&fragment, start).len(), 1, "{fragment}");
        assert!(!lines(&session.answer, start).contains(&lines(&fragment, start)[0]), "{fragment}");
    }
    let current = IfMatch::Tags(vec![etag]);
    let trickled = patch(&host.room, &vera, session.id, current, new).await;
    assert_eq!(trickled, Ok(Patched::Trickled));
}

#[tokio::test]
async fn who_asks_for_sessions_without_end_is_told_to_slow_down() {
    let stage = Stage::with_media();
    let host = stage.open("a").await;
    let (vera, walter) = (member("vera", Role::Viewer), member("walter", Role::Viewer));
    let ask = async |who: &Member| close(&host.room, who, MediaId::new(1)).await.unwrap_err().code;

    let mut codes = Vec::new();
    for _ in 0..200 {
        codes.push(ask(&vera).await);
    }

    assert_eq!(codes[0], Code::NotFound);
    assert!(codes.contains(&Code::RateLimited));
    assert_eq!(ask(&walter).await, Code::NotFound);
}

pub(crate) async fn publish(room: &RoomHandle, who: &Member) -> Result<MediaSession, Refused> {
    publish_until(room, who, NEVER).await
}

async fn publish_until(
    room: &RoomHandle,
    who: &Member,
    until: ServerTime,
) -> Result<MediaSession, Refused> {
    let (member, offer) = (who.clone(), OFFER.to_owned());
    room.ask(|reply| RoomRequest::Publish { member, until, offer, reply }).await
}

pub(crate) async fn play(room: &RoomHandle, who: &Member) -> Result<MediaSession, Refused> {
    play_until(room, who, NEVER).await
}

async fn play_until(
    room: &RoomHandle,
    who: &Member,
    until: ServerTime,
) -> Result<MediaSession, Refused> {
    let (member, offer) = (who.clone(), OFFER.to_owned());
    room.ask(|reply| RoomRequest::Play { member, until, feed: None, offer, reply }).await
}

async fn find(room: &RoomHandle, who: &Member, id: MediaId) -> Result<(), Refused> {
    let member = who.clone();
    room.ask(|reply| RoomRequest::FindPeer { member, id, reply }).await
}

async fn close(room: &RoomHandle, who: &Member, id: MediaId) -> Result<(), Refused> {
    let member = who.clone();
    room.ask(|reply| RoomRequest::ClosePeer { member, id, reply }).await
}

async fn trickle(room: &RoomHandle, who: &Member, id: MediaId) -> Result<(), Refused> {
    patch(room, who, id, IfMatch::Any, "a=mid:0\r\n").await.map(|_| ())
}

pub(crate) async fn patch(
    room: &RoomHandle,
    who: &Member,
    id: MediaId,
    condition: IfMatch,
    fragment: &str,
) -> Result<Patched, Refused> {
    let (member, fragment) = (who.clone(), IceFragment::parse(fragment).unwrap());
    room.ask(|reply| RoomRequest::PatchPeer {
        member,
        until: NEVER,
        id,
        condition,
        fragment,
        reply,
    })
    .await
}

async fn publishers_become(stage: &Stage, count: usize) {
    until(stage, |stats| stats.publishers == count).await;
}

/// Waits until what the SFU itself counts is as it should be.
async fn until(stage: &Stage, is_so: impl Fn(&Stats) -> bool) {
    let wait = async {
        while !is_so(&stage.parts.sfu.stats().await) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the SFU never counted as it should");
}
