//! Which films may be played into programs, and where they are. Those of the operator's folder are
//! there already. Those of the operator's list of hosts are fetched here, whole and within limits,
//! before a mixer sees them: so no mixer ever opens a connection, no answer leads it elsewhere, and a
//! slow host stops no picture.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use media_rules::ClipName;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use signaling::Refused;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tracing::info;
use url::Url;
use wire_format::{Code, FilmSource};

use crate::config;

/// A film that is not here by then is not waited for.
const FETCH_WITHIN: Duration = Duration::from_secs(60);

/// How long a host may take to answer at all.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Of a folder no more names than these are told.
const MOST_NAMES: usize = 200;

/// So many films are fetched at once, for all rooms; others wait.
const MOST_FETCHES: usize = 8;

/// How often a host may send us on, each time to a host of the list.
const MOST_REDIRECTS: usize = 3;

/// What may be played; clones are handles to the same.
#[derive(Clone, Debug)]
pub struct Films(Arc<Allowed>);

#[derive(Debug)]
struct Allowed {
    folder: Option<PathBuf>,
    /// As `host` or `host:port`, in small letters.
    hosts: Vec<String>,
    max_bytes: u64,
    longest: Duration,
    /// Where fetched films are kept while they are needed.
    fetched: PathBuf,
    numbers: AtomicU64,
    /// Full: a fetch waits; the room gives it up when that takes too long.
    fetches: Semaphore,
    client: reqwest::Client,
}

/// A film that may be played.
#[derive(Clone, Debug)]
pub(crate) enum Film {
    /// It is here.
    Here(LocalFilm),
    /// It is still to be fetched.
    There(Url),
}

/// A film on this machine. One that was fetched is removed with the last handle to it.
#[derive(Clone, Debug)]
pub(crate) struct LocalFilm(Arc<OnDisk>);

#[derive(Debug)]
struct OnDisk {
    path: PathBuf,
    is_ours: bool,
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        if self.is_ours {
            // What is left there goes with the folder.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl LocalFilm {
    /// Makes one that is nowhere.
    #[cfg(test)]
    pub(crate) fn for_tests(path: &str) -> Self {
        Self(Arc::new(OnDisk { path: path.into(), is_ours: false }))
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }
}

impl Films {
    /// Reads what the operator allows; fetched films go to a folder in `runtime_dir`.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(settings: &config::Program, runtime_dir: &Path) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_WITHIN)
            .timeout(FETCH_WITHIN)
            .build()
            .context("cannot set up a client for films")?;
        let folder = &settings.inserts_dir;
        Ok(Self(Arc::new(Allowed {
            folder: (!folder.as_os_str().is_empty()).then(|| folder.clone()),
            hosts: settings.insert_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            max_bytes: settings.insert_max_mb.saturating_mul(1 << 20),
            longest: Duration::from_secs(settings.insert_max_s),
            fetched: runtime_dir.join("films"),
            numbers: AtomicU64::new(0),
            fetches: Semaphore::new(MOST_FETCHES),
            client,
        })))
    }

    /// Returns how long a film may be.
    pub(crate) fn longest(&self) -> Duration {
        self.0.longest
    }

    /// Returns the films of the folder.
    pub(crate) fn names(&self) -> Vec<String> {
        let is_film = |name: &str| ClipName::parse(name).is_some();
        self.0.folder.as_deref().map_or_else(Vec::new, |folder| names_in(folder, is_film))
    }

    /// Says whether a film may be played.
    ///
    /// # Errors
    /// `BAD_REQUEST` if not, or if it is not there.
    pub(crate) fn admit(&self, source: &FilmSource) -> Result<Film, Refused> {
        match source {
            FilmSource::File(name) => {
                // A look at a local folder, and only for who directs a room.
                let path = self.0.folder.as_ref().map(|folder| folder.join(name.as_str()));
                let file = path.and_then(|path| Some((std::fs::metadata(&path).ok()?, path)));
                match file {
                    Some((about, _)) if about.is_file() && about.len() > self.0.max_bytes => {
                        Err(Refused::new(Code::BadRequest, "this film is too large"))
                    }
                    Some((about, path)) if about.is_file() => {
                        Ok(Film::Here(LocalFilm(Arc::new(OnDisk { path, is_ours: false }))))
                    }
                    Some(_) | None => {
                        let message = format!("there is no film {}", name.as_str());
                        Err(Refused::new(Code::BadRequest, message))
                    }
                }
            }
            FilmSource::Uri(uri) => {
                let url = Url::parse(uri).ok().filter(|url| self.0.allows(url));
                let no = || Refused::new(Code::BadRequest, "films may not come from there");
                url.map(Film::There).ok_or_else(no)
            }
        }
    }

