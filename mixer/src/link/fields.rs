//! Reads and writes the fields of a message. Reading never trusts a length: a field that reaches
//! past the end of the body is [`LinkError::WrongLength`].

use std::time::Duration;

use bytes::{Buf, Bytes};
use media_rules::{Codec, FeedId, MediaKind, MediaTime, Rect};

use super::LinkError;

/// By their numbers on the link.
const CODECS: [Codec; 5] = [Codec::Opus, Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1];

const UNKNOWN: u64 = u64::MAX;

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

    pub(super) fn codec(&mut self) -> Result<Codec, LinkError> {
        let number = usize::from(self.u8()?);
        CODECS.get(number).copied().ok_or(LinkError::BadValue)
    }

    /// Reads what may not be known.
    pub(super) fn duration(&mut self) -> Result<Option<Duration>, LinkError> {
        let nanos = self.u64()?;
        Ok((nanos != UNKNOWN).then(|| Duration::from_nanos(nanos)))
    }

    pub(super) fn feed(&mut self) -> Result<FeedId, LinkError> {
        FeedId::parse(&self.text()?).ok_or(LinkError::BadValue)
    }

    pub(super) fn flag(&mut self) -> Result<bool, LinkError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(LinkError::BadValue),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, LinkError> {
        let length = usize::from(self.u16()?);
        if self.0.len() < length {
            return Err(LinkError::WrongLength);
        }
        let text = self.0.split_to(length);
        Ok(std::str::from_utf8(&text).map_err(|_| LinkError::BadValue)?.to_owned())
    }

    pub(super) fn rect(&mut self) -> Result<Rect, LinkError> {
        Ok(Rect { x: self.u32()?, y: self.u32()?, width: self.u32()?, height: self.u32()? })
    }

    /// Reads what may be left out, with `read` if it was not.
    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, LinkError>,
    ) -> Result<Option<T>, LinkError> {
        self.flag()?.then(|| read(self)).transpose()
    }

    /// Reads a list of at most `most`, each with `read`.
    pub(super) fn list<T>(
        &mut self,
        most: u16,
        mut read: impl FnMut(&mut Self) -> Result<T, LinkError>,
    ) -> Result<Vec<T>, LinkError> {
        let count = self.u16()?;
        if count > most {
            return Err(LinkError::BadValue);
        }
        (0..count).map(|_| read(self)).collect()
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

pub(super) fn put_codec(out: &mut Vec<u8>, codec: Codec) {
    out.push(match codec {
        Codec::Opus => 0,
        Codec::H264 => 1,
        Codec::Vp8 => 2,
        Codec::Vp9 => 3,
        Codec::Av1 => 4,
    });
}

pub(super) fn put_duration(out: &mut Vec<u8>, duration: Option<Duration>) {
    let nanos = duration.and_then(|duration| u64::try_from(duration.as_nanos()).ok());
    out.extend_from_slice(&nanos.unwrap_or(UNKNOWN).to_le_bytes());
}

pub(super) fn put_feed(out: &mut Vec<u8>, feed: &FeedId) {
    put_text(out, feed.as_str());
}

/// Writes a text, or as much of it as a field can hold.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    let text = &text[..text.floor_char_boundary(usize::from(u16::MAX))];
    let length = u16::try_from(text.len()).expect("it was cut to fit");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_rect(out: &mut Vec<u8>, rect: Rect) {
    for number in [rect.x, rect.y, rect.width, rect.height] {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

/// Writes what may be left out, with `put` if it is not.
pub(super) fn put_option<T>(
    out: &mut Vec<u8>,
    option: Option<T>,
    put: impl FnOnce(&mut Vec<u8>, T),
) {
    out.push(u8::from(option.is_some()));
    if let Some(value) = option {
        put(out, value);
    }
}

/// Writes a list, each with `put`.
pub(super) fn put_list<T>(out: &mut Vec<u8>, list: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    let count = u16::try_from(list.len()).expect("a scene has a handful of everything");
    out.extend_from_slice(&count.to_le_bytes());
    for item in list {
        put(out, item);
    }
}
