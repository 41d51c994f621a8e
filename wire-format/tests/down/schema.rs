//! Goal: the published schema says what the golden fixtures show, up and down, and no more than that.
//! Method: every fixture is held against the schema of its frame or body, then spoilt and held again.

use jsonschema::Validator;
use serde_json::{Value, json};
use wire_format::protocol_schema;

#[test]
fn every_golden_fixture_is_valid_and_a_spoilt_one_is_not() {
    let up = validator("Up");
    let files = [
        include_str!("../../fixtures/up.json"),
        include_str!("../../fixtures/up-shop.json"),
        include_str!("../../fixtures/up-goods.json"),
    ];
    for fixture in files.into_iter().flat_map(fixtures) {
        assert_valid(&up, &fixture);
    }
    let down = validator("Down");
    let mut held = 0;
    let files = [
        include_str!("../../fixtures/down.json"),
        include_str!("../../fixtures/down-shop.json"),
        include_str!("../../fixtures/down-goods.json"),
    ];
    for fixture in files.into_iter().flat_map(fixtures) {
        let message = &fixture["message"];
        if message["t"].is_string() {
            assert_valid(&down, &fixture);
            assert!(!down.is_valid(&with(message, "v", json!(2))), "{}", fixture["name"]);
            assert!(!down.is_valid(&with(message, "t", json!("no.such"))), "{}", fixture["name"]);
            held += 1;
        } else if let Some(name) = body_name(fixture["name"].as_str().unwrap()) {
            assert_valid(&validator(name), &fixture);
            held += 1;
        }
    }
    assert!(held > 30, "only {held} fixtures have a schema");
}

#[test]
fn a_message_outside_its_limits_is_outside_the_schema_too() {
    let up = validator("Up");
    for (t, d) in [
        ("like", json!({"n": 51})),
        ("like", json!({"n": -1})),
        ("chat.send", json!({"text": ""})),
        ("chat.send", json!({})),
        ("gift.send", json!({"gift": "rose", "n": 1})),
        ("pk.invite", json!({"room": "b", "duration_s": 9})),
        ("sale.announce", json!({"title": "x", "sku": "x", "price_cents": 1, "stock": 0})),
        ("order.place", json!({"sale": "s", "qty": 0, "idem": "k"})),
        ("product.move", json!({"product": "p", "to": 100})),
        ("coupon.issue", json!({"title": "x", "amount": 1, "count": 0})),
        ("quiz.open", json!({"title": "x", "questions": []})),
        ("quiz.answer", json!({"quiz": "q", "question": 0, "option": 0, "idem": "k"})),
    ] {
        assert!(!up.is_valid(&json!({"v": 1, "t": t, "d": d})), "{t} {d}");
    }
}

/// Bodies of HTTP among the fixtures.
fn body_name(fixture: &str) -> Option<&'static str> {
    Some(match fixture {
        "RoomView" => "RoomView",
        "Target" => "Target",
        "peers" => "Peers",
        "stats of a publisher" | "stats of a viewer" => "PeerStats",
        "OrderResult" => "OrderResult",
        "SaleOrders" => "SaleOrders",
        name if name.starts_with("SaleLog") => "SaleLog",
        name if name.starts_with("AuctionLog") => "AuctionLog",
        "Stats" => "Stats",
        "error body" => "Problem",
        "gifts" => "Gifts",
        "RedPacketRecord" => "RedPacketRecord",
        "LotteryRecord" => "LotteryRecord",
        "leaderboard" => "Leaderboard",
        "Inserts" => "Inserts",
        "Products" => "Products",
        "CouponRecord" => "CouponRecord",
        "QuizRecord" => "QuizRecord",
        "StandIn" => "StandIn",
        name if name.starts_with("Layout") => "Layout",
        _ => return None,
    })
}

fn validator(name: &str) -> Validator {
    let mut schema = protocol_schema();
    assert!(schema["$defs"][name].is_object(), "no schema for {name}");
    schema["$ref"] = json!(format!("#/$defs/{name}"));
    jsonschema::validator_for(&schema).unwrap()
}

fn assert_valid(validator: &Validator, fixture: &Value) {
    let errors: Vec<_> =
        validator.iter_errors(&fixture["message"]).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{}: {errors:?}", fixture["name"]);
}

fn fixtures(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn with(message: &Value, field: &str, value: Value) -> Value {
    let mut changed = message.clone();
    changed[field] = value;
    changed
}
