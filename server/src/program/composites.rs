//! The pictures that programs of this node take from one another. The first program to show something
//! makes its pictures and offers them; others that show the same take them and let their own mixers
//! rest. Who no longer makes them says so first, and goes on until everybody has their own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media_rules::{Content, EncodedFrame, Rect, Scene, Side, Transition};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};

/// Pictures on their way to a guest, two seconds of them. Full: the guest loses the oldest and waits
/// for a keyframe.
const CAPACITY: usize = 64;

/// What is offered now; clones are handles to the same.
#[derive(Clone, Debug, Default)]
pub struct Composites {
    offers: Arc<Mutex<Vec<Offer>>>,
}

#[derive(Clone, Debug)]
struct Offer {
    sight: Sight,
    pictures: broadcast::Sender<EncodedFrame>,
    is_ending: Arc<watch::Sender<bool>>,
    keyframes: mpsc::Sender<()>,
}

/// What came of asking for a composite.
pub(super) enum Joined {
    /// Nobody makes it: who asks does, and offers it.
    Owner(Owned),
    /// Somebody makes it.
    Guest(Borrowed),
}

impl Composites {
    /// Looks for the pictures of what `scene` shows.
    pub(super) fn join(&self, scene: &Scene) -> Joined {
        let sight = Sight::of(scene);
        let mut offers = self.offers();
        if let Some(offer) = offers.iter().find(|offer| offer.sight == sight) {
            return Joined::Guest(Borrowed {
                pictures: offer.pictures.subscribe(),
                is_ending: offer.is_ending.subscribe(),
                keyframes: offer.keyframes.clone(),
            });
        }
        let (pictures, _) = broadcast::channel(CAPACITY);
        let (keyframes, asked) = mpsc::channel(1);
        let is_ending = Arc::new(watch::Sender::new(false));
        let offer = Offer { sight, pictures, is_ending, keyframes };
        offers.push(offer.clone());
        Joined::Owner(Owned { offer, composites: self.clone(), asked })
    }

    fn offers(&self) -> MutexGuard<'_, Vec<Offer>> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A composite that this program makes for itself and others. Withdrawn when dropped.
pub(super) struct Owned {
    offer: Offer,
    composites: Composites,
    asked: mpsc::Receiver<()>,
}

impl Owned {
    /// Returns whether this is a composite of what `scene` shows.
    pub(super) fn shows(&self, scene: &Scene) -> bool {
        self.offer.sight == Sight::of(scene)
    }

    /// Returns what hands pictures to the guests.
    pub(super) fn lender(&self) -> Lender {
        Lender(self.offer.pictures.clone())
    }

    /// Returns whether somebody takes these pictures.
    pub(super) fn has_guests(&self) -> bool {
        self.offer.is_ending.receiver_count() > 0
    }

    /// Lets nobody join any more and tells the guests to find pictures of their own.
    pub(super) fn withdraw(&self) {
        self.composites
            .offers()
            .retain(|offer| !Arc::ptr_eq(&offer.is_ending, &self.offer.is_ending));
        self.offer.is_ending.send_replace(true);
    }

    /// Waits until no guest is left.
    pub(super) async fn parted(&self) {
        self.offer.is_ending.closed().await;
    }

