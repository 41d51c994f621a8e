//! One peer's transport: ICE-lite, DTLS and SRTP, from the first check to goodbye.
//!
//! ```text
//!   waiting ──authentic STUN──▶ has a path ──DTLS──▶ connected
//!      └────────────── 15 s ────────┴──▶ closed ◀── 30 s without STUN ──┘
//! ```
//! The path follows the other side: an authenticated request that nominates another address moves
//! everything we send there (a phone that changes from Wi-Fi to mobile keeps its session). One that
//! does not nominate moves it only if the path has been silent: that is a NAT that gave the client
//! another address without the client knowing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use media_rules::MediaTime;
use ring::hmac;

use crate::clock::Now;
use crate::config::Config;
use crate::dtls::{Dtls, Fingerprint, Identity, Outcome, Role};
use crate::egress::Egress;
use crate::event::CloseReason;
use crate::route::Route;
use crate::srtp::{MAX_RTCP_OVERHEAD, Srtp};
use crate::stun::{self, BindingRequest};

/// A browser checks from each of its addresses; beyond this the oldest is forgotten.
const MAX_ADDRESSES: usize = 8;
/// Clients check the path they use at least every 2.5 seconds.
const PATH_SILENCE: Duration = Duration::from_secs(6);

/// One peer's transport.
pub(crate) struct Link {
    key: hmac::Key,
    dtls: Dtls,
    srtp: Option<Box<Srtp>>,
    /// Where we send to.
    path: Option<Route>,
    /// Every address that proved itself; packets from all of them are taken.
    addresses: Vec<Route>,
    created: MediaTime,
    consented: MediaTime,
    /// When the path itself was checked last.
    path_checked: MediaTime,
}

/// What came of an authentic connectivity check.
#[derive(Debug)]
pub(crate) struct Checked {
    /// An address that is not this peer's any more.
    pub(crate) forgotten: Option<Route>,
}

/// What came of a DTLS datagram.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// Media and data can flow.
    Connected,
    /// An SCTP packet came in.
    Data(Bytes),
    /// The connection is over.
    Closed(CloseReason),
}

impl Link {
    /// Creates a transport that waits for the other side's first check.
    pub(crate) fn new(
        password: &str,
        identity: Arc<Identity>,
        role: Role,
        remote: Fingerprint,
        now: Now,
    ) -> Self {
        Self {
            key: stun::integrity_key(password),
            dtls: Dtls::new(identity, role, remote),
            srtp: None,
            path: None,
            addresses: Vec::new(),
            created: now.media,
            consented: now.media,
            path_checked: now.media,
        }
    }

    /// Answers a connectivity check, which makes `from` an address of this peer. Returns `None` if
    /// the check is not authentic.
    pub(crate) fn handle_check(
        &mut self,
        request: &BindingRequest<'_>,
        from: Route,
        now: Now,
        egress: &mut Egress,
    ) -> Option<Checked> {
        if !request.is_authentic(&self.key) {
            return None;
        }
        self.consented = now.media;
        egress.push(from, &request.success(from.address(), &self.key));
        let is_silent = now.media.since(self.path_checked) >= PATH_SILENCE;
        let moves = self.path.is_none() || request.use_candidate() || is_silent;
        if moves || self.path == Some(from) {
            self.path_checked = now.media;
        }
        if moves && self.path != Some(from) {
            self.path = Some(from);
            if self.dtls.handle_path(now.instant).is_ok() {
                self.flush_dtls(egress);
            }
        }
        Some(Checked { forgotten: self.remember(from) })
    }

    /// Adds an address; returns the one that had to make room for it.
    fn remember(&mut self, from: Route) -> Option<Route> {
        if self.addresses.contains(&from) {
            return None;
        }
        self.addresses.push(from);
        let is_full = self.addresses.len() > MAX_ADDRESSES;
        let oldest = self.addresses.iter().position(|address| self.path != Some(*address));
        oldest.filter(|_| is_full).map(|at| self.addresses.remove(at))
    }

    /// Takes a DTLS datagram.
    pub(crate) fn handle_dtls(
        &mut self,
        datagram: &[u8],
        now: Now,
        egress: &mut Egress,
    ) -> Vec<LinkEvent> {
        let outcomes = self.dtls.handle_datagram(now.instant, datagram);
        self.flush_dtls(egress);
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::info!(%error, "A DTLS handshake failed.");
                return vec![LinkEvent::Closed(CloseReason::Handshake)];
            }
        };
        let mut events = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            events.push(match outcome {
                Outcome::Connected(srtp) => {
                    self.srtp = Some(srtp);
                    LinkEvent::Connected
                }
                // Whoever sends before its certificate was checked may be anybody.
                Outcome::Data(_) if self.srtp.is_none() => continue,
                Outcome::Data(data) => LinkEvent::Data(data.freeze()),
                Outcome::Closed => LinkEvent::Closed(CloseReason::Left),
            });
        }
        events
    }

    /// Encrypts and sends SCTP packets.
    pub(crate) fn send_data(&mut self, packets: &[Bytes], now: Now, egress: &mut Egress) {
        for packet in packets {
            if let Err(error) = self.dtls.send(now.instant, packet) {
                tracing::debug!(%error, "Data could not be encrypted.");
            }
        }
        self.flush_dtls(egress);
    }

    /// Repeats a lost DTLS flight; says when the peer has to go.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Now,
        config: &Config,
        egress: &mut Egress,
    ) -> Option<CloseReason> {
        if self.dtls.handle_timeout(now.instant).is_err() {
            return Some(CloseReason::Handshake);
        }
        self.flush_dtls(egress);
        if !self.is_connected() && now.media.since(self.created) >= config.connect_timeout {
            return Some(CloseReason::ConnectTimeout);
        }
        let is_silent = now.media.since(self.consented) >= config.consent_timeout;
        is_silent.then_some(CloseReason::ConsentLost)
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, now: Now, egress: &mut Egress) {
        self.dtls.close(now.instant);
        self.flush_dtls(egress);
    }

    /// Seals and sends a compound RTCP packet.
    pub(crate) fn send_rtcp(&mut self, packet: &[u8], egress: &mut Egress) {
        let max_len = packet.len() + MAX_RTCP_OVERHEAD;
        if let (Some(srtp), Some(path)) = (&mut self.srtp, self.path)
            && egress.has_room(max_len)
        {
            egress.put(path, max_len, |out| {
                out[..packet.len()].copy_from_slice(packet);
                srtp.seal_rtcp(out, packet.len())
            });
        }
    }

    /// Opens a compound RTCP packet in place.
    pub(crate) fn open_rtcp<'a>(&mut self, packet: &'a mut [u8]) -> Option<&'a [u8]> {
        let len = self.srtp.as_mut()?.open_rtcp(packet)?;
        Some(&packet[..len])
    }

    /// Returns the keys and the path, once there are both.
    pub(crate) fn media(&mut self) -> Option<(&mut Srtp, Route)> {
        Some((self.srtp.as_mut()?, self.path?))
    }

    /// Whether the handshake is done.
    pub(crate) fn is_connected(&self) -> bool {
        self.srtp.is_some()
    }

    /// Whether we are the DTLS client, and therefore begin SCTP.
    pub(crate) fn is_client(&self) -> bool {
        self.dtls.role() == Role::Client
    }

    /// Returns every address that is this peer's.
    pub(crate) fn addresses(&self) -> &[Route] {
        &self.addresses
    }

    fn flush_dtls(&mut self, egress: &mut Egress) {
        while let Some(datagram) = self.dtls.poll_transmit() {
            if let Some(path) = self.path {
                egress.push(path, &datagram);
            }
        }
    }
}
