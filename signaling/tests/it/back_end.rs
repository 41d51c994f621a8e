//! What back ends ask over HTTP.

use room_rules::Role;
use serde_json::{Value, json};

use crate::client::{Request, Response};
use crate::world::World;

#[tokio::test]
async fn every_path_of_the_document_takes_its_methods_and_no_other() {
    let world = World::new().await;
    let document = Request::new("GET", "/v1/openapi.json").send(world.address).await.json();
    let mut tried = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path.replace("{room}", "a").replace("{id}", "7").replace("{user}", "bob");
        let path = path.replace("{pk}", "p").replace("{sale}", "s");
        let path = path.replace("{packet}", "p").replace("{lottery}", "l");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let answer = Request::new(method, &path).send(world.address).await;
            let is_there = operations[method.to_lowercase()].is_object();
            let is_refused = answer.status == 405;
            // A path that is not there is the pages' business and has nothing to do with methods.
            assert_eq!(is_refused, !is_there, "{method} {path}: {answer:?}");
            let is_nowhere = answer.status == 404 && answer.body.contains("nothing here");
            assert!(!is_nowhere, "{method} {path}");
            tried += 1;
        }
    }
    assert!(tried > 150, "only {tried} requests");
}

#[tokio::test]
async fn an_admin_of_all_rooms_sees_webhooks_that_were_given_up_and_has_them_sent_again() {
    let world = World::new().await;
    let ask =
        |method, path, token: String| Request::new(method, path).token(&token).send(world.address);
    const DEAD: &str = "/v1/webhooks/dead";

    let list = ask("GET", DEAD, world.admin_of_all()).await.json();
    assert_eq!((&list["letters"][0]["id"], &list["cursor"]), (&json!("7"), &json!(null)));
    assert_eq!(list["letters"][0]["event"], "order.paid");
    let next = ask("GET", "/v1/webhooks/dead?cursor=7", world.admin_of_all()).await;
    assert_eq!(next.json()["letters"], json!([]));
    let again = ask("POST", "/v1/webhooks/dead/7/replay", world.admin_of_all()).await;
    assert_eq!(again.status, 202);
    for path in ["/v1/webhooks/dead/8/replay", "/v1/webhooks/dead/x/replay"] {
        let none = ask("POST", path, world.admin_of_all()).await;
        assert_eq!(none.error(), (404, "NOT_FOUND".into()));
    }
    for role in [Role::Host, Role::Admin] {
        let refused = ask("GET", DEAD, world.token("a", "alice", role)).await;
        assert_eq!(refused.error(), (403, "FORBIDDEN".into()), "{role:?}");
    }
}

#[tokio::test]
async fn who_steers_the_room_sees_its_figures_as_json_and_as_a_table() {
    let world = World::new().await;
    let ask = |query: &str, role| {
        let path = format!("/v1/rooms/a/stats{query}");
        Request::new("GET", &path).token(&world.token("a", "alice", role)).send(world.address)
    };

    let first = ask("?limit=2", Role::Host).await.json();
    let points = first["points"].as_array().unwrap();
    assert_eq!(
        (points.len(), &points[0]["viewers"], &first["cursor"]),
        (2, &json!(2), &json!("2"))
    );
    let rest = ask("?cursor=2", Role::Host).await.json();
    assert_eq!((&rest["points"][0]["at"], &rest["cursor"]), (&json!(3), &json!(null)));
    let table = ask("?format=csv&limit=1", Role::Host).await;
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(
        table.body,
        "at,viewers,likes,gifts,coins,orders,kbps,fired,fired_off\r\n1,2,0,0,0,0,0,0,0\r\n"
    );
    assert_eq!(ask("?format=xml", Role::Host).await.error(), (400, "BAD_REQUEST".into()));
    assert_eq!(ask("", Role::Viewer).await.error(), (403, "FORBIDDEN".into()));
}

