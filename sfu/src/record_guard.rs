//! Keeps DTLS datagrams away from the DTLS library that would harm it.
//!
//! rtc-dtls joins the fragments of a handshake message by recursion, counts only their payload and
//! keeps what it cannot read yet without a bound. So a few hundred datagrams of tiny fragments
//! would overflow a worker's stack, which ends the process and cannot be caught. What is refused
//! here no honest implementation sends: fragments are as long as a datagram allows, and what is
//! encrypted in a handshake is one short message.
//!
//! <https://www.rfc-editor.org/rfc/rfc6347#section-4.2.2>

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const RECORD_HEADER_LEN: usize = 13;
/// A client's certificate chain fits with room to spare.
const MAX_MESSAGE_LEN: usize = 16 * 1_024;
/// Only the end of a message may be shorter, so a message has at most 256 fragments.
const MIN_FRAGMENT_LEN: usize = 64;
/// Handshake bytes of one connection: ten repetitions of the longest flight.
const HANDSHAKE_BYTES: usize = 256 * 1_024;
/// A sealed Finished takes 80 bytes at most; more could hide many fragments.
const MAX_SEALED_LEN: usize = 128;
/// Records of one connection that the library may have to keep, repetitions included.
const KEPT_RECORDS: u32 = 64;

/// What one connection may still hand to the library.
#[derive(Debug)]
pub(crate) struct RecordGuard {
    handshake_bytes: usize,
    kept_records: u32,
    is_connected: bool,
}

impl RecordGuard {
    /// Creates the guard of a connection that has not begun.
    pub(crate) fn new() -> Self {
        Self { handshake_bytes: HANDSHAKE_BYTES, kept_records: KEPT_RECORDS, is_connected: false }
    }

    /// The handshake is done: data is read at once and needs no bound.
    pub(crate) fn handle_connected(&mut self) {
        self.is_connected = true;
    }

    /// Whether the library may see this datagram.
    pub(crate) fn admits(&mut self, datagram: &[u8]) -> bool {
        let mut rest = datagram;
        while !rest.is_empty() {
            let Some((header, body, after)) = split_record(rest) else {
                return false;
            };
            let is_sealed = header[3..5] != [0, 0];
            if !self.admits_record(header[0], is_sealed, body) {
                return false;
            }
            rest = after;
        }
        true
    }

    fn admits_record(&mut self, kind: u8, is_sealed: bool, body: &[u8]) -> bool {
        match kind {
            HANDSHAKE if !is_sealed => {
                let left = self.handshake_bytes.checked_sub(body.len());
                self.handshake_bytes = left.unwrap_or(0);
                left.is_some() && is_sound_handshake(body)
            }
            HANDSHAKE => body.len() <= MAX_SEALED_LEN && self.keep(),
            // Anybody who can forge an address could say goodbye in the clear, in a peer's name. A
            // handshake that went wrong runs out of time without being told.
            ALERT if !is_sealed => false,
            ALERT | APPLICATION_DATA if is_sealed && self.is_connected => true,
            CHANGE_CIPHER_SPEC | ALERT | APPLICATION_DATA => self.keep(),
            _ => false,
        }
    }

    fn keep(&mut self) -> bool {
        let left = self.kept_records.checked_sub(1);
        self.kept_records = left.unwrap_or(0);
        left.is_some()
    }
}

fn split_record(rest: &[u8]) -> Option<(&[u8; RECORD_HEADER_LEN], &[u8], &[u8])> {
    let (header, rest) = rest.split_first_chunk::<RECORD_HEADER_LEN>()?;
    let len = usize::from(u16::from_be_bytes([header[11], header[12]]));
    let (body, after) = rest.split_at_checked(len)?;
    Some((header, body, after))
}

