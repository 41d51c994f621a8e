//! A letter as an HTTP request: one JSON object, and a token with its hash, as LiveKit signs its
//! webhooks. Only addresses of the configuration are called, and no redirect is followed.

use std::time::{Duration, Instant};

use anyhow::Context;
use ledger::Letter;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Serialize;
use serde_json::value::RawValue;
use signaling::{RoomClock, TokenKey};

use super::desk::Post;
use crate::config::{Endpoint, Webhooks};

/// The way to one endpoint.
pub(crate) struct Wire {
    client: reqwest::Client,
    url: reqwest::Url,
    key: TokenKey,
    clock: RoomClock,
}

impl Wire {
    pub(super) fn client(settings: &Webhooks) -> anyhow::Result<reqwest::Client> {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_millis(settings.timeout_ms.max(1)))
            .build()
            .context("cannot set up a client for webhooks")
    }

    pub(super) fn new(
        endpoint: &Endpoint,
        client: reqwest::Client,
        tokens: &TokenKey,
        clock: RoomClock,
    ) -> anyhow::Result<Self> {
        let (url, key) = (address(&endpoint.url)?, key(&endpoint.secret, tokens)?);
        Ok(Self { client, url, key, clock })
    }
}

/// Reads the address of a back end. It may hold a secret, so it is not named.
pub(crate) fn address(url: &str) -> anyhow::Result<reqwest::Url> {
    let url: reqwest::Url = url.parse().context("the url is no address")?;
    anyhow::ensure!(matches!(url.scheme(), "http" | "https"), "the url must be http or https");
    Ok(url)
}

/// Returns what posts are signed with: a secret of their own, or that of the tokens.
pub(crate) fn key(secret: &str, tokens: &TokenKey) -> anyhow::Result<TokenKey> {
    match secret {
        "" => Ok(tokens.clone()),
        secret => TokenKey::new(secret.as_bytes()).context("the secret"),
    }
}

impl Post for Wire {
    async fn post(&self, letter: &Letter) -> Result<(), String> {
        let body = envelope(letter);
        let began = Instant::now();
        let posted = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/webhook+json")
            .header(AUTHORIZATION, self.key.sign_body(body.as_bytes(), self.clock.now()))
            .body(body)
            .send()
            .await;
        metrics::histogram!("server_webhook_seconds").record(began.elapsed());
        match posted {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it is answered {}", answer.status())),
            Err(error) if error.is_timeout() => Err("no answer in time".to_owned()),
            Err(error) if error.is_connect() => Err("no connection".to_owned()),
            Err(error) => Err(error.without_url().to_string()),
        }
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    id: &'a str,
    event: &'a str,
    room: &'a str,
    seq: u64,
    at: u64,
    data: &'a RawValue,
}

fn envelope(letter: &Letter) -> String {
    let data = serde_json::from_str(&letter.body).expect("a letter's body was JSON when written");
    let Letter { event: id, kind: event, room, seq, at, .. } = letter;
    let envelope = Envelope { id, event, room, seq: *seq, at: *at, data };
    serde_json::to_string(&envelope).expect("strings, numbers and JSON have a JSON form")
}
