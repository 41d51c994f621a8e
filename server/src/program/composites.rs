//! The pictures that programs of this node take from one another, and the sound with them where the same
//! is heard. The first program to show something makes its pictures and offers them; others that show the
//! same take them and let their own mixers rest. Who no longer makes them says so first, and goes on until
//! everybody has their own.
//!
//! What surprises: frames go to the guests in the thread that read them from the owner's mixer. Nobody is
//! woken for them.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media_rules::{Content, EncodedFrame, FrameCodec, Hearing, Rect, Scene, Side, Transition};
use tokio::sync::{mpsc, watch};

/// What is offered now; clones are handles to the same.
#[derive(Clone, Debug, Default)]
pub struct Composites {
    offers: Arc<Mutex<Vec<Offer>>>,
    /// How many guests there have been.
    guests: Arc<AtomicU64>,
}

#[derive(Clone, Debug)]
struct Offer {
    sight: Sight,
    lending: Arc<Lending>,
    keyframes: mpsc::Sender<()>,
}

/// What an owner and its guests share.
struct Lending {
    /// Held while a frame is handed out; whoever takes it does not wait.
    guests: Mutex<Vec<Guest>>,
    terms: watch::Sender<Terms>,
}

/// What guests can count on.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Terms {
    is_ending: bool,
    /// Whether the owner has a mixer. What stands in for one is of no use to a guest.
    is_made: bool,
    /// What is heard in the owner's room, if there is a mixer.
    hearing: Hearing,
}

impl Terms {
    /// Returns what a guest can have.
    fn lent(&self) -> Option<&Hearing> {
        self.is_made.then_some(&self.hearing)
    }
}

struct Guest {
    number: u64,
    taker: Arc<dyn Taker>,
    takes_sound: bool,
}

/// Where a guest's frames go. Called in the owner's thread: it must not wait.
pub(super) trait Taker: Send + Sync {
    /// Takes a frame that the guest with this number borrows.
    fn take_lent(&self, number: u64, frame: &EncodedFrame);

    /// Returns whether somebody needs the sound as AAC.
    fn needs_aac(&self) -> bool;
}

/// What came of asking for a composite.
pub(super) enum Joined {
    /// Nobody makes it: who asks does, and offers it.
    Owner(Owned),
    /// Somebody makes it.
    Guest(Borrowed),
}

impl Composites {
    /// Looks for the pictures of what `scene` shows. If somebody makes them they go to `taker`.
    pub(super) fn join(&self, scene: &Scene, taker: Arc<dyn Taker>) -> Joined {
        let sight = Sight::of(scene);
        let mut offers = self.offers();
        let is_made = |lending: &Lending| lending.terms.borrow().is_made;
        if let Some(offer) =
            offers.iter().find(|offer| offer.sight == sight && is_made(&offer.lending))
        {
            let (lending, keyframes) = (Arc::clone(&offer.lending), offer.keyframes.clone());
            let terms = lending.terms.subscribe();
            let number = self.guests.fetch_add(1, Ordering::Relaxed);
            lending.guests().push(Guest { number, taker, takes_sound: false });
            return Joined::Guest(Borrowed { lending, terms, keyframes, number });
        }
        let (keyframes, asked) = mpsc::channel(1);
        let terms = Terms { is_ending: false, is_made: true, hearing: Hearing::of(scene) };
        let (guests, terms) = (Mutex::default(), watch::Sender::new(terms));
        let offer = Offer { sight, lending: Arc::new(Lending { guests, terms }), keyframes };
        offers.push(offer.clone());
        Joined::Owner(Owned { offer, composites: self.clone(), asked })
    }

    fn offers(&self) -> MutexGuard<'_, Vec<Offer>> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Lending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lending").field("terms", &self.terms).finish_non_exhaustive()
    }
}

impl Lending {
    /// Changes what there is. Whoever takes what was heard until now gets no more of it.
    fn change(&self, change: impl FnOnce(&mut Terms)) {
        let mut guests = self.guests();
        self.terms.send_if_modified(|terms| {
            let before = terms.lent().cloned();
            change(terms);
            let is_new = terms.lent() != before.as_ref();
            if is_new {
                guests.iter_mut().for_each(|guest| guest.takes_sound = false);
            }
            is_new
        });
    }

    fn guests(&self) -> MutexGuard<'_, Vec<Guest>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Returns what hands frames to the guests.
    pub(super) fn lender(&self) -> Lender {
        Lender(Arc::clone(&self.offer.lending))
    }

    /// Says what is heard from now on, before it is.
    pub(super) fn set_hearing(&self, hearing: Hearing) {
        self.offer.lending.change(|terms| terms.hearing = hearing);
    }

