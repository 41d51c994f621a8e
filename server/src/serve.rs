//! Starts every part, introduces them to one another, and takes them down again in an order in
//! which nothing is lost: nobody new is let in, rooms say goodbye, mixers finish, their takers do,
//! and the sockets go last.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ledger::{Ledger, LedgerConfig, Pruned, WriterThread};
use mixer::{Duty, ProgramConfig, Quality, Rendition, VideoEncoder};
use relay_cdn::PullServer;
use room_rules::ServerTime;
use serde_json::json;
use sfu::Sfu;
use signaling::{Directory, Limits, RoomClock, Services, SessionNumbers, TokenKey};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::cli::Serve;
use crate::dev_welcome::dev_welcome;
use crate::films::Films;
use crate::hooks::Hooks;
use crate::inspector::Inspector;
use crate::lobby::Lobby;
use crate::ops::{Ops, Readiness};
use crate::program::Composites;
use crate::pull_catalog::PullCatalog;
use crate::recordings::Shelf;
use crate::room_parts::RoomParts;
use crate::signals::StopSignals;
use crate::switchboard::Switchboard;
use crate::webhooks::{self, Dead, Subscribers};
use crate::{Config, Mode};

/// How long rooms, mixers and targets may take to finish, together.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// How often the ledger is looked through for what is old, and how long others get in between.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
const PRUNE_PAUSE: Duration = Duration::from_millis(100);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How often the gauges of the media side are read.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// Runs the server until it is asked to stop.
///
/// # Errors
/// If the configuration cannot be used, an address is taken, or a media worker panics.
pub async fn serve(args: &Serve) -> anyhow::Result<()> {
    let mode = if args.dev { Mode::Dev } else { Mode::Production };
    let config = args.configuration()?;
    let tokens = TokenKey::new(config.secret(mode)?.as_bytes())?;
    let mut stop = StopSignals::listen()?;

    let server = Server::start(&config, mode, tokens.clone()).await?;
    server.readiness.set_ready();
    let addresses = &server.addresses;
    info!(http = %addresses.http, rtmp = %addresses.rtmp, ops = %addresses.ops, "Server is up.");
    say(args, addresses, &tokens, server.parts.clock)?;

    let sfu = server.parts.sfu.clone();
    let has_failed = tokio::select! {
        signal = stop.requested() => {
            info!(signal, "Server is stopping.");
            false
        }
        () = sfu.failed() => {
            error!("A media worker has panicked; the server stops rather than serve half dead.");
            true
        }
    };
    // The workers end with the last handle to them.
    drop(sfu);
    tokio::select! {
        () = server.stop() => info!("Server has stopped."),
        signal = stop.requested() => warn!(signal, "Server stops at once."),
    }
    // Whoever supervises the process sees the exit code and starts it anew.
    anyhow::ensure!(!has_failed, "a media worker has panicked");
    Ok(())
}

/// Everything that runs.
struct Server {
    addresses: Addresses,
    readiness: Readiness,
    parts: RoomParts,
    writer: WriterThread,
    pull: PullServer,
    /// Cancelled when nobody new is let in.
    closing: CancellationToken,
    /// Cancelled when operators are not answered any more.
    last: CancellationToken,
    listeners: TaskTracker,
    own_folder: Option<PathBuf>,
}

fn open_ledger(config: &Config, mode: Mode) -> anyhow::Result<(Ledger, WriterThread)> {
    let place = config.ledger.place(mode)?;
    let context = format!("cannot open the ledger {place}");
    Ledger::open(&LedgerConfig::at(place)).context(context)
}

fn subscribers(settings: &crate::config::Webhooks) -> anyhow::Result<Subscribers> {
    let endpoints = settings.endpoints.iter();
    Subscribers::new(endpoints.map(|endpoint| (endpoint.name.as_str(), &endpoint.events[..])))
        .context("webhooks.endpoints")
}

const fn duty(config: &Config) -> Duty {
    if config.program.bypass { Duty::MixOrPass } else { Duty::Mix }
}

