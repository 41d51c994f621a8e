//! SCTP as a peer sends it once DTLS is done: whatever it likes, but under the right tag and sum.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::pieces;
use crate::data::{DataChannels, Outcome, Sent};
use crate::event::Channel;

const HEADER_LEN: usize = 12;

/// Packets at an association that is open.
pub fn data_channels(data: &[u8]) {
    let mut now = Instant::now();
    let mut pair = Pair::open(now);
    for piece in pieces(data) {
        let Some((order, rest)) = piece.split_first() else {
            continue;
        };
        match order % 8 {
            // As it is: wrong tag, wrong sum, wrong everything.
            0 => pair.server.handle_packet(now, Bytes::copy_from_slice(rest)),
            1 => {
                now += Duration::from_millis(40 * rest.len() as u64);
                pair.server.handle_timeout(now);
            }
            2 => {
                let channel = Channel::ALL[usize::from(order >> 3) % Channel::ALL.len()];
                let text = Bytes::copy_from_slice(rest);
                let _: Sent = pair.server.send(now, channel, text);
            }
            // Chunks of the fuzzer's own making.
            _ => pair.server.handle_packet(now, pair.packet(rest)),
        }
        let _ = pair.server.poll_transmit(now);
        while pair.server.poll_outcome().is_some() {}
        if !pair.server.is_sound() {
            return;
        }
    }
}

/// A server whose association is open, and what its client knows.
struct Pair {
    server: DataChannels,
    /// Ports and tag of the client's packets.
    header: Vec<u8>,
    /// The client's first TSN and the server's, which are drawn at random.
    first: [u32; 2],
}

impl Pair {
    fn open(now: Instant) -> Self {
        let (mut client, mut server) = (DataChannels::new(), DataChannels::new());
        client.connect(now);
        let (mut header, mut first) = (Vec::new(), [0; 2]);
        for _ in 0..8 {
            for packet in client.poll_transmit(now) {
                header = packet[..8].to_vec();
                first[0] = initial_tsn(&packet).unwrap_or(first[0]);
                server.handle_packet(now, packet);
            }
            for packet in server.poll_transmit(now) {
                first[1] = initial_tsn(&packet).unwrap_or(first[1]);
                client.handle_packet(now, packet);
            }
        }
        let is_open = std::iter::from_fn(|| server.poll_outcome()).any(|o| o == Outcome::Open);
        assert!(is_open, "an honest handshake opens the channels");
        Self { server, header, first }
    }

    /// Puts a header and a sum around `chunks`, whose TSNs count from the first.
    fn packet(&self, chunks: &[u8]) -> Bytes {
        let mut packet = self.header.clone();
        packet.extend_from_slice(&[0; HEADER_LEN - 8]);
        packet.extend_from_slice(chunks);
        let mut at = HEADER_LEN;
        while let Some(&[kind, _, high, low, a, b, c, d]) = packet.get(at..at + 8) {
            let first = match kind {
                0 | 192 => self.first[0],
                3 => self.first[1],
                _ => 0,
            };
            let tsn = u32::from_be_bytes([a, b, c, d]).wrapping_add(first);
            packet[at + 4..at + 8].copy_from_slice(&tsn.to_be_bytes());
            at += usize::from(u16::from_be_bytes([high, low])).max(4).next_multiple_of(4);
        }
        let sum = crc32c(&packet).to_le_bytes();
        packet[8..HEADER_LEN].copy_from_slice(&sum);
        packet.into()
    }
}

/// Of an INIT or INIT ACK.
fn initial_tsn(packet: &[u8]) -> Option<u32> {
    let is_begin = matches!(packet.get(HEADER_LEN), Some(1 | 2));
    let tsn = packet.get(HEADER_LEN + 16..HEADER_LEN + 20).filter(|_| is_begin)?;
    Some(u32::from_be_bytes(tsn.try_into().ok()?))
}

/// The checksum of RFC 9260 appendix A.
fn crc32c(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 }
        })
    });
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_our_own_making_are_read() {
        let now = Instant::now();
        let mut pair = Pair::open(now);
        let data = [0, 3, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 51, b'x', 0, 0, 0];
        pair.server.handle_packet(now, pair.packet(&data));
        let text = Bytes::from_static(b"x");
        assert_eq!(pair.server.poll_outcome(), Some(Outcome::Message(Channel::Ctl, text)));
        // ABORT without a cause.
        pair.server.handle_packet(now, pair.packet(&[6, 0, 0, 4]));
        assert_eq!(pair.server.poll_outcome(), Some(Outcome::Closed));
    }

    #[test]
    fn a_leap_of_two_billion_tsns_takes_no_time() {
        let now = Instant::now();
        let mut pair = Pair::open(now);
        let leap = pair.packet(&[192, 0, 0, 8, 0x7f, 0xff, 0xff, 0xf0]);
        pair.server.handle_packet(now, leap);
        // Half a minute if it got through.
        assert!(now.elapsed() < Duration::from_secs(5));
    }
}
