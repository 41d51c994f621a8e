//! What one track may spend on sending packets again (RFC 4588).

use std::time::Duration;

use media_rules::MediaTime;

/// The same packet is not repeated again within this, or within a round trip if that is known to be
/// longer; its first repeat is still under way.
const REPEAT_INTERVAL: Duration = Duration::from_millis(15);
/// Retransmissions may take this share of what was sent ...
const SHARE: usize = 4;
/// ... and at most this many bytes at once.
const BURST: usize = 96 * 1_024;
/// A receiver that asks for the same packet more often than this does not recognise the answer; browsers
/// ask ten times.
const MAX_REPEATS: u8 = 10;
const REPEATS_REMEMBERED: usize = 256;
/// After this, the same number is another packet.
const REPEAT_MEMORY: Duration = Duration::from_secs(5);

/// The retransmissions of one track.
pub(super) struct Repair {
    /// What retransmissions are sent as, where they are a stream of their own.
    pub(super) ssrc: u32,
    next_index: u64,
    interval: Duration,
    /// Bytes that may be repeated now. Empty: the request is ignored and the viewer asks again.
    credit: usize,
    /// By sequence number modulo the length; made with the first request.
    repeated: Vec<Repeat>,
}

/// What became of one request.
#[derive(Clone, Copy, Default)]
struct Repeat {
    last: MediaTime,
    sequence: u16,
    times: u8,
}

impl Repair {
    /// Starts with a full purse.
    pub(super) fn new(ssrc: u32) -> Self {
        Self {
            ssrc,
            next_index: u64::from(fastrand::u16(1..0x4000)),
            interval: REPEAT_INTERVAL,
            credit: BURST,
            repeated: Vec::new(),
        }
    }

    /// Earns a share of what was sent; all of it where much is lost, which is no congestion.
    pub(super) fn handle_sent(&mut self, len: usize, is_lossy: bool) {
        let earned = if is_lossy { len } else { len / SHARE };
        self.credit = (self.credit + earned).min(BURST);
    }

    /// The round trip was measured.
    pub(super) fn handle_rtt(&mut self, rtt: Duration) {
        // A little less, because a repeated request is never exactly on time.
        self.interval = REPEAT_INTERVAL.max(rtt.mul_f64(0.9));
    }

    /// A packet was sent again without having been asked for.
    pub(super) fn handle_copy(&mut self, sequence: u16, now: MediaTime) {
        self.entry(sequence, now).last = now;
    }

    /// Returns the packet index of the next retransmission.
    pub(super) fn next_index(&mut self) -> u64 {
        let index = self.next_index;
        self.next_index += 1;
        index
    }

    /// Whether a packet of `len` bytes may be sent again now; if so, it is paid for.
    pub(super) fn may_repeat(&mut self, sequence: u16, len: usize, now: MediaTime) -> bool {
        let (interval, credit) = (self.interval, self.credit);
        let entry = self.entry(sequence, now);
        let is_recent = entry.last != MediaTime::default() && now.since(entry.last) < interval;
        if is_recent || entry.times >= MAX_REPEATS || credit < len {
            return false;
        }
        entry.last = now;
        entry.times += 1;
        self.credit -= len;
        true
    }

    fn entry(&mut self, sequence: u16, now: MediaTime) -> &mut Repeat {
        if self.repeated.is_empty() {
            self.repeated.resize(REPEATS_REMEMBERED, Repeat::default());
        }
        let entry = &mut self.repeated[usize::from(sequence) % REPEATS_REMEMBERED];
        if entry.sequence != sequence || now.since(entry.last) >= REPEAT_MEMORY {
            *entry = Repeat { sequence, ..Repeat::default() };
        }
        entry
    }
}
