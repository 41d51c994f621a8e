//! WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) as HTTP: which request gets which status, headers
//! and body. docs/WHIP.md says which clause each of these tests holds.

use std::time::Duration;

use room_rules::Role;
use serde_json::json;
use signaling::{IceServers, RoomHandle, Services, TurnAccess};

use crate::client::{Request, Response};
use crate::room::{ANSWER, OFFER};
use crate::world::{World, room_id};

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// Where the only media session of these rooms is.
const SESSION: &str = "/v1/rooms/a/whip/00000000000000000000000000000007";
/// Other credentials than those of the offer.
const RESTART: &str = "a=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n";

#[tokio::test]
async fn publishing_answers_with_sdp_and_the_sessions_own_url() {
    let world = World::new().await;

    let answer = post(&world, "/v1/rooms/a/whip").await;

    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some(SDP));
    assert_eq!(answer.header("location"), Some(SESSION));
    assert_eq!(answer.header("etag"), Some("\"e7\""));
    assert_eq!(answer.header("accept-patch"), Some(FRAGMENT));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let exposed = answer.header("access-control-expose-headers").unwrap();
    assert!(["Location", "ETag", "Link", "Retry-After"].iter().all(|name| exposed.contains(name)));
    assert_eq!(answer.body, ANSWER);
}

#[tokio::test]
async fn playing_is_for_the_program_or_for_a_feed_on_the_stage() {
    let world = World::new().await;

    let program = post(&world, "/v1/rooms/a/whep").await;
    assert_eq!((program.status, program.header("content-type")), (201, Some(SDP)));
    assert_eq!(program.header("location"), Some(SESSION.replace("whip", "whep").as_str()));
    assert_eq!(post(&world, "/v1/rooms/a/whep?feed=a/alice").await.status, 201);
    let foreign = post(&world, "/v1/rooms/a/whep?feed=b/bob").await;
    assert_eq!(foreign.error(), (404, "NOT_FOUND".into()));
    let nonsense = post(&world, "/v1/rooms/a/whep?feed=nonsense").await;
    assert_eq!(nonsense.error(), (400, "BAD_REQUEST".into()));
}

#[tokio::test]
async fn a_feed_that_is_not_live_is_a_conflict_that_says_when_to_come_back() {
    let world = World::new().await;
    let answer = post(&world, "/v1/rooms/a/whep?feed=a/zoe").await;
    assert_eq!(answer.error(), (409, "NOT_LIVE".into()));
    assert_eq!(answer.header("retry-after"), Some("2"));
}

#[tokio::test]
async fn candidates_are_taken_without_a_body_and_without_a_tag() {
    let world = World::new().await;
    let candidates = "a=mid:0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
        a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=candidate:2 1 smoke 1 sky 9 typ signal\r\n";

    for condition in ["\"e7\"", "\"e0\", \"e7\"", "*"] {
        let taken = patch(&world, SESSION, Some(condition), candidates).await;
        assert_eq!((taken.status, taken.body.as_str()), (204, ""), "{condition}");
        assert_eq!(taken.header("etag"), None);
    }
}

#[tokio::test]
async fn other_credentials_restart_ice_and_are_answered_with_ours_and_a_new_tag() {
    let world = World::new().await;

    let restarted = patch(&world, SESSION, Some("*"), RESTART).await;
    let late = patch(&world, SESSION, Some("\"e7\""), RESTART).await;
    let trickled = patch(&world, SESSION, Some("\"e8\""), RESTART).await;

    assert_eq!((restarted.status, restarted.header("etag")), (200, Some("\"e8\"")));
    assert_eq!(restarted.header("content-type"), Some(FRAGMENT));
    assert_eq!(restarted.body, format!("a=ice-lite\r\n{RESTART}"));
    assert_eq!(late.error(), (412, "PRECONDITION_FAILED".into()));
    assert_eq!(trickled.status, 204);
}

