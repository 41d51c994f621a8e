//! How late media leaves: from the kernel's receipt of a packet to the return of the call that sent
//! it on, counted by class for the operator.
//!
//! What leaves together is as late as its oldest packet, so the counts err to the late side.

use std::time::Duration;

use media_rules::MediaTime;

/// Upper ends in milliseconds, and their names for the metric; there is one more class beyond.
const CLASSES: [(u64, &str); 10] = [
    (1, "1"),
    (2, "2"),
    (3, "3"),
    (5, "5"),
    (7, "7"),
    (10, "10"),
    (15, "15"),
    (20, "20"),
    (50, "50"),
    (100, "100"),
];

/// Counts packets by how late they left.
#[derive(Debug, Default)]
pub(super) struct Punctuality {
    /// What is written but not sent: since when it waits, and how many packets.
    leaving: Vec<(MediaTime, u64)>,
    counts: [u64; CLASSES.len() + 1],
}

impl Punctuality {
    /// Notes that `count` packets that wait `since` then have been written.
    pub(super) fn handle_written(&mut self, since: MediaTime, count: u64) {
        match self.leaving.last_mut() {
            Some((same, sum)) if *same == since => *sum += count,
            _ => self.leaving.push((since, count)),
        }
    }

    /// Notes that everything written has been sent.
    pub(super) fn handle_sent(&mut self, now: MediaTime) {
        for (since, count) in self.leaving.drain(..) {
            let late = now.since(since);
            let class = CLASSES.iter().position(|(end, _)| late <= Duration::from_millis(*end));
            self.counts[class.unwrap_or(CLASSES.len())] += count;
        }
    }

    /// Whether something written has not been sent.
    pub(super) fn is_waiting(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Tells the metrics.
    pub(super) fn report(&mut self) {
        let names = CLASSES.iter().map(|(_, name)| *name).chain(["more"]);
        for (count, name) in self.counts.iter_mut().zip(names) {
            if *count > 0 {
                metrics::counter!("sfu_forwarded_total", "within_ms" => name)
                    .increment(std::mem::take(count));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_counted_by_the_wait_of_the_oldest_they_left_with() {
        let mut punctuality = Punctuality::default();
        punctuality.handle_written(MediaTime::from_millis(100), 3);
        punctuality.handle_written(MediaTime::from_millis(100), 2);
        punctuality.handle_written(MediaTime::from_millis(104), 1);
        assert!(punctuality.is_waiting());
        punctuality.handle_sent(MediaTime::from_millis(106));
        assert!(!punctuality.is_waiting());
        punctuality.handle_written(MediaTime::from_millis(100), 4);
        punctuality.handle_sent(MediaTime::from_millis(900));
        assert_eq!(punctuality.counts, [0, 1, 0, 0, 5, 0, 0, 0, 0, 0, 4]);
    }
}
