//! One run of a swarm: publish, let viewers in, measure, let them out, report.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::crowd::Crowd;
use super::dtls::Identity;
use super::engine::Shared;
use super::impairment::Impairment;
use super::janus::Janus;
use super::namespace;
use super::process::Usage;
use super::publisher::Publisher;
use super::report::{Cost, Joins, Moment, Percentiles, Report, Settled, Steady, Tester};
use super::servers::Running;
use super::table::table;
use super::target::{Lianmai, Target};
use crate::api::Server;
use crate::film;

/// How long the last viewers may take to get a picture before the measurement begins without them.
const JOIN_PATIENCE: Duration = Duration::from_secs(15);

/// Command line of `lianmai-load swarm`.
#[derive(Args)]
pub(crate) struct Options {
    /// Server to load. Janus is started for the run, in a network of its own, and ended after it.
    #[arg(long, value_enum, default_value_t = Kind::Lianmai)]
    target: Kind,
    #[command(flatten)]
    server: Server,
    /// Room to watch; with --publish it is created.
    #[arg(long, default_value = "load")]
    room: String,
    /// Feed to watch, as room/identity; without it the publisher of --publish, else the program.
    #[arg(long)]
    feed: Option<String>,
    /// Threads that carry Janus' subscribers; 0 is Janus' default, one thread each.
    #[arg(long, default_value_t = 0)]
    janus_event_loops: u32,
    /// What runs the servers that are started, e.g. "taskset -c 0".
    #[arg(long, default_value = "")]
    server_prefix: String,
    #[command(flatten)]
    load: Load,
    /// Write the result as JSON, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What is done to the server, whichever it is.
#[derive(Args, Clone)]
pub(crate) struct Load {
    /// Publish a clip of the media folder from this process; without a name a 720p film that is made once.
    #[arg(long, num_args = 0..=1, default_missing_value = "film", value_name = "CLIP")]
    pub(crate) publish: Option<String>,
    /// Folder of the clips.
    #[arg(long, default_value = "target/media")]
    pub(crate) media: PathBuf,
    /// Viewers that join at the measured pace.
    #[arg(long, default_value_t = 100)]
    pub(crate) viewers: usize,
    /// Viewers that are in and settled before the others come.
    #[arg(long, default_value_t = 0)]
    pub(crate) settled: usize,
    /// Joins a second.
    #[arg(long, default_value_t = 100.0, conflicts_with = "within")]
    pub(crate) join_rate: f64,
    /// All join within so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) within: Option<f64>,
    /// Viewers a second that leave while another one joins, during the measured seconds.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) churn: f64,
    /// Seconds between the last join and the measurement.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) settle: f64,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) seconds: f64,
    /// Percent of the arriving media that is dropped before it counts.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) loss: f64,
    /// Milliseconds by which arriving media is delayed.
    #[arg(long, default_value_t = 0)]
    pub(crate) delay: u64,
    /// Threads that carry viewers.
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
    /// Process of the server, whose CPU time and memory are measured.
    #[arg(long)]
    pub(crate) pid: Option<u32>,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            publish: None,
            media: PathBuf::from("target/media"),
            viewers: 100,
            settled: 0,
            join_rate: 100.0,
            within: None,
            churn: 0.0,
            settle: 2.0,
            seconds: 10.0,
            loss: 0.0,
            delay: 0,
            threads: 1,
            pid: None,
        }
    }
}

/// A server that can be loaded.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// `lianmai serve` at --url.
    Lianmai,
    /// Debian's Janus with one video room.
    Janus,
}

/// Runs and prints a table.
#[expect(clippy::print_stdout, reason = "the table is this program's output")]
pub(crate) async fn run(options: Options) -> Result<()> {
    let mut load = options.load.clone();
    let report = match options.target {
        Kind::Lianmai => measure(&load, lianmai(&options)).await?,
        Kind::Janus => {
            namespace::enter()?;
            let running = Running::janus(&options.server_prefix, options.janus_event_loops).await?;
            load.pid = Some(running.pid());
            load.publish.get_or_insert_with(|| film::NAME.to_owned());
            measure(&load, Target::Janus(Janus::open(running.url.as_str()).await?)).await?
        }
    };
    print!("{}", table(&report));
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&report)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Returns the room of `lianmai serve` that the options mean.
fn lianmai(options: &Options) -> Target {
    let published = options.load.publish.as_ref().map(|_| Lianmai::feed_of(&options.room));
    let feed = options.feed.clone().or(published);
    Target::Lianmai(Lianmai::new(options.server.clone(), options.room.clone(), feed))
}

/// Loads `target` as the options say.
pub(crate) async fn measure(options: &Load, target: Target) -> Result<Report> {
    raise_descriptor_limit();
    let publisher = match &options.publish {
        Some(clip) => Some(Publisher::start(&target, &options.media, clip).await?),
        None => None,
    };
    if publisher.is_some() {
        // The server must have seen a keyframe and settled, or the first viewers measure that.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let shared = Shared {
        identity: Arc::new(Identity::generate()?),
        stamps: publisher.as_ref().map(|publisher| Arc::clone(publisher.stamps())),
        impairment: Impairment {
            loss: options.loss / 100.0,
            delay: Duration::from_millis(options.delay),
        },
    };
    let name = target.name();
    let crowd = Crowd::new(target, &shared, options.threads)?;
    let run = Run { options, target: name, crowd, publisher };
    let report = tokio::select! {
        report = run.measure() => report,
        stop = tokio::signal::ctrl_c() => stop.map_err(Into::into).and(Err(anyhow::anyhow!("stopped"))),
    };
    run.crowd.leave_all().await;
    if let Some(publisher) = run.publisher {
        publisher.stop().await;
    }
    report
}