    /// Fetches a film.
    ///
    /// # Errors
    /// What went wrong, for whoever asked for it.
    pub(crate) async fn fetch(&self, url: Url) -> Result<LocalFilm, String> {
        let _turn = self.0.fetches.acquire().await.expect("nobody closes it");
        let fetched = self.fetch_from(url).await;
        let outcome = if fetched.is_ok() { "ok" } else { "failed" };
        metrics::counter!("server_films_fetched_total", "outcome" => outcome).increment(1);
        fetched.map_err(|error| format!("{error:#}"))
    }

    async fn fetch_from(&self, mut url: Url) -> anyhow::Result<LocalFilm> {
        for _ in 0..=MOST_REDIRECTS {
            anyhow::ensure!(self.0.allows(&url), "films may not come from where this one leads");
            // An error of the client may name the whole address, with what signs it.
            let answer = self.0.client.get(url.clone()).send().await;
            let answer = answer.map_err(reqwest::Error::without_url)?;
            if answer.status().is_redirection() {
                let next = answer.headers().get(LOCATION).and_then(|next| next.to_str().ok());
                url = url.join(next.context("it leads nowhere")?).context("it leads nowhere")?;
                continue;
            }
            anyhow::ensure!(answer.status().is_success(), "it is answered {}", answer.status());
            return self.save(answer).await;
        }
        anyhow::bail!("it leads on and on")
    }

    async fn save(&self, mut answer: reqwest::Response) -> anyhow::Result<LocalFilm> {
        let limit = self.0.max_bytes;
        let is_small = answer.content_length().is_none_or(|length| length <= limit);
        anyhow::ensure!(is_small, "it is too large");
        tokio::fs::create_dir_all(&self.0.fetched).await.context("no place to keep it")?;
        let number = self.0.numbers.fetch_add(1, Ordering::Relaxed);
        let path = self.0.fetched.join(format!("{}-{number}", std::process::id()));
        let film = LocalFilm(Arc::new(OnDisk { path, is_ours: true }));
        let mut file = File::create(film.path()).await.context("no place to keep it")?;
        let mut length = 0;
        while let Some(part) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            length += part.len() as u64;
            // What it said about its length may be wrong, or nothing.
            anyhow::ensure!(length <= limit, "it is too large");
            file.write_all(&part).await.context("no place to keep it")?;
        }
        file.flush().await.context("no place to keep it")?;
        info!(bytes = length, "A film was fetched.");
        Ok(film)
    }
}

impl Allowed {
    fn allows(&self, url: &Url) -> bool {
        let is_web = matches!(url.scheme(), "http" | "https");
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        let Some(host) = url.host_str().map(str::to_ascii_lowercase) else { return false };
        // A port that is not the scheme's own must be named in the list.
        let place = url.port().map_or(host.clone(), |port| format!("{host}:{port}"));
        is_web && is_anonymous && self.hosts.contains(&place)
    }
}

