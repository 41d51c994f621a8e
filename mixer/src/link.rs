//! What the server and a mixer process say to each other over their Unix socket.
//!
//! ```text
//! frame   length of the body (u32) · body
//! body    kind (u8) · fields
//! field   numbers little endian · text: length (u16), UTF-8 · the last bytes of a body: data
//!
//! server -> mixer   1 Start  2 Packet  3 Report  4 Scene  5 Keyframe  6 Stop  7 Duty  8 Quality  9 SideMixes
//!                   10 Aac  20 Clips  21 Snapshot
//! mixer -> server   1 Ready  2 Frame   3 KeyframeWanted  4 Beat  5 Rendition  6 SideFrame  7 Loudness
//!                   20 Clip  21 Snapshot
//! ```
//!
//! `Start` and `Ready` come first and carry [`VERSION`]. A body longer than [`MAX_BODY`] or one
//! that does not parse to its last byte ends the conversation: both sides are one build, so a
//! broken body means a broken process. Closing the socket ends the mixer, whatever it was doing.

mod clip;
mod down;
mod duty;
mod fields;
mod scene;
mod snapshot;
mod sound;
mod up;

use bytes::{Buf, Bytes, BytesMut};

pub use clip::{Clip, ClipNews};
pub use down::{Down, Start};
pub use duty::Duty;
pub use snapshot::{Snapshot, SnapshotWish};
pub use sound::{SeatLoudness, SideMix};
pub use up::{Beat, Up};

/// Changes with every incompatible change of the framing.
pub const VERSION: u16 = 3;

/// The longest body either side may send. A keyframe of the program stays far below it.
pub const MAX_BODY: usize = 4 << 20;

/// The longest data that a frame may have; what stands before it takes less than the rest.
pub const MAX_FRAME: usize = MAX_BODY - 1024;

const LENGTH_SIZE: usize = 4;

/// Why what came over the link cannot be understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LinkError {
    /// A length above [`MAX_BODY`].
    #[error("a message of {0} bytes is too long")]
    TooLong(usize),
    /// The body ended inside a field, or went on after the last one.
    #[error("a message has the wrong length")]
    WrongLength,
    /// A number or text that stands for nothing.
    #[error("a message holds a value that means nothing")]
    BadValue,
    /// The other side speaks another version.
    #[error("the other side speaks version {0}")]
    Version(u16),
}

/// Cuts a byte stream back into message bodies.
#[derive(Debug, Default)]
pub struct Deframer {
    /// Holds at most one unfinished body, so it is bounded by [`MAX_BODY`] plus one read.
    buffer: BytesMut,
}

impl Deframer {
    /// Takes the next bytes of the stream.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next whole body, or `None` until more bytes came.
    ///
    /// # Errors
    ///
    /// [`LinkError::TooLong`]; the stream cannot be used after it.
    pub fn poll_body(&mut self) -> Result<Option<Bytes>, LinkError> {
        let Some(length) = self.buffer.first_chunk::<LENGTH_SIZE>() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_BODY {
            return Err(LinkError::TooLong(length));
        }
        if self.buffer.len() < LENGTH_SIZE + length {
            return Ok(None);
        }
        self.buffer.advance(LENGTH_SIZE);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }
}

/// Appends one frame to `out`, its body written by `write`.
fn frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH_SIZE]);
    write(out);
    let length = out.len() - start - LENGTH_SIZE;
    assert!(length <= MAX_BODY, "a message this long cannot be read by the other side");
    let length = u32::try_from(length).expect("the limit fits 32 bits");
    out[start..start + LENGTH_SIZE].copy_from_slice(&length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_survive_any_cut_of_the_stream() {
        let mut stream = Vec::new();
        frame(&mut stream, |out| out.extend_from_slice(b"one"));
        frame(&mut stream, |_| {});
        frame(&mut stream, |out| out.extend_from_slice(b"three"));

        for cut in 0..stream.len() {
            let mut deframer = Deframer::default();
            let mut bodies = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                deframer.handle_bytes(part);
                while let Some(body) = deframer.poll_body().unwrap() {
                    bodies.push(body);
                }
            }
            assert_eq!(bodies, [&b"one"[..], b"", b"three"], "cut at {cut}");
        }
    }

    #[test]
    fn a_length_above_the_limit_is_refused_before_its_bytes_come() {
        let mut deframer = Deframer::default();
        deframer.handle_bytes(&u32::MAX.to_le_bytes());
        assert_eq!(deframer.poll_body(), Err(LinkError::TooLong(u32::MAX as usize)));
    }
}