#[tokio::test]
async fn what_a_message_asks_can_be_asked_by_its_name_or_by_a_path() {
    let world = World::new().await;
    let host = world.token("a", "alice", Role::Host);
    let post = |path: &str, body: Value| {
        let request = Request::new("POST", path).token(&host);
        request.body("application/json", body.to_string()).send(world.address)
    };

    let said = json!({"t": "chat.send", "d": {"text": "hi"}});
    let by_name = post("/v1/rooms/a/commands", said).await;
    assert_eq!((by_name.status, by_name.json()), (200, json!({"id": "c-1"})));
    let by_path = post("/v1/rooms/a/chat", json!({"text": "hi"})).await;
    assert_eq!((by_path.status, by_path.json()), (200, json!({"id": "c-1"})));
    let accept = Request::new("POST", "/v1/rooms/a/seats/bob/accept").token(&host);
    assert_eq!(accept.send(world.address).await.status, 200);
    let mute = Request::new("PUT", "/v1/rooms/a/seats/bob/mute").token(&host);
    let mute = mute.body("application/json", r#"{"audio":true}"#);
    assert_eq!(mute.send(world.address).await.status, 200);

    let taken = post("/v1/rooms/a/commands", json!({"t": "seat.apply"})).await;
    assert_eq!(taken.error(), (409, "SEAT_TAKEN".into()));
    assert_eq!(taken.header("content-type"), Some("application/problem+json"));
    let problem = taken.json();
    assert_eq!((&problem["status"], &problem["title"]), (&json!(409), &json!("SEAT_TAKEN")));
    let unknown = post("/v1/rooms/a/commands", json!({"t": "seat.swap"})).await;
    assert_eq!(unknown.error(), (400, "BAD_REQUEST".into()));
    let nobody = Request::new("POST", "/v1/rooms/a/seats/bob/accept").send(world.address).await;
    assert_eq!(nobody.error(), (401, "UNAUTHENTICATED".into()));
}

#[tokio::test]
async fn a_request_with_a_key_is_done_once() {
    let world = World::new().await;
    let host = world.token("a", "alice", Role::Host);
    let say = |key: &str, text: &str| {
        let request = Request::new("POST", "/v1/rooms/a/chat").token(&host);
        let request = request.header("Idempotency-Key", key);
        request.body("application/json", json!({"text": text}).to_string()).send(world.address)
    };

    assert_eq!(say("k", "hi").await.status, 200);
    assert_eq!(say("k", "hi").await.status, 200);
    assert_eq!(say("k", "ho").await.error(), (422, "IDEMPOTENCY_MISMATCH".into()));
    assert_eq!(say(&"k".repeat(65), "hi").await.error(), (400, "BAD_REQUEST".into()));
}

#[tokio::test]
async fn lists_come_in_pages_and_what_is_known_is_not_sent_again() {
    let world = World::new().await;
    let host = world.token("a", "alice", Role::Host);
    for room in ["b", "c"] {
        let token = world.token(room, "bob", Role::Host);
        let open = Request::new("POST", "/v1/rooms").token(&token);
        let body = json!({"room": room}).to_string();
        assert_eq!(open.body("application/json", body).send(world.address).await.status, 201);
    }
    let get = |path: &str| Request::new("GET", path).token(&host).send(world.address);
    let names = |list: &Response, of: &str, name: &str| -> Vec<String> {
        let list = list.json();
        let all = list[of].as_array().unwrap().iter();
        all.map(|one| one[name].as_str().unwrap().to_owned()).collect()
    };

    let first = get("/v1/rooms?limit=2").await;
    assert_eq!(names(&first, "rooms", "room"), ["a", "b"]);
    let cursor = first.json()["cursor"].as_str().unwrap().to_owned();
    let second = get(&format!("/v1/rooms?limit=2&cursor={cursor}")).await;
    assert_eq!(names(&second, "rooms", "room"), ["c"]);
    assert_eq!(second.json()["cursor"], Value::Null);
    assert_eq!(names(&get("/v1/rooms?sort=new&limit=1").await, "rooms", "room"), ["c"]);
    assert_eq!(names(&get("/v1/rooms?sort=hot").await, "rooms", "room").len(), 3);
    assert_eq!(names(&get("/v1/rooms?state=live").await, "rooms", "room").len(), 0);
    assert_eq!(names(&get("/v1/rooms?tag=OF-b").await, "rooms", "room"), ["b"]);
    assert_eq!(
        names(&get("/v1/rooms?tag=of-b&sort=hot&state=live").await, "rooms", "room").len(),
        0
    );
    assert_eq!(get("/v1/rooms?tag=%20").await.error(), (400, "BAD_REQUEST".into()));
    assert_eq!(get("/v1/rooms?sort=best").await.error(), (400, "BAD_REQUEST".into()));

    let tag = first.header("etag").unwrap();
    let again = Request::new("GET", "/v1/rooms?limit=2").header("If-None-Match", tag);
    let again = again.send(world.address).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));

    let page = get("/v1/rooms/a/participants?limit=2").await;
    assert_eq!(names(&page, "participants", "user"), ["ann", "bob"]);
    assert_eq!((&page.json()["online"], &page.json()["cursor"]), (&json!(3), &json!("bob")));
    let page = get("/v1/rooms/a/participants?limit=2&cursor=bob").await;
    assert_eq!(names(&page, "participants", "user"), ["cy"]);
    let snapshot = get("/v1/rooms/a/snapshot").await;
    assert_eq!((snapshot.status, &snapshot.json()["you"]["user"]), (200, &json!("alice")));
}

