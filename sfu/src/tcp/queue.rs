//! What waits for one TCP connection: frames, each with its length in front, up to a limit.

use std::io;

/// Holds a keyframe of a good picture. Full: the frame is dropped and counted.
const LIMIT: usize = 192 * 1_024;
/// Memory that an empty queue may keep.
const KEPT: usize = 4 * 1_024;

#[derive(Debug, Default)]
pub(super) struct SendQueue {
    bytes: Vec<u8>,
    /// Bytes at the front that are gone already.
    sent: usize,
}

impl SendQueue {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    /// Adds a frame, all of it or nothing. Returns whether there was room.
    pub(super) fn push(&mut self, frame: &[u8]) -> bool {
        let Ok(len) = u16::try_from(frame.len()) else {
            return false;
        };
        if self.bytes.len() - self.sent + 2 + frame.len() > LIMIT {
            return false;
        }
        self.bytes.extend_from_slice(&len.to_be_bytes());
        self.bytes.extend_from_slice(frame);
        true
    }

    /// Hands to `write` what waits, until it takes no more.
    ///
    /// # Errors
    ///
    /// Returns the error of `write` unless it says to try again later.
    pub(super) fn flush(
        &mut self,
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        while !self.is_empty() {
            match write(&self.bytes[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => self.sent += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.bytes.drain(..self.sent);
        self.sent = 0;
        if self.bytes.is_empty() {
            self.bytes.shrink_to(KEPT);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_connection_gets_whole_frames_in_order_and_a_full_queue_takes_no_more() {
        let (mut queue, mut taken) = (SendQueue::default(), 0);
        while queue.push(&[7; 1_000]) {
            taken += 1;
        }
        assert_eq!(taken, LIMIT / 1_002);
        let mut out = Vec::new();
        while !queue.is_empty() {
            let mut room = 700;
            queue
                .flush(|bytes| {
                    let len = bytes.len().min(room);
                    room -= len;
                    out.extend_from_slice(&bytes[..len]);
                    if len == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(len) }
                })
                .unwrap();
        }
        assert_eq!(out.len(), taken * 1_002);
        assert!(out.chunks(1_002).all(|frame| frame[..2] == 1_000_u16.to_be_bytes()));
        assert!(queue.push(&[7; 1_000]), "there is room again");
    }

    #[test]
    fn a_broken_connection_is_an_error() {
        let mut queue = SendQueue::default();
        queue.push(&[1]);
        assert!(queue.flush(|_| Err(io::ErrorKind::BrokenPipe.into())).is_err());
        assert!(queue.flush(|_| Ok(0)).is_err());
    }
}
