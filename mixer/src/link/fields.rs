//! Reads and writes the fields of a message. Reading never trusts a length: a field that reaches
//! past the end of the body is [`LinkError::WrongLength`].

use bytes::{Buf, Bytes};
use media_rules::{FeedId, MediaKind, MediaTime};

use super::LinkError;

/// What is left of a body.
pub(super) struct Fields(Bytes);

impl Fields {
    pub(super) fn new(body: Bytes) -> Self {
        Self(body)
    }

    pub(super) fn u8(&mut self) -> Result<u8, LinkError> {
        self.0.try_get_u8().map_err(|_| LinkError::WrongLength)
    }

    pub(super) fn u16(&mut self) -> Result<u16, LinkError> {
        self.0.try_get_u16_le().map_err(|_| LinkError::WrongLength)
    }

    pub(super) fn u32(&mut self) -> Result<u32, LinkError> {
        self.0.try_get_u32_le().map_err(|_| LinkError::WrongLength)
    }

    pub(super) fn u64(&mut self) -> Result<u64, LinkError> {
        self.0.try_get_u64_le().map_err(|_| LinkError::WrongLength)
    }

    pub(super) fn time(&mut self) -> Result<MediaTime, LinkError> {
        self.u64().map(MediaTime::from_nanos)
    }

    pub(super) fn kind(&mut self) -> Result<MediaKind, LinkError> {
        match self.u8()? {
            0 => Ok(MediaKind::Audio),
            1 => Ok(MediaKind::Video),
            _ => Err(LinkError::BadValue),
        }
    }

    pub(super) fn feed(&mut self) -> Result<FeedId, LinkError> {
        let length = usize::from(self.u16()?);
        if self.0.len() < length {
            return Err(LinkError::WrongLength);
        }
        let text = self.0.split_to(length);
        let text = std::str::from_utf8(&text).map_err(|_| LinkError::BadValue)?;
        FeedId::parse(text).ok_or(LinkError::BadValue)
    }

    /// Takes everything that is left.
    pub(super) fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.0)
    }

    /// Confirms that nothing is left.
    pub(super) fn end<T>(&self, message: T) -> Result<T, LinkError> {
        if self.0.is_empty() { Ok(message) } else { Err(LinkError::WrongLength) }
    }
}

pub(super) fn put_kind(out: &mut Vec<u8>, kind: MediaKind) {
    out.push(match kind {
        MediaKind::Audio => 0,
        MediaKind::Video => 1,
    });
}

pub(super) fn put_feed(out: &mut Vec<u8>, feed: &FeedId) {
    let length = u16::try_from(feed.as_str().len()).expect("names are limited to 64 characters");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(feed.as_str().as_bytes());
}
