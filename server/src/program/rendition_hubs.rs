//! The ways out of the renditions by RTMP. They come and go with what somebody chooses for the room,
//! while the program runs; whoever pulls one that is taken away is let go with all that was made of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media_rules::EncodedFrame;
use mixer::{Quality, Rendition, RenditionName};
use relay_cdn::Hub;

/// A hub for each rendition that there is; clones are handles to the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct RenditionHubs {
    /// By the places of their names. Held for as long as a frame takes to be queued.
    hubs: Arc<Mutex<[Option<Hub>; Quality::MAX_RENDITIONS]>>,
}

impl RenditionHubs {
    /// Opens those that are new and ends those that are not wanted any more.
    pub(crate) fn follow(&self, wanted: &[Rendition]) {
        for (place, slot) in self.hubs().iter_mut().enumerate() {
            let is_wanted = wanted.iter().any(|rendition| rendition.name.place() == place);
            if is_wanted {
                slot.get_or_insert_default();
            } else if let Some(hub) = slot.take() {
                hub.close();
            }
        }
    }

    /// Returns that of a rendition, if there is one.
    pub(crate) fn find(&self, name: RenditionName) -> Option<Hub> {
        self.hubs()[name.place()].clone()
    }

    /// Returns whether somebody takes a rendition.
    pub(crate) fn is_taken(&self, name: RenditionName) -> bool {
        self.hubs()[name.place()].as_ref().is_some_and(|hub| hub.outputs() > 0)
    }

    /// Returns whether somebody takes any.
    pub(crate) fn is_any_taken(&self) -> bool {
        self.hubs().iter().flatten().any(|hub| hub.outputs() > 0)
    }

    /// Sends a picture.
    pub(super) fn push(&self, name: RenditionName, frame: EncodedFrame) {
        if let Some(hub) = &self.hubs()[name.place()] {
            hub.push(frame);
        }
    }

    /// Sends sound, which is the same for all.
    pub(super) fn push_sound(&self, frame: &EncodedFrame) {
        self.hubs().iter().flatten().for_each(|hub| hub.push(frame.clone()));
    }

    /// A panic while this is held leaves a frame less.
    fn hubs(&self) -> MutexGuard<'_, [Option<Hub>; Quality::MAX_RENDITIONS]> {
        self.hubs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renditions(names: &[&str]) -> Vec<Rendition> {
        names.iter().map(|name| Rendition::named(name, (720, 1280)).unwrap()).collect()
    }

    #[test]
    fn a_rendition_that_stays_keeps_its_pullers_and_one_that_goes_lets_them_go() {
        let hubs = RenditionHubs::default();
        hubs.follow(&renditions(&["ld", "sd"]));
        let _low = hubs.find(RenditionName::Ld).unwrap().subscribe();
        let _standard = hubs.find(RenditionName::Sd).unwrap().subscribe();

        hubs.follow(&renditions(&["sd"]));
        assert!(hubs.find(RenditionName::Ld).is_none() && !hubs.is_taken(RenditionName::Ld));
        assert!(hubs.is_taken(RenditionName::Sd));
        hubs.follow(&renditions(&["ld"]));
        assert!(hubs.find(RenditionName::Ld).is_some(), "another one of its name");
        assert!(!hubs.is_any_taken());
    }
}
