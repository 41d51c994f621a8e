//! A synthetic shopper: chats, likes, gives gifts during battles and orders when a sale opens.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::api::Server;
use crate::control::Control;

const LINES: [&str; 8] = [
    "主播好!",
    "加油 加油 🔥",
    "Looks great, what sizes are there?",
    "这个颜色好看",
    "冲冲冲!",
    "Is it in stock?",
    "等链接 3 2 1",
    "买它!",
];

/// Lives in `room` until the socket closes.
pub(crate) async fn shop(server: &Server, room: &str, name: &str) -> Result<()> {
    let api = server.enter(room, name, "viewer").await?;
    let mut control = Control::join(&api, room).await?;
    let mut is_battling = control.snapshot["battle"]["state"] == "battling";
    loop {
        let pause = Duration::from_millis(fastrand::u64(700..3_000));
        match tokio::time::timeout(pause, control.events.recv()).await {
            Ok(None) => return Ok(()),
            Ok(Some(event)) => {
                react(&control, &event, &mut is_battling).await;
            }
            Err(_) => idle(&control, is_battling).await,
        }
    }
}

async fn react(control: &Control, event: &Value, is_battling: &mut bool) {
    let body = &event["d"];
    match event["t"].as_str() {
        Some("pk.updated") => *is_battling = body["state"] == "battling",
        Some("sale.updated") if body["state"] == "open" && body["left"] == body["stock"] => {
            // People need a moment to press the button.
            tokio::time::sleep(Duration::from_millis(fastrand::u64(80..900))).await;
            let order = json!({ "sale": body["sale"], "qty": 1, "idem": key() });
            log_refusal("order.place", control.send("order.place", order).await);
        }
        _ => {}
    }
}

async fn idle(control: &Control, is_battling: bool) {
    let (kind, body) = match fastrand::u8(0..10) {
        0..3 => ("chat.send", json!({ "text": LINES[fastrand::usize(..LINES.len())] })),
        3..6 => ("like", json!({ "n": fastrand::u8(1..9) })),
        _ if !is_battling => return,
        9 => ("gift.send", json!({ "gift": "cake", "n": 1, "idem": key() })),
        _ => ("gift.send", json!({ "gift": "rose", "n": fastrand::u8(1..4), "idem": key() })),
    };
    log_refusal(kind, control.send(kind, body).await);
}

fn log_refusal(kind: &str, answer: Result<Value>) {
    if let Err(error) = answer {
        tracing::debug!(kind, %error, "The server said no.");
    }
}

fn key() -> String {
    format!("{:016x}", fastrand::u64(..))
}
