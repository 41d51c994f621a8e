//! Hooks against a real back end over loopback.

use std::sync::Mutex;

use axum::http::HeaderMap;
use room_rules::{Areas, GiftCount, GiftId, IdemKey, Role, UserId};
use signaling::Hooks as _;

use super::*;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Answers each question with the next of `answers`; an empty one hangs.
async fn back_end(answers: &[&str]) -> (String, Arc<Mutex<Vec<Value>>>) {
    let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    let (answers, log) = (Arc::new(answers), Arc::clone(&asked));
    let answer = move |headers: HeaderMap, body: String| async move {
        let token = headers["authorization"].to_str().unwrap();
        assert!(TokenKey::new(SECRET).unwrap().verifies_body(token, body.as_bytes()));
        let nth = {
            let mut log = log.lock().unwrap();
            log.push(serde_json::from_str(&body).unwrap());
            log.len() - 1
        };
        match answers[nth].as_str() {
            "" => std::future::pending().await,
            answer => answer.to_owned(),
        }
    };
    let router = axum::Router::new().route("/", axum::routing::post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

fn hooks(change: impl FnOnce(&mut Settings)) -> Arc<Hooks> {
    // A busy machine is not what is tested.
    let mut settings = Settings { budget_ms: 10_000, ..Settings::default() };
    change(&mut settings);
    let tokens = TokenKey::new(SECRET).unwrap();
    Hooks::new(&settings, &tokens, GiftCatalog::default(), RoomClock::start()).unwrap()
}

fn somebody() -> (RoomId, Member) {
    let user = UserId::parse("bob").unwrap();
    let member = Member { user, name: "Bob".into(), role: Role::Viewer, caps: Areas::ALL };
    (RoomId::parse("a").unwrap(), member)
}

fn line(text: &str) -> Command {
    Command::ChatSend(ChatText::parse(text).unwrap())
}

fn roses(count: u32) -> Command {
    Command::GiftSend(GiftOrder {
        gift: GiftId::parse("rose").unwrap(),
        count: GiftCount::new(count).unwrap(),
        to: None,
        idem: IdemKey::parse("k1").unwrap(),
    })
}

#[tokio::test]
async fn a_line_is_said_as_it_is_or_otherwise_or_not_at_all() {
    let answers = [
        r#"{"allow":true}"#,
        r#"{"allow":true,"text":"***"}"#,
        r#"{"allow":false,"reason":"rude"}"#,
    ];
    let (url, asked) = back_end(&answers).await;
    let hooks = hooks(|settings| settings.chat_url = url);
    let (room, bob) = somebody();

    assert!(hooks.concerns(&line("x")) && !hooks.concerns(&roses(1)));
    assert_eq!(hooks.look(&room, &bob, line("hello")).await, Ok(line("hello")));
    assert_eq!(hooks.look(&room, &bob, line("damn")).await, Ok(line("***")));
    let refused = hooks.look(&room, &bob, line("worse")).await.unwrap_err();
    assert_eq!((refused.code, &*refused.message), (Code::ContentRejected, "rude"));
    let asked = asked.lock().unwrap();
    let expected = json!({"hook": "chat.review", "room": "a", "user": "bob", "name": "Bob",
        "role": "viewer", "text": "hello"});
    assert_eq!(asked[0], expected);
}

#[tokio::test]
async fn a_gift_is_paid_for_with_its_own_key_or_not_given() {
    let (url, asked) = back_end(&[r#"{"allow":true}"#, r#"{"allow":false}"#]).await;
    let hooks = hooks(|settings| settings.wallet_url = url);
    let (room, bob) = somebody();

    assert_eq!(hooks.look(&room, &bob, roses(3)).await, Ok(roses(3)));
    assert_eq!(hooks.look(&room, &bob, roses(3)).await.unwrap_err().code, Code::PaymentRefused);
    let asked = asked.lock().unwrap();
    assert_eq!((&asked[0]["coins"], &asked[0]["idem"]), (&30.into(), &"k1".into()));
    assert_eq!(asked[0], asked[1]);
}

#[tokio::test]
async fn what_is_not_answered_in_time_happens_or_does_not_as_was_configured() {
    let (room, bob) = somebody();
    for (fail, is_let) in [(Fail::Open, true), (Fail::Closed, false)] {
        for answer in ["", "nonsense"] {
            let (url, _) = back_end(&[answer; 3]).await;
            let hooks = hooks(|settings| {
                (settings.join_url, settings.chat_url) = (url.clone(), url.clone());
                settings.wallet_url = url;
                (settings.join_fail, settings.chat_fail) = (fail, fail);
                settings.wallet_fail = fail;
                settings.budget_ms = 60;
            });
            let came = hooks.may_come(&room, &bob, Coming::Join).await;
            let said = hooks.look(&room, &bob, line("hello")).await.map(drop);
            let gave = hooks.look(&room, &bob, roses(1)).await.map(drop);
            for result in [came, said, gave] {
                let code = result.err().map(|refused| refused.code);
                assert_eq!(code, (!is_let).then_some(Code::HookFailed), "{fail:?} {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_guest_who_is_refused_hears_why_and_nobody_is_asked_where_nobody_is_named() {
    let (url, asked) = back_end(&[r#"{"allow":false,"reason":"not invited"}"#]).await;
    let asking = hooks(|settings| settings.join_url = url);
    let (room, bob) = somebody();

    let refused = asking.may_come(&room, &bob, Coming::Publish).await.unwrap_err();
    assert_eq!((refused.code, &*refused.message), (Code::Forbidden, "not invited"));
    assert_eq!(asked.lock().unwrap()[0]["to"], "publish");
    let silent = hooks(|_| {});
    assert_eq!(silent.may_come(&room, &bob, Coming::Join).await, Ok(()));
    assert!(!silent.concerns(&line("x")));
}

#[test]
fn a_wrong_address_is_refused_at_start() {
    let settings = Settings { chat_url: "ftp://x".to_owned(), ..Settings::default() };
    let tokens = TokenKey::new(SECRET).unwrap();
    let made = Hooks::new(&settings, &tokens, GiftCatalog::default(), RoomClock::start());
    assert!(made.unwrap_err().to_string().contains("hooks.chat_url"));
}
