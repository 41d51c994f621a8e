//! Collects gifts for a tenth of a second and tells them together.
//!
//! Gifts of one combo become one item that carries the combo's count so far, so a lost or repeated
//! batch makes no wrong number. A luxury gift is an item of its own each time it is given.

use std::collections::HashMap;
use std::time::Duration;

use crate::announcer::Announcer;
use crate::combo::Combo;
use crate::pace::Throttle;
use crate::{EventBody, GiftItem, GiftLevel, ServerTime};

/// A batch goes out at once if the last one is this long ago, else when it is.
const BATCH_EVERY: Duration = Duration::from_millis(100);
/// Full: the batch goes out at once. So many items are about as long as a message may be.
const ITEMS_MAX: usize = 16;

#[derive(Debug)]
pub(crate) struct GiftBatch {
    items: Vec<GiftItem>,
    /// Where the item of each combo is that further gifts of it may be merged into.
    open: HashMap<u64, usize>,
    due: Throttle,
}

impl GiftBatch {
    pub(crate) fn new() -> Self {
        Self { items: Vec::new(), open: HashMap::new(), due: Throttle::new(BATCH_EVERY) }
    }

    /// Adds `count` gifts of `combo`, which counts them already.
    pub(crate) fn give(
        &mut self,
        combo: &Combo,
        level: GiftLevel,
        count: u32,
        coins: u64,
        now: ServerTime,
        out: &mut Announcer,
    ) {
        match (level, self.open.get(&combo.id)) {
            (GiftLevel::Normal, Some(&at)) => {
                let item = &mut self.items[at];
                item.count += u64::from(count);
                item.coins += coins;
                item.combo_count = combo.count;
            }
            (GiftLevel::Normal, None) | (GiftLevel::Luxury, _) => {
                self.push(item(combo, u64::from(count), coins, now), now, out);
            }
        }
    }

    /// Adds that `combo` is over.
    pub(crate) fn end(&mut self, combo: &Combo, now: ServerTime, out: &mut Announcer) {
        if let Some(&at) = self.open.get(&combo.id) {
            self.items[at].combo_ended = true;
        } else {
            self.push(GiftItem { combo_ended: true, ..item(combo, 0, 0, now) }, now, out);
        }
        self.open.remove(&combo.id);
    }

    /// Tells the batch if it is time; `due` is when it was.
    pub(crate) fn handle_timeout(&mut self, due: ServerTime, out: &mut Announcer) {
        if self.due.take(due) {
            self.tell(due, out);
        }
    }

    /// Tells what is left at `now`, before it is due.
    pub(crate) fn handle_end(&mut self, now: ServerTime, out: &mut Announcer) {
        self.due.clear();
        if !self.items.is_empty() {
            self.tell(now, out);
        }
    }

    pub(crate) const fn poll_timeout(&self) -> Option<ServerTime> {
        self.due.poll_timeout()
    }

    fn push(&mut self, item: GiftItem, now: ServerTime, out: &mut Announcer) {
        if self.items.len() == ITEMS_MAX {
            self.tell(now, out);
        }
        self.open.insert(item.combo, self.items.len());
        self.items.push(item);
        self.due.touch(now);
    }

    fn tell(&mut self, now: ServerTime, out: &mut Announcer) {
        self.open.clear();
        out.broadcast(EventBody::Gifts(std::mem::take(&mut self.items)), now);
    }
}

fn item(combo: &Combo, count: u64, coins: u64, at: ServerTime) -> GiftItem {
    GiftItem {
        user: combo.giving.user.clone(),
        name: combo.name.clone(),
        gift: combo.giving.gift.clone(),
        to: combo.giving.to.clone(),
        at,
        count,
        coins,
        combo: combo.id,
        combo_count: combo.count,
        combo_ended: false,
    }
}
