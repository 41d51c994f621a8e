//! Asking for a picture of the program as JPEG, and the answer.

use bytes::Bytes;
use media_rules::MediaTime;

use super::LinkError;
use super::fields::Fields;

/// Asks for one picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SnapshotWish {
    /// Comes back with the picture.
    pub number: u64,
    /// Its width in pixels; as wide as the program at most. The height follows.
    pub width: u16,
}

/// A picture of the program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Snapshot {
    /// The wish that it answers.
    pub number: u64,
    /// When it was due.
    pub at: MediaTime,
    /// The scene that it shows.
    pub revision: u64,
    /// The JPEG file; empty if it could not be made.
    pub jpeg: Bytes,
}

pub(super) fn put_wish(out: &mut Vec<u8>, wish: SnapshotWish) {
    out.extend_from_slice(&wish.number.to_le_bytes());
    out.extend_from_slice(&wish.width.to_le_bytes());
}

pub(super) fn wish(fields: &mut Fields) -> Result<SnapshotWish, LinkError> {
    Ok(SnapshotWish { number: fields.u64()?, width: fields.u16()? })
}

pub(super) fn put_snapshot(out: &mut Vec<u8>, snapshot: &Snapshot) {
    for number in [snapshot.number, snapshot.at.nanos(), snapshot.revision] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&snapshot.jpeg);
}

pub(super) fn snapshot(fields: &mut Fields) -> Result<Snapshot, LinkError> {
    Ok(Snapshot {
        number: fields.u64()?,
        at: fields.time()?,
        revision: fields.u64()?,
        jpeg: fields.rest(),
    })
}
