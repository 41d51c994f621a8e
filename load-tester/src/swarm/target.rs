//! The server under load: how to publish to it, join it and leave it.

use anyhow::{Context, Result, bail};
use url::Url;

use super::janus::{Handle, Janus};
use super::namespace::ADDRESS;
use super::sdp::{Local, Remote};
use crate::api::{Api, Server};
use crate::webrtc_client::LOOPBACK;

/// One of the servers that can be loaded.
#[derive(Clone)]
pub(crate) enum Target {
    /// `lianmai serve`, by WHIP and WHEP.
    Lianmai(Lianmai),
    /// Janus' video room.
    Janus(Janus),
}

/// A viewer's place in a server.
pub(crate) enum Place {
    /// A WHEP session.
    Lianmai {
        /// Who watches.
        api: Api,
        /// The session.
        location: Url,
    },
    /// A subscription.
    Janus(Handle),
}

impl Target {
    /// Sends a publisher's offer and returns the answer.
    pub(crate) async fn publish(&self, offer: String) -> Result<String> {
        match self {
            Self::Lianmai(lianmai) => lianmai.publish(offer).await,
            Self::Janus(janus) => janus.publish(&offer).await,
        }
    }

    /// Makes the ready-to-join viewer `number`, so that joining itself is one request.
    pub(crate) async fn admit(&self, number: usize) -> Result<Ticket> {
        match self {
            Self::Lianmai(lianmai) => lianmai.admit(number).await.map(Ticket::Lianmai),
            Self::Janus(_) => Ok(Ticket::None),
        }
    }

    /// Joins and returns the other side's half of the transport.
    pub(crate) async fn join(&self, ticket: &Ticket, local: &Local) -> Result<(Remote, Place)> {
        match (self, ticket) {
            (Self::Lianmai(lianmai), Ticket::Lianmai(api)) => lianmai.join(api, local).await,
            (Self::Janus(janus), _) => {
                let (remote, handle) = janus.join(local).await?;
                Ok((remote, Place::Janus(handle)))
            }
            (Self::Lianmai(_), Ticket::None) => bail!("no token"),
        }
    }

    /// Leaves.
    pub(crate) async fn leave(&self, place: Place) -> Result<()> {
        match (self, place) {
            (_, Place::Lianmai { api, location }) => api.delete(location).await,
            (Self::Janus(janus), Place::Janus(handle)) => janus.leave(handle).await,
            (Self::Lianmai(_), Place::Janus(_)) => bail!("another server's viewer"),
        }
    }

    /// Returns the address of a publisher that the server can answer: Janus pairs no loopback address
    /// with its own.
    pub(crate) fn near(&self) -> &'static str {
        match self {
            Self::Lianmai(_) => LOOPBACK,
            Self::Janus(_) => ADDRESS,
        }
    }

    /// Returns the name for the report.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Lianmai(_) => "lianmai",
            Self::Janus(_) => "janus",
        }
    }
}

/// What a viewer needs in hand before joining.
pub(crate) enum Ticket {
    /// A token.
    Lianmai(Api),
    /// Nothing.
    None,
}

/// A room of `lianmai serve`.
#[derive(Clone)]
pub(crate) struct Lianmai {
    server: Server,
    room: String,
    /// `whep` with its query.
    way: String,
    client: reqwest::Client,
}

/// Identity of the publisher.
const HOST: &str = "source";

impl Lianmai {
    /// Creates a target; without `feed` the room's program is watched.
    pub(crate) fn new(server: Server, room: String, feed: Option<String>) -> Self {
        let way = feed.map_or_else(|| "whep".to_owned(), |feed| format!("whep?feed={feed}"));
        Self { server, room, way, client: reqwest::Client::new() }
    }

    /// Returns the name of the feed that [`publish`](Self::publish) makes in `room`.
    pub(crate) fn feed_of(room: &str) -> String {
        format!("{room}/{HOST}")
    }

    async fn publish(&self, offer: String) -> Result<String> {
        let client = self.client.clone();
        let api = self.server.enter_by(client, &self.room, HOST, "host").await?;
        api.create_room(&self.room, "load").await?;
        Ok(api.negotiate(&self.room, "whip", offer).await.context("publishing")?.sdp)
    }

    async fn admit(&self, number: usize) -> Result<Api> {
        let name = format!("swarm-{number}");
        self.server.enter_by(self.client.clone(), &self.room, &name, "viewer").await
    }

    async fn join(&self, api: &Api, local: &Local) -> Result<(Remote, Place)> {
        let answer = api.negotiate(&self.room, &self.way, local.offer()).await?;
        let remote = Remote::parse(&answer.sdp)?;
        Ok((remote, Place::Lianmai { api: api.clone(), location: answer.location }))
    }
}