/// Where the server listens, once it does.
struct Addresses {
    http: SocketAddr,
    rtmp: SocketAddr,
    ops: SocketAddr,
    media: Vec<SocketAddr>,
}

impl Server {
    async fn start(config: &Config, mode: Mode, tokens: TokenKey) -> anyhow::Result<Self> {
        let (closing, last) = (CancellationToken::new(), CancellationToken::new());
        let listeners = TaskTracker::new();
        let readiness = Readiness::default();

        // Operators first: they may ask whether the rest is up.
        let ops = Ops::install(readiness.clone())?;
        let (ops_listener, ops_address) = listen(config.ops.listen, "ops").await?;
        listeners.spawn(ops.serve(ops_listener, last.clone()));

        let (http_listener, http_address) = listen(config.http.listen, "http").await?;
        let (sfu, events) = Sfu::start(media_config(config)?).context("cannot start media")?;
        let media = sfu.candidates();
        let (switchboard, task) = Switchboard::new(events);
        listeners.spawn(task.run());

        let catalog = Arc::new(PullCatalog::new(switchboard.clone()));
        let pull = PullServer::start(config.rtmp.listen, catalog)
            .with_context(|| format!("cannot listen on {} (rtmp)", config.rtmp.listen))?;
        let rtmp_address = pull.local_addr();

        let (ledger, writer) = open_ledger(config, mode)?;
        let (runtime_dir, own_folder) = runtime_folder(config);
        let clock = RoomClock::start_not_before(moment(ledger.last_moment()));
        let films = Films::new(&config.program, &runtime_dir)?;
        let recordings = shelf(config, mode, &runtime_dir)?;
        let inspector = Inspector::start(&config.moderation, &tokens, clock, &listeners)?;
        let subscribers = subscribers(&config.webhooks)?;
        let desks = webhooks::desks(&config.webhooks, &tokens, &ledger, clock)?;
        let settings = config.room_settings()?;
        let hooks = Hooks::new(&config.hooks, &tokens, settings.gifts.clone(), clock)?;
        let parts = RoomParts {
            hooks,
            subscribers,
            clock,
            ledger,
            films,
            recordings,
            inspector,
            directory: Directory::new(),
            sfu,
            switchboard,
            settings,
            program: program_config(config, runtime_dir)?,
            cues: config.program.cues,
            duty: duty(config),
            max_video_kbps: config.program.max_video_kbps,
            composites: Composites::default(),
            linger: Duration::from_secs(config.program.linger_s),
            idle: Duration::from_secs(config.rooms.idle_s),
            draining: CancellationToken::new(),
            tasks: TaskTracker::new(),
            sessions: SessionNumbers::default(),
        };
        let lobby = Lobby::new(parts.clone(), config.rooms.max);
        let restored = lobby.restore().await.context("cannot read the ledger")?;
        info!(rooms = restored, "Ledger is open.");
        let keeping = keep_ledger(parts.ledger.clone(), parts.clock, config.ledger.keep_days);
        listeners.spawn(closing.clone().run_until_cancelled_owned(keeping));
        if let Some(shelf) = parts.recordings.clone() {
            listeners.spawn(closing.clone().run_until_cancelled_owned(shelf.keep()));
        }
        let lobby = Arc::new(lobby);
        let rtmp_base = format!("rtmp://{}/live", reachable(rtmp_address, config)?).into();
        let services = services(config, mode, &parts, (tokens, lobby, rtmp_base, closing.clone()))?;
        for desk in desks {
            listeners.spawn(closing.clone().run_until_cancelled_owned(desk.run()));
        }
        listeners.spawn(signaling::serve(http_listener, services));
        listeners.spawn(last.clone().run_until_cancelled_owned(measure(parts.sfu.clone())));

        let addresses =
            Addresses { http: http_address, rtmp: rtmp_address, ops: ops_address, media };
        Ok(Self { addresses, readiness, parts, writer, pull, closing, last, listeners, own_folder })
    }

