//! What an operator may choose. One TOML file; every key of it can also be given as
//! `LIANMAI_<SECTION>_<KEY>`, which wins over the file, and a few as flags, which win over both.
//! `lianmai.example.toml` holds every key at its default, and a test keeps it so.

mod back_ends;
mod environment;
mod media;
mod moderation;
mod recordings;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cues::Cues;
use crate::gift_config::{GiftEntry, read_catalog, usual_gifts};
use ledger::{Place, PostgresUrl};
use room_rules::RoomSettings;
use serde::{Deserialize, Serialize};
use signaling::{IceServers, NoIceServer, TurnAccess};

pub use back_ends::{Endpoint, Fail, Hooks, Webhooks};
pub use media::{Ice, Media};
pub use moderation::Moderation;
pub use recordings::Recordings;

/// Signs the tokens of `serve --dev`. It is public, so a server that others can reach refuses it.
pub const DEV_SECRET: &str = "lianmai-dev-secret-known-to-everybody";

/// A shorter secret can be guessed offline from one token.
const SECRET_MIN_BYTES: usize = 32;

/// Everything that can be configured.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who may come in.
    pub auth: Auth,
    /// Pages, REST and WebSocket.
    pub http: Http,
    /// RTMP pull.
    pub rtmp: Rtmp,
    /// WebRTC.
    pub media: Media,
    /// What helps clients to find a path.
    pub ice: Ice,
    /// Metrics and health.
    pub ops: Ops,
    /// The mixed picture.
    pub program: Program,
    /// Who looks at what rooms show.
    pub moderation: Moderation,
    /// Programs in files.
    pub recordings: Recordings,
    /// Limits on rooms.
    pub rooms: Rooms,
    /// What survives a crash.
    pub ledger: Ledger,
    /// Who is told what happens in rooms.
    pub webhooks: Webhooks,
    /// Who is asked before it does.
    pub hooks: Hooks,
    /// The gifts that can be given, in the order in which they are offered.
    pub gifts: Vec<GiftEntry>,
}

/// Token checking.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// The HS256 key that tokens are signed with, at least 32 bytes. Empty: only `--dev` starts.
    pub secret: String,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A configuration may be logged; the secret may not.
        f.write_str("Auth { secret: *** }")
    }
}

/// The HTTP listener.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Where pages, REST and WebSocket are served; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The server that has the rooms which are not here, such as `https://two.example`: whoever wants
    /// to publish or play there is sent on. Empty: there is none.
    pub other_server: String,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: loopback(8080), other_server: String::new() }
    }
}

/// The RTMP listener.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rtmp {
    /// Where players pull `rtmp://host:port/live/{room}`; port 0 takes any free one.
    pub listen: SocketAddr,
}

impl Default for Rtmp {
    fn default() -> Self {
        Self { listen: loopback(1935) }
    }
}

/// The operations listener.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ops {
    /// Where `/metrics`, `/healthz` and `/readyz` are served. Keep it off the public net.
    pub listen: SocketAddr,
}

impl Default for Ops {
    fn default() -> Self {
        Self { listen: loopback(9100) }
    }
}

/// How programs are mixed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Program {
    /// Width of the picture in pixels.
    pub width: u32,
    /// Height of the picture in pixels.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// Video bit rate in kbit/s.
    pub video_kbps: u32,
    /// The most that whoever directs a room may choose.
    pub max_video_kbps: u32,
    /// Smaller renditions that are made beside it: `ld`, `sd`, `hd`.
    pub renditions: Vec<String>,
    /// What encodes the picture: `auto`, `x264`, `openh264`, `vaapi` or `nvenc`.
    pub encoder: String,
    /// A mixer that holds more memory than this is replaced, in MiB; 0 for no limit.
    pub memory_limit_mib: u64,
    /// How much pictures tell of what they show, as SEI: `off`, `layout` or `full`.
    pub cues: Cues,
    /// Whether a solo host's own pictures are passed on as they come where that will do, instead of
    /// being decoded and encoded again; the size of the picture is the host's then.
    pub bypass: bool,
    /// How long a program that nobody takes keeps running, in seconds.
    pub linger_s: u64,
    /// The folder of images (PNG, JPEG) that layouts may show; empty means that they show none.
    pub images_dir: PathBuf,
    /// The folder of films (MP4, WebM) that may be played in; empty means none.
    pub inserts_dir: PathBuf,
    /// The hosts, as `host` or `host:port`, from which films may be fetched by http(s).
    pub insert_hosts: Vec<String>,
    /// The largest film, in MiB.
    pub insert_max_mb: u64,
    /// The longest film, in seconds.
    pub insert_max_s: u64,
    /// The mixer's executable; empty means `lianmai-mixer` beside this program.
    pub mixer_bin: PathBuf,
    /// Where mixers keep GStreamer's plugin registry if they cannot keep it in the user's cache; empty
    /// means a folder of this process's own.
    pub runtime_dir: PathBuf,
}

