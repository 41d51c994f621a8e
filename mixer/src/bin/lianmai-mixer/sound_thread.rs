//! In whose thread the sound is mixed: one of its own, so that nothing the desk does makes it late; or the
//! desk's while a host's own sound is passed on, because there is next to nothing to do then and waking
//! a thread costs more than doing it.
//!
//! ```text
//! own thread ──a block was passed on, and the desk is free──▶ desk
//! own thread ◀──one was not, or a cue────────────────────── desk
//! ```

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use media_rules::MediaTime;
use mixer::media_now;

use crate::encoder::Encoder;
use crate::outlet::Outlet;
use crate::sound_tick::{SoundCue, SoundTick};

/// The desk's end of the sound.
pub(crate) struct SoundDesk {
    cues: Sender<SoundCue>,
    lent: Receiver<Box<SoundTick>>,
    back: Sender<Box<SoundTick>>,
    held: Option<Box<SoundTick>>,
    is_free: bool,
}

impl SoundDesk {
    /// Starts the thread; it ends when this is dropped.
    pub(crate) fn start(encoder: Arc<Encoder>, outlet: Arc<Outlet>) -> std::io::Result<Self> {
        let (cues, tick) = SoundTick::new(encoder, outlet);
        let ((lend, lent), (back, returned)) = (channel(), channel());
        let mix = move || mix(Box::new(tick), &lend, &returned);
        std::thread::Builder::new().name("sound-tick".into()).spawn(mix)?;
        Ok(Self { cues, lent, back, held: None, is_free: false })
    }

    /// Changes something in the sound. Scenes only, which are rare, so the queue has no bound.
    pub(crate) fn send(&mut self, cue: SoundCue) {
        // Whatever it is, it may mean work.
        self.look();
        self.give_back();
        // The thread ends only after the desk.
        let _ = self.cues.send(cue);
    }

    /// Says whether the desk has nothing to do that takes long, such as starting a decoder.
    pub(crate) fn set_desk_free(&mut self, is_free: bool) {
        if self.is_free != is_free {
            self.is_free = is_free;
            self.send(SoundCue::DeskIsFree(is_free));
        }
    }

    /// Returns whether the desk mixes.
    pub(crate) fn is_here(&mut self) -> bool {
        self.look();
        self.held.is_some()
    }

    /// Returns when the desk has to.
    pub(crate) fn poll_timeout(&self) -> Option<MediaTime> {
        self.held.as_ref().map(|tick| tick.poll_timeout())
    }

    /// Mixes what is to be mixed until `now`, if the desk does.
    pub(crate) fn advance(&mut self, now: MediaTime) {
        if let Some(tick) = &mut self.held {
            tick.advance(now);
            if !tick.suits_desk() {
                self.give_back();
            }
        }
    }

    fn look(&mut self) {
        if let Ok(tick) = self.lent.try_recv() {
            self.held = Some(tick);
        }
    }

    fn give_back(&mut self) {
        if let Some(tick) = self.held.take() {
            let _ = self.back.send(tick);
        }
    }
}

fn mix(
    mut tick: Box<SoundTick>,
    lend: &Sender<Box<SoundTick>>,
    returned: &Receiver<Box<SoundTick>>,
) {
    loop {
        if tick.rests() {
            if !tick.wait() {
                return;
            }
            continue;
        }
        std::thread::sleep(tick.poll_timeout().since(media_now()));
        if !tick.advance(media_now()) {
            return;
        }
        if tick.suits_desk() {
            if lend.send(tick).is_err() {
                return;
            }
            let Ok(back) = returned.recv() else { return };
            tick = back;
        }
    }
}