#[tokio::test]
async fn a_patch_that_does_not_say_which_ice_session_it_means_is_asked_to() {
    let world = World::new().await;
    for body in ["a=mid:0\r\n", RESTART] {
        let answer = patch(&world, SESSION, None, body).await;
        assert_eq!(answer.error(), (428, "PRECONDITION_REQUIRED".into()));
    }
    let weak = patch(&world, SESSION, Some("W/\"e7\""), "a=mid:0\r\n").await;
    assert_eq!(weak.error(), (412, "PRECONDITION_FAILED".into()), "a weak tag never matches");
}

#[tokio::test]
async fn a_patch_must_be_a_fragment_of_at_most_16_kib() {
    let world = World::new().await;
    let token = world.token("a", "alice", Role::Host);
    let send = |content_type: &str, body: Vec<u8>| {
        Request::new("PATCH", SESSION)
            .token(&token)
            .header("If-Match", "*")
            .body(content_type, body)
            .send(world.address)
    };

    let wrong_type = send(SDP, OFFER.into()).await;
    assert_eq!(wrong_type.error(), (415, "UNSUPPORTED_MEDIA_TYPE".into()));
    assert_eq!(wrong_type.header("accept-patch"), Some(FRAGMENT));
    for body in ["hello", "a=ice-ufrag:EsAw\r\n", "a=ice-ufrag:a b c\r\na=ice-pwd:x\r\n", "\u{0}"] {
        assert_eq!(
            send(FRAGMENT, body.into()).await.error(),
            (400, "BAD_REQUEST".into()),
            "{body}"
        );
    }
    let large = send(FRAGMENT, b"a=mid:0\r\n".repeat(2000)).await;
    assert_eq!(large.error(), (413, "TOO_LARGE".into()));
    assert_eq!(send(FRAGMENT, vec![0xff, 0xfe]).await.error(), (400, "BAD_REQUEST".into()));
}

#[tokio::test]
async fn a_session_is_ended_whatever_the_entity_tag_says() {
    let world = World::new().await;
    let token = world.token("a", "alice", Role::Host);
    let end = |path: &str| {
        Request::new("DELETE", path).token(&token).header("If-Match", "\"x\"").send(world.address)
    };

    assert_eq!(end(SESSION).await.status, 200);
    assert_eq!(end("/v1/rooms/a/whep/00000000000000000000000000000008").await.status, 404);
}

#[tokio::test]
async fn a_session_that_is_not_there_is_not_found_however_it_is_called() {
    let world = World::new().await;
    let ids = [
        "7",
        "x",
        "-7",
        "0000000000000000000000000000000G",
        "+0000000000000000000000000000007",
        "000000000000000000000000000000007",
        "00000000000000000000000000000008",
    ];
    for id in ids {
        let answer = patch(&world, &format!("/v1/rooms/a/whip/{id}"), Some("*"), "").await;
        assert_eq!(answer.error(), (404, "NOT_FOUND".into()), "{id}");
    }
}

#[tokio::test]
async fn there_is_nothing_to_get_but_getting_it_succeeds() {
    let world = World::new().await;
    let token = world.token("a", "alice", Role::Host);
    let ask = |method: &str, path: &str| Request::new(method, path).send(world.address);

    let publish = ask("GET", "/v1/rooms/a/whip").await;
    assert_eq!((publish.status, publish.body.as_str()), (204, ""));
    let session = Request::new("GET", SESSION).token(&token).send(world.address).await;
    assert_eq!((session.status, session.body.as_str()), (204, ""));
    assert_eq!(ask("GET", SESSION).await.status, 401);
    assert_eq!(ask("GET", "/v1/rooms/nowhere/whip").await.status, 404);
}

#[tokio::test]
async fn a_player_finds_out_by_head_that_it_is_whep() {
    let world = World::new().await;
    for method in ["HEAD", "GET"] {
        let answer = Request::new(method, "/v1/rooms/a/whep").send(world.address).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(SDP)), "{method}");
        assert_eq!((answer.header("content-length"), answer.body.as_str()), (Some("0"), ""));
    }
}