impl Default for Program {
    fn default() -> Self {
        Self {
            width: 720,
            height: 1280,
            fps: 30,
            video_kbps: 1500,
            max_video_kbps: 6000,
            renditions: Vec::new(),
            encoder: "auto".to_owned(),
            memory_limit_mib: 1024,
            cues: Cues::Full,
            bypass: true,
            linger_s: 30,
            images_dir: PathBuf::new(),
            inserts_dir: PathBuf::new(),
            insert_hosts: Vec::new(),
            insert_max_mb: 256,
            insert_max_s: 600,
            mixer_bin: PathBuf::new(),
            runtime_dir: PathBuf::new(),
        }
    }
}

/// Limits on rooms.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rooms {
    /// How many rooms may exist at once; one more is answered `BUSY`.
    pub max: usize,
    /// How long a room that nobody is in or publishes to is kept, in seconds.
    pub idle_s: u64,
}

impl Default for Rooms {
    fn default() -> Self {
        Self { max: 1000, idle_s: 600 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            auth: Auth::default(),
            http: Http::default(),
            rtmp: Rtmp::default(),
            media: Media::default(),
            ice: Ice::default(),
            ops: Ops::default(),
            program: Program::default(),
            moderation: Moderation::default(),
            recordings: Recordings::default(),
            rooms: Rooms::default(),
            ledger: Ledger::default(),
            webhooks: Webhooks::default(),
            hooks: Hooks::default(),
            gifts: usual_gifts(),
        }
    }
}

/// Where rooms are written down.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ledger {
    /// The SQLite file. Empty: with `--dev` a temporary one that ends with the process, otherwise
    /// `lianmai-ledger.sqlite3` in the folder that systemd gives (`STATE_DIRECTORY`), or in the
    /// working folder.
    pub path: PathBuf,
    /// A PostgreSQL data base in place of the file, as
    /// `postgres://user:password@host/name?sslmode=disable`. Only with the feature `postgres`.
    pub postgres_url: String,
    /// How long rooms that have ended are kept, in days.
    pub keep_days: u32,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { path: PathBuf::new(), postgres_url: String::new(), keep_days: 30 }
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A configuration may be logged; a URL may hold a password.
        f.debug_struct("Ledger").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Returns where it is.
    ///
    /// # Errors
    /// If it is said to be in two places.
    pub fn place(&self, mode: Mode) -> Result<Place, ConfigError> {
        let has_path = !self.path.as_os_str().is_empty();
        match (self.postgres_url.as_str(), mode) {
            ("", _) if has_path => Ok(Place::File(self.path.clone())),
            ("", Mode::Dev) => Ok(Place::Temporary),
            ("", Mode::Production) => {
                let folder = std::env::var_os("STATE_DIRECTORY").unwrap_or_default();
                Ok(Place::File(PathBuf::from(folder).join("lianmai-ledger.sqlite3")))
            }
            _ if has_path => Err(ConfigError::TwoLedgers),
            (url, _) => Ok(Place::Postgres(PostgresUrl::new(url))),
        }
    }
}

