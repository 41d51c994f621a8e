//! What a program has to do with the pictures and the sound of others.
//!
//! ```text
//!            nobody makes it ┌─────────▶ Owner ── shows something else ─┐ (once the guests have parted)
//! Alone ── shows two or more ┤                                          ├──▶ Alone
//!            somebody does   └▶ Joining ─ its keyframe ▶ Guest ─ ends ▶ Leaving ─ own keyframe ─┘
//! ```
//!
//! In `Joining` and `Leaving` the former pictures go on until the new ones have a keyframe, so neither
//! leaves a gap. A guest takes the sound as well while the same is heard in both rooms
//! (`media_rules::SoundShare`).

use std::time::{Duration, Instant};

use media_rules::{Hearing, MediaTime, Rect, Scene, SoundShare};

use super::composites::{Borrowed, Lent, Owned};

/// Where a program's pictures come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    /// Its own mixer: composed, or a solo host's as they come.
    Own,
    /// Another program's mixer; every loan has a number of its own.
    Shared(u64),
}

/// A program's part in sharing.
pub(super) enum Part {
    /// It shares nothing.
    Alone,
    /// It makes pictures that others may take.
    Owner { owned: Owned, ends_at: Option<Instant> },
    /// It waits for another's keyframe, until then.
    Joining { borrowed: Borrowed, until: Instant },
    /// It shows another's pictures; its own mixer makes none. `seen` is when one came, as far as is known.
    Guest { borrowed: Borrowed, seen: Instant, sound: SoundShare },
    /// It shows another's pictures and waits for its own keyframe.
    Leaving { borrowed: Borrowed },
}

/// What happened in sharing.
pub(super) enum News {
    /// From the owner of the pictures.
    Lent(Lent),
    /// A guest needs a keyframe.
    KeyframeWanted,
    /// Nobody takes our pictures any more.
    Parted,
}

/// An owner from whom nothing comes for this long is given up.
pub(super) const SILENCE: Duration = Duration::from_millis(400);

impl Part {
    /// Waits for news. Nothing is lost when the returned future is dropped.
    pub(super) async fn news(&mut self) -> News {
        match self {
            Self::Alone => std::future::pending().await,
            Self::Owner { owned, ends_at: None, .. } => {
                owned.keyframe_wanted().await;
                News::KeyframeWanted
            }
            Self::Owner { owned, ends_at: Some(_), .. } => {
                owned.parted().await;
                News::Parted
            }
            Self::Joining { borrowed, .. }
            | Self::Guest { borrowed, .. }
            | Self::Leaving { borrowed } => News::Lent(borrowed.next().await),
        }
    }

    /// Takes that the pictures waited for are shown now, in a room where this is heard.
    pub(super) fn take_joined(&mut self, hearing: Hearing, now: Instant, media_now: MediaTime) {
        *self = match std::mem::replace(self, Self::Alone) {
            Self::Joining { borrowed, .. } => {
                let sound = SoundShare::new(hearing, borrowed.hearing(), media_now);
                Self::Guest { borrowed, seen: now, sound }
            }
            other @ (Self::Alone
            | Self::Owner { .. }
            | Self::Guest { .. }
            | Self::Leaving { .. }) => other,
        };
    }

    /// A guest shows what it has until it has pictures of its own.
    pub(super) fn begin_leaving(&mut self) {
        *self = match std::mem::replace(self, Self::Alone) {
            Self::Guest { borrowed, .. } => Self::Leaving { borrowed },
            other @ (Self::Alone
            | Self::Owner { .. }
            | Self::Joining { .. }
            | Self::Leaving { .. }) => other,
        };
    }

    /// Returns when waiting has lasted too long.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Alone | Self::Leaving { .. } => None,
            Self::Owner { ends_at, .. } => *ends_at,
            Self::Joining { until, .. } => Some(*until),
            Self::Guest { seen, .. } => Some(*seen + SILENCE),
        }
    }

    /// Returns when it must be looked again whose sound is taken.
    pub(super) fn sound_deadline(&self) -> Option<MediaTime> {
        match self {
            Self::Guest { sound, .. } => sound.poll_timeout(),
            Self::Alone | Self::Owner { .. } | Self::Joining { .. } | Self::Leaving { .. } => None,
        }
    }
}

/// Returns whether a scene is worth sharing: one host alone is, at best, not composed at all.
pub(super) fn is_shareable(scene: &Scene) -> bool {
    scene.tiles.iter().filter(|tile| tile.rect != Rect::NOWHERE).count() >= 2
}
