//! The command line. Flags exist for what a script or a test changes; everything else is in the
//! configuration file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use room_rules::Role;

use crate::{Config, ConfigError};

/// Live co-streaming for commerce: WebRTC in, one mixed program out.
#[derive(Debug, Parser)]
#[command(name = "lianmai", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `lianmai` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the server until Ctrl-C or SIGTERM.
    Serve(Serve),
    /// Prints a token that lets one user into one room.
    Token(Token),
    /// Looks after the ledger; the server may go on running.
    Ledger(LedgerArgs),
}

/// Flags of `ledger`.
#[derive(Args, Debug)]
pub struct LedgerArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: LedgerCommand,
    /// The file, if it is not the one of the configuration.
    #[arg(long, value_name = "FILE", global = true)]
    pub ledger: Option<PathBuf>,
    /// The configuration file that names it, or the PostgreSQL data base in its place.
    #[arg(long, value_name = "FILE", env = "LIANMAI_CONFIG", global = true)]
    pub config: Option<PathBuf>,
}

/// What `lianmai ledger` can do.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Checks the hash of every row; exits with an error if one does not fit.
    Verify {
        /// Only this room.
        #[arg(long)]
        room: Option<String>,
        /// Looks for the rows that `heads` printed into this file, too: chains do not show that the
        /// newest rows were cut off.
        #[arg(long, value_name = "FILE")]
        heads: Option<PathBuf>,
    },
    /// Prints how far each life of a room has come, for keeping elsewhere.
    Heads {
        /// Only this room.
        #[arg(long)]
        room: Option<String>,
    },
    /// Copies a ledger that no server has open to where there is none, from one store to another.
    /// What is left out is the ledger of the configuration.
    Copy {
        /// A file, or the URL of a PostgreSQL data base.
        #[arg(long, value_name = "FILE|URL")]
        from: Option<String>,
        /// Likewise.
        #[arg(long, value_name = "FILE|URL")]
        to: Option<String>,
    },
    /// Copies the ledger as it is at this moment into a new file, and checks the copy.
    Backup {
        /// The new file.
        into: PathBuf,
    },
    /// Takes away rooms that ended long ago, and keys that may be used again.
    Prune {
        /// How long rooms that have ended are kept.
        #[arg(long)]
        days: u32,
    },
    /// Prints every row of a room.
    Show {
        /// The room.
        #[arg(long)]
        room: String,
        /// Only this life.
        #[arg(long)]
        life: Option<u64>,
    },
    /// Gives up a room that could not be made anew from its journal; its rows stay.
    Abandon {
        /// The room.
        #[arg(long)]
        room: String,
    },
}

/// Flags of `serve`. Each wins over its setting in the file and in the environment.
#[derive(Args, Debug, Default)]
pub struct Serve {
    /// Loopback only, with a public secret; prints ready tokens and URLs.
    #[arg(long)]
    pub dev: bool,
    /// The configuration file (TOML); see lianmai.example.toml.
    #[arg(long, value_name = "FILE", env = "LIANMAI_CONFIG")]
    pub config: Option<PathBuf>,
    /// Address of pages, REST and WebSocket [http.listen].
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// Address of RTMP pull [rtmp.listen].
    #[arg(long, value_name = "ADDR")]
    pub rtmp: Option<SocketAddr>,
    /// UDP port of the first media worker [media.first_port].
    #[arg(long, value_name = "PORT")]
    pub media_port: Option<u16>,
    /// Address of metrics and health [ops.listen].
    #[arg(long, value_name = "ADDR")]
    pub ops: Option<SocketAddr>,
    /// The mixer's executable [program.mixer_bin].
    #[arg(long, value_name = "FILE")]
    pub mixer_bin: Option<PathBuf>,
    /// The file in which rooms are written down [ledger.path].
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Prints the addresses in use as one line of JSON once everything listens.
    #[arg(long)]
    pub print_addresses: bool,
}

impl Serve {
    /// Returns the configuration that the file, the environment and these flags make together.
    ///
    /// # Errors
    /// If the file or a variable cannot be used.
    pub fn configuration(&self) -> Result<Config, ConfigError> {
        let mut config = Config::load(self.config.as_deref(), std::env::vars())?;
        if let Some(listen) = self.http {
            config.http.listen = listen;
        }
        if let Some(listen) = self.rtmp {
            config.rtmp.listen = listen;
        }
        if let Some(port) = self.media_port {
            config.media.first_port = port;
        }
        if let Some(listen) = self.ops {
            config.ops.listen = listen;
        }
        if let Some(path) = &self.mixer_bin {
            config.program.mixer_bin.clone_from(path);
        }
        if let Some(path) = &self.ledger {
            config.ledger.path.clone_from(path);
        }
        if self.dev {
            config.keep_on_loopback();
        }
        Ok(config)
    }
}

/// Flags of `token`.
#[derive(Args, Debug)]
pub struct Token {
    /// The room it is good for.
    #[arg(long)]
    pub room: String,
    /// Whose it is.
    #[arg(long)]
    pub identity: String,
    /// host, guest, viewer, assistant, moderator or admin.
    #[arg(long, value_parser = parse_role)]
    pub role: Role,
    /// The name that others see; the identity if not given.
    #[arg(long)]
    pub name: Option<String>,
    /// How long it is good for, for example `90s`, `30m`, `12h`.
    #[arg(long, default_value = "12h", value_parser = parse_span)]
    pub ttl: Duration,
    /// The configuration file that holds the secret; without any, the secret of `serve --dev`.
    #[arg(long, value_name = "FILE", env = "LIANMAI_CONFIG")]
    pub config: Option<PathBuf>,
}

fn parse_span(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err("a number and s, m, h or d, please".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a whole number and a unit, please".to_owned())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| "too long".to_owned())
}

fn parse_role(text: &str) -> Result<Role, String> {
    Role::parse(text)
        .ok_or_else(|| "one of host, guest, viewer, assistant, moderator, admin".to_owned())
}