#[tokio::test]
async fn a_browser_may_ask_what_it_may_post() {
    let world = World::new().await;
    let ask = |path: &str| {
        Request::new("OPTIONS", path)
            .header("Origin", "https://studio.example")
            .header("Access-Control-Request-Method", "POST")
            .send(world.address)
    };

    for path in ["/v1/rooms/a/whip", "/v1/rooms/a/whep"] {
        let answer = ask(path).await;
        assert_eq!((answer.status, answer.header("accept-post")), (200, Some(SDP)));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert!(answer.header("access-control-allow-methods").unwrap().contains("PATCH"));
        let allowed = answer.header("access-control-allow-headers").unwrap();
        assert!(["Authorization", "If-Match"].iter().all(|name| allowed.contains(name)));
    }
    assert_eq!(ask(SESSION).await.header("accept-patch"), Some(FRAGMENT));
    assert_eq!(ask("/v1/rooms/nowhere/whip").await.status, 200, "it tells nobody what is there");
}

#[tokio::test]
async fn other_methods_are_not_allowed_and_the_answer_names_those_that_are() {
    let world = World::new().await;
    let cases = [
        ("PUT", "/v1/rooms/a/whip", "POST"),
        ("DELETE", "/v1/rooms/a/whep", "POST"),
        ("POST", SESSION, "PATCH"),
        ("PUT", SESSION, "DELETE"),
    ];
    for (method, path, allowed) in cases {
        let answer = Request::new(method, path).send(world.address).await;
        assert_eq!(answer.error(), (405, "METHOD_NOT_ALLOWED".into()), "{method} {path}");
        assert!(answer.header("allow").unwrap().contains(allowed), "{answer:?}");
    }
}

#[tokio::test]
async fn an_offer_of_another_type_is_told_which_type_is_taken() {
    let world = World::new().await;
    let token = world.token("a", "alice", Role::Host);
    for path in ["/v1/rooms/a/whip", "/v1/rooms/a/whep"] {
        let post = Request::new("POST", path).token(&token).body("text/plain", OFFER);
        let answer = post.send(world.address).await;
        assert_eq!(answer.error(), (415, "UNSUPPORTED_MEDIA_TYPE".into()));
        assert_eq!(answer.header("accept-post"), Some(SDP));
    }
}

#[tokio::test]
async fn nobody_publishes_plays_or_changes_a_session_without_a_good_token() {
    let world = World::new().await;
    let expired = world.expired_token();
    let foreign = world.token("b", "alice", Role::Host);
    let requests = [
        ("POST", "/v1/rooms/a/whip", SDP),
        ("POST", "/v1/rooms/a/whep", SDP),
        ("PATCH", SESSION, FRAGMENT),
        ("DELETE", SESSION, FRAGMENT),
        ("GET", SESSION, FRAGMENT),
    ];
    for (method, path, content_type) in requests {
        let request = || Request::new(method, path).body(content_type, "");
        let nobody = request().send(world.address).await;
        assert_eq!(nobody.error(), (401, "UNAUTHENTICATED".into()), "{method} {path}");
        assert_eq!(nobody.header("www-authenticate"), Some("Bearer"));
        let late = request().token(&expired).send(world.address).await;
        assert_eq!(late.error(), (401, "TOKEN_EXPIRED".into()), "{method} {path}");
        let stranger = request().token(&foreign).send(world.address).await;
        assert_eq!(stranger.error(), (403, "FORBIDDEN".into()), "{method} {path}");
    }
}

#[tokio::test]
async fn a_room_that_is_not_here_may_be_on_the_other_server() {
    let world = World::start(|services| Services {
        other_server: Some("https://two.example/".into()),
        ..services
    })
    .await;
    let token = world.token("far", "alice", Role::Host);
    let post = |path: &str| Request::new("POST", path).body(SDP, OFFER);

    for path in ["/v1/rooms/far/whip", "/v1/rooms/far/whep?feed=far/alice"] {
        let sent_on = post(path).token(&token).send(world.address).await;
        assert_eq!(sent_on.status, 307);
        assert_eq!(sent_on.header("location"), Some(format!("https://two.example{path}").as_str()));
        assert_eq!(post(path).send(world.address).await.status, 401, "not without a token");
    }
    let here = post("/v1/rooms/a/whip").token(&world.token("a", "alice", Role::Host));
    assert_eq!(here.send(world.address).await.status, 201);
}

