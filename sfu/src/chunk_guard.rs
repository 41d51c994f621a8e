//! Keeps SCTP packets away from the SCTP library that would harm it.
//!
//! rtc-sctp steps over TSNs one by one for as far as a FORWARD TSN says, which is half a minute of
//! a worker's time for one packet; it keeps every stream reset for ever; and it scans what it holds
//! for each chunk. None of that is a panic that could be caught. What is refused here no honest
//! implementation sends, or it sends it again a little later.
//!
//! The library steps from chunk to chunk by the length of what it understood, not by the length on
//! the wire. So a chunk is admitted only in the one shape in which both are the same, or a second
//! packet could hide in the first.
//!
//! <https://www.rfc-editor.org/rfc/rfc9260#section-3> · <https://www.rfc-editor.org/rfc/rfc3758#section-3.2>

use std::time::Instant;

const PACKET_HEADER_LEN: usize = 12;
const DATA: u8 = 0;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const SACK: u8 = 3;
const HEARTBEAT: u8 = 4;
const ABORT: u8 = 6;
const SHUTDOWN: u8 = 7;
const SHUTDOWN_ACK: u8 = 8;
const ERROR: u8 = 9;
const COOKIE_ECHO: u8 = 10;
const COOKIE_ACK: u8 = 11;
const SHUTDOWN_COMPLETE: u8 = 14;
const RE_CONFIG: u8 = 130;
const FORWARD_TSN: u8 = 192;

/// How far a sender may be ahead of what we acknowledged. A second of the busiest client is less.
const MAX_AHEAD: u32 = 1_024;
/// Stream resets of one connection; a browser sends one for each channel that is closed.
const MAX_RESETS: u32 = 64;
/// Pieces of messages, and words that some will not come: far above what members may say.
const DATA_PER_SECOND: f64 = 200.0;
const DATA_BURST: f64 = 1_024.0;

/// What one connection may hand to the library.
#[derive(Debug)]
pub(crate) struct ChunkGuard {
    /// Up to where the library has everything: by the last acknowledgement that it wrote.
    acknowledged: Option<u32>,
    /// Whether the library has acknowledged anything; an association is not begun anew after that.
    has_flowed: bool,
    resets: u32,
    credit: f64,
    refilled: Option<Instant>,
}

impl ChunkGuard {
    /// Creates the guard of an association that has not begun.
    pub(crate) fn new() -> Self {
        Self {
            acknowledged: None,
            has_flowed: false,
            resets: 0,
            credit: DATA_BURST,
            refilled: None,
        }
    }

    /// Whether the library may see this packet.
    pub(crate) fn admits(&mut self, packet: &[u8], now: Instant) -> bool {
        let since = self.refilled.replace(now).map(|before| now.saturating_duration_since(before));
        let refill = since.unwrap_or_default().as_secs_f64() * DATA_PER_SECOND;
        self.credit = (self.credit + refill).min(DATA_BURST);
        let mut rest = packet.get(PACKET_HEADER_LEN..).unwrap_or_default();
        if rest.is_empty() {
            return false;
        }
        while !rest.is_empty() {
            let Some((chunk, after)) = split_chunk(rest) else {
                return false;
            };
            // It stands alone (RFC 9260 section 3).
            let is_begin = matches!(chunk[0], INIT | INIT_ACK);
            if is_begin && !(after.is_empty() && rest.len() + PACKET_HEADER_LEN == packet.len()) {
                return false;
            }
            if !self.admits_chunk(chunk) {
                return false;
            }
            rest = after;
        }
        true
    }

    /// Looks for acknowledgements in a packet of the library's own.
    pub(crate) fn handle_sent(&mut self, packet: &[u8]) {
        let mut rest = packet.get(PACKET_HEADER_LEN..).unwrap_or_default();
        while let Some((chunk, after)) = split_chunk(rest) {
            if chunk[0] == SACK {
                self.acknowledged = be32(chunk, 4);
                self.has_flowed = true;
            }
            rest = after;
        }
    }

