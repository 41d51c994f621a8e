//! DTLS: raw datagrams at both roles, and a man in the middle of an honest handshake.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use super::{guard_datagrams, pieces};
use crate::dtls::{Dtls, Fingerprint, Identity, Outcome, Role};

/// More rounds than any handshake takes.
const ROUNDS: usize = 24;

static IDENTITY: LazyLock<Arc<Identity>> =
    LazyLock::new(|| Arc::new(Identity::generate().expect("a certificate can be made")));

/// Datagrams from a stranger, at a server and at a client that has sent its ClientHello.
pub fn dtls(data: &[u8]) {
    guard_datagrams(data);
    for role in [Role::Server, Role::Client] {
        let (mut dtls, mut now) = (connection(role), Instant::now());
        let _ = dtls.handle_path(now);
        for datagram in pieces(data) {
            let Ok(outcomes) = dtls.handle_datagram(now, datagram) else {
                break;
            };
            assert!(!outcomes.iter().any(is_connected), "nobody knows the keys");
            now += Duration::from_millis(300);
            let _ = dtls.handle_timeout(now);
            while dtls.poll_transmit().is_some() {}
        }
    }
}

/// An honest client and server; the input says which datagram is bent, and how.
pub fn dtls_handshake(data: &[u8]) {
    let mut now = Instant::now();
    let (mut client, mut server) = (connection(Role::Client), connection(Role::Server));
    let mut orders = data.chunks_exact(5);
    if client.handle_path(now).is_err() {
        return;
    }
    for _ in 0..ROUNDS {
        let sent = pass(&mut client, &mut server, &mut orders, now)
            + pass(&mut server, &mut client, &mut orders, now);
        if sent == 0 {
            now += Duration::from_millis(1_100);
            let _ = (client.handle_timeout(now), server.handle_timeout(now));
        }
    }
}

/// Passes on what `from` has to say. An order is what to do, to which record's which byte.
fn pass<'a>(
    from: &mut Dtls,
    to: &mut Dtls,
    orders: &mut impl Iterator<Item = &'a [u8]>,
    now: Instant,
) -> usize {
    let mut count = 0;
    while let Some(datagram) = from.poll_transmit() {
        count += 1;
        let mut datagram = datagram.to_vec();
        let order = orders.next().unwrap_or(&[0; 5]);
        let at = usize::from(u16::from_be_bytes([order[1], order[2]])) % datagram.len().max(1);
        match order[0] % 8 {
            1 => datagram[at] = order[3],
            2 => datagram[at] ^= order[3],
            3 => datagram.truncate(at),
            4 => continue,
            5 => drop(datagram.splice(at..at, [order[3], order[4]])),
            6 => {
                // A length that says more or less than there is.
                if let Some(field) = datagram.get_mut(at..at + 2) {
                    field.copy_from_slice(&order[3..5]);
                }
            }
            7 => drop(to.handle_datagram(now, &datagram)),
            _ => {}
        }
        if to.handle_datagram(now, &datagram).is_err() {
            break;
        }
        let _ = to.send(now, &[order[4]; 40]);
    }
    count
}

fn connection(role: Role) -> Dtls {
    let fingerprint = format!("sha-256 {}", IDENTITY.fingerprint());
    let fingerprint = Fingerprint::parse(&fingerprint).expect("our own fingerprint");
    Dtls::new(Arc::clone(&IDENTITY), role, fingerprint)
}

fn is_connected(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Connected(_))
}