#[tokio::test]
async fn a_server_that_is_busy_says_when_to_come_back() {
    let world = World::new().await;
    let (stuck, _inbox) = RoomHandle::new(room_id("stuck"), 1);
    world.directory.enter(stuck.clone());
    let token = world.token("stuck", "alice", Role::Host);
    let post = || Request::new("POST", "/v1/rooms/stuck/whip").token(&token).body(SDP, OFFER);

    // The first waits in the room's inbox, which is full then.
    let waiting = tokio::spawn(post().send(world.address));
    let busy = loop {
        let answer = tokio::time::timeout(Duration::from_secs(1), post().send(world.address)).await;
        if let Ok(answer) = answer {
            break answer;
        }
    };
    waiting.abort();

    assert_eq!(busy.error(), (503, "BUSY".into()));
    assert_eq!(busy.header("retry-after"), Some("2"));
}

#[tokio::test]
async fn clients_are_told_of_stun_and_turn_servers_with_credentials_of_their_own() {
    let access = TurnAccess::Shared { secret: "north".into(), lifetime: Duration::from_secs(600) };
    let urls = ["stun:s.example".to_owned(), "turns:t.example:443?transport=tcp".to_owned()];
    let ice_servers = IceServers::new(urls, access).unwrap();
    let world = World::start(|services| Services { ice_servers, ..services }).await;

    let answer = post(&world, "/v1/rooms/a/whip").await;
    let links: Vec<_> = answer.headers("link").collect();
    let token = world.token("a", "vera", Role::Viewer);
    let page = Request::new("GET", "/v1/rooms/a/ice-servers");
    let stranger = page.clone().send(world.address).await;
    let page = page.token(&token).send(world.address).await;

    assert_eq!(links[0], "<stun:s.example>; rel=\"ice-server\"");
    assert!(links[1].starts_with("<turns:t.example:443?transport=tcp>; rel=\"ice-server\""));
    assert!(links[1].contains(":alice\"; credential=\""), "{}", links[1]);
    assert!(links[1].ends_with("credential-type=\"password\""));
    assert_eq!(stranger.status, 401);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let servers = page.json()["iceServers"].clone();
    assert_eq!(servers[0], json!({"urls": ["stun:s.example"]}));
    assert!(servers[1]["username"].as_str().unwrap().ends_with(":vera"), "{servers}");
    assert_eq!(post(&World::new().await, "/v1/rooms/a/whip").await.header("link"), None);
}

#[tokio::test]
async fn no_extension_is_offered_and_links_name_ice_servers_only() {
    let urls = vec!["stun:s.example".to_owned()];
    let ice_servers = IceServers::new(urls, TurnAccess::Open).unwrap();
    let world = World::start(|services| Services { ice_servers, ..services }).await;
    for path in ["/v1/rooms/a/whip", "/v1/rooms/a/whep"] {
        let answer = post(&world, path).await;
        assert_eq!(answer.status, 201);
        assert_eq!(
            answer.headers("link").collect::<Vec<_>>(),
            ["<stun:s.example>; rel=\"ice-server\""]
        );
    }
}

async fn post(world: &World, path: &str) -> Response {
    let token = world.token("a", "alice", Role::Host);
    Request::new("POST", path).token(&token).body(SDP, OFFER).send(world.address).await
}

async fn patch(world: &World, path: &str, condition: Option<&str>, body: &str) -> Response {
    let token = world.token("a", "alice", Role::Host);
    let request = Request::new("PATCH", path).token(&token).body(FRAGMENT, body);
    let request = match condition {
        Some(condition) => request.header("If-Match", condition),
        None => request,
    };
    request.send(world.address).await
}
