//! The reading side of the link. Whoever takes what the server says waits at the socket itself, so a
//! packet wakes one thread of this process.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use mixer::link::{Deframer, Down};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// What was heard of the server.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    /// The next message.
    Message(Down),
    /// Nothing in the time given.
    Nothing,
    /// The server is gone.
    End,
}

/// The reading side of the link.
pub(crate) struct Inlet {
    stream: UnixStream,
    deframer: Deframer,
    buffer: Vec<u8>,
    has_rested: bool,
}

impl Inlet {
    pub(crate) fn new(stream: UnixStream) -> Self {
        let (deframer, buffer) = (Deframer::default(), vec![0; 64 << 10]);
        Self { stream, deframer, buffer, has_rested: false }
    }

    /// Returns the socket, to write to it as well.
    pub(crate) fn try_clone(&self) -> std::io::Result<UnixStream> {
        self.stream.try_clone()
    }

    /// Returns the next message, or `None` once the server is gone.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<Down>> {
        loop {
            if let Some(message) = self.poll_message()? {
                return Ok(Some(message));
            }
            if !self.read() {
                return Ok(None);
            }
        }
    }

    /// Waits for the next message.
    pub(crate) fn next_within(&mut self, longest: Duration) -> anyhow::Result<Heard> {
        loop {
            if let Some(message) = self.poll_message()? {
                return Ok(Heard::Message(message));
            }
            if !self.is_readable(longest)? {
                return Ok(Heard::Nothing);
            }
            if !self.read() {
                return Ok(Heard::End);
            }
        }
    }

    /// Returns what there is, one after the other; then waits for so long in any case. What comes
    /// meanwhile wakes nobody.
    pub(crate) fn next_after(&mut self, rest: Duration) -> anyhow::Result<Heard> {
        loop {
            if let Some(message) = self.poll_message()? {
                return Ok(Heard::Message(message));
            }
            if self.is_readable(Duration::ZERO)? {
                if !self.read() {
                    return Ok(Heard::End);
                }
            } else if std::mem::take(&mut self.has_rested) {
                return Ok(Heard::Nothing);
            } else {
                std::thread::sleep(rest);
                self.has_rested = true;
            }
        }
    }

    fn poll_message(&mut self) -> anyhow::Result<Option<Down>> {
        let body = self.deframer.poll_body()?;
        Ok(body.map(Down::decode).transpose()?)
    }

    fn is_readable(&self, longest: Duration) -> anyhow::Result<bool> {
        let mut link = [PollFd::new(&self.stream, PollFlags::IN)];
        match poll(&mut link, Some(&Timespec::try_from(longest)?)) {
            Ok(count) => Ok(count > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads what there is; returns whether the server is still there.
    fn read(&mut self) -> bool {
        loop {
            match self.stream.read(&mut self.buffer) {
                Ok(0) => return false,
                Ok(length) => {
                    self.deframer.handle_bytes(&self.buffer[..length]);
                    return true;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                // A killed server leaves a reset link: as good as closed.
                Err(_) => return false,
            }
        }
    }
}
