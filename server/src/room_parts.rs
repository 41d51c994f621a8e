//! What every room needs from the server it runs in.

use std::sync::Arc;
use std::time::Duration;

use ledger::Ledger;
use media_rules::layer::Pin;
use mixer::{Duty, ProgramConfig};
use room_rules::{RoomId, RoomSettings};
use sfu::{PeerId, Sfu, Silence};
use signaling::{Directory, Hooks, RoomClock, SessionNumbers};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cues::Cues;
use crate::films::Films;
use crate::inspector::Inspector;
use crate::program::{Composites, Recipe};
use crate::recordings::Shelf;
use crate::switchboard::Switchboard;
use crate::webhooks::Subscribers;

/// Handles to the rest of the server; cheap to clone.
#[derive(Clone)]
pub struct RoomParts {
    /// Room time.
    pub clock: RoomClock,
    /// The other rooms.
    pub directory: Directory,
    /// What must survive a crash.
    pub ledger: Ledger,
    /// The media side.
    pub sfu: Sfu,
    /// The way of its events to the rooms.
    pub switchboard: Switchboard,
    /// What rooms are set up with.
    pub settings: RoomSettings,
    /// How to mix; each room gets its own name in it.
    pub program: ProgramConfig,
    /// How much a program's pictures tell of what they show.
    pub cues: Cues,
    /// The most that whoever directs a room may choose for its picture.
    pub max_video_kbps: u32,
    /// What mixers do about pictures that nobody else makes.
    pub duty: Duty,
    /// The pictures that programs take from one another.
    pub composites: Composites,
    /// The films that may be played in.
    pub films: Films,
    /// Where programs are recorded, if they may be.
    pub recordings: Option<Shelf>,
    /// Who looks at what programs show.
    pub inspector: Option<Inspector>,
    /// Who is asked before something happens; a room itself asks nobody.
    pub hooks: Arc<dyn Hooks>,
    /// Who is told what happens in rooms.
    pub subscribers: Subscribers,
    /// How long a program that nobody takes keeps running.
    pub linger: Duration,
    /// How long a room that nobody is in is kept.
    pub idle: Duration,
    /// Cancelled when the rooms are to close because the server does.
    pub draining: CancellationToken,
    /// Everything that must be over before the server is.
    pub tasks: TaskTracker,
    /// Numbers sessions, whatever their carrier.
    pub sessions: SessionNumbers,
}

impl RoomParts {
    /// Returns how to mix the program of `room`.
    pub(crate) fn program_of(&self, room: &RoomId) -> Recipe {
        let config = ProgramConfig { name: room.to_string(), ..self.program.clone() };
        Recipe { config, duty: self.duty, composites: self.composites.clone() }
    }

    /// Lets a viewer choose the size of its picture, without waiting for its media worker.
    pub(crate) fn pin(&self, peer: PeerId, pin: Option<Pin>) {
        let sfu = self.sfu.clone();
        self.tasks.spawn(async move { sfu.pin(peer, pin).await });
    }

    /// Drops this of what a publisher sends, without waiting for its media worker.
    pub(crate) fn silence(&self, peer: PeerId, silence: Silence) {
        let sfu = self.sfu.clone();
        self.tasks.spawn(async move { sfu.silence(peer, silence).await });
    }

    /// Lets a peer go, without waiting for its media worker.
    pub(crate) fn close_peer(&self, peer: PeerId) {
        let sfu = self.sfu.clone();
        self.tasks.spawn(async move { sfu.close(peer).await });
    }
}
