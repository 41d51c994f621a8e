//! Well-formed requests.

use room_rules::Role;
use serde_json::{Value, json};
use signaling::Limits;

use crate::client::Request;
use crate::world::World;

#[tokio::test]
async fn a_room_is_opened_once_listed_and_described() {
    let world = World::new().await;
    let host = world.token("b", "bob", Role::Host);
    let open = || {
        Request::new("POST", "/v1/rooms")
            .token(&host)
            .body("application/json", r#"{"room":"b","title":"Bob's"}"#)
    };

    let first = open().send(world.address).await;
    let second = open().send(world.address).await;
    let list = Request::new("GET", "/v1/rooms").send(world.address).await;
    let one = Request::new("GET", "/v1/rooms/b").send(world.address).await;

    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(first.json()["program"]["rtmp"], "rtmp://127.0.0.1:1935/live/b");
    assert_eq!(list.json()["rooms"].as_array().unwrap().len(), 2);
    assert_eq!((one.status, one.json()["room"].as_str()), (200, Some("b")));
}

#[tokio::test]
async fn only_a_host_of_the_room_or_an_admin_opens_it() {
    let world = World::new().await;
    let open = |token: String| {
        Request::new("POST", "/v1/rooms").token(&token).body("application/json", r#"{"room":"b"}"#)
    };

    let other_host = open(world.token("a", "al", Role::Host)).send(world.address).await;
    let viewer = open(world.token("b", "vi", Role::Viewer)).send(world.address).await;
    let admin = open(world.token("x", "ad", Role::Admin)).send(world.address).await;

    assert_eq!((other_host.status, viewer.status, admin.status), (403, 403, 201));
}

#[tokio::test]
async fn a_layout_is_seen_by_all_and_chosen_by_those_who_may() {
    let world = World::new().await;
    let put = |token: &str, body: &str| {
        Request::new("PUT", "/v1/rooms/a/layout").token(token).body("application/json", body)
    };
    let look = |token: &str| Request::new("GET", "/v1/rooms/a/layout").token(token);
    let [host, viewer] = [Role::Host, Role::Viewer].map(|role| world.token("a", "alice", role));

    let seen = look(&viewer).send(world.address).await;
    assert_eq!((seen.status, seen.header("etag")), (200, Some("\"7\"")));
    assert_eq!(seen.json()["layout"]["preset"], "auto");
    assert_eq!(look("x").send(world.address).await.status, 401);

    let pip = r#"{"preset":"pip","labels":true}"#;
    assert_eq!(put(&viewer, pip).send(world.address).await.error(), (403, "FORBIDDEN".into()));
    let chosen = put(&host, pip).send(world.address).await;
    assert_eq!((chosen.status, chosen.json()["rev"].as_u64()), (200, Some(7)));
    assert_eq!(look(&viewer).send(world.address).await.json()["layout"]["preset"], "pip");

    let wrong = put(&host, r#"{"preset":"mosaic"}"#).send(world.address).await;
    assert_eq!(wrong.error(), (400, "BAD_REQUEST".into()));
    let stale = put(&host, pip).header("if-match", "\"6\"").send(world.address).await;
    assert_eq!(stale.error(), (412, "PRECONDITION_FAILED".into()));
}

#[tokio::test]
async fn the_quality_is_seen_by_all_and_chosen_by_those_who_may() {
    let world = World::new().await;
    let put = |token: &str, body: &str| {
        Request::new("PUT", "/v1/rooms/a/quality").token(token).body("application/json", body)
    };
    let look = |token: &str| Request::new("GET", "/v1/rooms/a/quality").token(token);
    let [host, viewer] = [Role::Host, Role::Viewer].map(|role| world.token("a", "alice", role));
    let assistant = world.token("a", "ann", Role::Assistant);

    assert_eq!(look(&viewer).send(world.address).await.json()["video_kbps"], 1500);
    assert_eq!(look("x").send(world.address).await.status, 401);
    let more = r#"{"video_kbps":2500}"#;
    assert_eq!(put(&viewer, more).send(world.address).await.error(), (403, "FORBIDDEN".into()));
    for token in [&host, &assistant] {
        let chosen = put(token, more).send(world.address).await;
        assert_eq!((chosen.status, chosen.json()["video_kbps"].as_u64()), (200, Some(2500)));
    }
    for wrong in [r#"{"renditions":["sd","sd"]}"#, r#"{"video_kbps":-1}"#, "7"] {
        let refused = put(&host, wrong).send(world.address).await;
        assert_eq!(refused.error(), (400, "BAD_REQUEST".into()), "{wrong}");
    }
}

#[tokio::test]
async fn gifts_are_shown_to_all_leaderboards_to_members_and_orders_to_the_seller() {
    let world = World::new().await;
    let gifts = Request::new("GET", "/v1/gifts").send(world.address).await;
    assert_eq!((gifts.status, &gifts.json()["gifts"][1]["coins"]), (200, &json!(10)));

    let vera = world.token("a", "vera", Role::Viewer);
    let look = |query: &str, token: &str| {
        Request::new("GET", &format!("/v1/rooms/a/leaderboard{query}"))
            .token(token)
            .send(world.address)
    };
    let all = look("", &vera).await;
    assert_eq!((all.status, &all.json()["top"][2]["user"]), (200, &json!("dan")));
    assert_eq!(look("?limit=1", &vera).await.json()["top"].as_array().unwrap().len(), 1);
    let ben = world.token("b", "ben", Role::Host);
    let open = Request::new("POST", "/v1/rooms").token(&ben);
    open.body("application/json", r#"{"room":"b"}"#).send(world.address).await;
    let there = world.token("b", "vera", Role::Viewer);
    let theirs = Request::new("GET", "/v1/rooms/b/leaderboard?limit=2").token(&there);
    let board = theirs.send(world.address).await.json()["battle_top"].clone();
    let points = |user: &str| json!({"user": user, "name": user, "points": 30});
    let sides = json!({"a": [points("bob"), points("eve")]});
    assert_eq!(board, json!({"pk": "a-1-pk1", "sides": sides}), "the inviter's room knows best");
    assert_eq!(look("?limit=few", &vera).await.error(), (400, "BAD_REQUEST".into()));
    for path in ["packets/p1", "packets/no one", "lotteries/l1", "lotteries/no one"] {
        let path = format!("/v1/rooms/a/{}", path.replace(' ', "%20"));
        let none = Request::new("GET", &path).token(&vera).send(world.address).await;
        assert_eq!(none.error(), (404, "NOT_FOUND".into()), "{path}");
    }
    let orders = |token: &str, query: &str| {
        Request::new("GET", &format!("/v1/rooms/a/sales/s1/orders{query}"))
            .token(token)
            .send(world.address)
    };
    let host = world.token("a", "alice", Role::Host);
    assert_eq!(orders(&vera, "").await.error(), (403, "FORBIDDEN".into()));
    assert_eq!(orders(&host, "?cursor=first").await.error(), (400, "BAD_REQUEST".into()));
    assert_eq!(orders(&host, "?cursor=9").await.error(), (404, "NOT_FOUND".into()));
    let stranger = world.token("b", "vera", Role::Viewer);
    assert_eq!(look("", &stranger).await.error(), (403, "FORBIDDEN".into()));
}

#[tokio::test]
async fn films_and_what_stands_in_are_the_directors_and_nothing_else_is_played() {
    let world = World::new().await;
    let send = |method: &'static str, path: &str, token: &str, body: Option<&str>| {
        let request = Request::new(method, &format!("/v1/rooms/a/{path}")).token(token);
        match body {
            Some(body) => request.body("application/json", body),
            None => request,
        }
    };
    let [host, viewer] = [Role::Host, Role::Viewer].map(|role| world.token("a", "alice", role));
    let film = Some(r#"{"src":"ad.mp4","mode":"pip"}"#);
    for (method, path, body) in [
        ("POST", "inserts", film),
        ("GET", "inserts", None),
        ("DELETE", "inserts/i1", None),
        ("PUT", "warmup", Some("{}")),
        ("GET", "slate", None),
    ] {
        let refused = send(method, path, &viewer, body).send(world.address).await;
        assert_eq!(refused.error(), (403, "FORBIDDEN".into()), "{method} {path}");
    }

    let added = send("POST", "inserts", &host, film).send(world.address).await;
    assert_eq!((added.status, added.json()["id"].as_str()), (201, Some("i1")));
    assert_eq!(added.json()["rect"]["width"], 240);
    let elsewhere = send("POST", "inserts", &host, Some(r#"{"src":"file:///etc/passwd"}"#));
    assert_eq!(elsewhere.send(world.address).await.error(), (400, "BAD_REQUEST".into()));
    assert_eq!(send("DELETE", "inserts/i1", &host, None).send(world.address).await.status, 204);
    let gone = send("DELETE", "inserts/i2", &host, None).send(world.address).await;
    assert_eq!(gone.error(), (404, "NOT_FOUND".into()));

    let warmup = send("GET", "warmup", &host, None).send(world.address).await;
    assert_eq!(warmup.json()["image"], "soon.png");
    let slate = Some(r#"{"src":"back-soon.webm","volume":50}"#);
    let slate = send("PUT", "slate", &host, slate).send(world.address).await;
    assert_eq!((slate.status, slate.json()["volume"].as_u64()), (200, Some(50)));
}

#[tokio::test]
async fn a_snapshot_is_for_whoever_may_watch_and_says_what_it_shows() {
    let world = World::new().await;
    let look = |token: &str, query: &str| {
        let path = format!("/v1/rooms/a/snapshot.jpg{query}");
        Request::new("GET", &path).token(token).send(world.address)
    };
    let viewer = world.token("a", "vi", Role::Viewer);
    let seen = look(&viewer, "?width=360").await;
    assert_eq!((seen.status, seen.header("content-type")), (200, Some("image/jpeg")));
    assert_eq!(seen.header("x-lianmai-layout"), Some("7"));
    assert_eq!(seen.header("cache-control"), Some("private, max-age=1"));
    assert_eq!(look("x", "").await.status, 401);
    assert_eq!(look(&world.token("b", "vi", Role::Viewer), "").await.status, 403);
    for query in ["?width=0", "?width=9999"] {
        assert_eq!(look(&viewer, query).await.error(), (400, "BAD_REQUEST".into()));
    }
}

#[tokio::test]
async fn targets_are_managed_by_those_who_may() {
    let world = World::new().await;
    let host = world.token("a", "alice", Role::Host);
    let viewer = world.token("a", "vi", Role::Viewer);
    let add = |token: &str, url: &str| {
        Request::new("POST", "/v1/rooms/a/targets")
            .token(token)
            .body("application/json", json!({"url": url}).to_string())
            .send(world.address)
    };

    let added = add(&host, "rtmp://cdn/app/secret-key").await;
    assert_eq!((added.status, added.json()["id"].as_str()), (201, Some("t1")));
    assert_eq!(added.json()["state"], "connecting");
    assert_eq!(add(&viewer, "rtmp://cdn/app/secret-key").await.status, 403);
    assert_eq!(add(&host, "http://cdn/app/secret-key").await.status, 400);

    let list = Request::new("GET", "/v1/rooms/a/targets").token(&host).send(world.address).await;
    assert_eq!(list.json()["targets"][0]["url"], "rtmp://cdn/app/***");
    let gone = Request::new("DELETE", "/v1/rooms/a/targets/t1").token(&host);
    assert_eq!(gone.send(world.address).await.status, 204);
}

#[tokio::test]
async fn recordings_are_made_by_those_who_may() {
    let world = World::new().await;
    let host = world.token("a", "alice", Role::Host);
    let viewer = world.token("a", "vi", Role::Viewer);
    let ask = |method: &str, path: &str, token: &str| {
        Request::new(method, &format!("/v1/rooms/a/recordings{path}"))
            .token(token)
            .send(world.address)
    };

    let started = ask("POST", "", &host).await;
    assert_eq!((started.status, started.json()["state"].as_str()), (201, Some("recording")));
    let stopped = ask("POST", "/r1/stop", &host).await;
    assert_eq!((stopped.status, stopped.json()["state"].as_str()), (200, Some("ready")));
    assert_eq!(ask("GET", "", &host).await.json()["recordings"][0]["started_at"], 5);
    assert_eq!(ask("GET", "/r1", &host).await.json()["duration_ms"], 2_000);
    for path in ["/r2", "/r2/stop"] {
        let method = if path.ends_with("stop") { "POST" } else { "GET" };
        assert_eq!(ask(method, path, &host).await.error(), (404, "NOT_FOUND".into()));
    }
    for (method, path) in [("POST", ""), ("GET", ""), ("GET", "/r1"), ("POST", "/r1/stop")] {
        assert_eq!(ask(method, path, &viewer).await.status, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn peers_are_listed_and_reported_on_to_whoever_has_a_token_of_the_room() {
    let world = World::new().await;
    let vera = world.token("a", "vera", Role::Viewer);
    let look = |path: &str, token: &str| {
        Request::new("GET", &format!("/v1/rooms/a/peers{path}")).token(token).send(world.address)
    };

    let list = look("", &vera).await;
    assert_eq!((list.status, list.json()["peers"][0]["user"].as_str()), (200, Some("vera")));
    let report = look("/00000000000000000000000000000007/stats", &vera).await;
    assert_eq!((report.status, report.header("content-type")), (200, Some("application/json")));
    assert_eq!(
        (&report.json()["plays"], &report.json()["stats"]),
        (&json!("a/program"), &json!([]))
    );

    assert_eq!(look("/nonsense/stats", &vera).await.error(), (404, "NOT_FOUND".into()));
    let gone = look("/00000000000000000000000000000008/stats", &vera).await;
    assert_eq!(gone.error(), (404, "NOT_FOUND".into()));
    let stranger = world.token("b", "vera", Role::Host);
    assert_eq!(look("", &stranger).await.error(), (403, "FORBIDDEN".into()));
    let nobody = Request::new("GET", "/v1/rooms/a/peers").send(world.address).await;
    assert_eq!(nobody.error(), (401, "UNAUTHENTICATED".into()));
}

#[tokio::test]
async fn an_order_is_answered_with_the_rooms_decision() {
    let world = World::new().await;
    let token = world.token("a", "vi", Role::Viewer);
    let order = |idem: &str| {
        Request::new("POST", "/v1/rooms/a/orders")
            .token(&token)
            .body("application/json", json!({"sale": "s-1", "qty": 1, "idem": idem}).to_string())
            .send(world.address)
    };

    let accepted = order("k").await;
    assert_eq!((accepted.status, accepted.json()["stock"].as_u64()), (200, Some(83)));
    assert_eq!(order("early").await.error(), (425, "NOT_OPEN".into()));
}

#[tokio::test]
async fn the_key_of_an_order_may_be_in_a_header() {
    let world = World::new().await;
    let token = world.token("a", "vi", Role::Viewer);
    let order = |key: &str, body: Value| {
        Request::new("POST", "/v1/rooms/a/orders")
            .token(&token)
            .header("Idempotency-Key", key)
            .body("application/json", body.to_string())
            .send(world.address)
    };
    let body = json!({"sale": "s-1", "qty": 1});
    let named = json!({"sale": "s-1", "qty": 1, "idem": "k"});

    assert_eq!(order("k", body.clone()).await.status, 200);
    assert_eq!(order("early", body.clone()).await.error(), (425, "NOT_OPEN".into()));
    assert_eq!(order("early", named).await.status, 200, "the body's own key counts");
    assert_eq!(order("", body).await.error(), (400, "BAD_REQUEST".into()));
    assert_eq!(order("k", json!([])).await.error(), (400, "BAD_REQUEST".into()));
}

#[tokio::test]
async fn a_room_is_ended_by_those_who_may() {
    let world = World::new().await;
    let end = |role| {
        Request::new("DELETE", "/v1/rooms/a")
            .token(&world.token("a", "someone", role))
            .send(world.address)
    };

    assert_eq!(end(Role::Viewer).await.status, 403);
    assert_eq!(end(Role::Assistant).await.status, 204);
}

#[tokio::test]
async fn development_tokens_are_for_this_machine_alone() {
    let world = World::new().await;
    let ask = |query: &str| Request::new("GET", &format!("/v1/dev/token?{query}"));

    let given = ask("room=a&identity=al&role=host").send(world.address).await;
    let foreign = ask("room=a&identity=al&role=host")
        .header("Host", "evil.example:8080")
        .send(world.address)
        .await;
    let reserved = ask("room=a&identity=program&role=host").send(world.address).await;

    assert_eq!(given.status, 200, "{given:?}");
    assert_eq!(given.header("access-control-allow-origin"), None);
    let token = given.json()["token"].as_str().unwrap().to_owned();
    let used = Request::new("GET", "/v1/rooms/a/targets").token(&token);
    assert_eq!(used.send(world.address).await.status, 200);
    assert_eq!((foreign.status, reserved.status), (403, 400));
}

#[tokio::test]
async fn without_development_there_are_no_development_tokens() {
    let world = World::build(Limits::default(), false).await;
    let answer = Request::new("GET", "/v1/dev/token?room=a&identity=al&role=host");
    assert_eq!(answer.send(world.address).await.status, 404);
}

#[tokio::test]
async fn pages_are_served_with_their_type() {
    let world = World::new().await;

    let page = Request::new("GET", "/").send(world.address).await;
    let missing = Request::new("GET", "/no/such/page").send(world.address).await;

    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(missing.error(), (404, "NOT_FOUND".into()));
}

#[tokio::test]
async fn pages_run_nothing_foreign_and_only_the_viewers_page_may_be_framed() {
    let world = World::new().await;

    for (path, may_be_framed) in [("/", false), ("/studio?room=a", false), ("/watch?room=a", true)]
    {
        let page = Request::new("GET", path).send(world.address).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(!policy.contains("frame-ancestors 'self'"), may_be_framed, "{path}: {policy}");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
}
