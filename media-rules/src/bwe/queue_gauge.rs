//! How long packets stand in a queue: their transit time above the shortest one lately seen.
//!
//! Both clocks may be off by any amount, and drift; only differences over some seconds count.

/// How long the shortest transit is remembered, at least; at most twice as long.
const MEMORY_MICROS: i64 = 10_000_000;

/// The standing delay of a path. All times in microseconds.
#[derive(Debug, Default)]
pub struct QueueGauge {
    epoch_start: Option<i64>,
    shortest: Option<i64>,
    shortest_before: Option<i64>,
    /// The shortest transit of the batch that is being looked at, and of the one before.
    batch: Option<i64>,
    batch_before: Option<i64>,
    standing: i64,
}

impl QueueGauge {
    /// A packet's arrival, and the difference of arrival and sending, each by its own clock.
    pub fn handle_packet(&mut self, arrival: i64, transit: i64) {
        let start = *self.epoch_start.get_or_insert(arrival);
        if !(0..=MEMORY_MICROS).contains(&(arrival - start)) {
            self.epoch_start = Some(arrival);
            self.shortest_before = self.shortest.replace(transit);
        }
        let least = |held: Option<i64>| Some(held.map_or(transit, |held| held.min(transit)));
        self.shortest = least(self.shortest);
        self.batch = least(self.batch);
    }

    /// Ends a batch. The least delayed packet of two batches tells how long the queue is that none
    /// escapes; one batch may be no more than the end of a burst.
    pub fn end_batch(&mut self) {
        if let (Some(batch), Some(shortest)) = (self.batch.take(), self.shortest) {
            let base = self.shortest_before.map_or(shortest, |before| before.min(shortest));
            let least = self.batch_before.map_or(batch, |before| before.min(batch));
            self.batch_before = Some(batch);
            self.standing = least - base;
        }
    }

    /// Returns the delay that even the least delayed packet of the last two batches had.
    pub const fn standing_micros(&self) -> i64 {
        self.standing
    }
}
