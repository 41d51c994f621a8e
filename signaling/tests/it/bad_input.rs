//! Requests that nobody should send, and requests at a bad moment.

use std::time::Duration;

use room_rules::{Role, SessionId};
use signaling::{Limits, RoomHandle, RoomRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::client::{Request, exchange};
use crate::world::{PATIENCE, World, room_id};

#[tokio::test]
async fn a_bad_token_is_told_apart_from_an_expired_one() {
    let world = World::new().await;
    let good = world.token("a", "alice", Role::Host);
    let ask =
        |token: &str| Request::new("GET", "/v1/rooms/a/targets").token(token).send(world.address);

    let missing = Request::new("GET", "/v1/rooms/a/targets").send(world.address).await;
    assert_eq!(missing.error(), (401, "UNAUTHENTICATED".into()));
    assert_eq!(missing.header("www-authenticate"), Some("Bearer"));
    assert_eq!(ask("nonsense").await.error(), (401, "UNAUTHENTICATED".into()));
    assert_eq!(ask(&good[1..]).await.error(), (401, "UNAUTHENTICATED".into()));
    assert_eq!(ask(&world.expired_token()).await.error(), (401, "TOKEN_EXPIRED".into()));
    assert_eq!(ask(&good).await.status, 200);
}

#[tokio::test]
async fn a_token_of_another_room_is_forbidden() {
    let world = World::new().await;
    let token = world.token("b", "bob", Role::Host);
    for path in ["/v1/rooms/a/whip", "/v1/rooms/a/whep"] {
        let answer = Request::new("POST", path).token(&token).body("application/sdp", "v=0");
        assert_eq!(answer.send(world.address).await.error(), (403, "FORBIDDEN".into()));
    }
}

#[tokio::test]
async fn an_unknown_room_is_not_found() {
    let world = World::new().await;
    let token = world.token("nowhere", "al", Role::Host);

    let publish = Request::new("POST", "/v1/rooms/nowhere/whip")
        .token(&token)
        .body("application/sdp", "v=0")
        .send(world.address)
        .await;
    let describe = Request::new("GET", "/v1/rooms/nowhere").send(world.address).await;
    let impossible = Request::new("GET", "/v1/rooms/a%20b").send(world.address).await;

    assert_eq!(publish.error(), (404, "ROOM_NOT_FOUND".into()));
    assert_eq!(describe.error(), (404, "ROOM_NOT_FOUND".into()));
    assert_eq!(impossible.error(), (404, "ROOM_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_path_that_is_not_utf_8_is_answered_in_json() {
    let world = World::new().await;
    let token = world.token("a", "alice", Role::Host);
    for (method, path) in [("GET", "/v1/rooms/%ff"), ("DELETE", "/v1/rooms/a/whip/%ff")] {
        let answer = Request::new(method, path).token(&token).send(world.address).await;
        assert_eq!(answer.error(), (400, "BAD_REQUEST".into()), "{path}");
    }
}

#[tokio::test]
async fn onlookers_leave_half_of_a_busy_rooms_inbox_to_its_members() {
    let world = World::new().await;
    let (room, mut inbox) = RoomHandle::new(room_id("b"), 4);
    world.directory.enter(room.clone());
    for _ in 0..2 {
        room.tell(RoomRequest::Leave { session: SessionId(0) }).unwrap();
    }

    let look = Request::new("GET", "/v1/rooms/b").send(world.address).await;
    let list = Request::new("GET", "/v1/rooms").send(world.address).await;

    assert_eq!(look.error(), (503, "BUSY".into()));
    assert_eq!(list.json()["rooms"].as_array().unwrap().len(), 1, "the busy one is left out");
    for _ in 0..2 {
        assert!(matches!(inbox.try_recv(), Ok(RoomRequest::Leave { .. })));
    }
    assert!(inbox.try_recv().is_err(), "nobody was let in who only looks");
}

#[tokio::test]
async fn an_offer_must_be_sdp_of_at_most_64_kib() {
    let world = World::new().await;
    let token = world.token("a", "alice", Role::Host);
    let publish = || Request::new("POST", "/v1/rooms/a/whip").token(&token);
    let large = vec![b'x'; 64 * 1024 + 1];

    let not_sdp = publish().body("application/sdp", "garbage").send(world.address).await;
    let binary = publish().body("application/sdp", [0xff, 0xfe]).send(world.address).await;
    let wrong_type = publish().body("text/plain", "v=0").send(world.address).await;
    let no_type = publish().header("Content-Length", "0").send(world.address).await;
    let declared = publish().body("application/sdp", large.clone()).send(world.address).await;
    let chunked = publish().chunked("application/sdp", &large).send(world.address).await;

    assert_eq!(not_sdp.error(), (400, "BAD_REQUEST".into()));
    assert_eq!(binary.error(), (400, "BAD_REQUEST".into()));
    assert_eq!(wrong_type.error(), (415, "UNSUPPORTED_MEDIA_TYPE".into()));
    assert_eq!(no_type.error(), (415, "UNSUPPORTED_MEDIA_TYPE".into()));
    assert_eq!(declared.error(), (413, "TOO_LARGE".into()));
    assert_eq!(chunked.error(), (413, "TOO_LARGE".into()));
}

#[tokio::test]
async fn a_megabyte_of_json_is_too_large_and_the_answer_arrives() {
    let world = World::new().await;
    let token = world.token("a", "alice", Role::Host);
    for path in ["/v1/rooms", "/v1/rooms/a/targets", "/v1/rooms/a/orders"] {
        let request = Request::new("POST", path).token(&token);
        let answer = request.body("application/json", vec![b' '; 1 << 20]);
        assert_eq!(answer.send(world.address).await.error(), (413, "TOO_LARGE".into()), "{path}");
    }
}

#[tokio::test]
async fn a_client_that_is_still_sending_is_answered_and_not_reset() {
    let world = World::new().await;
    let token = world.token("a", "alice", Role::Host);
    let head = format!(
        "POST /v1/rooms HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 1048576\r\n\r\n"
    );
    let talk = async {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        for _ in 0..16 {
            stream.write_all(&[b' '; 65_536]).await.expect("the server still listens");
        }
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.expect("the answer is whole");
        status
    };

    let status = timeout(PATIENCE, talk).await.expect("the server should answer");

    assert_eq!(&status, b"HTTP/1.1 413");
}

#[tokio::test]
async fn invalid_json_is_a_bad_request() {
    let world = World::new().await;
    let token = world.token("a", "alice", Role::Host);
    for path in ["/v1/rooms", "/v1/rooms/a/targets", "/v1/rooms/a/orders"] {
        for body in ["", "{", "[]", "{\"room\":7}", "\u{1F339}"] {
            let request = Request::new("POST", path).token(&token);
            let answer = request.body("application/json", body).send(world.address).await;
            assert_eq!(answer.error(), (400, "BAD_REQUEST".into()), "{path} {body}");
        }
    }
}

#[tokio::test]
async fn a_room_whose_inbox_is_full_is_busy() {
    let world = World::new().await;
    let (stuck, _inbox) = RoomHandle::new(room_id("stuck"), 1);
    world.directory.enter(stuck.clone());
    let (reply, _answer) = oneshot::channel();
    stuck.tell(RoomRequest::Describe { reply }).unwrap();

    let answer = Request::new("GET", "/v1/rooms/stuck").send(world.address).await;

    assert_eq!(answer.error(), (503, "BUSY".into()));
}

#[tokio::test]
async fn a_path_that_does_not_take_the_method_says_so_in_json() {
    let world = World::new().await;
    let answer = Request::new("PUT", "/v1/rooms").send(world.address).await;
    assert_eq!(answer.error(), (405, "METHOD_NOT_ALLOWED".into()));
    assert!(answer.header("allow").unwrap().contains("POST"), "{answer:?}");
}

#[tokio::test]
async fn a_half_sent_head_or_body_does_not_stay() {
    let limits = Limits { request_timeout: Duration::from_millis(200), ..Limits::default() };
    let world = World::with(limits).await;
    let token = world.token("a", "alice", Role::Host);
    let body = format!(
        "POST /v1/rooms/a/whip HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/sdp\r\nContent-Length: 100\r\nConnection: close\r\n\r\nv=0"
    );

    // Both return at all only because the server gives up.
    exchange(world.address, b"GET /v1/rooms HTTP/1.1\r\nHost: ").await;
    let half_body = exchange(world.address, body.as_bytes()).await;

    assert!(half_body.starts_with(b"HTTP/1.1 400"));
}

#[tokio::test]
async fn garbage_on_the_port_harms_nobody() {
    let world = World::new().await;

    exchange(world.address, &[0xff; 5000]).await;
    exchange(world.address, b"GET / HTTP/9.9\r\n\r\n").await;

    let answer = Request::new("GET", "/v1/rooms").send(world.address).await;
    assert_eq!(answer.status, 200);
}
