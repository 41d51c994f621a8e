//! SRS's JSON signalling: the same sessions in another envelope.

use room_rules::Role;
use serde_json::{Value, json};

use crate::client::{Request, Response};
use crate::room::{ANSWER, OFFER};
use crate::world::World;

#[tokio::test]
async fn a_stream_is_published_and_played_as_by_srs() {
    let world = World::new().await;
    let host = world.token("a", "alice", Role::Host);
    let viewer = world.token("a", "vera", Role::Viewer);

    for (path, stream, token) in [
        ("/rtc/v1/publish/", "live/a", &host),
        ("/rtc/v1/publish", "a/alice", &host),
        ("/rtc/v1/play/", "live/a", &viewer),
        ("/rtc/v1/play", "a/program", &viewer),
        ("/rtc/v1/play/", "a/alice", &viewer),
    ] {
        let url = format!("webrtc://media.example/{stream}?vhost=x&token={token}");
        let answer = offer(&world, path, &url).await;
        assert_eq!(answer.status, 200, "{path} {stream}: {answer:?}");
        let expected = json!({
            "code": 0, "server": "lianmai", "service": "rtc", "sdp": ANSWER,
            "sessionid": "00000000000000000000000000000007",
        });
        assert_eq!(answer.json(), expected);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert!(answer.header("location").is_some_and(|url| url.contains("00000007")));
    }
}

#[tokio::test]
async fn a_token_in_the_header_does_as_well() {
    let world = World::new().await;
    let body = body("webrtc://h/live/a", OFFER);
    let request = Request::new("POST", "/rtc/v1/play/")
        .token(&world.token("a", "vera", Role::Viewer))
        .body("text/plain;charset=UTF-8", body.to_string());
    assert_eq!(request.send(world.address).await.json()["code"], 0);
}

#[tokio::test]
async fn what_whip_refuses_is_refused_with_a_code_that_is_not_zero() {
    let world = World::new().await;
    let host = world.token("a", "alice", Role::Host);
    let url = |stream: &str, token: &str| format!("webrtc://h/{stream}?token={token}");
    let stranger = world.token("b", "bob", Role::Host);
    let lost = world.token("nowhere", "al", Role::Host);
    let cases = [
        ("play", "webrtc://h/live/a".to_owned(), 401, "UNAUTHENTICATED"),
        ("play", url("live/a", "nonsense"), 401, "UNAUTHENTICATED"),
        ("play", url("live/a", &world.expired_token()), 401, "TOKEN_EXPIRED"),
        ("play", url("live/a", &stranger), 403, "FORBIDDEN"),
        ("publish", url("a/bob", &host), 403, "FORBIDDEN"),
        ("play", url("live/nowhere", &lost), 404, "ROOM_NOT_FOUND"),
        ("play", url("a/zoe", &host), 409, "NOT_LIVE"),
        ("play", url("a/b/c", &host), 400, "BAD_REQUEST"),
        ("play", "nonsense".to_owned(), 400, "BAD_REQUEST"),
    ];
    for (verb, url, status, code) in cases {
        let answer = offer(&world, &format!("/rtc/v1/{verb}/"), &url).await;
        assert_eq!(answer.status, status, "{verb} {url}: {answer:?}");
        assert_eq!(answer.json()["code"], status);
        assert_eq!(answer.json()["error"], code);
    }
}

#[tokio::test]
async fn a_body_that_is_none_or_too_large_is_refused() {
    let world = World::new().await;
    let url = format!("webrtc://h/live/a?token={}", world.token("a", "alice", Role::Host));
    let send = |body: String| {
        Request::new("POST", "/rtc/v1/publish/").body("application/json", body).send(world.address)
    };

    for text in ["", "{", "[]", r#"{"sdp":"v=0"}"#, r#"{"streamurl":7,"sdp":"v=0"}"#] {
        assert_eq!(send(text.to_owned()).await.json()["code"], 400, "{text}");
    }
    assert_eq!(send(body(&url, "no sdp").to_string()).await.json()["code"], 400);
    assert_eq!(send(body(&url, &"v".repeat(65_537)).to_string()).await.json()["code"], 413);
    assert_eq!(send(" ".repeat(200_000)).await.json()["code"], 413);
    let get = Request::new("GET", "/rtc/v1/play/").send(world.address).await;
    assert_eq!(get.error(), (405, "METHOD_NOT_ALLOWED".into()));
}

async fn offer(world: &World, path: &str, url: &str) -> Response {
    let body = body(url, OFFER).to_string();
    Request::new("POST", path).body("application/json", body).send(world.address).await
}

/// What SRS's own player sends.
fn body(url: &str, sdp: &str) -> Value {
    json!({
        "api": "http://media.example/rtc/v1/play/", "tid": "5b1c2d3", "streamurl": url,
        "clientip": null, "sdp": sdp,
    })
}
