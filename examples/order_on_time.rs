//! Orders the moment a sale opens: keeps a clock offset by `clk.ping`, sleeps until the announced
//! deadline on the server's clock, and lets the server decide.
//!
//! `cargo run -p examples --example order_on_time -- ws://127.0.0.1:8080/v1/ws?token=... a`

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().context("the first argument is the socket's address")?;
    let room = arguments.next().context("the second argument is the room")?;
    let (mut socket, _) = connect_async(&url).await?;
    let snapshot = ask(&mut socket, "hello", json!({ "room": room })).await?;
    let offset_ms = clock_offset_ms(&mut socket).await?;

    let sale = match snapshot["d"]["sales"].as_array().and_then(|sales| sales.last()) {
        Some(sale) if sale["state"] == "counting" || sale["state"] == "open" => sale.clone(),
        _ => wait_for(&mut socket, |event| event["t"] == "sale.updated").await?["d"].clone(),
    };
    let open_at_ms = sale["open_at"].as_f64().context("a sale has a deadline")?;
    let wait_ms = open_at_ms - (now_ms() + offset_ms);
    tokio::time::sleep(Duration::from_secs_f64(wait_ms.max(0.0) / 1_000.0)).await;

    // The estimate may be a few milliseconds early; the server says so and nothing is lost.
    let order = json!({ "sale": sale["sale"], "qty": 1, "idem": format!("example-{open_at_ms}") });
    let mut answer = ask(&mut socket, "order.place", order.clone()).await?;
    while answer["code"] == "NOT_OPEN" {
        tokio::time::sleep(Duration::from_millis(5)).await;
        answer = ask(&mut socket, "order.place", order.clone()).await?;
    }
    println!("{answer}");
    Ok(())
}

/// Returns server time minus ours, by the ping with the smallest round trip.
async fn clock_offset_ms(socket: &mut Socket) -> Result<f64> {
    let mut best = (f64::INFINITY, 0.0);
    for _ in 0..5 {
        let sent = now_ms();
        let ping = json!({ "v": 1, "t": "clk.ping", "d": { "c0": sent } });
        socket.send(Message::text(ping.to_string())).await?;
        let pong = wait_for(socket, |message| message["t"] == "clk.pong").await?;
        let received = now_ms();
        let server = pong["d"]["s1"].as_f64().context("a pong has the server's time")?;
        if received - sent < best.0 {
            best = (received - sent, server - f64::midpoint(sent, received));
        }
    }
    Ok(best.1)
}

async fn ask(socket: &mut Socket, kind: &str, body: Value) -> Result<Value> {
    let frame = json!({ "v": 1, "t": kind, "rid": "1", "d": body });
    socket.send(Message::text(frame.to_string())).await?;
    wait_for(socket, |message| message["rid"] == "1").await
}

async fn wait_for(socket: &mut Socket, is_wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    loop {
        let frame = socket.next().await.context("the server closed the socket")??;
        let Ok(message) = serde_json::from_str::<Value>(frame.to_text().unwrap_or_default()) else {
            continue;
        };
        if is_wanted(&message) {
            return Ok(message);
        }
    }
}

fn now_ms() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("the year is after 1970").as_secs_f64() * 1_000.0
}
