//! Handshakes that wait for their turn, so that a crowd that joins does not keep media waiting.
//!
//! A datagram of a handshake costs as much as sending hundreds of packets. Those of peers that are not
//! connected wait here; each turn, when its media has left, takes them for a moment, oldest first.

use std::collections::VecDeque;
use std::time::Duration;

use super::Worker;
use crate::clock::media_now;
use crate::event::PeerId;

/// How long handshakes may keep the next media waiting; one that has begun is finished.
const MOMENT: Duration = Duration::from_millis(2);
const MAX_WAITING: usize = 2_048;
/// A flight takes no more; who sends more does not take the others' places.
const MAX_OF_ONE: usize = 8;

/// Datagrams of handshakes.
#[derive(Default)]
pub(super) struct Handshakes {
    /// Full: a datagram is dropped and counted; DTLS says it again.
    waiting: VecDeque<(PeerId, Box<[u8]>)>,
}

impl Handshakes {
    /// Whether any waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Keeps a datagram until there is time for it.
    pub(super) fn push(&mut self, from: PeerId, datagram: &[u8]) {
        let is_full = self.waiting.len() >= MAX_WAITING
            || self.waiting.iter().filter(|(peer, _)| *peer == from).count() >= MAX_OF_ONE;
        if is_full {
            metrics::counter!("sfu_packets_dropped_total", "reason" => "handshakes_full")
                .increment(1);
        } else {
            self.waiting.push_back((from, datagram.into()));
        }
    }

    fn pop(&mut self) -> Option<(PeerId, Box<[u8]>)> {
        self.waiting.pop_front()
    }
}

impl Worker {
    /// Goes on with handshakes for a moment.
    pub(super) fn shake_hands(&mut self) {
        if self.handshakes.is_empty() {
            return;
        }
        let began = media_now();
        while let Some((peer, datagram)) = self.handshakes.pop() {
            self.shielded(|worker| {
                worker.suspect = Some(peer);
                worker.go_on_with_handshake(peer, &datagram);
            });
            if media_now().since(began) >= MOMENT {
                break;
            }
        }
        self.flush();
    }

    fn go_on_with_handshake(&mut self, id: PeerId, datagram: &[u8]) {
        // It may have left meanwhile.
        if let Some(peer) = self.peers.get_mut(&id) {
            let events = peer.link.handle_dtls(datagram, self.now, &mut self.egress);
            self.handle_link_events(id, events);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};

    use super::super::rig::Rig;
    use super::*;

    #[test]
    fn media_leaves_before_the_handshakes_of_a_crowd_are_gone_on_with() {
        let viewer = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        viewer.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout can be set");
        let mut rig = Rig::new(&[viewer.local_addr().expect("it is bound")]);
        for number in 0..50_u16 {
            let from = SocketAddr::from(([127, 0, 0, 1], 1_000 + number));
            rig.stranger(100 + u64::from(number), from, &[22, 0xfe, 0xfd, 0, 0]);
        }
        rig.frame(3);
        for _ in 0..3 {
            viewer.recv(&mut [0; 2_048]).expect("it was sent");
        }
        assert_eq!(rig.worker.handshakes.waiting.len(), 50);
        assert_eq!(rig.worker.patience(), Duration::ZERO, "they do not wait for anything else");
        for _ in 0..50 {
            rig.worker.shake_hands();
        }
        assert!(rig.worker.handshakes.is_empty(), "each moment takes at least one");
    }

    #[test]
    fn one_peer_takes_no_more_than_its_share_of_the_places() {
        let mut handshakes = Handshakes::default();
        let (greedy, other) = (PeerId::new(1, 0), PeerId::new(2, 0));
        for number in 0..20 {
            handshakes.push(greedy, &[number]);
        }
        handshakes.push(other, &[99]);
        let taken: Vec<_> = std::iter::from_fn(|| handshakes.pop()).collect();
        assert_eq!(taken.len(), MAX_OF_ONE + 1);
        assert_eq!(taken.last(), Some(&(other, [99].into())));
        assert!(handshakes.is_empty());
    }
}
