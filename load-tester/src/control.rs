//! The event socket of one user: commands up with their answers, events down.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;

use crate::api::Api;

/// What answers a ping.
const PONG: &str = "clk.pong";

/// Commands and events of one user in one room.
pub(crate) struct Control {
    /// Full: the caller waits; a socket that does not take commands is a finding, not a loss.
    commands: mpsc::Sender<Command>,
    /// Events of the room. Full: newer ones are dropped, which the synthetic users do not mind.
    pub(crate) events: mpsc::Receiver<Value>,
    /// The room as it was on joining.
    pub(crate) snapshot: Value,
}

struct Command {
    kind: &'static str,
    body: Value,
    reply: oneshot::Sender<Result<Value>>,
}

impl Control {
    /// Connects and says hello to `room`.
    pub(crate) async fn join(api: &Api, room: &str) -> Result<Self> {
        let url = api.socket_url()?;
        let (socket, _) = tokio_tungstenite::connect_async(url.as_str())
            .await
            .context("the event socket did not open")?;
        let (commands, inbox) = mpsc::channel(16);
        let (outbox, events) = mpsc::channel(256);
        tokio::spawn(run(socket, inbox, outbox));

        let mut control = Self { commands, events, snapshot: Value::Null };
        control.snapshot = control.send("hello", json!({ "room": room })).await?;
        Ok(control)
    }

    /// Sends one command and returns what the server said to it.
    pub(crate) async fn send(&self, kind: &'static str, body: Value) -> Result<Value> {
        let (reply, answer) = oneshot::channel();
        let command = Command { kind, body, reply };
        self.commands.send(command).await.ok().context("the event socket is closed")?;
        answer.await.context("the event socket closed before the answer")?
    }

    /// Asks the server what time it is, and returns its answer.
    pub(crate) async fn ping(&self, c0: f64) -> Result<Value> {
        self.send("clk.ping", json!({ "c0": c0 })).await
    }
}

async fn run<S>(
    socket: tokio_tungstenite::WebSocketStream<S>,
    mut inbox: mpsc::Receiver<Command>,
    outbox: mpsc::Sender<Value>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let (mut sink, mut stream) = socket.split();
    let mut waiting: HashMap<String, oneshot::Sender<Result<Value>>> = HashMap::new();
    let mut next_id = 0u64;
    loop {
        tokio::select! {
            command = inbox.recv() => {
                let Some(command) = command else { break };
                next_id += 1;
                let frame = json!({ "v": 1, "t": command.kind, "rid": next_id.to_string(), "d": command.body });
                // A pong carries no rid; it is the only answer of its kind.
                let key = if command.kind == "clk.ping" { PONG.to_owned() } else { next_id.to_string() };
                waiting.insert(key, command.reply);
                if sink.send(Message::text(frame.to_string())).await.is_err() {
                    break;
                }
            }
            frame = stream.next() => {
                let Some(Ok(frame)) = frame else { break };
                let Ok(text) = frame.to_text() else { continue };
                let Ok(message) = serde_json::from_str::<Value>(text) else { continue };
                take(message, &mut waiting, &outbox);
            }
        }
    }
}

fn take(
    mut message: Value,
    waiting: &mut HashMap<String, oneshot::Sender<Result<Value>>>,
    outbox: &mpsc::Sender<Value>,
) {
    let rid = if message["t"] == PONG { Some(PONG) } else { message["rid"].as_str() };
    let reply = rid.and_then(|rid| waiting.remove(rid));
    match (message["t"].as_str(), reply) {
        (Some("ack" | PONG), Some(reply)) => drop(reply.send(Ok(message["d"].take()))),
        (Some("err"), Some(reply)) => drop(reply.send(refusal(&message))),
        _ => drop(outbox.try_send(message)),
    }
}

fn refusal(message: &Value) -> Result<Value> {
    bail!("{}", message["code"].as_str().unwrap_or("refused"))
}
