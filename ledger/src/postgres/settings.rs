//! What a URL says, and what it leaves open.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, Error, NoTls};
use tracing::debug;

use super::tls::Tls;
use crate::{LedgerError, PostgresUrl};

/// How long reaching one of its addresses may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How long the server's machine may leave what it was sent unanswered before it counts as gone.
const SILENT_FOR: Duration = Duration::from_secs(10);

/// Where a data base is, and how it is reached.
#[derive(Debug)]
pub(super) struct Settings {
    config: Config,
    tls: Option<Tls>,
}

impl Settings {
    /// Reads a URL, such as `postgres://lianmai@/lianmai?host=/run/postgresql`.
    ///
    /// # Errors
    ///
    /// It is none, or what is to be trusted cannot be read.
    pub(super) fn read(url: &PostgresUrl) -> Result<Self, LedgerError> {
        // What the library says of a text that it cannot read may hold a part of it, and that a
        // password.
        let refused = "ledger.postgres_url is not understood; see docs/OPERATIONS.md";
        let (text, root) = without_root(url.reveal());
        let mut config: Config =
            text.parse().map_err(|_| LedgerError::Failed(refused.to_owned()))?;
        let is_near = config.get_hosts().iter().all(is_near)
            && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        // Nobody who can read or change what passes is trusted, unless the URL says so.
        let is_encrypted = match config.get_ssl_mode() {
            SslMode::Disable => false,
            SslMode::Prefer => !is_near,
            SslMode::Require | _ => true,
        };
        config.ssl_mode(if is_encrypted { SslMode::Require } else { SslMode::Disable });
        let tls = is_encrypted.then(|| Tls::trusting(root.as_deref())).transpose()?;
        if config.get_application_name().is_none() {
            config.application_name("lianmai");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_WITHIN);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENT_FOR);
        }
        config.keepalives_idle(SILENT_FOR);
        Ok(Self { config, tls })
    }

    /// Connects; what passes is carried by a task.
    pub(super) async fn connect(&self) -> Result<Client, Error> {
        Ok(match &self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                tokio::spawn(async { ended(connection.await) });
                client
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                tokio::spawn(async { ended(connection.await) });
                client
            }
        })
    }
}

/// Whoever waits for an answer hears only that none comes any more; this is why.
fn ended(result: Result<(), Error>) {
    if let Err(error) = result {
        debug!(%error, "A connection to PostgreSQL ended.");
    }
}

/// Takes out of a URL what the library does not know: the file of certificates that are trusted, and
/// a name for checking them, which is always done here.
fn without_root(url: &str) -> (String, Option<PathBuf>) {
    let is_url = url.contains("://");
    let is_end = |c: char| if is_url { matches!(c, '?' | '&') } else { c.is_whitespace() };
    let (mut text, mut root) = (String::new(), None);
    for piece in url.split_inclusive(is_end) {
        let word = piece.trim_end_matches(is_end);
        if let Some(file) = word.strip_prefix("sslrootcert=") {
            root = Some(PathBuf::from(file));
        } else if word == "sslmode=verify-full" {
            text.push_str(&piece.replace("verify-full", "require"));
        } else {
            text.push_str(piece);
        }
    }
    text.truncate(text.trim_end_matches(is_end).len());
    (text, root)
}

/// Returns whether the way there stays on this machine.
fn is_near(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        Settings::read(&PostgresUrl::new(url)).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn what_leaves_this_machine_is_encrypted_unless_the_url_says_otherwise() {
        assert_eq!(mode("postgres://a@/a?host=/run/postgresql"), SslMode::Disable);
        assert_eq!(mode("postgres://a@127.0.0.1/a"), SslMode::Disable);
        assert_eq!(mode("postgres://a@127.0.0.1/a?sslmode=require"), SslMode::Require);
        assert_eq!(mode("postgres://a@db.example/a"), SslMode::Require);
        assert_eq!(mode("postgres://a@db.example/a?sslmode=prefer"), SslMode::Require);
        assert_eq!(mode("host=localhost hostaddr=10.0.0.7 user=a"), SslMode::Require);
        assert_eq!(mode("postgres://a@db.example/a?sslmode=disable"), SslMode::Disable);
    }

    #[test]
    fn what_the_library_does_not_know_is_taken_out_of_a_url() {
        let root = || Some(PathBuf::from("/ca.pem"));
        for (url, text) in [
            (
                "postgres://a/b?sslrootcert=/ca.pem&sslmode=verify-full",
                "postgres://a/b?sslmode=require",
            ),
            (
                "postgres://a/b?sslmode=verify-full&sslrootcert=/ca.pem",
                "postgres://a/b?sslmode=require",
            ),
            ("postgres://a/b?sslrootcert=/ca.pem", "postgres://a/b"),
            ("host=a sslrootcert=/ca.pem user=b", "host=a user=b"),
        ] {
            assert_eq!(without_root(url), (text.to_owned(), root()));
        }
        assert_eq!(without_root("host=a user=b"), ("host=a user=b".to_owned(), None));
    }
}