#[tokio::test]
async fn an_admin_makes_tokens_and_nobody_else() {
    let world = World::new().await;
    let mint = |role, body: Value| {
        let request =
            Request::new("POST", "/v1/rooms/a/tokens").token(&world.token("a", "x", role));
        request.body("application/json", body.to_string()).send(world.address)
    };
    let wish = json!({"identity": "vera", "role": "viewer", "ttl_s": 60});

    let made = mint(Role::Admin, wish.clone()).await;
    assert_eq!((made.status, made.header("cache-control")), (201, Some("no-store")));
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let look = Request::new("GET", "/v1/rooms/a/snapshot").token(&token).send(world.address).await;
    assert_eq!((look.status, &look.json()["you"]["user"]), (200, &json!("vera")));
    assert_eq!(mint(Role::Host, wish).await.error(), (403, "FORBIDDEN".into()));
    let too_long = json!({"identity": "vera", "role": "viewer", "ttl_s": 86_401});
    assert_eq!(mint(Role::Admin, too_long).await.error(), (400, "BAD_REQUEST".into()));
}

#[tokio::test]
async fn keeping_order_settings_and_giveaways_have_paths_of_their_own() {
    let world = World::new().await;
    let admin = world.token("a", "root", Role::Admin);
    for (method, path, body) in [
        ("GET", "moderation", ""),
        ("PUT", "mutes/bob", r#"{"ttl_s":60}"#),
        ("PUT", "mutes/bob", ""),
        ("DELETE", "mutes/bob", ""),
        ("PUT", "bans/bob", r#"{"reason":"spam","wipe":true}"#),
        ("DELETE", "bans/bob", ""),
        ("PUT", "slow-mode", r#"{"every_s":10}"#),
        ("PUT", "silence", r#"{"on":true}"#),
        ("POST", "words", r#"{"add":["scam"]}"#),
        ("PATCH", "settings", r#"{"seats":3}"#),
        ("PUT", "hidden", r#"{"hidden":true}"#),
        ("POST", "open", ""),
        ("POST", "drafts/s-1/arm", r#"{"lead_ms":3000}"#),
        ("POST", "sales/s-1/postpone", r#"{"by_ms":10000}"#),
        ("POST", "sales/s-1/close", ""),
        ("POST", "packets", r#"{"title":"x","total":100,"shares":10}"#),
        ("DELETE", "packets/p-1", ""),
        ("POST", "lotteries", r#"{"title":"x","prize":"y"}"#),
        ("POST", "lotteries/l-1/entries", r#"{"idem":"k"}"#),
    ] {
        let request = Request::new(method, &format!("/v1/rooms/a/{path}")).token(&admin);
        let request =
            if body.is_empty() { request } else { request.body("application/json", body) };
        let answer = request.send(world.address).await;
        assert_eq!(answer.status, 200, "{method} {path}: {answer:?}");
    }
    let slow = Request::new("PUT", "/v1/rooms/a/slow-mode").token(&admin);
    let slow = slow.body("application/json", r#"{"every_s":301}"#).send(world.address).await;
    assert_eq!(slow.error(), (400, "BAD_REQUEST".into()));
}
