//! What back ends are told of products, coupons and quizzes: each step once, in the form that the
//! schema says.

use std::time::Duration;

use jsonschema::Validator;
use ledger::{Ledger, Letter};
use room_rules::Role;
use serde_json::{Value, json};
use wire_format::{decode_command, encode_reply};

use crate::stage::{Person, member};
use crate::webhooks::{kinds, letters, telling};

const PRODUCTS: [&str; 7] = [
    "product.listed",
    "product.pinned",
    "product.changed",
    "product.explained",
    // What is taken from the list is neither pinned nor explained any more.
    "product.pinned",
    "product.explained",
    "product.removed",
];
const COUPONS: [&str; 4] = ["coupon.opened", "coupon.claimed", "coupon.claimed", "coupon.ended"];
const QUIZZES: [&str; 3] = ["quiz.opened", "quiz.ended", "quiz.won"];

#[tokio::test(start_paused = true)]
async fn every_step_of_a_shop_is_told_once_though_the_server_starts_again_in_between() {
    let ledger = Ledger::inline().unwrap();
    let before = telling(&ledger);
    let mut host = before.open("a").await;
    let bob = Person::join(&before, &host.room, member("bob", Role::Viewer)).await.unwrap();
    let eve = Person::join(&before, &host.room, member("eve", Role::Viewer)).await.unwrap();
    show_a_product(&host).await;
    give_two_coupons_away(&mut host, [&bob, &eve]).await;
    ask_a_question(&host, [(&bob, 1), (&eve, 0)]).await;
    before.stop().await;
    // The answer is told by a server that was not there when it was asked.
    let after = telling(&ledger);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(after.lobby.restore().await.unwrap(), 1);
    let room = after.create("a").await.unwrap();
    Person::join(&after, &room, member("bob", Role::Viewer)).await.unwrap();

    let letters = letters(&ledger).await;
    let told: Vec<_> = kinds(&letters).into_iter().filter(|kind| is_of_a_shop(kind)).collect();
    assert_eq!(told, [&PRODUCTS[..], &COUPONS, &QUIZZES].concat());
    let claims = of(&letters, "coupon.claimed");
    assert_eq!([&claims[0]["user"], &claims[1]["user"]], ["bob", "eve"]);
    assert_eq!(of(&letters, "quiz.won")[0]["user"], "bob");
    assert_eq!(of(&letters, "quiz.ended")[0]["result"]["winners"], 1);
    let schema = letter_schema();
    for letter in &letters {
        let errors: Vec<_> = schema.iter_errors(&sent(letter)).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", letter.kind);
    }
    let won = letters.iter().find(|letter| letter.kind == "quiz.won").unwrap();
    let mut unnamed = sent(won);
    unnamed["data"]["user"].take();
    assert!(!schema.is_valid(&unnamed), "it must say who");
}

async fn show_a_product(host: &Person) {
    let cup = json!({"title": "Cup", "sku": "c", "price": 990});
    let cup = asks(host, "product.add", cup).await["product"].take();
    asks(host, "product.pin", json!({"product": cup})).await;
    asks(host, "product.update", json!({"product": cup, "price": 880})).await;
    asks(host, "explain.start", json!({"product": cup})).await;
    asks(host, "product.remove", json!({"product": cup})).await;
}

async fn give_two_coupons_away(host: &mut Person, to: [&Person; 2]) {
    let coupon = json!({"title": "20 off", "amount": 2000, "count": 2, "lead_ms": 1000});
    let coupon = asks(host, "coupon.issue", coupon).await["coupon"].take();
    while host.hears("coupon.updated").await["state"] != "open" {}
    for user in to {
        asks(user, "coupon.claim", json!({"coupon": coupon, "idem": "c1"})).await;
    }
}

async fn ask_a_question(host: &Person, answers: [(&Person, u8); 2]) {
    let questions = json!([{"text": "2 + 2?", "options": ["3", "4"], "right": 1}]);
    let quiz = json!({"title": "Sums", "questions": questions});
    let quiz = asks(host, "quiz.open", quiz).await["quiz"].take();
    asks(host, "quiz.next", json!({"quiz": quiz})).await;
    for (player, option) in answers {
        let answer = json!({"quiz": quiz, "question": 1, "option": option, "idem": "a1"});
        asks(player, "quiz.answer", answer).await;
    }
}

/// Says a message of the protocol and returns what it is answered.
async fn asks(person: &Person, t: &str, d: Value) -> Value {
    let reply = person.says(decode_command(t, &d.to_string()).unwrap()).await.unwrap();
    serde_json::from_str(&encode_reply(&reply)).unwrap()
}

fn is_of_a_shop(kind: &str) -> bool {
    ["product.", "coupon.", "quiz."].iter().any(|area| kind.starts_with(area))
}

fn of(letters: &[Letter], kind: &str) -> Vec<Value> {
    let some = letters.iter().filter(|letter| letter.kind == kind);
    some.map(|letter| serde_json::from_str(&letter.body).unwrap()).collect()
}

/// Returns a letter as an endpoint gets it.
pub(crate) fn sent(letter: &Letter) -> Value {
    let data: Value = serde_json::from_str(&letter.body).unwrap();
    let Letter { event, kind, room, seq, at, .. } = letter;
    json!({"id": event, "event": kind, "room": room, "seq": seq, "at": at, "data": data})
}

pub(crate) fn letter_schema() -> Validator {
    let mut schema = wire_format::protocol_schema();
    schema["$ref"] = json!("#/$defs/Letter");
    jsonschema::validator_for(&schema).unwrap()
}
