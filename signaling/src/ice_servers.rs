//! Which STUN and TURN servers clients are told of, and how long the told credentials are good.
//!
//! A TURN password that everybody is told is everybody's relay. So with a shared secret each answer
//! carries a name that says when it expires and whose it is, and a password that only the secret can
//! make (draft-uberti-behave-turn-rest, coturn's `use-auth-secret`).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use room_rules::{ServerTime, UserId};
use serde::Serialize;
use serde_json::json;

use crate::auth::{Bearer, find_room};
use crate::path::Path;
use crate::{Refused, Services, refused};

/// The servers that clients are told of. Prints without secrets.
#[derive(Clone, Default)]
pub struct IceServers(Arc<Settings>);

#[derive(Default)]
struct Settings {
    stun: Vec<String>,
    turn: Vec<String>,
    access: TurnAccess,
}

/// How clients prove themselves to the TURN servers.
#[derive(Clone, Default)]
pub enum TurnAccess {
    /// Not at all.
    #[default]
    Open,
    /// All by the same name and password.
    Fixed {
        /// The name.
        username: String,
        /// The password.
        credential: String,
    },
    /// Each by a name and password of its own, made with a secret that the TURN server shares.
    Shared {
        /// The secret.
        secret: String,
        /// How long they are good.
        lifetime: Duration,
    },
}

impl std::fmt::Debug for IceServers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceServers")
            .field("stun", &self.0.stun)
            .field("turn", &self.0.turn)
            .finish_non_exhaustive()
    }
}

/// One entry of an `RTCConfiguration`'s `iceServers`.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    urls: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
}

impl IceServers {
    /// Takes the URLs of `stun:`, `turn:` and `turns:` servers.
    ///
    /// # Errors
    ///
    /// Returns the first URL that is none, or could not stand in a header.
    pub fn new(
        urls: impl IntoIterator<Item = String>,
        access: TurnAccess,
    ) -> Result<Self, NoIceServer> {
        let (mut stun, mut turn) = (Vec::new(), Vec::new());
        for url in urls {
            let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\\');
            let list = match url.split_once(':') {
                Some(("stun" | "stuns", host)) if !host.is_empty() => &mut stun,
                Some(("turn" | "turns", host)) if !host.is_empty() => &mut turn,
                Some(_) | None => return Err(NoIceServer(url)),
            };
            if !url.chars().all(is_plain) {
                return Err(NoIceServer(url));
            }
            list.push(url);
        }
        Ok(Self(Arc::new(Settings { stun, turn, access })))
    }

    /// Returns one `Link` for each server (RFC 9725 section 4.6).
    pub(crate) fn links(&self, user: &UserId, now: ServerTime) -> Vec<HeaderValue> {
        let (username, credential) = self.credentials(user, now).unzip();
        let stun = self.0.stun.iter().map(|url| format!("<{url}>; rel=\"ice-server\""));
        let turn = self.0.turn.iter().map(|url| match (&username, &credential) {
            (Some(username), Some(credential)) => format!(
                "<{url}>; rel=\"ice-server\"; username={}; credential={}; \
                 credential-type=\"password\"",
                quoted(username),
                quoted(credential)
            ),
            _ => format!("<{url}>; rel=\"ice-server\""),
        });
        // What a header cannot hold is left out; the URLs were checked, credentials are the operator's.
        stun.chain(turn).filter_map(|link| HeaderValue::try_from(link).ok()).collect()
    }

    fn entries(&self, user: &UserId, now: ServerTime) -> Vec<Entry<'_>> {
        let (username, credential) = self.credentials(user, now).unzip();
        let stun = Entry { urls: &self.0.stun, username: None, credential: None };
        let turn = Entry { urls: &self.0.turn, username, credential };
        [stun, turn].into_iter().filter(|entry| !entry.urls.is_empty()).collect()
    }

    fn credentials(&self, user: &UserId, now: ServerTime) -> Option<(String, String)> {
        match &self.0.access {
            TurnAccess::Open => None,
            TurnAccess::Fixed { username, credential } => {
                Some((username.clone(), credential.clone()))
            }
            TurnAccess::Shared { secret, lifetime } => {
                let until_s = (now + *lifetime).unix_millis() / 1000;
                let username = format!("{until_s}:{user}");
                // The TURN server prescribes SHA-1; as an HMAC it is still sound.
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
                let credential = STANDARD.encode(hmac::sign(&key, username.as_bytes()));
                Some((username, credential))
            }
        }
    }
}

/// A URL that names no STUN or TURN server.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is not a stun:, turn: or turns: URL")]
pub struct NoIceServer(pub String);

/// `GET /v1/rooms/{room}/ice-servers`: what a page puts into its `RTCConfiguration`.
pub(crate) async fn list(
    State(services): State<Services>,
    Path(room): Path<String>,
    bearer: Bearer,
) -> Result<Response, Refused> {
    let room = find_room(&room, &services)?;
    let member = bearer.member_of(room.room())?;
    let servers = services.ice_servers.entries(&member.user, services.clock.now());
    let body = json!({ "iceServers": servers }).to_string();
    let mut response = refused::json(StatusCode::OK, body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: ServerTime = ServerTime::from_unix_millis(1_780_000_000_000);

    #[test]
    fn a_shared_secret_makes_credentials_that_name_their_end() {
        let lifetime = Duration::from_secs(600);
        let access = TurnAccess::Shared { secret: "north".into(), lifetime };
        let servers = IceServers::new(
            ["stun:s.example".to_owned(), "turn:t.example?transport=tcp".to_owned()],
            access,
        )
        .unwrap();

        let links = servers.links(&user(), NOW);

        assert_eq!(links[0], "<stun:s.example>; rel=\"ice-server\"");
        // Made with: printf 1780000600:alice | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(
            links[1],
            "<turn:t.example?transport=tcp>; rel=\"ice-server\"; username=\"1780000600:alice\"; \
             credential=\"3ME8FxDSJglSKjZ9mDMuP64U6yI=\"; credential-type=\"password\""
        );
    }

    #[test]
    fn a_password_cannot_end_its_quotes() {
        let access = TurnAccess::Fixed { username: "u".into(), credential: "a\"b\\c".into() };
        let servers = IceServers::new(["turns:t.example".to_owned()], access).unwrap();
        let link = servers.links(&user(), NOW).remove(0);
        assert!(link.to_str().unwrap().contains(r#"credential="a\"b\\c""#), "{link:?}");
    }

    #[test]
    fn what_is_no_ice_server_is_refused() {
        for url in ["", "stun:", "http://a", "turn:a>; rel=\"x\"", "stun:a\r\nX: y", "turn:ü"] {
            let made = IceServers::new([url.to_owned()], TurnAccess::Open);
            assert_eq!(made.err(), Some(NoIceServer(url.to_owned())));
        }
    }

    fn user() -> UserId {
        UserId::parse("alice").unwrap()
    }
}