    /// Waits until a guest needs a keyframe.
    pub(super) async fn keyframe_wanted(&mut self) {
        // This side holds a sender, too.
        let _ = self.asked.recv().await;
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// Hands the pictures of a composite to its guests.
#[derive(Debug)]
pub(super) struct Lender(broadcast::Sender<EncodedFrame>);

impl Lender {
    /// Hands a picture to the guests, if there are any.
    pub(super) fn send(&self, picture: &EncodedFrame) {
        if self.0.receiver_count() > 0 {
            // Whoever left in between does not want it.
            let _ = self.0.send(picture.clone());
        }
    }
}

/// Another program's composite. Given back when dropped.
pub(super) struct Borrowed {
    pictures: broadcast::Receiver<EncodedFrame>,
    is_ending: watch::Receiver<bool>,
    keyframes: mpsc::Sender<()>,
}

/// What comes from the owner of a composite.
pub(super) enum Lent {
    /// The next picture.
    Picture(EncodedFrame),
    /// Pictures were lost.
    Missed,
    /// There will soon be no more.
    Ending,
}

impl Borrowed {
    /// Waits for the next picture, and for no word of an end that `knows_of_end` already.
    pub(super) async fn next(&mut self, knows_of_end: bool) -> Lent {
        let is_ending = async {
            // An error means that the owner is gone.
            let _ = self.is_ending.wait_for(|is_ending| *is_ending).await;
        };
        let picture = tokio::select! {
            biased;
            () = is_ending, if !knows_of_end => return Lent::Ending,
            picture = self.pictures.recv() => picture,
        };
        match picture {
            Ok(picture) => Lent::Picture(picture),
            Err(RecvError::Lagged(_)) => Lent::Missed,
            Err(RecvError::Closed) if knows_of_end => std::future::pending().await,
            Err(RecvError::Closed) => Lent::Ending,
        }
    }

    /// Asks for a keyframe.
    pub(super) fn request_keyframe(&self) {
        // Full: one is on order already.
        let _ = self.keyframes.try_send(());
    }
}

/// Returns whether two scenes look the same.
pub(super) fn is_same_sight(one: &Scene, other: &Scene) -> bool {
    Sight::of(one) == Sight::of(other)
}

/// What can be seen of a scene: everything but who is heard and how loud, how it came about, and the
/// score, which both rooms of a battle tell, one a moment after the other.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Sight(Scene);

impl Sight {
    fn of(scene: &Scene) -> Self {
        let mut sight = Scene {
            revision: 0,
            transition: Transition::Cut,
            patience: Scene::PATIENCE,
            ..scene.clone()
        };
        sight.tiles.retain(|tile| tile.rect != Rect::NOWHERE);
        for tile in &mut sight.tiles {
            tile.gain_percent = 100;
        }
        for overlay in &mut sight.overlays {
            if let Content::ScoreBar { left, right } = &mut overlay.content {
                *left = Side { score: 0, ..*left };
                *right = Side { score: 0, ..*right };
            }
        }
        Self(sight)
    }
}

#[cfg(test)]
mod tests {
    use media_rules::layout::{Choice, Figures, Performer};
    use media_rules::{FeedId, FrameCodec, MediaTime};

    use super::*;

    fn scene(revision: u64, names: &[&str], is_muted: bool) -> Scene {
        let performer =
            |name: &&str| Performer { feed: FeedId::new("a", name), name: String::new(), is_muted };
        let performers: Vec<_> = names.iter().map(performer).collect();
        let choice = Choice::default();
        choice.scene(revision, &performers, false, (720, 1280), Figures::default())
    }

    fn picture(at: u64) -> EncodedFrame {
        let at = MediaTime::from_millis(at);
        EncodedFrame { codec: FrameCodec::H264, at, is_key: true, data: Default::default() }
    }

    fn owner(composites: &Composites, scene: &Scene) -> Owned {
        match composites.join(scene) {
            Joined::Owner(owned) => owned,
            Joined::Guest(_) => panic!("somebody makes it already"),
        }
    }

    fn guest(composites: &Composites, scene: &Scene) -> Borrowed {
        match composites.join(scene) {
            Joined::Guest(borrowed) => borrowed,
            Joined::Owner(_) => panic!("nobody makes it"),
        }
    }

    #[tokio::test]
    async fn whoever_shows_the_same_takes_the_pictures_of_the_first() {
        let composites = Composites::default();
        let mut owned = owner(&composites, &scene(1, &["alice", "bob"], false));
        let mut borrowed = guest(&composites, &scene(7, &["alice", "bob"], true));
        let _other = owner(&composites, &scene(1, &["bob", "alice"], false));

        owned.lender().send(&picture(33));
        assert!(matches!(borrowed.next(false).await, Lent::Picture(frame) if frame == picture(33)));
        borrowed.request_keyframe();
        owned.keyframe_wanted().await;
    }

    #[tokio::test]
    async fn an_owner_that_ends_is_told_when_the_last_guest_has_parted() {
        let composites = Composites::default();
        let both = scene(1, &["alice", "bob"], false);
        let owned = owner(&composites, &both);
        let mut borrowed = guest(&composites, &both);

        owned.withdraw();
        assert!(matches!(borrowed.next(false).await, Lent::Ending));
        owned.lender().send(&picture(66));
        assert!(matches!(borrowed.next(true).await, Lent::Picture(_)), "until it has its own");
        let _next = owner(&composites, &both);
        drop(borrowed);
        owned.parted().await;
        assert!(!owned.has_guests());
    }

    #[tokio::test]
    async fn an_owner_that_is_gone_has_ended() {
        let composites = Composites::default();
        let both = scene(1, &["alice", "bob"], false);
        let owned = owner(&composites, &both);
        let mut borrowed = guest(&composites, &both);
        drop(owned);
        assert!(matches!(borrowed.next(false).await, Lent::Ending));
        let _next = owner(&composites, &both);
    }

    #[tokio::test]
    async fn a_slow_guest_hears_that_it_lost_pictures() {
        let composites = Composites::default();
        let both = scene(1, &["alice", "bob"], false);
        let owned = owner(&composites, &both);
        let mut borrowed = guest(&composites, &both);
        for at in 0..=CAPACITY as u64 {
            owned.lender().send(&picture(at));
        }
        assert!(matches!(borrowed.next(false).await, Lent::Missed));
    }
}
