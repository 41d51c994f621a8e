//! Whatever comes in wrong is answered clearly, and the server keeps serving.

use std::net::UdpSocket;
use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use room_rules::{Member, Role, RoomId, ServerTime, UserId};
use serde_json::Value;
use server::DEV_SECRET;
use signaling::{Claims, TokenKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::running::{PATIENCE, Running};

const JSON: &str = "application/json";
const SDP: &str = "application/sdp";
const WHIP: &str = "/v1/rooms/a/whip";

#[tokio::test]
async fn whoever_may_not_is_told_why() {
    let server = Running::start();
    server.open_room("a").await;
    let viewer = server.token("a", "vera", "viewer").await;
    let stranger = server.token("b", "bob", "host").await;
    let offer = |token: &str| server.post(WHIP, SDP, "v=0").bearer_auth(token);
    let target = server.post("/v1/rooms/a/targets", JSON, r#"{"url":"rtmp://h/a/k"}"#);

    answered(server.post(WHIP, SDP, "v=0"), 401, "UNAUTHENTICATED").await;
    answered(offer("x.y.z"), 401, "UNAUTHENTICATED").await;
    answered(offer(&expired()), 401, "TOKEN_EXPIRED").await;
    answered(offer(&stranger), 403, "FORBIDDEN").await;
    answered(offer(&viewer), 403, "FORBIDDEN").await;
    answered(target.bearer_auth(&viewer), 403, "FORBIDDEN").await;
}

#[tokio::test]
async fn what_cannot_be_read_or_is_too_large_is_turned_down() {
    let server = Running::start();
    let host = server.open_room("a").await;
    let whep = "/v1/rooms/a/whep";
    let post = |path, kind, body: Vec<u8>| server.post(path, kind, body).bearer_auth(&host);

    answered(post(WHIP, SDP, b"v=0".to_vec()), 400, "BAD_REQUEST").await;
    answered(post(whep, SDP, b"hello".to_vec()), 400, "BAD_REQUEST").await;
    answered(post(WHIP, SDP, vec![b'a'; 65 << 10]), 413, "TOO_LARGE").await;
    answered(post(WHIP, JSON, b"{}".to_vec()), 415, "UNSUPPORTED_MEDIA_TYPE").await;
    answered(post("/v1/rooms", JSON, vec![b' '; 17 << 10]), 413, "TOO_LARGE").await;
    answered(post("/v1/rooms", JSON, b"{".to_vec()), 400, "BAD_REQUEST").await;
    let target = br#"{"url":"rtmp://h"}"#.to_vec();
    answered(post("/v1/rooms/a/targets", JSON, target), 400, "BAD_REQUEST").await;
    assert_eq!(server.get("/v1/rooms/a").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Running::start();
    server.open_room("a").await;
    let viewer = server.token("a", "vera", "viewer").await;
    let stranger = server.token("b", "bob", "host").await;
    let feed = server.post("/v1/rooms/a/whep?feed=a/zoe", SDP, "v=0");
    let order = r#"{"sale":"x","qty":1,"idem":"1"}"#;

    answered(feed.bearer_auth(&viewer), 409, "NOT_LIVE").await;
    let room = server.post("/v1/rooms/b/whip", SDP, "v=0").bearer_auth(&stranger);
    answered(room, 404, "ROOM_NOT_FOUND").await;
    let sale = server.post("/v1/rooms/a/orders", JSON, order).bearer_auth(&viewer);
    answered(sale, 404, "NOT_FOUND").await;
    let session = server.client.delete(server.url("/v1/rooms/a/whep/1")).bearer_auth(&viewer);
    answered(session, 404, "NOT_FOUND").await;
    answered(server.client.get(server.url("/nothing")), 404, "NOT_FOUND").await;
}

#[tokio::test]
async fn garbage_on_the_media_ports_and_half_open_rtmp_leave_nothing_behind() {
    let server = Running::start();
    let files_before = open_files(&server);

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for address in &server.media {
        for length in [0, 1, 12, 20, 200, 1400] {
            socket.send_to(&vec![0x80; length], address).unwrap();
            socket.send_to(&vec![0x00; length], address).unwrap();
            socket.send_to(&vec![0x16; length], address).unwrap();
        }
    }
    let mut half_open = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(server.rtmp).await.unwrap();
        stream.write_all(&[3, 0, 0]).await.unwrap();
        half_open.push(stream);
    }

    for mut stream in half_open {
        // The server hangs up by itself; what it says before does not matter.
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "a half-open handshake was kept");
    }
    assert_eq!(metric(&server, "sfu_peers").await, Some(0.0));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while open_files(&server) > files_before {
        assert!(tokio::time::Instant::now() < deadline, "open files: {}", open_files(&server));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.ops("/readyz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_target_is_listed_without_its_key_and_can_be_taken_out() {
    let server = Running::start();
    let host = server.open_room("a").await;
    // Nobody listens there: the port was free a moment ago.
    let url = r#"{"url":"rtmp://127.0.0.1:9/live/secret-key"}"#;

    let added = server.post("/v1/rooms/a/targets", "application/json", url).bearer_auth(&host);
    let added: Value = added.send().await.unwrap().json().await.unwrap();
    let list = server.client.get(server.url("/v1/rooms/a/targets")).bearer_auth(&host);
    let list = list.send().await.unwrap().text().await.unwrap();
    let gauge = metric(&server, "server_targets").await;
    let remove = server.client.delete(server.url("/v1/rooms/a/targets/t1")).bearer_auth(&host);
    let removed = remove.send().await.unwrap().status();

    assert_eq!(
        (added["id"].as_str(), added["url"].as_str()),
        (Some("t1"), Some("rtmp://127.0.0.1:9/live/***"))
    );
    assert!(list.contains("t1") && !list.contains("secret-key"), "{list}");
    assert_eq!(gauge, Some(1.0));
    assert_eq!(removed, StatusCode::NO_CONTENT);
    assert_eq!(metric(&server, "server_targets").await, Some(0.0));
}

async fn answered(request: RequestBuilder, status: u16, code: &str) {
    let answer = request.send().await.unwrap();
    let got = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert_eq!((got, body["code"].as_str()), (status, Some(code)), "{body}");
}

fn expired() -> String {
    let key = TokenKey::new(DEV_SECRET.as_bytes()).unwrap();
    let alice = Member {
        user: UserId::parse("alice").unwrap(),
        name: "Alice".into(),
        role: Role::Host,
        caps: room_rules::Areas::ALL,
    };
    let long_ago = ServerTime::from_unix_millis(1_700_000_000_000);
    key.sign(&Claims::new(RoomId::parse("a").unwrap(), alice, long_ago, Duration::from_secs(60)))
}

fn open_files(server: &Running) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count()
}

async fn metric(server: &Running, name: &str) -> Option<f64> {
    let text = server.ops("/metrics").await.text().await.unwrap();
    let line = text.lines().find(|line| line.split(' ').next() == Some(name))?;
    line.rsplit(' ').next()?.parse().ok()
}
