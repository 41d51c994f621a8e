//! One session from `hello` to its close code.

use std::time::Duration;

use room_rules::Role;
use serde_json::json;
use signaling::{Limits, OutboxLimits};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use wire_format::Lane;

use crate::client::{Request, Socket};
use crate::world::{PATIENCE, World};

#[tokio::test]
async fn hello_is_answered_with_the_snapshot_before_any_event() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &world.token("a", "vi", Role::Viewer)).await;

    socket.say(json!({"v": 1, "t": "hello", "rid": "1", "d": {"room": "a"}})).await;

    let ack = socket.hear().await;
    assert_eq!((&ack["t"], &ack["rid"]), (&json!("ack"), &json!("1")));
    assert_eq!(ack["d"]["you"]["user"], "vi");
    assert_eq!(socket.hear_text().await, "after the snapshot");
    world.sessions_become(1).await;
}

#[tokio::test]
async fn a_command_is_answered_with_ack_or_err_under_its_rid() {
    let world = World::new().await;
    let mut socket = Socket::join(&world, "vi", Role::Viewer).await;

    socket.say(json!({"v": 1, "t": "chat.send", "rid": "1", "d": {"text": "hi"}})).await;
    let ack = socket.hear().await;
    socket.say(json!({"v": 1, "t": "seat.apply", "rid": "2", "d": {}})).await;
    let err = socket.hear().await;

    assert_eq!(
        (&ack["t"], &ack["rid"], &ack["d"]["id"]),
        (&json!("ack"), &json!("1"), &json!("c-1"))
    );
    assert!(ack["st"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!((&err["t"], &err["rid"]), (&json!("err"), &json!("2")));
    assert_eq!(err["code"], "SEAT_TAKEN");
}

#[tokio::test]
async fn what_cannot_be_read_is_a_bad_request_and_the_session_goes_on() {
    let world = World::new().await;
    let mut socket = Socket::join(&world, "vi", Role::Viewer).await;

    for text in ["", "{", "null", r#"{"v":1,"t":"no.such"}"#, r#"{"v":2,"t":"like","d":{"n":1}}"#] {
        socket.send(Message::Text(text.into())).await;
        let err = socket.hear().await;
        assert_eq!((&err["t"], &err["code"]), (&json!("err"), &json!("BAD_REQUEST")), "{text}");
    }

    socket.say(json!({"v": 1, "t": "like", "rid": "9", "d": {"n": 1}})).await;
    assert_eq!(socket.hear().await["t"], "ack");
}

#[tokio::test]
async fn the_clock_answers_before_and_after_hello() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &world.token("a", "vi", Role::Viewer)).await;

    socket.say(json!({"v": 1, "t": "clk.ping", "d": {"c0": 12.5}})).await;
    let before = socket.hear().await;
    let mut socket = Socket::join(&world, "vi", Role::Viewer).await;
    socket.say(json!({"v": 1, "t": "clk.ping", "d": {"c0": 13.5}})).await;
    let after = socket.hear().await;

    assert_eq!((&before["t"], &before["d"]["c0"]), (&json!("clk.pong"), &json!(12.5)));
    assert_eq!((&after["t"], &after["d"]["c0"]), (&json!("clk.pong"), &json!(13.5)));
    let (early, late) = (before["d"]["s2"].as_f64().unwrap(), after["d"]["s1"].as_f64().unwrap());
    assert!(early < late && late - early < 20_000.0);
}

#[tokio::test]
async fn a_socket_needs_a_good_token() {
    let world = World::new().await;
    assert_eq!(Socket::try_open(&world, "nonsense").await.unwrap_err(), 401);
    assert_eq!(Socket::try_open(&world, &world.expired_token()).await.unwrap_err(), 401);
}

#[tokio::test]
async fn a_token_of_another_room_ends_the_session_with_4001() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &world.token("b", "bob", Role::Host)).await;

    socket.say(json!({"v": 1, "t": "hello", "rid": "1", "d": {"room": "a"}})).await;

    assert_eq!(socket.hear().await["code"], "FORBIDDEN");
    assert_eq!(socket.close_code().await, 4001);
}

#[tokio::test]
async fn a_session_does_not_outlive_its_token() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &world.token_about_to_end()).await;
    socket.say(json!({"v": 1, "t": "hello", "rid": "1", "d": {"room": "a"}})).await;
    assert_eq!(socket.hear().await["t"], "ack");
    assert_eq!(socket.close_code().await, 4001);
}

