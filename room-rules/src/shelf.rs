//! Things of one kind that a room runs side by side: sales, auctions, coupons, quizzes. A few run at
//! once, and the last ones that are over are still shown and still answer.

use crate::announcer::Announcer;
use crate::{Countdown, Rejected, ServerTime};

/// Something that runs for a while.
pub(crate) trait OnShelf {
    type Id: PartialEq;

    fn id(&self) -> &Self::Id;
    /// Whether it has stopped running.
    fn is_over(&self) -> bool;
    /// Whether nothing can come of it any more, so that it may be forgotten.
    fn is_settled(&self) -> bool {
        self.is_over()
    }
    fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer);
    fn poll_timeout(&self) -> Option<ServerTime>;
    /// The room ends.
    fn handle_end(&mut self, now: ServerTime, out: &mut Announcer);
    /// What a client can still make use of.
    fn countdown(&self) -> Option<&Countdown>;
}

/// Running ones, and others of which something may still come.
const UNSETTLED_MAX: usize = 50;

#[derive(Debug)]
pub(crate) struct Shelf<T> {
    /// Oldest first. Full of running or unsettled ones: another is refused; of others: the oldest is
    /// forgotten.
    items: Vec<T>,
    running_max: usize,
    over_kept: usize,
}

impl<T: OnShelf> Shelf<T> {
    pub(crate) const fn new(running_max: usize, over_kept: usize) -> Self {
        Self { items: Vec::new(), running_max, over_kept }
    }

    /// Says whether one more may run.
    pub(crate) fn expect_room(&self) -> Result<(), Rejected> {
        if self.items.iter().filter(|item| !item.is_over()).count() >= self.running_max {
            return Err(Rejected::Conflict("too many of this kind are running"));
        }
        if self.items.iter().filter(|item| !item.is_settled()).count() >= UNSETTLED_MAX {
            return Err(Rejected::Conflict("too many of this kind are not settled"));
        }
        Ok(())
    }

    /// Adds one after [`expect_room`](Self::expect_room) has agreed.
    pub(crate) fn push(&mut self, item: T) {
        if self.items.iter().filter(|item| item.is_settled()).count() >= self.over_kept {
            let oldest = self.items.iter().position(T::is_settled).expect("some are settled");
            self.items.remove(oldest);
        }
        self.items.push(item);
    }

    pub(crate) fn find(&mut self, id: &T::Id, kind: &'static str) -> Result<&mut T, Rejected> {
        self.items.iter_mut().find(|item| item.id() == id).ok_or(Rejected::NotFound(kind))
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut()
    }

    pub(crate) fn handle_timeout(&mut self, now: ServerTime, out: &mut Announcer) {
        for item in &mut self.items {
            item.handle_timeout(now, out);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<ServerTime> {
        self.items.iter().filter_map(T::poll_timeout).min()
    }

    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        for item in &mut self.items {
            item.handle_end(now, out);
        }
    }

    pub(crate) fn countdowns(&self) -> impl Iterator<Item = &Countdown> {
        self.items.iter().filter_map(T::countdown)
    }
}
