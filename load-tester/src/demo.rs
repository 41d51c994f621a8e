//! The demo: two rooms with a host each, in battle after battle, with shoppers in both.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::api::Server;
use crate::clip::Clip;
use crate::control::Control;
use crate::host::{self, Show};
use crate::shopper;

/// Command line of `lianmai-load demo`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    server: Server,
    /// Folder that `lianmai-load media` filled.
    #[arg(long, default_value = "target/media")]
    media: PathBuf,
    /// How long each battle lasts, in seconds.
    #[arg(long, default_value_t = 60)]
    battle_seconds: u64,
    /// Shoppers in each room.
    #[arg(long, default_value_t = 3)]
    shoppers: u32,
}

/// Room and host of both sides.
const SIDES: [(&str, &str, &str); 2] =
    [("a", "alice", "Alice 的直播间"), ("b", "bob", "Bob 的直播间")];

/// How long a battle may take beyond its own length: countdown, punishment, settling.
const BATTLE_SLACK: Duration = Duration::from_secs(60);

/// Runs until Ctrl-C.
pub(crate) async fn run(options: Options) -> Result<()> {
    wait_for_server(&options.server).await?;
    let mut users = tokio::task::JoinSet::new();
    for (room, name, title) in SIDES {
        let api = options.server.enter(room, name, "host").await?;
        api.create_room(room, title).await?;
        let clip = Arc::new(Clip::load(&options.media, name)?);
        users.spawn(async move {
            let (_unchanged, show) = watch::channel(Show::all(clip));
            host::publish_forever(&api, room, &show).await;
        });
        for number in 0..options.shoppers {
            let server = options.server.clone();
            users.spawn(async move {
                let name = format!("{room}-fan-{number}");
                if let Err(error) = shopper::shop(&server, room, &name).await {
                    tracing::warn!(%error, name, "A shopper left.");
                }
            });
        }
    }
    print_addresses(&options.server);
    tokio::select! {
        ended = direct(&options) => ended,
        stop = tokio::signal::ctrl_c() => Ok(stop?),
    }
}

/// Battle, sale, battle, sale.
async fn direct(options: &Options) -> Result<()> {
    let mut sides = Vec::new();
    for (room, name, _) in SIDES {
        let api = options.server.enter(room, name, "host").await?;
        sides.push(Control::join(&api, room).await?);
    }
    let [mut alice, mut bob] = <[Control; 2]>::try_from(sides).ok().expect("there are two sides");
    loop {
        for side in [&mut alice, &mut bob] {
            wait_for(side, Duration::from_secs(30), is_live).await?;
        }
        if let Err(error) = battle(options, &mut alice, &bob).await {
            tracing::warn!(%error, "The battle did not happen; trying again.");
        }
        if let Err(error) = sale(&alice).await {
            tracing::warn!(%error, "The sale did not happen.");
        }
        tokio::time::sleep(Duration::from_secs(8)).await;
    }
}

async fn battle(options: &Options, alice: &mut Control, bob: &Control) -> Result<()> {
    let invitation = json!({ "room": "b", "duration_s": options.battle_seconds, "punish_s": 10 });
    let answer = alice.send("pk.invite", invitation).await.context("the invitation")?;
    let battle = json!({ "pk": answer["pk"] });
    bob.send("pk.accept", battle.clone()).await.context("the acceptance")?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    if let Err(error) = sale(alice).await {
        tracing::warn!(%error, "The sale did not happen.");
    }
    let longest = Duration::from_secs(options.battle_seconds) + BATTLE_SLACK;
    let is_over = |event: &Value| {
        event["t"] == "pk.updated"
            && event["d"]["pk"] == battle["pk"]
            && event["d"]["state"] == "idle"
    };
    wait_for(alice, longest, is_over).await
}

/// "3, 2, 1, link!"
async fn sale(alice: &Control) -> Result<()> {
    let sale = json!({
        "title": "手工围巾 Hand-woven scarf", "sku": "scarf-1", "price_cents": 9_900, "stock": 5,
        "lead_ms": 5_000, "duration_ms": 20_000,
    });
    alice.send("sale.announce", sale).await?;
    Ok(())
}

fn is_live(event: &Value) -> bool {
    event["t"] == "room.state" && event["d"]["state"] == "live"
}

/// Waits for an event; a room that is in the wanted state already tells so in its snapshot.
async fn wait_for(
    control: &mut Control,
    bound: Duration,
    is_wanted: impl Fn(&Value) -> bool,
) -> Result<()> {
    let live = json!({ "t": "room.state", "d": { "state": control.snapshot["state"] } });
    if is_wanted(&live) {
        return Ok(());
    }
    let wanted = async {
        while let Some(event) = control.events.recv().await {
            if event["t"] == "room.state" {
                control.snapshot["state"] = event["d"]["state"].clone();
            }
            if is_wanted(&event) {
                return Ok(());
            }
        }
        anyhow::bail!("the event socket closed")
    };
    tokio::time::timeout(bound, wanted).await.context("what was waited for did not happen")?
}

async fn wait_for_server(server: &Server) -> Result<()> {
    let rooms = server.url.join("/v1/rooms")?;
    for _ in 0..100 {
        if reqwest::get(rooms.clone()).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("no server answers at {}", server.url)
}

#[expect(clippy::print_stdout, reason = "the addresses are what the demo is started for")]
fn print_addresses(server: &Server) {
    let url = server.url.as_str().trim_end_matches('/');
    println!("\n  Two hosts are in battle. Open:\n");
    println!("    viewer  {url}/watch?room=a");
    println!(
        "    studio  {url}/studio?room=c&identity=carol   (go live yourself, then invite a or b)"
    );
    println!("    RTMP    rtmp://127.0.0.1:1935/live/a         (ffplay, VLC)");
    println!("\n  Ctrl-C stops everything.\n");
}
