//! A socket before the server's, on which a test can cut what passes, or have it go silent.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// What a ledger says to begin a transaction.
pub(crate) const BEGINS: &[u8] = b"BEGIN ISOLATION";
/// What a ledger says to commit one, and what a server says when it is durable.
pub(crate) const COMMIT: &[u8] = b"COMMIT\0";

/// Passes on what a ledger and its server say.
pub(crate) struct Proxy {
    folder: PathBuf,
    shared: Arc<Shared>,
}

/// Something to be done when something is said, in its place.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Break {
    pub(crate) says: &'static [u8],
    pub(crate) who: Who,
    pub(crate) how: How,
}

#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Who {
    Ledger,
    Server,
}

#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum How {
    /// The connection ends.
    Cut,
    /// Nothing passes any more, and the server does not hear of its end either.
    Hang,
}

#[derive(Default)]
struct Shared {
    next: Mutex<Option<Break>>,
    is_away: AtomicBool,
    breaks: AtomicU32,
}

impl Proxy {
    /// Listens in `folder` for whoever looks for the server's `socket` in `server`.
    pub(crate) fn start(folder: PathBuf, server: &Path, socket: &str) -> Self {
        std::fs::create_dir_all(&folder).unwrap();
        let listener = UnixListener::bind(folder.join(socket)).unwrap();
        let (server, shared) = (server.join(socket), Arc::new(Shared::default()));
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

    /// Breaks the connection on which something is said next.
    pub(crate) fn break_when(&self, says: &'static [u8], who: Who, how: How) {
        *self.shared.next.lock().unwrap() = Some(Break { says, who, how });
    }

    /// Cuts every connection from now on at its first word, or lets them through again.
    pub(crate) fn go_away(&self, is_away: bool) {
        self.shared.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Returns how often it broke a connection that was open.
    pub(crate) fn breaks(&self) -> u32 {
        self.shared.breaks.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Shared {
    fn pass(self: &Arc<Self>, near: &UnixStream, far: &UnixStream) {
        let is_hung = Arc::new(AtomicBool::new(false));
        for (mut from, mut to, who) in [
            (near.try_clone().unwrap(), far.try_clone().unwrap(), Who::Ledger),
            (far.try_clone().unwrap(), near.try_clone().unwrap(), Who::Server),
        ] {
            let (shared, is_hung) = (Arc::clone(self), Arc::clone(&is_hung));
            std::thread::spawn(move || {
                let mut bytes = [0; 65_536];
                while let Ok(count @ 1..) = from.read(&mut bytes) {
                    let said = &bytes[..count];
                    match shared.due(said, who) {
                        Some(How::Hang) => is_hung.store(true, Ordering::SeqCst),
                        Some(How::Cut) => break,
                        None => {}
                    }
                    if !is_hung.load(Ordering::SeqCst) && to.write_all(said).is_err() {
                        break;
                    }
                }
                if !is_hung.load(Ordering::SeqCst) {
                    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
                }
            });
        }
    }

    fn due(&self, said: &[u8], who: Who) -> Option<How> {
        if self.is_away.load(Ordering::SeqCst) {
            return Some(How::Cut);
        }
        let is_said = |next: &mut Break| {
            next.who == who && said.windows(next.says.len()).any(|bytes| bytes == next.says)
        };
        let due = self.next.lock().unwrap().take_if(is_said)?;
        self.breaks.fetch_add(1, Ordering::SeqCst);
        Some(due.how)
    }
}