    /// Says whether there is a mixer that makes it.
    pub(super) fn set_made(&self, is_made: bool) {
        self.offer.lending.change(|terms| terms.is_made = is_made);
    }

    /// Returns whether somebody takes these pictures.
    pub(super) fn has_guests(&self) -> bool {
        self.offer.lending.terms.receiver_count() > 0
    }

    /// Lets nobody join any more and tells the guests to find pictures of their own.
    pub(super) fn withdraw(&self) {
        let is_this = |offer: &Offer| Arc::ptr_eq(&offer.lending, &self.offer.lending);
        self.composites.offers().retain(|offer| !is_this(offer));
        self.offer.lending.terms.send_modify(|terms| terms.is_ending = true);
    }

    /// Waits until no guest is left.
    pub(super) async fn parted(&self) {
        self.offer.lending.terms.closed().await;
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

/// Hands the frames of a composite to its guests.
#[derive(Debug)]
pub(super) struct Lender(Arc<Lending>);

impl Lender {
    /// Hands a frame to the guests that take such.
    pub(super) fn send(&self, frame: &EncodedFrame) {
        let is_sound = frame.codec != FrameCodec::H264;
        for guest in &*self.0.guests() {
            if guest.takes_sound || !is_sound {
                guest.taker.take_lent(guest.number, frame);
            }
        }
    }

    /// Returns whether a guest needs the sound as AAC.
    pub(super) fn needs_aac(&self) -> bool {
        self.0.guests().iter().any(|guest| guest.takes_sound && guest.taker.needs_aac())
    }

    /// The mixer is gone; what comes until the next one is there is of no use to a guest.
    pub(super) fn handle_death(&self) {
        self.0.change(|terms| terms.is_made = false);
    }
}

/// Another program's composite. Given back when dropped.
pub(super) struct Borrowed {
    lending: Arc<Lending>,
    terms: watch::Receiver<Terms>,
    keyframes: mpsc::Sender<()>,
    number: u64,
}

/// What comes from the owner of a composite, besides its frames.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Lent {
    /// What is heard there has changed; `None`: nothing is made there now.
    Hearing(Option<Hearing>),
    /// There will soon be no more.
    Ending,
}

impl Borrowed {
    /// Returns the number of this loan. No other has had it.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Waits for news.
    pub(super) async fn next(&mut self) -> Lent {
        // It cannot fail: we hold the sender, too.
        let _ = self.terms.changed().await;
        let terms = self.terms.borrow_and_update();
        if terms.is_ending { Lent::Ending } else { Lent::Hearing(terms.lent().cloned()) }
    }

    /// Returns what is heard in the owner's room.
    pub(super) fn hearing(&self) -> Option<Hearing> {
        self.terms.borrow().lent().cloned()
    }

    /// Takes the sound, too, if what is heard there is still `hearing`.
    pub(super) fn take_sound(&self, hearing: &Hearing) {
        let mut guests = self.lending.guests();
        let is_same = self.lending.terms.borrow().lent() == Some(hearing);
        for guest in guests.iter_mut().filter(|guest| guest.number == self.number && is_same) {
            guest.takes_sound = true;
        }
    }

