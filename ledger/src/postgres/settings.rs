//! What a URL says, and what it leaves open.

use std::net::IpAddr;
use std::time::Duration;

use ::postgres::Config;
use ::postgres::config::{Host, SslMode};

use crate::{LedgerError, PostgresUrl};

/// How long reaching the server may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How long the server's machine may leave what it was sent unanswered before it counts as gone.
const SILENT_FOR: Duration = Duration::from_secs(10);

/// Reads a URL, such as `postgres://lianmai@/lianmai?host=/run/postgresql`.
pub(super) fn read(url: &PostgresUrl) -> Result<Config, LedgerError> {
    // What the library says of a text that it cannot read may hold a part of it, and that a password.
    let refused = "ledger.postgres_url is not understood; see docs/OPERATIONS.md";
    let mut config: Config =
        url.reveal().parse().map_err(|_| LedgerError::Failed(refused.to_owned()))?;
    let is_told_to = config.get_ssl_mode() == SslMode::Disable;
    let is_near = config.get_hosts().iter().all(is_near)
        && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    if !is_near && !is_told_to {
        let why = "ledger.postgres_url: the connection would leave this machine and not be encrypted, \
                   which lianmai cannot do; if the way there can be trusted say sslmode=disable";
        return Err(LedgerError::Failed(why.to_owned()));
    }
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
    Ok(config)
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