    fn admits_chunk(&mut self, chunk: &[u8]) -> bool {
        let body = &chunk[4..];
        match chunk[0] {
            DATA => body.len() > 12 && self.is_near(be32(body, 0)) && self.spend(),
            FORWARD_TSN => {
                body.len() >= 4
                    && body.len().is_multiple_of(4)
                    && self.is_near(be32(body, 0))
                    && self.spend()
            }
            SACK => is_sound_sack(body),
            INIT | INIT_ACK => self.admits_begin(body),
            COOKIE_ECHO => true,
            COOKIE_ACK | SHUTDOWN_ACK | SHUTDOWN_COMPLETE => body.is_empty(),
            SHUTDOWN => body.len() == 4,
            HEARTBEAT => be16(body, 2).is_some_and(|len| usize::from(len) == body.len()),
            ABORT | ERROR => {
                body.is_empty() || be16(body, 2).is_some_and(|len| usize::from(len) == body.len())
            }
            RE_CONFIG => {
                self.resets += 1;
                self.resets <= MAX_RESETS && is_sound_reset(body)
            }
            _ => false,
        }
    }

    fn admits_begin(&mut self, body: &[u8]) -> bool {
        let Some(before) = be32(body, 12).map(|first| first.wrapping_sub(1)) else {
            return false;
        };
        // A lost answer makes the other side repeat itself, word for word.
        let is_first = *self.acknowledged.get_or_insert(before) == before;
        is_first && !self.has_flowed && are_sound_parameters(&body[16..])
    }

    /// Whether the library can get to this TSN in a few steps; what is behind it ignores.
    fn is_near(&self, tsn: Option<u32>) -> bool {
        let (Some(tsn), Some(acknowledged)) = (tsn, self.acknowledged) else {
            return false;
        };
        let ahead = tsn.wrapping_sub(acknowledged);
        ahead <= MAX_AHEAD || ahead > u32::MAX / 2
    }

    fn spend(&mut self) -> bool {
        let is_paid = self.credit >= 1.0;
        self.credit -= if is_paid { 1.0 } else { 0.0 };
        is_paid
    }
}

/// Splits off a chunk without its padding; the last chunk's padding may be missing.
fn split_chunk(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = usize::from(be16(rest, 2)?);
    let chunk = rest.get(..len).filter(|_| len >= 4)?;
    Some((chunk, rest.get(len.next_multiple_of(4)..).unwrap_or_default()))
}

fn is_sound_sack(body: &[u8]) -> bool {
    let (Some(gaps), Some(repeats)) = (be16(body, 8), be16(body, 10)) else {
        return false;
    };
    body.len() == 12 + 4 * (usize::from(gaps) + usize::from(repeats))
}