impl Config {
    /// Reads `file`, if there is one, and lets `env` override it.
    ///
    /// # Errors
    /// If the file cannot be read, holds an unknown key, or a value is of the wrong type.
    pub fn load(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let text = match file {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })?,
            None => String::new(),
        };
        let mut table: toml::Table = text.parse().map_err(ConfigError::Malformed)?;
        environment::override_by(env, &mut table)?;
        table.try_into().map_err(ConfigError::Malformed)
    }

    /// Returns the secret that tokens are checked with.
    ///
    /// # Errors
    /// If none is configured, or one that protects nothing.
    pub fn secret(&self, mode: Mode) -> Result<&str, ConfigError> {
        match mode {
            Mode::Dev => Ok(DEV_SECRET),
            Mode::Production if self.auth.secret.is_empty() => Err(ConfigError::NoSecret),
            Mode::Production if self.auth.secret == DEV_SECRET => Err(ConfigError::PublicSecret),
            Mode::Production if self.auth.secret.len() < SECRET_MIN_BYTES => {
                Err(ConfigError::ShortSecret)
            }
            Mode::Production => Ok(&self.auth.secret),
        }
    }

    /// Returns the STUN and TURN servers that clients are told of.
    ///
    /// # Errors
    /// If one of the URLs is none.
    pub fn ice_servers(&self) -> Result<IceServers, ConfigError> {
        let Ice { servers, turn_secret, turn_ttl_s, turn_username, turn_password } =
            self.ice.clone();
        let access = if !turn_secret.is_empty() {
            let lifetime = Duration::from_secs(turn_ttl_s);
            TurnAccess::Shared { secret: turn_secret, lifetime }
        } else if !turn_username.is_empty() {
            TurnAccess::Fixed { username: turn_username, credential: turn_password }
        } else {
            TurnAccess::Open
        };
        let urls = servers.split(',').map(str::trim).filter(|url| !url.is_empty());
        IceServers::new(urls.map(str::to_owned), access).map_err(ConfigError::IceServer)
    }

    /// Returns what rooms are set up with.
    ///
    /// # Errors
    /// If the gifts make no catalogue.
    pub fn room_settings(&self) -> Result<RoomSettings, ConfigError> {
        let gifts = read_catalog(&self.gifts).map_err(ConfigError::Gifts)?;
        Ok(RoomSettings { gifts, ..RoomSettings::default() })
    }

    /// Returns the server that has the rooms which are not here.
    ///
    /// # Errors
    /// If it is no address of an HTTP server.
    pub fn other_server(&self) -> Result<Option<Arc<str>>, ConfigError> {
        let base = self.http.other_server.trim_end_matches('/');
        let is_http = ["http://", "https://"].iter().any(|scheme| base.starts_with(scheme));
        let is_plain = base.bytes().all(|byte| byte.is_ascii_graphic());
        match base {
            "" => Ok(None),
            _ if is_http && is_plain => Ok(Some(base.into())),
            _ => Err(ConfigError::OtherServer(base.to_owned())),
        }
    }

    /// Moves every listener to the loopback address, for `--dev`, whose secret everybody knows.
    pub fn keep_on_loopback(&mut self) {
        for listen in [&mut self.http.listen, &mut self.rtmp.listen, &mut self.ops.listen] {
            if !listen.ip().is_loopback() {
                listen.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
            }
        }
        self.media.bind.retain(IpAddr::is_loopback);
        if self.media.bind.is_empty() {
            self.media.bind.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        self.media.advertised.clear();
    }

    /// Returns the addresses that browsers send media to, at least one.
    ///
    /// # Errors
    /// If there is none, or one that nobody could send to.
    pub fn advertised(&self) -> Result<&[IpAddr], ConfigError> {
        let Media { bind, advertised, .. } = &self.media;
        let told = if advertised.is_empty() { bind } else { advertised };
        match told.iter().find(|ip| ip.is_unspecified()) {
            Some(ip) => Err(ConfigError::Advertised(ip.to_string())),
            None if told.is_empty() => Err(ConfigError::Advertised("nothing".to_owned())),
            None => Ok(told),
        }
    }
}

/// Whether the world may come in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Loopback only, with a secret that everybody knows.
    Dev,
    /// A configured secret is needed.
    Production,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or may not be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file asked for.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("{0}")]
    Malformed(toml::de::Error),
    /// An environment variable whose value is of the wrong type.
    #[error("{name}: {value:?} is not {expected}")]
    Variable {
        /// The variable.
        name: String,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// Nothing to check tokens with.
    #[error(
        "no secret to check tokens with: set LIANMAI_AUTH_SECRET or auth.secret in the configuration \
         (at least 32 bytes), or start with --dev on this machine only"
    )]
    NoSecret,
    /// The secret of `--dev`, which is published.
    #[error("auth.secret is the secret of --dev, which everybody knows: choose another")]
    PublicSecret,
    /// A secret that can be guessed.
    #[error("auth.secret is shorter than 32 bytes")]
    ShortSecret,
    /// Clients could not use it.
    #[error("ice.servers: {0}")]
    IceServer(NoIceServer),
    /// Clients could not be sent there.
    #[error("http.other_server: {0:?} is not http://host or https://host")]
    OtherServer(String),
    /// Nobody could say which of the two is the one that counts.
    #[error(
        "a ledger is in a file (ledger.path, --ledger) or in PostgreSQL (ledger.postgres_url), not both"
    )]
    TwoLedgers,
    /// They make no catalogue.
    #[error("gifts: {0}")]
    Gifts(String),
    /// Browsers could not send to it.
    #[error("media.advertised: {0} is not an address that a browser can send to")]
    Advertised(String),
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}