fn is_sound_handshake(body: &[u8]) -> bool {
    let mut rest = body;
    while !rest.is_empty() {
        let Some((header, after)) = rest.split_first_chunk::<12>() else {
            return false;
        };
        let be24 = |at: usize| {
            usize::from(header[at]) << 16
                | usize::from(header[at + 1]) << 8
                | usize::from(header[at + 2])
        };
        let (message, offset, fragment) = (be24(1), be24(6), be24(9));
        let end = offset + fragment;
        let is_long = fragment >= MIN_FRAGMENT_LEN || end == message;
        // The library looks for the next message behind the whole one, whatever the fragment says.
        let is_in_step = fragment == message || fragment == after.len();
        let fits = message <= MAX_MESSAGE_LEN && end <= message && fragment <= after.len();
        if !(fits && is_long && is_in_step) {
            return false;
        }
        rest = &after[fragment..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(len: u32, offset: u32, fragment: u32, data: &[u8]) -> Vec<u8> {
        let mut message = vec![1];
        message.extend_from_slice(&len.to_be_bytes()[1..]);
        message.extend_from_slice(&[0, 0]);
        message.extend_from_slice(&offset.to_be_bytes()[1..]);
        message.extend_from_slice(&fragment.to_be_bytes()[1..]);
        message.extend_from_slice(data);
        message
    }

    fn record(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let mut record = vec![kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0];
        record.extend_from_slice(&u16::try_from(body.len()).unwrap().to_be_bytes());
        record.extend_from_slice(body);
        record
    }

    fn admits(datagram: &[u8]) -> bool {
        RecordGuard::new().admits(datagram)
    }

    #[test]
    fn honest_flights_pass() {
        let first = record(HANDSHAKE, 0, &message(1_500, 0, 1_000, &[7; 1_000]));
        let second = record(HANDSHAKE, 0, &message(1_500, 1_000, 500, &[7; 500]));
        let tail = record(HANDSHAKE, 0, &message(1_001, 1_000, 1, &[7]));
        let two = [message(300, 0, 300, &[7; 300]), message(0, 0, 0, &[])].concat();
        let mut last = record(HANDSHAKE, 0, &two);
        last.extend(record(CHANGE_CIPHER_SPEC, 0, &[1]));
        last.extend(record(HANDSHAKE, 1, &[9; 48]));
        for datagram in [first, second, tail, last] {
            assert!(admits(&datagram));
        }
    }

    #[test]
    fn fragments_that_are_tiny_or_not_what_they_say_are_refused() {
        for body in [
            message(1_000, 0, 1, &[7]),
            message(1_000, 999, 2, &[7; 2]),
            message(1_000, 0, 100, &[7; 99]),
            // One of these costs the library a level of recursion and twelve bytes.
            message(0, 5, 1, &[]),
            message(1_000, 5, 0, &[]),
            message(20_000, 0, 1_000, &[7; 1_000]),
            // The library would go on reading at byte 100, where anything may be.
            [message(100, 0, 64, &[7; 64]), message(80, 0, 80, &[7; 80])].concat(),
        ] {
            assert!(!admits(&record(HANDSHAKE, 0, &body)), "{body:?}");
        }
        assert!(!admits(&record(HANDSHAKE, 1, &[9; 200])));
        assert!(!admits(&record(25, 0, &[])));
        assert!(!admits(&record(HANDSHAKE, 0, &message(4, 0, 4, &[7; 4]))[..20]));
    }

    #[test]
    fn nobody_says_goodbye_in_the_clear() {
        let close_notify = [1, 0];
        let mut guard = RecordGuard::new();
        assert!(!guard.admits(&record(ALERT, 0, &close_notify)));
        guard.handle_connected();
        assert!(!guard.admits(&record(ALERT, 0, &close_notify)));
        assert!(guard.admits(&record(ALERT, 1, &[9; 26])), "sealed, it is the peer's own");
    }

    #[test]
    fn what_the_library_would_keep_is_bounded_and_data_is_not() {
        for (kind, epoch, body) in [
            (HANDSHAKE, 0, message(1_000, 0, 1_000, &[7; 1_000])),
            (HANDSHAKE, 1, vec![9; 48]),
            (CHANGE_CIPHER_SPEC, 0, vec![1]),
            (APPLICATION_DATA, 1, vec![9; 48]),
        ] {
            let mut guard = RecordGuard::new();
            let datagram = record(kind, epoch, &body);
            let passed = (0..1_000).filter(|_| guard.admits(&datagram)).count();
            assert!((10..=300).contains(&passed), "{passed} of kind {kind}");
        }
        let mut guard = RecordGuard::new();
        guard.handle_connected();
        let data = record(APPLICATION_DATA, 1, &[9; 48]);
        assert!((0..1_000).all(|_| guard.admits(&data)));
    }
}