/// Parameters of an INIT, one right behind the other.
fn are_sound_parameters(mut rest: &[u8]) -> bool {
    const FORWARD_TSN_SUPPORTED: u16 = 0xc000;
    const REQUESTED_HMAC_ALGORITHM: u16 = 0x8004;
    const RECONFIG_RESPONSE: u16 = 16;
    while !rest.is_empty() {
        let (Some(kind), Some(len)) = (be16(rest, 0), be16(rest, 2).map(usize::from)) else {
            return false;
        };
        let is_whole = match kind {
            FORWARD_TSN_SUPPORTED => len == 4,
            REQUESTED_HMAC_ALGORITHM => len.is_multiple_of(2),
            RECONFIG_RESPONSE => len == 12,
            _ => true,
        };
        if !is_whole || len < 4 || len > rest.len() {
            return false;
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    true
}

/// One or two requests or answers to a request (RFC 6525 section 3.1).
fn is_sound_reset(body: &[u8]) -> bool {
    const OUTGOING_RESET: u16 = 13;
    const RESPONSE: u16 = 16;
    let mut rest = body;
    for _ in 0..2 {
        let (Some(kind), Some(len)) = (be16(rest, 0), be16(rest, 2).map(usize::from)) else {
            return false;
        };
        let is_sound = match kind {
            OUTGOING_RESET => len >= 16 && len.is_multiple_of(2),
            RESPONSE => len == 12,
            _ => false,
        };
        if !is_sound || len > rest.len() {
            return false;
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        if rest.is_empty() {
            return true;
        }
    }
    false
}

fn be16(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn be32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FIRST: u32 = u32::MAX - 3;

    fn packet(chunks: &[Vec<u8>]) -> Vec<u8> {
        [vec![0; PACKET_HEADER_LEN], chunks.concat()].concat()
    }

    fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut chunk = vec![kind, 0];
        chunk.extend(u16::try_from(body.len() + 4).expect("short").to_be_bytes());
        chunk.extend(body);
        chunk.resize(chunk.len().next_multiple_of(4), 0);
        chunk
    }

    fn init(first: u32) -> Vec<u8> {
        let mut body = vec![0; 16];
        body[12..].copy_from_slice(&first.to_be_bytes());
        // Supported extensions: RE-CONFIG and FORWARD TSN; FORWARD TSN supported.
        body.extend([0x80, 0x08, 0, 6, 130, 192, 0, 0, 0xc0, 0, 0, 4]);
        chunk(INIT, &body)
    }

    fn forward(tsn: u32) -> Vec<u8> {
        chunk(FORWARD_TSN, &tsn.to_be_bytes())
    }

    fn data(tsn: u32) -> Vec<u8> {
        chunk(DATA, &[&tsn.to_be_bytes()[..], &[0, 0, 0, 0, 0, 0, 0, 51, b'x']].concat())
    }

    fn sack(tsn: u32) -> Vec<u8> {
        chunk(SACK, &[&tsn.to_be_bytes()[..], &[0; 8]].concat())
    }

    fn begun() -> (ChunkGuard, Instant) {
        let (mut guard, now) = (ChunkGuard::new(), Instant::now());
        assert!(guard.admits(&packet(&[init(FIRST)]), now));
        (guard, now)
    }

    #[test]
    fn a_leap_of_tsns_is_refused_and_a_step_across_the_wrap_is_not() {
        let (mut guard, now) = begun();
        assert!(guard.admits(&packet(&[data(FIRST), forward(FIRST.wrapping_add(9))]), now));
        assert!(!guard.admits(&packet(&[forward(FIRST.wrapping_add(5_000))]), now));
        assert!(!guard.admits(&packet(&[data(FIRST), data(FIRST.wrapping_add(5_000))]), now));
        guard.handle_sent(&packet(&[sack(FIRST.wrapping_add(4_500))]));
        assert!(guard.admits(&packet(&[forward(FIRST.wrapping_add(5_000))]), now));
        assert!(guard.admits(&packet(&[data(FIRST)]), now), "what is old does no harm");
    }

    #[test]
    fn an_association_begins_in_one_place_and_not_after_data() {
        let (mut guard, now) = begun();
        assert!(guard.admits(&packet(&[init(FIRST)]), now), "a repetition");
        assert!(!guard.admits(&packet(&[init(FIRST.wrapping_add(1 << 30))]), now));
        assert!(!guard.admits(&packet(&[init(FIRST), data(FIRST)]), now), "it stands alone");
        guard.handle_sent(&packet(&[sack(FIRST)]));
        assert!(!guard.admits(&packet(&[init(FIRST)]), now));
    }

    #[test]
    fn a_chunk_that_says_more_than_the_library_reads_is_refused() {
        let (mut guard, now) = begun();
        let hidden = forward(FIRST.wrapping_add(1 << 30));
        for body in [
            chunk(SACK, &[vec![0; 12], hidden.clone()].concat()),
            chunk(COOKIE_ACK, &hidden),
            chunk(HEARTBEAT, &[vec![0, 1, 0, 8, 0, 0, 0, 0], hidden.clone()].concat()),
            chunk(ABORT, &[vec![0, 12, 0, 4], hidden.clone()].concat()),
            chunk(RE_CONFIG, &[vec![0, 16, 0, 20], vec![0; 8], hidden.clone()].concat()),
            chunk(RE_CONFIG, &[0, 16, 0, 12].repeat(9)),
            chunk(5, &[0; 8]),
            vec![FORWARD_TSN, 0, 0, 3],
            vec![FORWARD_TSN, 0, 0, 99],
        ] {
            assert!(!guard.admits(&packet(&[body]), now));
        }
        assert!(!guard.admits(&packet(&[]), now));
        let mut cut = ChunkGuard::new();
        let begin = [vec![0; 12], FIRST.to_be_bytes().to_vec(), vec![0xc0, 0, 0, 12], hidden];
        assert!(!cut.admits(&packet(&[chunk(INIT, &begin.concat())]), now));
    }

    #[test]
    fn what_the_library_scans_or_keeps_is_bounded() {
        let (mut guard, mut now) = begun();
        let passed = (0..5_000).filter(|_| guard.admits(&packet(&[data(FIRST)]), now)).count();
        assert_eq!(passed, 1_024);
        now += Duration::from_secs(1);
        let passed = (0..5_000).filter(|_| guard.admits(&packet(&[data(FIRST)]), now)).count();
        assert!((199..=200).contains(&passed), "{passed}");
        let reset = packet(&[chunk(RE_CONFIG, &[&[0, 13, 0, 18][..], &[0; 14]].concat())]);
        let passed = (0..200).filter(|_| guard.admits(&reset, now)).count();
        assert_eq!(passed, 64);
        assert!(guard.admits(&packet(&[sack(0)]), now), "acknowledgements cost nothing");
    }
}
