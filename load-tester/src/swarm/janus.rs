//! Janus' video room as a target, over its HTTP API: requests are posted, answers come as events of one
//! long poll, told apart by their transaction.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::sdp::{Local, Remote};

/// The room that [`server`](super::servers) configures.
pub(crate) const ROOM: u64 = 1_234;
/// How long an event may take to come.
const PATIENCE: Duration = Duration::from_secs(15);
/// Events taken by one poll.
const EVENTS: usize = 100;

/// One session with a Janus server.
#[derive(Clone)]
pub(crate) struct Janus {
    inner: Arc<Inner>,
}

struct Inner {
    client: reqwest::Client,
    /// The session's own address.
    session: String,
    /// By transaction: who waits for its event.
    waiting: Arc<Mutex<HashMap<String, oneshot::Sender<Value>>>>,
    /// The publisher, once there is one.
    feed: Mutex<Option<u64>>,
    polling: JoinHandle<()>,
}

/// A subscriber's place.
pub(crate) struct Handle(u64);

impl Janus {
    /// Opens a session at `url`, which ends in `/janus`.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let client = reqwest::Client::new();
        let created = post(&client, url, json!({ "janus": "create" })).await?;
        let session = format!("{url}/{}", created["data"]["id"].as_u64().context("no session")?);
        let waiting = Arc::new(Mutex::new(HashMap::new()));
        let polling = tokio::spawn(poll(client.clone(), session.clone(), Arc::clone(&waiting)));
        let feed = Mutex::new(None);
        Ok(Self { inner: Arc::new(Inner { client, session, waiting, feed, polling }) })
    }

    /// Publishes and returns the answer.
    pub(crate) async fn publish(&self, offer: &str) -> Result<String> {
        let handle = self.attach().await?;
        let body = json!({
            "request": "joinandconfigure", "ptype": "publisher", "room": ROOM, "display": "source",
        });
        let jsep = json!({ "type": "offer", "sdp": offer, "trickle": false });
        let event = self.ask(handle, &body, Some(&jsep)).await?;
        let feed = event["plugindata"]["data"]["id"].as_u64();
        *self.feed() = Some(feed.with_context(|| format!("not published: {event}"))?);
        Ok(event["jsep"]["sdp"].as_str().context("no answer")?.to_owned())
    }

    /// Subscribes to the publisher.
    pub(crate) async fn join(&self, local: &Local) -> Result<(Remote, Handle)> {
        let feed = self.feed().context("nobody publishes")?;
        let handle = self.attach().await?;
        let body = json!({
            "request": "join", "ptype": "subscriber", "room": ROOM, "streams": [{ "feed": feed }],
        });
        let event = self.ask(handle, &body, None).await?;
        let offer = event["jsep"]["sdp"].as_str();
        let offer = offer.with_context(|| format!("not subscribed: {event}"))?;
        let remote = Remote::parse(offer)?;
        let jsep = json!({ "type": "answer", "sdp": local.answer(offer), "trickle": false });
        // Media flows without waiting for the event about it.
        self.send(handle, &json!({ "request": "start" }), Some(&jsep), &transaction()).await?;
        Ok((remote, Handle(handle)))
    }

    /// Ends a subscription.
    pub(crate) async fn leave(&self, handle: Handle) -> Result<()> {
        let url = format!("{}/{}", self.inner.session, handle.0);
        post(&self.inner.client, &url, json!({ "janus": "detach" })).await.map(drop)
    }

    async fn attach(&self) -> Result<u64> {
        let body = json!({ "janus": "attach", "plugin": "janus.plugin.videoroom" });
        let attached = post(&self.inner.client, &self.inner.session, body).await?;
        attached["data"]["id"].as_u64().context("no handle")
    }

    /// Sends a message and returns its event.
    async fn ask(&self, handle: u64, body: &Value, jsep: Option<&Value>) -> Result<Value> {
        let transaction = transaction();
        let (reply, event) = oneshot::channel();
        self.inner.waiting().insert(transaction.clone(), reply);
        self.send(handle, body, jsep, &transaction).await?;
        let event = tokio::time::timeout(PATIENCE, event).await;
        event.with_context(|| format!("no event for {body}"))?.context("the session is over")
    }

    async fn send(
        &self,
        handle: u64,
        body: &Value,
        jsep: Option<&Value>,
        transaction: &str,
    ) -> Result<()> {
        let mut message = json!({ "janus": "message", "transaction": transaction, "body": body });
        if let Some(jsep) = jsep {
            message["jsep"] = jsep.clone();
        }
        let url = format!("{}/{handle}", self.inner.session);
        post(&self.inner.client, &url, message).await.map(drop)
    }

    fn feed(&self) -> std::sync::MutexGuard<'_, Option<u64>> {
        self.inner.feed.lock().expect("nobody panics with it")
    }
}

impl Inner {
    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Value>>> {
        self.waiting.lock().expect("nobody panics with it")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.polling.abort();
    }
}

/// Takes events until the session is over; this also keeps it alive.
async fn poll(
    client: reqwest::Client,
    session: String,
    waiting: Arc<Mutex<HashMap<String, oneshot::Sender<Value>>>>,
) {
    let url = format!("{session}?maxev={EVENTS}");
    loop {
        let events = async { client.get(&url).send().await?.json::<Value>().await };
        let events = match events.await {
            Ok(Value::Array(events)) => events,
            Ok(event) => vec![event],
            Err(error) => {
                tracing::debug!(%error, "The long poll failed.");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        for event in events {
            let Some(transaction) = event["transaction"].as_str() else { continue };
            let reply = waiting.lock().expect("nobody panics with it").remove(transaction);
            if let Some(reply) = reply {
                let _ = reply.send(event);
            }
        }
    }
}

async fn post(client: &reqwest::Client, url: &str, mut body: Value) -> Result<Value> {
    if body["transaction"].is_null() {
        body["transaction"] = transaction().into();
    }
    let response = client.post(url).json(&body).send().await?;
    ensure!(response.status().is_success(), "Janus answered {}", response.status());
    let answer: Value = response.json().await?;
    if answer["janus"] == "error" {
        bail!("Janus says {}", answer["error"]["reason"]);
    }
    Ok(answer)
}

fn transaction() -> String {
    format!("{:016x}", fastrand::u64(..))
}