    /// Asks for a keyframe.
    pub(super) fn request_keyframe(&self) {
        // Full: one is on order already.
        let _ = self.keyframes.try_send(());
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.lending.guests().retain(|guest| guest.number != self.number);
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
    use media_rules::{FeedId, MediaTime};

    use super::*;

    /// Writes down what comes.
    #[derive(Default)]
    struct Book(Mutex<Vec<(u64, EncodedFrame)>>);

    impl Taker for Book {
        fn take_lent(&self, number: u64, frame: &EncodedFrame) {
            self.0.lock().unwrap().push((number, frame.clone()));
        }

        fn needs_aac(&self) -> bool {
            true
        }
    }

    impl Book {
        fn read(&self) -> Vec<FrameCodec> {
            self.0.lock().unwrap().drain(..).map(|(_, frame)| frame.codec).collect()
        }
    }

    fn scene(revision: u64, names: &[&str], muted: &[&str]) -> Scene {
        let performer = |name: &&str| Performer {
            feed: FeedId::new("a", name),
            name: String::new(),
            is_muted: muted.contains(name),
        };
        let performers: Vec<_> = names.iter().map(performer).collect();
        let choice = Choice::default();
        choice.scene(revision, &performers, false, (720, 1280), Figures::default())
    }

    fn both() -> Scene {
        scene(1, &["alice", "bob"], &[])
    }

    fn frame(codec: FrameCodec) -> EncodedFrame {
        let at = MediaTime::from_millis(33);
        EncodedFrame { codec, at, is_key: true, data: Default::default() }
    }

    fn owner(composites: &Composites, scene: &Scene) -> Owned {
        match composites.join(scene, Arc::<Book>::default()) {
            Joined::Owner(owned) => owned,
            Joined::Guest(_) => panic!("somebody makes it already"),
        }
    }

    fn guest(composites: &Composites, scene: &Scene) -> (Borrowed, Arc<Book>) {
        let book = Arc::<Book>::default();
        match composites.join(scene, Arc::clone(&book) as Arc<dyn Taker>) {
            Joined::Guest(borrowed) => (borrowed, book),
            Joined::Owner(_) => panic!("nobody makes it"),
        }
    }

    #[tokio::test]
    async fn whoever_shows_the_same_takes_the_pictures_of_the_first() {
        let composites = Composites::default();
        let mut owned = owner(&composites, &both());
        let (first, book) = guest(&composites, &scene(7, &["alice", "bob"], &["alice"]));
        let (second, other_book) = guest(&composites, &both());
        let _other = owner(&composites, &scene(1, &["bob", "alice"], &[]));

        owned.lender().send(&frame(FrameCodec::H264));
        assert_eq!(*book.0.lock().unwrap(), [(first.number(), frame(FrameCodec::H264))]);
        assert_eq!(other_book.0.lock().unwrap()[0].0, second.number());
        assert_ne!(first.number(), second.number());
        first.request_keyframe();
        owned.keyframe_wanted().await;
        drop(first);
        owned.lender().send(&frame(FrameCodec::H264));
        assert_eq!((book.read().len(), other_book.read().len()), (1, 2), "given back");
    }

    #[tokio::test]
    async fn an_owner_that_ends_is_told_when_the_last_guest_has_parted() {
        let composites = Composites::default();
        let owned = owner(&composites, &both());
        let (mut borrowed, book) = guest(&composites, &both());

        owned.withdraw();
        assert_eq!(borrowed.next().await, Lent::Ending);
        owned.lender().send(&frame(FrameCodec::H264));
        assert_eq!(book.read(), [FrameCodec::H264], "until it has its own");
        let _next = owner(&composites, &both());
        assert!(owned.has_guests());
        drop(borrowed);
        owned.parted().await;
        assert!(!owned.has_guests());
    }

    #[tokio::test]
    async fn an_owner_that_is_gone_has_ended() {
        let composites = Composites::default();
        let owned = owner(&composites, &both());
        let (mut borrowed, _book) = guest(&composites, &both());
        drop(owned);
        assert_eq!(borrowed.next().await, Lent::Ending);
        let _next = owner(&composites, &both());
    }

    #[tokio::test]
    async fn sound_is_lent_to_whoever_hears_the_same_and_not_once_that_changes() {
        let composites = Composites::default();
        let owned = owner(&composites, &both());
        let (mut borrowed, book) = guest(&composites, &both());
        let (_silent, other_book) = guest(&composites, &both());
        let lender = owned.lender();
        let sounds = [FrameCodec::Opus, FrameCodec::Aac];
        let send = || sounds.into_iter().for_each(|codec| lender.send(&frame(codec)));

        send();
        assert!(book.read().is_empty() && !lender.needs_aac(), "nobody asked");
        let muted = Hearing::of(&scene(2, &["alice", "bob"], &["bob"]));
        borrowed.take_sound(&muted);
        send();
        assert!(book.read().is_empty(), "that is not what is heard there");
        borrowed.take_sound(&Hearing::of(&both()));
        send();
        assert_eq!((book.read(), other_book.read()), (sounds.to_vec(), vec![]));
        assert!(lender.needs_aac());

        owned.set_hearing(Hearing::of(&both()));
        send();
        assert_eq!(book.read(), sounds, "nothing has changed");
        owned.set_hearing(muted.clone());
        send();
        assert!(book.read().is_empty(), "not a frame of it");
        assert_eq!(borrowed.next().await, Lent::Hearing(Some(muted)));
    }

    #[tokio::test]
    async fn nobody_is_lent_what_stands_in_for_a_mixer_that_died() {
        let composites = Composites::default();
        let owned = owner(&composites, &both());
        let (mut borrowed, book) = guest(&composites, &both());
        borrowed.take_sound(&Hearing::of(&both()));
        owned.lender().handle_death();
        owned.lender().send(&frame(FrameCodec::Opus));
        assert!(book.read().is_empty());
        assert_eq!(borrowed.next().await, Lent::Hearing(None));
        let muted = Hearing::of(&scene(2, &["alice", "bob"], &["bob"]));
        owned.set_hearing(muted.clone());
        assert_eq!(borrowed.hearing(), None, "what is to be heard brings no mixer back");
        let next = owner(&composites, &both());
        drop(next);
        owned.set_made(true);
        assert_eq!(borrowed.next().await, Lent::Hearing(Some(muted)));
        let _guest = guest(&composites, &both());
    }
}