#[tokio::test]
async fn hello_to_an_unknown_room_may_be_tried_again() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &world.token("z", "ad", Role::Admin)).await;

    socket.say(json!({"v": 1, "t": "hello", "rid": "1", "d": {"room": "nowhere"}})).await;
    assert_eq!(socket.hear().await["code"], "ROOM_NOT_FOUND");
    socket.say(json!({"v": 1, "t": "hello", "rid": "2", "d": {"room": "a"}})).await;
    assert_eq!(socket.hear().await["t"], "ack");
}

#[tokio::test]
async fn nothing_goes_before_hello_and_hello_does_not_go_twice() {
    let world = World::new().await;
    let mut early = Socket::open(&world, &world.token("a", "vi", Role::Viewer)).await;
    early.say(json!({"v": 1, "t": "like", "rid": "1", "d": {"n": 1}})).await;
    assert_eq!(early.hear().await["code"], "BAD_REQUEST");

    let mut joined = Socket::join(&world, "vi", Role::Viewer).await;
    joined.say(json!({"v": 1, "t": "hello", "rid": "2", "d": {"room": "a"}})).await;
    assert_eq!(joined.hear().await["code"], "CONFLICT");
}

#[tokio::test]
async fn a_socket_that_never_says_hello_is_closed() {
    let limits = Limits { hello_timeout: Duration::from_millis(100), ..Limits::default() };
    let world = World::with(limits).await;
    let mut socket = Socket::open(&world, &world.token("a", "vi", Role::Viewer)).await;
    assert_eq!(socket.close_code().await, 1008);
}

#[tokio::test]
async fn a_frame_over_4_kib_is_too_large_even_one_of_a_megabyte() {
    let world = World::new().await;
    for size in [4097, 100_000, 1 << 20] {
        let mut socket = Socket::join(&world, "vi", Role::Viewer).await;
        socket.send(Message::Text("x".repeat(size).into())).await;
        assert_eq!(socket.hear().await["code"], "TOO_LARGE", "{size}");
        assert_eq!(socket.close_code().await, 1009, "{size}");
    }
    world.sessions_become(0).await;
}

#[tokio::test]
async fn a_binary_frame_is_refused() {
    let world = World::new().await;
    let mut socket = Socket::join(&world, "vi", Role::Viewer).await;
    socket.send(Message::Binary(vec![1, 2, 3].into())).await;
    assert_eq!(socket.hear().await["code"], "BAD_REQUEST");
    assert_eq!(socket.close_code().await, 1003);
}

