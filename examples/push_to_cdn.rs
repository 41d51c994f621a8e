//! Pushes a room's program to a CDN and tells how it goes.
//!
//! `cargo run -p examples --example push_to_cdn -- http://127.0.0.1:8080 a rtmp://cdn/app/key TOKEN`

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, room, url, token] = arguments.as_slice() else {
        bail!("usage: push_to_cdn SERVER ROOM RTMP_URL TOKEN");
    };
    let targets = format!("{server}/v1/rooms/{room}/targets");
    let client = reqwest::Client::new();

    let request = client.post(&targets).bearer_auth(token).json(&json!({ "url": url }));
    let target: Value = request.send().await?.error_for_status()?.json().await?;
    println!("{target}");

    for _ in 0..100 {
        let request = client.get(&targets).bearer_auth(token);
        let all: Value = request.send().await?.error_for_status()?.json().await?;
        let mine = all["targets"].as_array().context("a list of targets")?.iter();
        let mine = mine.clone().find(|other| other["id"] == target["id"]).context("my target")?;
        if mine["state"] == "live" {
            println!("{mine}");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("the target did not go live within 20 s")
}
