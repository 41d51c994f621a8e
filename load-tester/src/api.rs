//! The server's HTTP side, as a client sees it.

use anyhow::{Context, Result, bail};
use clap::Args;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use serde_json::Value;
use url::Url;

/// Where the server is and how to get a token for it.
#[derive(Args, Clone, Debug)]
pub(crate) struct Server {
    /// Address of the server's HTTP side.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: Url,
    /// A token; without one, a server in development mode is asked for it.
    #[arg(long, env = "LIANMAI_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// One user's view of the API.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    url: Url,
    token: String,
    client: reqwest::Client,
}

/// A WHIP or WHEP session as the server answered it.
pub(crate) struct Negotiated {
    /// The answer.
    pub(crate) sdp: String,
    /// Where the session can be deleted.
    pub(crate) location: Url,
}

/// The server has no room at the moment; asking again soon may help.
#[derive(Debug)]
pub(crate) struct Busy;

impl std::fmt::Display for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the server is busy")
    }
}

impl std::error::Error for Busy {}

impl Server {
    /// Creates one in development mode at `url`.
    pub(crate) fn new(url: Url) -> Self {
        Self { url, token: None }
    }

    /// Returns the API as `identity` with `role` in `room` sees it.
    pub(crate) async fn enter(&self, room: &str, identity: &str, role: &str) -> Result<Api> {
        self.enter_by(reqwest::Client::new(), room, identity, role).await
    }

    /// As [`enter`](Self::enter), over the connections of `client`.
    pub(crate) async fn enter_by(
        &self,
        client: reqwest::Client,
        room: &str,
        identity: &str,
        role: &str,
    ) -> Result<Api> {
        let token = match &self.token {
            Some(token) => token.clone(),
            None => dev_token(&client, &self.url, room, identity, role).await?,
        };
        Ok(Api { url: self.url.clone(), token, client })
    }
}

impl Api {
    /// Creates `room` unless it is there.
    pub(crate) async fn create_room(&self, room: &str, title: &str) -> Result<()> {
        let body = serde_json::json!({ "room": room, "title": title });
        let request = self.client.post(self.url.join("/v1/rooms")?).json(&body);
        request.bearer_auth(&self.token).send().await?.error_for_status()?;
        Ok(())
    }

    /// Sends `offer` to a room's `whip` or `whep` and returns the answer.
    pub(crate) async fn negotiate(
        &self,
        room: &str,
        way: &str,
        offer: String,
    ) -> Result<Negotiated> {
        let url = self.url.join(&format!("/v1/rooms/{room}/{way}"))?;
        let request = self.client.post(url.clone()).header(CONTENT_TYPE, "application/sdp");
        let response = request.bearer_auth(&self.token).body(offer).send().await?;
        let status = response.status();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return Err(Busy.into());
        }
        if !status.is_success() {
            bail!("{way} was refused with {status}: {}", response.text().await.unwrap_or_default());
        }
        let location = response.headers().get(LOCATION).context("the answer has no Location")?;
        let location = url.join(location.to_str()?)?;
        Ok(Negotiated { sdp: response.text().await?, location })
    }

    /// Ends a WHIP or WHEP session.
    pub(crate) async fn delete(&self, location: Url) -> Result<()> {
        self.client.delete(location).bearer_auth(&self.token).send().await?.error_for_status()?;
        Ok(())
    }

    /// Returns the address of the event socket, token included.
    pub(crate) fn socket_url(&self) -> Result<Url> {
        let mut url = self.url.join("/v1/ws")?;
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        url.set_scheme(scheme).expect("http turns into ws");
        url.query_pairs_mut().append_pair("token", &self.token);
        Ok(url)
    }
}

async fn dev_token(
    client: &reqwest::Client,
    url: &Url,
    room: &str,
    identity: &str,
    role: &str,
) -> Result<String> {
    let mut url = url.join("/v1/dev/token")?;
    url.query_pairs_mut()
        .append_pair("room", room)
        .append_pair("identity", identity)
        .append_pair("role", role);
    let response = client.get(url).send().await?.error_for_status();
    let response = response.context("no --token given and the server is not in --dev mode")?;
    let body: Value = response.json().await?;
    Ok(body["token"].as_str().context("the server sent no token")?.to_owned())
}