struct Run<'a> {
    options: &'a Load,
    target: &'static str,
    crowd: Crowd,
    publisher: Option<Publisher>,
}

impl Run<'_> {
    async fn measure(&self) -> Result<Report> {
        let Load { settled, viewers, settle, .. } = *self.options;
        let idle = self.server_usage()?;
        if settled > 0 {
            self.join(0..settled, Duration::from_secs_f64(settled as f64 / 100.0)).await?;
            tokio::time::sleep(Duration::from_secs_f64(settle)).await;
        }
        self.crowd.mark();
        let before_joins = self.crowd.look().await;
        let settled_requests = self.crowd.requests();
        self.join(settled..settled + viewers, self.within()).await?;
        tokio::time::sleep(Duration::from_secs_f64(settle)).await;
        let after_joins = self.crowd.look().await;

        let (before, after, left) = self.watch().await?;
        self.ensure_on_air()?;

        let mut requests = self.crowd.requests();
        requests.answers.drain(..settled_requests.answers.len());
        requests.refused -= settled_requests.refused;
        requests.busy -= settled_requests.busy;
        let steady = Steady::new(&before, &after, self.crowd.len(), left);
        let cost = |idle, before, after| Cost::new(&idle, &before, &after, &steady);
        let server = idle.zip(before.server).zip(after.server);
        let tester = after.tester.cpu.saturating_sub(before.tester.cpu).as_secs_f64();
        let latencies = after.snapshot.latencies.iter().map(|us| f64::from(*us) / 1_000.0);
        Ok(Report {
            target: self.target,
            viewers: settled + viewers,
            joins: Joins::new(&after.snapshot, settled, &requests),
            settled: (settled > 0).then(|| Settled::new(&before_joins, &after_joins, settled)),
            latency_ms: Percentiles::of(latencies.collect()),
            server: server.map(|((idle, before), after)| cost(idle, before, after)),
            tester: Tester { cpu_s: tester, cores: tester / steady.seconds },
            steady,
        })
    }

    /// Lets viewers in and waits until they have a picture.
    async fn join(&self, numbers: std::ops::Range<usize>, within: Duration) -> Result<()> {
        let everybody = numbers.end;
        let bar = bar(everybody as u64, "joining  {bar:40} {pos}/{len} watching {msg}");
        let joining = self.crowd.join(numbers, within);
        tokio::pin!(joining);
        let mut joined_at = None;
        loop {
            let tick = tokio::time::sleep(Duration::from_millis(100));
            tokio::select! {
                joined = &mut joining, if joined_at.is_none() => {
                    joined?;
                    joined_at = Some(Instant::now());
                }
                () = tick => {}
            }
            let (watching, failed) = self.crowd.progress();
            bar.set_position(watching as u64);
            if let Some(at) = joined_at {
                // Those who were turned down will not come.
                let expected = everybody - self.crowd.requests().refused - failed;
                if watching >= expected || at.elapsed() >= JOIN_PATIENCE {
                    break;
                }
            }
        }
        bar.finish_and_clear();
        self.ensure_on_air()
    }

    /// Watches for the measured seconds; with churn, viewers leave and others come.
    async fn watch(&self) -> Result<(Moment, Moment, usize)> {
        let Load { seconds, churn, settled, viewers, .. } = *self.options;
        let bar = bar(seconds as u64, "watching {bar:40} {pos}/{len} s {msg}");
        self.crowd.mark();
        let before = self.moment().await?;
        let (mut left, mut packets) = (0, self.crowd.packets());
        let mut next_second = before.at + Duration::from_secs(1);
        while before.at.elapsed().as_secs_f64() < seconds {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let due = (before.at.elapsed().as_secs_f64() * churn) as usize;
            while left < due
                && let Some(number) = self.crowd.anybody()
            {
                self.crowd.leave(number).await;
                let newcomer = settled + viewers + left;
                self.crowd.join(newcomer..newcomer + 1, Duration::ZERO).await?;
                left += 1;
            }
            if Instant::now() >= next_second {
                next_second += Duration::from_secs(1);
                let now = self.crowd.packets();
                bar.inc(1);
                bar.set_message(format!("{} packets/s", now - packets));
                packets = now;
            }
        }
        let after = self.moment().await?;
        bar.finish_and_clear();
        Ok((before, after, left))
    }

    async fn moment(&self) -> Result<Moment> {
        Ok(Moment {
            snapshot: self.crowd.look().await,
            at: Instant::now(),
            published: self.publisher.as_ref().map(|publisher| publisher.stamps().packets()),
            server: self.server_usage()?,
            tester: Usage::of(std::process::id())?,
        })
    }

    fn server_usage(&self) -> Result<Option<Usage>> {
        self.options.pid.map(Usage::of).transpose()
    }

    fn within(&self) -> Duration {
        let rate = self.options.join_rate.max(0.1);
        let seconds = self.options.within.unwrap_or(self.options.viewers as f64 / rate);
        Duration::from_secs_f64(seconds)
    }

    fn ensure_on_air(&self) -> Result<()> {
        let is_on_air = self.publisher.as_ref().is_none_or(Publisher::is_on_air);
        ensure!(is_on_air, "the publisher lost its connection");
        Ok(())
    }
}

/// Makes a bar that is only drawn on a terminal.
fn bar(len: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    ProgressBar::new(len).with_style(style)
}

/// Each viewer has a socket.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "The limit of open files stays as it is.");
    }
}
