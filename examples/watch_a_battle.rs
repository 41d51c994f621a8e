//! Follows a battle's score from outside, with nothing but the event socket.
//!
//! `cargo run -p examples --example watch_a_battle -- ws://127.0.0.1:8080/v1/ws?token=... a`

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().context("the first argument is the socket's address")?;
    let room = arguments.next().context("the second argument is the room")?;
    let (mut socket, _) = connect_async(&url).await?;
    let hello = json!({ "v": 1, "t": "hello", "rid": "1", "d": { "room": room } });
    socket.send(Message::text(hello.to_string())).await?;

    while let Some(frame) = socket.next().await {
        let frame = frame?;
        let Ok(message) = serde_json::from_str::<Value>(frame.to_text().unwrap_or_default()) else {
            continue;
        };
        match message["t"].as_str() {
            Some("pk.score") => println!("score {}", message["d"]["scores"]),
            Some("pk.updated") => {
                println!("battle {} {}", message["d"]["state"], message["d"]["rooms"]);
                if !message["d"]["result"].is_null() {
                    println!("result {}", message["d"]["result"]);
                    return Ok(());
                }
            }
            _ => {}
        }
    }
    Ok(())
}
