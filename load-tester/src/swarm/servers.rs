//! Starts a server for one measurement, on loopback and free ports, and ends it again: `lianmai serve`
//! from beside this program, and Janus as Debian packages it with a configuration of its own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use url::Url;

use super::janus::ROOM;
use super::namespace::ADDRESS;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(10);
/// How long it may take to end before it is killed.
const END: Duration = Duration::from_secs(5);

/// A server process. Dropping it ends it.
pub(crate) struct Running {
    child: Child,
    folder: Option<PathBuf>,
    /// Where it answers.
    pub(crate) url: Url,
}

impl Running {
    /// Starts `lianmai serve --dev` from the folder of this program.
    pub(crate) fn lianmai(prefix: &str) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("lianmai");
        let mut child = command(prefix, &program)
            .args(["serve", "--dev", "--print-addresses", "--media-port", "0"])
            .args(["--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--ops", "127.0.0.1:0"])
            .env("LIANMAI_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line)?;
        let addresses: Value = serde_json::from_str(&line).context("lianmai did not start")?;
        let http = addresses["http"].as_str().context("no HTTP address")?;
        Ok(Self { child, folder: None, url: format!("http://{http}").parse()? })
    }

    /// Starts Janus with one H.264 video room without a bitrate cap. It is a lite agent, as we are.
    /// `event_loops` is how many threads carry the subscribers; 0 is Janus' default, one thread each.
    pub(crate) async fn janus(prefix: &str, event_loops: u32) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder =
            std::env::temp_dir().join(format!("lianmai-janus-{}-{port}", std::process::id()));
        configure(&folder, port, event_loops)?;
        let child = command(prefix, Path::new("janus"))
            .arg("--configs-folder")
            .arg(&folder)
            .arg("--config")
            .arg(folder.join("janus.jcfg"))
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(folder.join("log"))?)
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start janus; `scripts/setup.sh bench` installs it")?;
        let url: Url = format!("http://127.0.0.1:{port}/janus").parse()?;
        let mut running = Self { child, folder: Some(folder), url };
        running.wait_until_it_answers().await?;
        Ok(running)
    }

    /// Returns the process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    async fn wait_until_it_answers(&mut self) -> Result<()> {
        let began = Instant::now();
        let info = format!("{}/info", self.url);
        while began.elapsed() < START {
            ensure!(self.child.try_wait()?.is_none(), "the server ended at once");
            if reqwest::get(&info).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the server does not answer at {}", self.url)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id())
            && let Some(pid) = Pid::from_raw(pid)
        {
            let _ = kill_process(pid, Signal::TERM);
        }
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if began.elapsed() > END {
                let _ = self.child.kill();
                let _ = self.child.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Returns what runs `program`, by way of the words of `prefix` if there are any.
fn command(prefix: &str, program: &Path) -> Command {
    let mut words = prefix.split_whitespace();
    let Some(first) = words.next() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(words).arg(program);
    command
}

fn configure(folder: &Path, port: u16, event_loops: u32) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let write = |name: &str, text: String| {
        let file = folder.join(name);
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    };
    let loops =
        if event_loops == 0 { String::new() } else { format!("event_loops = {event_loops}") };
    let other_plugins = [
        "audiobridge",
        "duktape",
        "echotest",
        "lua",
        "nosip",
        "recordplay",
        "sip",
        "streaming",
        "textroom",
        "videocall",
        "voicemail",
    ];
    let other_transports = ["websockets", "pfunix", "mqtt", "nanomsg", "rabbitmq"];
    write(
        "janus.jcfg",
        format!(
            "general: {{ configs_folder = \"{}\" debug_level = 2 {loops} }}\n\
         media: {{ ipv6 = false }}\n\
         nat: {{ nice_debug = false ice_lite = true ice_enforce_list = \"{}\" }}\n\
         plugins: {{ disable = \"{}\" }}\n\
         transports: {{ disable = \"{}\" }}\n\
         events: {{ broadcast = false }}\n",
            folder.display(),
            ADDRESS,
            libraries(&other_plugins),
            libraries(&other_transports),
        ),
    )?;
    write(
        "janus.transport.http.jcfg",
        format!(
            "general: {{ json = \"compact\" base_path = \"/janus\" http = true port = {port} \
         ip = \"127.0.0.1\" https = false }}\n\
         admin: {{ admin_http = false admin_https = false }}\n",
        ),
    )?;
    write(
        "janus.plugin.videoroom.jcfg",
        format!(
            "room-{ROOM}: {{ description = \"load\" publishers = 1 bitrate = 0 fir_freq = 0 \
         audiocodec = \"opus\" videocodec = \"h264\" record = false }}\n",
        ),
    )
}

fn libraries(names: &[&str]) -> String {
    let files: Vec<String> = names.iter().map(|name| format!("libjanus_{name}.so")).collect();
    files.join(",")
}
