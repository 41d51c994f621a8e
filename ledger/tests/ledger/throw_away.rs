//! A PostgreSQL server of the tests' own: in a temporary folder, on a socket there and nowhere else,
//! with fsync as in earnest. It ends with the test binary, however that ends: a shell holds the other
//! end of a pipe, and stops the server when the pipe closes.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, NoTls};

/// PostgreSQL refuses to run as root; nobody will do.
const NOBODY: u32 = 65_534;

/// Makes a server, says so, and stops it when its input ends.
const SCRIPT: &str = r#"
  trap '' INT TERM HUP
  cd "$FOLDER" || exit 1
  initdb --pgdata=data --username=lianmai --auth=trust --encoding=UTF8 --locale=C --no-sync \
    >log 2>&1 </dev/null || { cat log >&2; exit 1; }
  pg_ctl start --pgdata=data --log=log --wait --timeout=30 >>log 2>&1 </dev/null --options="\
    -c listen_addresses= -c unix_socket_directories=$FOLDER -c unix_socket_permissions=0700 \
    -c fsync=on -c shared_buffers=16MB" || { cat log >&2; exit 1; }
  echo ready
  cat >/dev/null
  pg_ctl stop --pgdata=data --mode=immediate --wait --timeout=30 >/dev/null 2>&1 </dev/null
  cd / && rm -rf "$FOLDER"
"#;

static SERVER: OnceLock<Server> = OnceLock::new();
static MADE: AtomicU32 = AtomicU32::new(0);

struct Server {
    folder: PathBuf,
    /// Its input is the pipe.
    _shell: Child,
}

/// Makes a data base; returns its URL.
pub(crate) fn data_base() -> String {
    let folder = &SERVER.get_or_init(Server::start).folder;
    let name = format!("test{}", MADE.fetch_add(1, Ordering::Relaxed));
    run_as_admin(folder, &format!("CREATE DATABASE {name}"));
    url(folder, &name)
}

/// Returns the folder of the server's socket.
pub(crate) fn folder() -> &'static Path {
    &SERVER.get().expect("a data base was made").folder
}

fn run_as_admin(folder: &Path, sql: &str) {
    Client::connect(&url(folder, "postgres"), NoTls).unwrap().batch_execute(sql).unwrap();
}

fn url(folder: &Path, name: &str) -> String {
    format!("host={} user=lianmai dbname={name}", folder.display())
}

impl Server {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("lianmai-pg-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT]).env("FOLDER", &folder).env("PATH", path());
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
            shell.uid(NOBODY).gid(NOBODY);
        }
        let mut shell =
            shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("there is a shell");
        let mut line = String::new();
        let said = shell.stdout.take().expect("it was asked for");
        BufReader::new(said).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "PostgreSQL does not start; `make setup-test` installs it");
        Self { folder, _shell: shell }
    }
}

/// Debian keeps the programs of every version apart and off the path.
fn path() -> String {
    let mut folders: Vec<String> = std::env::var("PATH").into_iter().collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let version = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.ok()?.file_name().to_str()?.parse::<u32>().ok()
        };
        if let Some(newest) = versions.filter_map(version).max() {
            folders.insert(0, format!("/usr/lib/postgresql/{newest}/bin"));
        }
    }
    folders.join(":")
}