#[tokio::test]
async fn who_speaks_too_fast_is_told_so() {
    let world = World::new().await;
    let mut socket = Socket::join(&world, "vi", Role::Viewer).await;

    for _ in 0..20 {
        socket.say(json!({"v": 1, "t": "chat.send", "rid": "1", "d": {"text": "spam"}})).await;
    }
    let mut limited = 0;
    for _ in 0..20 {
        limited += usize::from(socket.hear().await["code"] == "RATE_LIMITED");
    }
    socket.say(json!({"v": 1, "t": "like", "rid": "2", "d": {"n": 1}})).await;

    assert!((10..=15).contains(&limited), "{limited} of 20 were refused");
    assert_eq!(socket.hear().await["t"], "ack", "likes have their own allowance");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_and_the_room_never_waits() {
    let limits = OutboxLimits { messages: 8, bytes: 64 * 1024 * 1024 };
    let world = World::with(Limits { outbox: limits, ..Limits::default() }).await;
    let mut socket = Socket::join(&world, "vi", Role::Viewer).await;
    world.sessions_become(1).await;
    let outbox = world.sessions.lock().unwrap()[0].1.clone();

    // More than the kernel holds, so the writer is stuck in the middle of it.
    outbox.push(Lane::Gift, "g".repeat(15 * 1024 * 1024).into());
    socket.begins_to_hear().await;
    for _ in 0..=limits.messages {
        outbox.push(Lane::Gift, "one more".into());
    }

    assert!(outbox.is_ended());
    world.sessions_become(0).await;
    assert_eq!(socket.close_code().await, 4008);
}

#[tokio::test]
async fn the_end_of_the_room_comes_after_its_last_event() {
    let world = World::new().await;
    let mut host = Socket::join(&world, "alice", Role::Host).await;
    let mut viewer = Socket::join(&world, "vi", Role::Viewer).await;

    host.say(json!({"v": 1, "t": "room.end", "rid": "1", "d": {}})).await;

    assert_eq!(viewer.hear_text().await, "last event");
    assert_eq!(viewer.close_code().await, 4010);
    assert_eq!(host.close_code().await, 4010);
}

#[tokio::test]
async fn a_shutdown_closes_every_socket_and_then_the_server_is_done() {
    let mut world = World::new().await;
    let mut joined = Socket::join(&world, "vi", Role::Viewer).await;
    let mut waiting = Socket::open(&world, &world.token("a", "vi", Role::Viewer)).await;

    world.shutdown.cancel();

    assert_eq!(joined.close_code().await, 4012);
    assert_eq!(waiting.close_code().await, 4012);
    drop((joined, waiting));
    timeout(PATIENCE, &mut world.server).await.expect("the server should end").unwrap();
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_then_given_up() {
    let limits = Limits {
        ping_every: Duration::from_millis(50),
        dead_after: Duration::from_millis(400),
        ..Limits::default()
    };
    let world = World::with(limits).await;
    // Answers pings as long as it is read from.
    let mut alive = Socket::join(&world, "alive", Role::Viewer).await;
    let _silent = Socket::join(&world, "silent", Role::Viewer).await;
    world.sessions_become(2).await;

    let reading = async {
        loop {
            assert!(alive.hears_nothing_but_pings().await);
        }
    };
    tokio::select! {
        () = reading => unreachable!("reading goes on"),
        () = world.sessions_become(1) => {}
    }

    alive.say(json!({"v": 1, "t": "like", "rid": "1", "d": {"n": 1}})).await;
    assert_eq!(alive.hear().await["t"], "ack");
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_the_room() {
    let world = World::new().await;
    let socket = Socket::join(&world, "vi", Role::Viewer).await;
    world.sessions_become(1).await;
    drop(socket);
    world.sessions_become(0).await;
}

#[tokio::test]
async fn one_socket_too_many_is_turned_away_until_another_one_ends() {
    let world = World::with(Limits { sockets: 1, ..Limits::default() }).await;
    let token = world.token("a", "vi", Role::Viewer);

    let first = Socket::open(&world, &token).await;
    assert_eq!(Socket::try_open(&world, &token).await.unwrap_err(), 503);
    drop(first);

    let again = async {
        while Socket::try_open(&world, &token).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, again).await.expect("the place should become free");
}

#[tokio::test]
async fn a_socket_moves_to_another_room_without_connecting_again() {
    let world = World::new().await;
    let host = world.token("b", "bob", Role::Host);
    let open = Request::new("POST", "/v1/rooms").token(&host);
    let open = open.body("application/json", r#"{"room":"b"}"#).send(world.address).await;
    assert_eq!(open.status, 201);
    let mut socket = Socket::join(&world, "vi", Role::Viewer).await;
    world.sessions_become(1).await;
    let hello = |d: serde_json::Value| json!({"v": 1, "t": "hello", "rid": "m", "d": d});

    // A token of the room is needed; without it the session stays where it is.
    socket.say(hello(json!({"room": "b"}))).await;
    assert_eq!(socket.hear().await["code"], "FORBIDDEN");
    socket.say(hello(json!({"room": "nowhere"}))).await;
    assert_eq!(socket.hear().await["t"], "err");
    world.sessions_become(1).await;

    let token = world.token("b", "vi", Role::Viewer);
    socket.say(hello(json!({"room": "b", "token": token}))).await;
    let ack = socket.hear().await;
    assert_eq!((&ack["d"]["room"], &ack["d"]["resumed"]), (&json!("b"), &json!(false)));
    assert_eq!(socket.hear_text().await, "after the snapshot");
    world.sessions_become(0).await;
    socket.say(json!({"v": 1, "t": "like", "rid": "1", "d": {"n": 1}})).await;
    assert_eq!(socket.hear().await["t"], "ack");
}

#[tokio::test]
async fn a_session_resumes_asks_for_what_is_missing_and_is_told_when_that_is_gone() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &world.token("a", "vi", Role::Viewer)).await;
    let resume = json!({"sid": "s-1", "epoch": "life-1", "q": {"gift": 3}});
    let d = json!({"room": "a", "resume": resume});
    socket.say(json!({"v": 1, "t": "hello", "rid": "h", "d": d})).await;
    let ack = socket.hear().await;
    assert_eq!((&ack["d"]["resumed"], &ack["d"]["missed"]), (&json!(true), &json!(3)));
    assert_eq!(socket.hear_text().await, "after the snapshot");

    for (from, t, code) in [(11, "ack", json!(null)), (1, "err", json!("EXPIRED"))] {
        let d = json!({"s": "gift", "from": from});
        socket.say(json!({"v": 1, "t": "resync", "rid": "r", "d": d})).await;
        let answer = socket.hear().await;
        assert_eq!((&answer["t"], &answer["code"]), (&json!(t), &code));
    }
    socket.say(json!({"v": 1, "t": "me.ack", "rid": "k", "d": {"q": 1}})).await;
    assert_eq!(socket.hear().await["rid"], "k");
}
