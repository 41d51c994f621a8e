//! A socket before the server's, on which a test can cut what passes.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What a server says when a transaction is durable.
const COMMITTED: &[u8] = b"COMMIT\0";

/// Passes on what a ledger and its server say.
pub(crate) struct Proxy {
    folder: PathBuf,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cuts_commit: AtomicBool,
    is_away: AtomicBool,
    cuts: AtomicU32,
}

impl Proxy {
    /// Listens in `folder` for whoever looks for the server in `server`.
    pub(crate) fn start(folder: PathBuf, server: &Path) -> Self {
        const SOCKET: &str = ".s.PGSQL.5432";
        std::fs::create_dir_all(&folder).unwrap();
        let listener = UnixListener::bind(folder.join(SOCKET)).unwrap();
        let (server, shared) = (server.join(SOCKET), Arc::new(Shared::default()));
        let its = Arc::clone(&shared);
        // It ends with the process.
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if its.is_away.load(Ordering::SeqCst) {
                    continue;
                }
                let far = UnixStream::connect(&server).unwrap();
                its.pass(&near, &far);
            }
        });
        Self { folder, shared }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Cuts the connection in which the next transaction is committed, before anybody hears of it.
    pub(crate) fn cut_next_commit(&self) {
        self.shared.cuts_commit.store(true, Ordering::SeqCst);
    }

    /// Cuts every connection from now on at its first word, or lets them through again.
    pub(crate) fn go_away(&self, is_away: bool) {
        self.shared.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Returns how often it cut a connection that was open.
    pub(crate) fn cuts(&self) -> u32 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Shared {
    fn pass(self: &Arc<Self>, near: &UnixStream, far: &UnixStream) {
        for (mut from, mut to, is_from_server) in [
            (near.try_clone().unwrap(), far.try_clone().unwrap(), false),
            (far.try_clone().unwrap(), near.try_clone().unwrap(), true),
        ] {
            let shared = Arc::clone(self);
            std::thread::spawn(move || {
                let mut bytes = [0; 65_536];
                while let Ok(count @ 1..) = from.read(&mut bytes) {
                    let said = &bytes[..count];
                    if shared.is_to_cut(said, is_from_server) {
                        shared.cuts.fetch_add(1, Ordering::SeqCst);
                        break;
                    }
                    if to.write_all(said).is_err() {
                        break;
                    }
                }
                let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            });
        }
    }

    fn is_to_cut(&self, said: &[u8], is_from_server: bool) -> bool {
        let commits = said.windows(COMMITTED.len()).any(|bytes| bytes == COMMITTED);
        self.is_away.load(Ordering::SeqCst)
            || (is_from_server && commits && self.cuts_commit.swap(false, Ordering::SeqCst))
    }
}
