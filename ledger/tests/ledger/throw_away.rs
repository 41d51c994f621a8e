//! A PostgreSQL server of the tests' own: in a temporary folder, on a socket there and on loopback.
//! It ends with the test binary, however that ends: a shell holds the other end of a pipe, and stops
//! the server when the pipe closes.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, NoTls};

/// PostgreSQL refuses to run as root; nobody will do.
const NOBODY: u32 = 65_534;
/// Makes a server, says so, and stops it when its input ends.
const SCRIPT: &str = include_str!("../../../scripts/throw-away-postgres.sh");

static SERVER: OnceLock<Server> = OnceLock::new();
static MADE: AtomicU32 = AtomicU32::new(0);

/// The server that all tests share.
pub(crate) struct Server {
    folder: PathBuf,
    port: u16,
    password: String,
    /// Its input is the pipe.
    _shell: Child,
}

/// Makes a data base; returns its name.
pub(crate) fn data_base() -> String {
    let name = format!("test{}", MADE.fetch_add(1, Ordering::Relaxed));
    let mut admin = Client::connect(&server().url("postgres"), NoTls).unwrap();
    admin.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    name
}

/// Returns the server, which is started if it was not.
pub(crate) fn server() -> &'static Server {
    SERVER.get_or_init(Server::start)
}

impl Server {
    /// Returns the way to a data base by the server's socket.
    pub(crate) fn url(&self, name: &str) -> String {
        self.url_in(&self.folder, name)
    }

    /// Returns the way to a data base by a socket in another folder.
    pub(crate) fn url_in(&self, folder: &std::path::Path, name: &str) -> String {
        format!("host={} port={} user=lianmai dbname={name}", folder.display(), self.port)
    }

    /// Returns the way to a data base by loopback; what more is to be said of it follows.
    pub(crate) fn url_by_tcp(&self, host: &str, name: &str) -> String {
        format!("postgres://lianmai:{}@{host}:{}/{name}", self.password, self.port)
    }

    /// Returns the name of the server's socket in its folder.
    pub(crate) fn socket(&self) -> String {
        format!(".s.PGSQL.{}", self.port)
    }

    pub(crate) const fn folder(&self) -> &PathBuf {
        &self.folder
    }

    /// Returns the server's certificate, which nobody signed but itself.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("server.crt")
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("lianmai-pg-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let password = format!("{:032x}", fastrand::u128(..));
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT]).env("FOLDER", &folder);
        shell.env("PORT", port.to_string()).env("PASSWORD", &password);
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
        Self { folder, port, password, _shell: shell }
    }
}

/// Returns a port that is free, and below those that connections take by themselves meanwhile.
fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(|| fastrand::u16(20_000..32_000)).find(is_free).expect("it is endless")
}