/// Returns the files of a folder whose names are good, in order; a look at a local folder, and only for
/// who directs a room.
pub(crate) fn names_in(folder: &Path, is_good: impl Fn(&str) -> bool) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| is_good(name)).take(MOST_NAMES).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    fn films(folder: &Path, hosts: &[&str]) -> Films {
        let settings = config::Program {
            inserts_dir: folder.to_owned(),
            insert_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            insert_max_mb: 1,
            ..config::Program::default()
        };
        Films::new(&settings, folder).unwrap()
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("lianmai-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// A host that gives one answer, whatever it is asked.
    async fn host(answer: impl Into<Vec<u8>>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answer = answer.into();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 2_048]).await;
                    let _ = stream.write_all(&answer).await;
                });
            }
        });
        address
    }

    #[test]
    fn only_hosts_of_the_list_may_be_asked() {
        let films = films(&folder("hosts"), &["cdn.example", "127.0.0.1:9000"]);
        let admit = |uri: &str| films.admit(&FilmSource::Uri(uri.to_owned())).is_ok();
        assert!(admit("https://cdn.example/a.mp4?sig=1"));
        assert!(admit("http://CDN.example/a.mp4"));
        assert!(admit("http://127.0.0.1:9000/a.mp4"));
        for uri in [
            "https://cdn.example.evil.example/a.mp4",
            "https://evil.example/cdn.example",
            "https://cdn.example@evil.example/a.mp4",
            "https://user:pass@cdn.example/a.mp4",
            "https://cdn.example:8443/a.mp4",
            "http://127.0.0.1/a.mp4",
            "http://127.0.0.1:9001/a.mp4",
            "http://[::1]:9000/a.mp4",
            "http:///a.mp4",
        ] {
            assert!(!admit(uri), "{uri}");
        }
    }

    #[test]
    fn a_film_of_the_folder_must_be_there_and_small_enough() {
        let folder = folder("files");
        let film = |name| FilmSource::File(ClipName::parse(name).unwrap());
        std::fs::write(folder.join("ad.mp4"), b"film").unwrap();
        std::fs::write(folder.join("big.mp4"), vec![0; (1 << 20) + 1]).unwrap();
        std::fs::create_dir_all(folder.join("folder.mp4")).unwrap();
        let films = films(&folder, &[]);
        assert!(matches!(films.admit(&film("ad.mp4")), Ok(Film::Here(_))));
        for name in ["big.mp4", "none.mp4", "folder.mp4"] {
            assert_eq!(films.admit(&film(name)).unwrap_err().code, Code::BadRequest, "{name}");
        }
        assert!(folder.join("ad.mp4").exists(), "the operator's own is not removed");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_film_is_fetched_whole_and_removed_when_nobody_needs_it() {
        let folder = folder("fetch");
        let host = host("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfilm").await;
        let films = films(&folder, &[&host]);
        let film = films.fetch(format!("http://{host}/a.mp4").parse().unwrap()).await.unwrap();
        let path = film.path().to_owned();
        assert_eq!(std::fs::read(&path).unwrap(), b"film");
        drop(film);
        assert!(!path.exists());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn only_so_many_films_are_fetched_at_once() {
        let folder = folder("at-once");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (asked, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let seen = Arc::clone(&most);
        tokio::spawn(async move {
            // Nobody is answered before as many ask as may.
            let together = Arc::new(tokio::sync::Barrier::new(MOST_FETCHES));
            while let Ok((mut stream, _)) = listener.accept().await {
                let (asked, seen) = (Arc::clone(&asked), Arc::clone(&seen));
                let together = Arc::clone(&together);
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 2_048]).await;
                    seen.fetch_max(asked.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    together.wait().await;
                    asked.fetch_sub(1, Ordering::SeqCst);
                    let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nfilm";
                    let _ = stream.write_all(answer).await;
                });
            }
        });
        let films = films(&folder, &[&host]);
        let url: Url = format!("http://{host}/a.mp4").parse().unwrap();
        let fetches = (0..3 * MOST_FETCHES).map(|_| {
            let (films, url) = (films.clone(), url.clone());
            tokio::spawn(async move { films.fetch(url).await.is_ok() })
        });
        for fetch in fetches.collect::<Vec<_>>() {
            assert!(fetch.await.unwrap());
        }
        assert_eq!(most.load(Ordering::SeqCst), MOST_FETCHES as u64);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn whoever_leads_elsewhere_says_too_little_or_sends_too_much_is_not_followed() {
        let folder = folder("refused");
        let secret = host("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret").await;
        let away = format!("HTTP/1.1 302 Found\r\nlocation: http://{secret}/\r\n\r\n");
        let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![7; (1 << 20) + 9]].concat();
        let declared = "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n".as_bytes().to_vec();
        let missing = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec();
        for (answer, told) in [
            (away.into_bytes(), "may not come"),
            (endless, "too large"),
            (declared, "too large"),
            (missing, "404"),
        ] {
            let host = host(answer).await;
            let films = films(&folder, &[&host]);
            let url = format!("http://{host}/a.mp4?sig=abc").parse().unwrap();
            let error = films.fetch(url).await.unwrap_err();
            assert!(error.contains(told) && !error.contains("sig="), "{error}");
        }
        let left = std::fs::read_dir(folder.join("films")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "nothing is left behind");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
