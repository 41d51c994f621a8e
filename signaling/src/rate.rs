//! How fast one session may speak.
//!
//! Each kind of message has its own allowance, so that somebody who drums on the like button can
//! still order. What is over the allowance is refused and never queued.

use std::time::Duration;

use room_rules::{Command, GiveawayCommand};
use tokio::time::Instant;

/// The allowances of one session. Data channel sessions and WebSocket sessions use the same.
#[derive(Debug)]
pub struct RateLimit {
    chat: Bucket,
    like: Bucket,
    gift: Bucket,
    order: Bucket,
    other: Bucket,
    clock: Bucket,
}

impl RateLimit {
    /// Creates full allowances.
    pub fn new() -> Self {
        let now = Instant::now();
        Self {
            chat: Bucket::new(5, Duration::from_secs(1), now),
            like: Bucket::new(20, Duration::from_millis(50), now),
            gift: Bucket::new(20, Duration::from_millis(100), now),
            order: Bucket::new(10, Duration::from_millis(200), now),
            other: Bucket::new(20, Duration::from_millis(100), now),
            clock: Bucket::new(10, Duration::from_millis(143), now),
        }
    }

    /// Takes from the allowance of `command`; false if nothing is left of it.
    pub fn allows(&mut self, command: &Command) -> bool {
        let bucket = match command {
            Command::ChatSend(_) => &mut self.chat,
            Command::Talk(command) if command.is_line() => &mut self.chat,
            Command::Like(_) => &mut self.like,
            Command::GiftSend(_) => &mut self.gift,
            Command::OrderPlace(_)
            | Command::Giveaway(
                GiveawayCommand::PacketClaim(_) | GiveawayCommand::LotteryEnter(_),
            ) => &mut self.order,
            Command::Shop(command) if command.is_of_a_buyer() => &mut self.order,
            Command::Talk(_)
            | Command::Seat(_)
            | Command::Moderation(_)
            | Command::Room(_)
            | Command::Pk(_)
            | Command::SaleAnnounce(_)
            | Command::SaleCancel(_)
            | Command::Giveaway(
                GiveawayCommand::PacketOpen(_)
                | GiveawayCommand::PacketCancel(_)
                | GiveawayCommand::LotteryOpen(_)
                | GiveawayCommand::LotteryAbort(_),
            )
            | Command::Shop(_)
            | Command::RoomEnd => &mut self.other,
        };
        bucket.take(Instant::now())
    }

    /// Takes from the allowance of clock questions; one too many is not answered at all.
    pub fn allows_clock(&mut self) -> bool {
        self.clock.take(Instant::now())
    }

    /// Takes from the allowance of messages that cannot be read.
    pub fn allows_mistake(&mut self) -> bool {
        self.other.take(Instant::now())
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::new()
    }
}

/// `burst` at once, then one more every `refill`. Kept as the time at which it would be full again.
#[derive(Debug)]
pub(crate) struct Bucket {
    burst: u32,
    refill: Duration,
    full_at: Instant,
}

impl Bucket {
    pub(crate) const fn new(burst: u32, refill: Duration, now: Instant) -> Self {
        Self { burst, refill, full_at: now }
    }

    /// Returns whether nothing is taken that has not come back.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.max(now) + self.refill;
        let allowed = full_at.duration_since(now) <= self.refill * self.burst;
        if allowed {
            self.full_at = full_at;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_one_per_refill() {
        let start = Instant::now();
        let mut bucket = Bucket::new(5, Duration::from_secs(1), start);

        let at_once = (0..10).filter(|_| bucket.take(start)).count();
        let just_before = bucket.take(start + Duration::from_millis(999));
        let on_time = bucket.take(start + Duration::from_secs(1));
        let again = bucket.take(start + Duration::from_secs(1));

        assert_eq!(at_once, 5);
        assert_eq!((just_before, on_time, again), (false, true, false));
    }
}
