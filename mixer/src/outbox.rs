//! The writing side of the link. Whoever leaves a message also writes it, if the kernel takes it at once,
//! so that it wakes one thread: the one that reads it. Nobody ever waits for the other side but a thread
//! that is there for what the kernel did not take.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use rustix::net::{SendFlags, send};

use crate::backlog::{Backlog, Weight};

/// How often the thread looks although nobody called it.
const GLANCE: Duration = Duration::from_secs(1);

/// Messages on their way to the other side.
#[derive(Debug)]
pub struct Outbox<T> {
    backlog: Backlog<T>,
    encode: fn(&T, &mut Vec<u8>),
    /// `None` while there is nobody to send to. Held while the backlog is emptied and written, so that no
    /// message overtakes another.
    wire: Mutex<Option<Wire>>,
    /// Whether there is something that only the thread can do.
    is_called: Mutex<bool>,
    called: Condvar,
}

impl<T> Outbox<T> {
    /// Creates a box for `capacity` messages; control messages may exceed it.
    pub fn new(capacity: usize, encode: fn(&T, &mut Vec<u8>)) -> Self {
        Self {
            backlog: Backlog::new(capacity),
            encode,
            wire: Mutex::default(),
            is_called: Mutex::default(),
            called: Condvar::new(),
        }
    }

    /// Sends a message without waiting; returns what had to go to make room for it, which may be itself.
    pub fn push(&self, weight: Weight, message: T) -> Option<T> {
        let dropped = self.backlog.push(weight, message);
        self.flush();
        dropped
    }

    /// Does the same with a message that may leave together with the next one.
    pub fn push_quietly(&self, weight: Weight, message: T) -> Option<T> {
        self.backlog.push(weight, message)
    }

    /// Drops every waiting message of `weight`; returns how many there were.
    pub fn drop_all(&self, weight: Weight) -> usize {
        self.backlog.drop_all(weight)
    }

    /// Forgets every message that waits.
    pub fn clear(&self) {
        drop(self.backlog.take());
    }

    /// Sends to `link` from now on, with the help of a thread in [`write_rest`](Self::write_rest).
    pub fn open(&self, link: UnixStream) {
        *self.wire() = Some(Wire { link, bytes: Vec::new(), sent: 0 });
    }

    /// Sends to nobody from now on. A thread that waits for the link must be freed first (by shutting it
    /// down).
    pub fn close(&self) {
        *self.wire() = None;
        self.call();
    }

    /// Writes what the kernel did not take at once, until the link is closed or broken.
    pub fn write_rest(&self) {
        loop {
            {
                let mut wire = self.wire();
                let Some(open) = &mut *wire else { return };
                self.fill(open);
                if open.write_all().is_err() {
                    *wire = None;
                    return;
                }
            }
            let is_called = self.is_called.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.called.wait_timeout_while(is_called, GLANCE, |is_called| !*is_called);
            *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
        }
    }

    fn flush(&self) {
        let mut wire = match self.wire.try_lock() {
            Ok(wire) => wire,
            Err(TryLockError::Poisoned(wire)) => wire.into_inner(),
            // Whoever writes just now may have emptied the backlog already.
            Err(TryLockError::WouldBlock) => return self.call(),
        };
        // What waits for a link is written once there is one.
        let Some(open) = &mut *wire else { return };
        if open.is_empty() {
            self.fill(open);
            open.write_some();
        }
        if !open.is_empty() {
            self.call();
        }
    }

    fn fill(&self, wire: &mut Wire) {
        for (_, message) in self.backlog.take() {
            (self.encode)(&message, &mut wire.bytes);
        }
    }

    fn call(&self) {
        *self.is_called.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.called.notify_one();
    }

    fn wire(&self) -> MutexGuard<'_, Option<Wire>> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open link and what it has still to carry.
#[derive(Debug)]
struct Wire {
    link: UnixStream,
    /// Emptied whenever everything is sent. While it is not, messages wait in the backlog.
    bytes: Vec<u8>,
    sent: usize,
}

impl Wire {
    fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    /// Writes what the kernel takes at once. A broken link leaves the rest to the thread, which notices.
    fn write_some(&mut self) {
        while !self.is_empty() {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match send(&self.link, &self.bytes[self.sent..], flags) {
                Ok(length) => self.sent += length,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
        self.forget();
    }

    fn write_all(&mut self) -> io::Result<()> {
        self.link.write_all(&self.bytes[self.sent..])?;
        self.forget();
        Ok(())
    }

    fn forget(&mut self) {
        self.bytes.clear();
        self.sent = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;

    use super::*;

    fn outbox() -> (Arc<Outbox<Vec<u8>>>, UnixStream) {
        let (link, theirs) = UnixStream::pair().unwrap();
        theirs.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let outbox = Arc::new(Outbox::new(1_000, |message: &Vec<u8>, out| out.extend(message)));
        outbox.open(link);
        (outbox, theirs)
    }

    fn read(mut link: &UnixStream, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        link.read_exact(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_message_leaves_without_the_thread_and_takes_quiet_ones_along() {
        let (outbox, theirs) = outbox();
        outbox.push_quietly(Weight::Picture, vec![1]);
        outbox.push(Weight::Sound, vec![2]);
        assert_eq!(read(&theirs, 2), [1, 2]);
    }

    #[test]
    fn what_the_kernel_does_not_take_at_once_follows_whole_and_in_order() {
        let (outbox, theirs) = outbox();
        let pushed: Vec<Vec<u8>> = (0..100).map(|n| vec![n; 50_000]).collect();
        // Nobody reads and nobody waits.
        for message in &pushed {
            assert_eq!(outbox.push(Weight::Picture, message.clone()), None);
        }
        let writer = Arc::clone(&outbox);
        let thread = std::thread::spawn(move || writer.write_rest());
        assert!(read(&theirs, 5_000_000) == pushed.concat(), "it came as it was sent");
        outbox.push(Weight::Picture, vec![7]);
        assert_eq!(read(&theirs, 1), [7]);
        outbox.close();
        thread.join().unwrap();
    }

    #[test]
    fn what_was_left_while_there_was_no_link_is_sent_once_there_is_one() {
        let (link, theirs) = UnixStream::pair().unwrap();
        let outbox = Outbox::new(10, |message: &Vec<u8>, out| out.extend(message));
        outbox.push(Weight::Control, vec![1]);
        outbox.open(link);
        outbox.push(Weight::Control, vec![2]);
        assert_eq!(read(&theirs, 2), [1, 2]);
    }
}
