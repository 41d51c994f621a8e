//! What is said about clips: films that are played into the program.

use std::path::PathBuf;
use std::time::Duration;

use media_rules::FeedId;

use super::LinkError;
use super::fields::{Fields, put_duration, put_feed, put_text};

/// Most clips of a program; only against garbage.
pub(super) const MAX_CLIPS: u16 = 16;

/// A film that is, or is about to be, played into the program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Clip {
    /// What scenes call it; no two clips of a program have had the same name.
    pub feed: FeedId,
    /// Where it is on this machine.
    pub file: PathBuf,
    /// Whether it begins anew when it is over.
    pub is_loop: bool,
    /// A longer film is refused, and one that does not say how long it is ends by then.
    pub longest: Duration,
}

/// How a clip is doing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ClipNews {
    /// It can be shown: it begins with the first scene that shows it.
    Ready {
        /// How long it is; `None` if it does not say.
        length: Option<Duration>,
    },
    /// Its last picture is on screen.
    Ended,
    /// It cannot be played, or not any further.
    Failed {
        /// What is the matter.
        reason: String,
    },
}

pub(super) fn put_clip(out: &mut Vec<u8>, clip: &Clip) {
    put_feed(out, &clip.feed);
    // The server makes these paths, of plain names in folders that its configuration names in UTF-8.
    put_text(out, &clip.file.to_string_lossy());
    out.push(u8::from(clip.is_loop));
    put_duration(out, Some(clip.longest));
}

pub(super) fn clip(fields: &mut Fields) -> Result<Clip, LinkError> {
    Ok(Clip {
        feed: fields.feed()?,
        file: fields.text()?.into(),
        is_loop: fields.flag()?,
        longest: fields.duration()?.ok_or(LinkError::BadValue)?,
    })
}

pub(super) fn put_clip_news(out: &mut Vec<u8>, feed: &FeedId, news: &ClipNews) {
    put_feed(out, feed);
    match news {
        ClipNews::Ready { length } => {
            out.push(0);
            put_duration(out, *length);
        }
        ClipNews::Ended => out.push(1),
        ClipNews::Failed { reason } => {
            out.push(2);
            put_text(out, reason);
        }
    }
}

pub(super) fn clip_news(fields: &mut Fields) -> Result<(FeedId, ClipNews), LinkError> {
    let feed = fields.feed()?;
    let news = match fields.u8()? {
        0 => ClipNews::Ready { length: fields.duration()? },
        1 => ClipNews::Ended,
        2 => ClipNews::Failed { reason: fields.text()? },
        _ => return Err(LinkError::BadValue),
    };
    Ok((feed, news))
}
