//! Where a peer's packets go: one path, which follows the peer and which the peer must have proven.
//!
//! ```text
//!   no path ──first check──▶ path ──handshake done──▶ proven path ──nominated elsewhere──▶ challenge
//!                                                          ▲                                  │
//!                                                          └──────── answered from there ─────┘
//! ```
//! An authentic check does not show that its sender can be reached where the check claims to come
//! from: who has a session and can forge addresses could turn its stream on a stranger. So before the
//! stream moves, we send a check of our own, and only who gets it knows the number to answer with.
//! A lite agent need not do that (RFC 8445 section 2.5) but may; every full agent answers. The first
//! path needs no such check: nobody finishes a handshake without receiving our half of it. Nor does
//! a TCP connection, for the same reason.

use std::time::Duration;

use media_rules::MediaTime;

use crate::route::Route;
use crate::stun::TransactionId;

/// A browser checks from each of its addresses; beyond this the oldest is forgotten.
const MAX_ROUTES: usize = 8;
/// Clients check the path they use at least every 2.5 seconds.
const SILENCE: Duration = Duration::from_secs(6);
/// Our own check is repeated, each time after twice as long, so many times.
const FIRST_REPEAT: Duration = Duration::from_millis(50);
const MAX_CHALLENGES: u32 = 6;

/// The ways to one peer, and which of them is used.
#[derive(Default)]
pub(crate) struct Paths {
    /// Every route that an authentic check came by; packets from all of them are taken.
    known: Vec<Known>,
    path: Option<Route>,
    /// The path, if it is proven; looked at for every packet.
    target: Option<Route>,
    /// When the path itself was checked last.
    checked: MediaTime,
    /// Whether the path has changed before the handshake was done.
    has_moved: bool,
    is_connected: bool,
    challenge: Option<Challenge>,
}

struct Known {
    route: Route,
    is_proven: bool,
}

struct Challenge {
    to: Route,
    id: TransactionId,
    sent: u32,
    due: MediaTime,
}

/// An authentic check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub(crate) from: Route,
    /// Whether the other side wants this path to be used.
    pub(crate) nominates: bool,
    /// Known to nobody yet, in case a check of our own is called for.
    pub(crate) fresh_id: TransactionId,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Checked {
    /// The path is another now.
    pub(crate) has_moved: bool,
    /// A route that is not this peer's any more.
    pub(crate) forgotten: Option<Route>,
}

impl Paths {
    /// Takes a check. One that does not nominate moves the path only if the path has been silent: a
    /// NAT gave the client another address without the client knowing.
    pub(crate) fn handle_check(&mut self, check: Check, now: MediaTime) -> Checked {
        let Check { from, nominates, fresh_id } = check;
        let forgotten = self.remember(from);
        let is_path = self.path == Some(from);
        let is_silent = now.since(self.checked) >= SILENCE;
        if is_path {
            self.checked = now;
        } else if self.path.is_some() && !nominates && !is_silent {
            return Checked { has_moved: false, forgotten };
        }
        let is_proven = self.is_proven(from);
        let has_moved = !is_path && (is_proven || !self.is_connected);
        if has_moved {
            self.has_moved |= self.path.is_some();
            self.move_to(from, now);
        }
        // The first path is proven by the handshake, every later one by our own check.
        if !is_proven && self.has_moved {
            self.begin_challenge(from, fresh_id, now);
        }
        Checked { has_moved, forgotten }
    }

    /// Takes an authentic answer to a check of ours. Returns whether the path is another now.
    pub(crate) fn handle_answer(&mut self, from: Route, id: TransactionId, now: MediaTime) -> bool {
        let is_right = |challenge: &mut Challenge| challenge.to == from && challenge.id == id;
        if self.challenge.take_if(is_right).is_none() {
            return false;
        }
        self.prove(from);
        let has_moved = self.path != Some(from);
        self.move_to(from, now);
        has_moved
    }

    /// The other side has received what we sent to the path, unless there were several.
    pub(crate) fn handle_connected(&mut self) {
        self.is_connected = true;
        if let Some(path) = self.path.filter(|_| !self.has_moved) {
            self.prove(path);
            self.move_to(path, self.checked);
        }
        // Whatever comes after it is no first path.
        self.has_moved = true;
    }

    /// Forgets a route, because its connection is closed.
    pub(crate) fn forget(&mut self, route: Route) {
        self.known.retain(|known| known.route != route);
        if self.path == Some(route) {
            self.stop();
        }
        self.challenge.take_if(|challenge| challenge.to == route);
    }

    /// Stops sending until somebody checks again.
    pub(crate) fn stop(&mut self) {
        self.path = None;
        self.target = None;
    }

    /// Returns the check of our own that is to be sent now.
    pub(crate) fn poll_challenge(&mut self, now: MediaTime) -> Option<(Route, TransactionId)> {
        let challenge = self.challenge.as_mut().filter(|challenge| now >= challenge.due)?;
        if challenge.sent == MAX_CHALLENGES {
            self.challenge = None;
            return None;
        }
        challenge.due = now + FIRST_REPEAT * 2_u32.pow(challenge.sent);
        challenge.sent += 1;
        Some((challenge.to, challenge.id))
    }

    /// Returns where handshakes go, which are small.
    pub(crate) fn path(&self) -> Option<Route> {
        self.path
    }

    /// Returns where media and data go.
    pub(crate) fn proven(&self) -> Option<Route> {
        self.target
    }

    /// Returns every route that is this peer's.
    pub(crate) fn routes(&self) -> impl Iterator<Item = Route> {
        self.known.iter().map(|known| known.route)
    }

    fn move_to(&mut self, route: Route, now: MediaTime) {
        self.path = Some(route);
        self.target = self.path.filter(|path| self.is_proven(*path));
        self.checked = now;
    }