    async fn stop(self) {
        // Nobody new.
        self.readiness.set_draining();
        // Rooms first: they tell their members, finish their mixers and then their targets.
        self.parts.draining.cancel();
        self.parts.tasks.close();
        if tokio::time::timeout(CLOSE_WITHIN, self.parts.tasks.wait()).await.is_err() {
            warn!(left = self.parts.tasks.len(), "Some tasks did not end in time.");
        }
        self.closing.cancel();
        self.pull.stop().await;
        self.last.cancel();
        // The media workers end with the last handle to them; the listeners hold the others.
        drop(self.parts);
        self.listeners.close();
        if tokio::time::timeout(CLOSE_WITHIN, self.listeners.wait()).await.is_err() {
            warn!(left = self.listeners.len(), "Some listeners did not end in time.");
        } else {
            // Nobody is left who could append.
            self.writer.join();
        }
        if let Some(folder) = self.own_folder {
            // What is left there is nobody's; the system clears the place by itself, too.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// What requests need of the rest.
fn services(
    config: &Config,
    mode: Mode,
    parts: &RoomParts,
    (tokens, lobby, rtmp_base, shutdown): (TokenKey, Arc<Lobby>, Arc<str>, CancellationToken),
) -> anyhow::Result<Services> {
    Ok(Services {
        tokens,
        clock: parts.clock,
        directory: parts.directory.clone(),
        lobby,
        sessions: parts.sessions.clone(),
        rtmp_base,
        gifts: parts.settings.gifts.clone(),
        ice_servers: config.ice_servers()?,
        other_server: config.other_server()?,
        hooks: parts.hooks.clone(),
        dead_letters: Arc::new(Dead { outbox: parts.ledger.outbox(), clock: parts.clock }),
        dev_tokens: mode == Mode::Dev,
        limits: Limits::default(),
        shutdown,
    })
}

async fn listen(address: SocketAddr, what: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} ({what})"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn media_config(config: &Config) -> anyhow::Result<sfu::Config> {
    Ok(sfu::Config {
        bind: config.media.bind.clone(),
        advertised: config.advertised()?.to_vec(),
        first_port: config.media.first_port,
        tcp: config.media.tcp,
        playout_delay: config.media.playout_delay(),
        workers: config.media.workers,
        ..sfu::Config::default()
    })
}

fn program_config(config: &Config, runtime_dir: PathBuf) -> anyhow::Result<ProgramConfig> {
    let wanted = &config.program;
    let mixer_bin = if wanted.mixer_bin.as_os_str().is_empty() {
        std::env::current_exe()?.with_file_name("lianmai-mixer")
    } else {
        wanted.mixer_bin.clone()
    };
    if !mixer_bin.is_file() {
        warn!(path = %mixer_bin.display(), "There is no mixer; rooms work, programs do not.");
    }
    let canvas = (wanted.width, wanted.height);
    let rendition = |name: &String| {
        Rendition::named(name, canvas).with_context(|| {
            format!(
                "program.renditions: {name:?} is not ld, sd or hd, or no smaller than the program"
            )
        })
    };
    let renditions = wanted.renditions.iter().map(rendition).collect::<anyhow::Result<Vec<_>>>()?;
    anyhow::ensure!(
        renditions.is_sorted_by(|a, b| a.height < b.height),
        "program.renditions: smallest first, each once"
    );
    let encoder = wanted.encoder.parse().context("program.encoder")?;
    if encoder != VideoEncoder::Auto && mixer_bin.is_file() {
        check_encoder(&mixer_bin, encoder)?;
    }
    Ok(ProgramConfig {
        canvas,
        fps: wanted.fps,
        images_dir: (!wanted.images_dir.as_os_str().is_empty()).then(|| wanted.images_dir.clone()),
        encoder,
        quality: Quality { video_kbps: wanted.video_kbps, renditions },
        memory_limit_bytes: wanted.memory_limit_mib << 20,
        // A room puts its own name here.
        ..ProgramConfig::portrait("", mixer_bin, runtime_dir)
    })
}

/// Asks the mixer whether it has the encoder that somebody chose: better now than in every program.
fn check_encoder(mixer_bin: &Path, encoder: VideoEncoder) -> anyhow::Result<()> {
    let output = std::process::Command::new(mixer_bin)
        .args(["--check-encoder", &encoder.to_string()])
        .output()
        .with_context(|| format!("asking {}", mixer_bin.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "program.encoder: {}", said.trim());
    Ok(())
}

/// Returns the folder for the mixers and, if it is this process's own, the same to be removed.
fn runtime_folder(config: &Config) -> (PathBuf, Option<PathBuf>) {
    if !config.program.runtime_dir.as_os_str().is_empty() {
        return (config.program.runtime_dir.clone(), None);
    }
    let base = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = base.join(format!("lianmai-{}", std::process::id()));
    (folder.clone(), Some(folder))
}

/// Returns where programs are recorded, if they may be.
fn shelf(config: &Config, mode: Mode, scratch: &Path) -> anyhow::Result<Option<Shelf>> {
    let settings = &config.recordings;
    let folder = match mode {
        _ if !settings.dir.as_os_str().is_empty() => settings.dir.clone(),
        Mode::Dev => scratch.join("recordings"),
        Mode::Production => return Ok(None),
    };
    let shelf = Shelf::open(folder, settings).context("recordings.dir")?;
    Ok(Some(shelf))
}

/// Returns where others reach `address`: a listener on every interface has no address of its own.
fn reachable(address: SocketAddr, config: &Config) -> anyhow::Result<SocketAddr> {
    let ip: IpAddr =
        if address.ip().is_unspecified() { config.advertised()?[0] } else { address.ip() };
    Ok(SocketAddr::new(ip, address.port()))
}

fn say(
    args: &Serve,
    addresses: &Addresses,
    tokens: &TokenKey,
    clock: RoomClock,
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if args.print_addresses {
        let line = json!({
            "http": addresses.http,
            "rtmp": addresses.rtmp,
            "ops": addresses.ops,
            "media": addresses.media,
        });
        writeln!(out, "{line}")?;
    } else if args.dev {
        write!(out, "{}", dev_welcome(addresses.http, addresses.rtmp, tokens, clock.now()))?;
    }
    out.flush()
}

/// Takes away what is old in the ledger, a little at a time.
async fn keep_ledger(ledger: Ledger, clock: RoomClock, keep_days: u32) {
    let mut ticks = tokio::time::interval(PRUNE_EVERY);
    loop {
        ticks.tick().await;
        let now = clock.now();
        let ended_before = before(now, DAY * keep_days);
        loop {
            match ledger.prune(ended_before, before(now, DAY)).await {
                Ok(pruned) if pruned == Pruned::default() => break,
                Ok(pruned) => info!(?pruned, "The ledger forgot what is old."),
                Err(error) => {
                    warn!(%error, "The ledger could not be pruned.");
                    break;
                }
            }
            tokio::time::sleep(PRUNE_PAUSE).await;
        }
    }
}

fn before(now: ServerTime, span: Duration) -> u64 {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    now.unix_millis().saturating_sub(millis)
}

/// Returns the first moment that was not told before a restart.
const fn moment(last: u64) -> ServerTime {
    ServerTime::from_unix_millis(last + 1)
}

/// Keeps the media side's gauges true.
async fn measure(sfu: Sfu) {
    let mut ticks = tokio::time::interval(MEASURE_EVERY);
    loop {
        ticks.tick().await;
        let stats = sfu.stats().await;
        for (gauge, count) in [
            ("sfu_peers", stats.peers),
            ("sfu_publishers", stats.publishers),
            ("sfu_viewers", stats.viewers),
            ("sfu_feeds", stats.feeds),
            ("sfu_taps", stats.taps),
        ] {
            // A count of connections is far below what a float holds exactly.
            #[allow(clippy::cast_precision_loss)]
            metrics::gauge!(gauge).set(count as f64);
        }
    }
}