    fn begin_challenge(&mut self, to: Route, id: TransactionId, now: MediaTime) {
        if self.challenge.as_ref().is_none_or(|challenge| challenge.to != to) {
            self.challenge = Some(Challenge { to, id, sent: 0, due: now });
        }
    }

    fn is_proven(&self, route: Route) -> bool {
        match route {
            Route::Tcp(_) => true,
            Route::Udp(_) => self.known.iter().any(|known| known.route == route && known.is_proven),
        }
    }

    fn prove(&mut self, route: Route) {
        for known in self.known.iter_mut().filter(|known| known.route == route) {
            known.is_proven = true;
        }
    }

    /// Adds a route; returns the one that had to make room for it.
    fn remember(&mut self, route: Route) -> Option<Route> {
        if self.known.iter().any(|known| known.route == route) {
            return None;
        }
        self.known.push(Known { route, is_proven: false });
        let oldest = self.known.iter().position(|known| self.path != Some(known.route));
        let is_full = self.known.len() > MAX_ROUTES;
        oldest.filter(|_| is_full).map(|at| self.known.remove(at).route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: TransactionId = [7; 12];

    fn udp(port: u16) -> Route {
        Route::Udp(([192, 0, 2, 1], port).into())
    }

    fn at(ms: u64) -> MediaTime {
        MediaTime::default() + Duration::from_millis(ms)
    }

    fn check(from: Route, nominates: bool) -> Check {
        Check { from, nominates, fresh_id: ID }
    }

    /// A peer that has finished its handshake at port 1.
    fn connected() -> Paths {
        let mut paths = Paths::default();
        assert!(paths.handle_check(check(udp(1), true), at(0)).has_moved);
        assert_eq!(paths.proven(), None, "nobody has received anything there yet");
        paths.handle_connected();
        assert_eq!(paths.proven(), Some(udp(1)));
        assert_eq!(paths.poll_challenge(at(0)), None, "the handshake was proof enough");
        paths
    }

    #[test]
    fn the_stream_moves_only_to_who_answers_from_there() {
        let mut paths = connected();
        assert!(!paths.handle_check(check(udp(2), true), at(100)).has_moved);
        assert_eq!(paths.poll_challenge(at(100)), Some((udp(2), ID)));
        assert!(!paths.handle_answer(udp(2), [8; 12], at(110)), "a guessed number");
        assert!(!paths.handle_answer(udp(1), ID, at(110)), "from elsewhere");
        assert_eq!(paths.proven(), Some(udp(1)));
        assert!(paths.handle_answer(udp(2), ID, at(120)));
        assert_eq!(paths.proven(), Some(udp(2)));
        // Both are proven now, so the way back needs no proof.
        assert!(paths.handle_check(check(udp(1), true), at(200)).has_moved);
        assert_eq!(paths.poll_challenge(at(200)), None);
    }

    #[test]
    fn our_check_is_repeated_a_few_times_and_no_more() {
        let mut paths = connected();
        paths.handle_check(check(udp(2), true), at(0));
        let mut sent = Vec::new();
        for ms in (0..20_000).step_by(10) {
            sent.extend(paths.poll_challenge(at(ms)).map(|_| ms));
        }
        assert_eq!(sent, [0, 50, 150, 350, 750, 1_550]);
        assert_eq!(paths.proven(), Some(udp(1)), "a stranger's address got a handful of checks");
        paths.handle_check(check(udp(2), true), at(30_000));
        assert!(paths.poll_challenge(at(30_000)).is_some(), "a later check tries again");
    }

    #[test]
    fn who_moves_during_the_handshake_gets_media_only_after_our_check() {
        let mut paths = Paths::default();
        paths.handle_check(check(udp(1), false), at(0));
        assert!(paths.handle_check(check(udp(2), true), at(10)).has_moved, "flights follow it");
        assert_eq!(paths.path(), Some(udp(2)));
        paths.handle_connected();
        assert_eq!(paths.proven(), None);
        assert_eq!(paths.poll_challenge(at(20)), Some((udp(2), ID)));
        assert!(!paths.handle_answer(udp(2), ID, at(30)), "it is the path already");
        assert_eq!(paths.proven(), Some(udp(2)));
    }

    #[test]
    fn without_nomination_the_path_moves_only_when_it_is_silent() {
        let mut paths = connected();
        paths.handle_check(check(udp(2), false), at(1_000));
        assert_eq!(paths.poll_challenge(at(1_000)), None);
        paths.handle_check(check(udp(2), false), at(6_000));
        assert_eq!(paths.poll_challenge(at(6_000)), Some((udp(2), ID)));
    }

    #[test]
    fn a_connection_is_its_own_proof_and_a_closed_one_is_no_path() {
        let mut paths = connected();
        let tcp = Route::Tcp(([192, 0, 2, 1], 1).into());
        assert!(paths.handle_check(check(tcp, true), at(100)).has_moved);
        assert_eq!(paths.proven(), Some(tcp));
        paths.forget(tcp);
        assert_eq!(paths.path(), None);
        // A stranger's address does not get the stream just because there is no path.
        paths.handle_check(check(udp(3), true), at(200));
        assert_eq!(paths.proven(), None);
        assert!(paths.handle_check(check(udp(1), true), at(300)).has_moved);
        assert_eq!(paths.proven(), Some(udp(1)));
    }

    #[test]
    fn the_oldest_route_makes_room_but_never_the_path() {
        let mut paths = connected();
        let forgotten: Vec<Route> = (2..12)
            .filter_map(|port| paths.handle_check(check(udp(port), false), at(1)).forgotten)
            .collect();
        assert_eq!(forgotten, [udp(2), udp(3), udp(4)]);
        assert!(paths.routes().any(|route| route == udp(1)));
    }
}
