//! One peer's transport: ICE-lite, DTLS and SRTP, from the first check to goodbye.
//!
//! ```text
//!   waiting ──authentic STUN──▶ has a path ──DTLS──▶ connected
//!      └────────────── 15 s ────────┴──▶ closed ◀── 30 s of silence ────┘
//! ```
//! Which path is used is for [`path`](crate::path) to say, whose checks count for [`ice`](crate::ice).
//! A restart of ICE changes credentials, and usually the path; DTLS, SRTP and what runs inside them
//! go on as if nothing had happened.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use media_rules::MediaTime;

use crate::clock::Now;
use crate::config::Config;
use crate::dtls::{Dtls, Fingerprint, Identity, Outcome, Role};
use crate::egress::Egress;
use crate::event::CloseReason;
use crate::ice::{Ice, Remote};
use crate::path::{Check, Checked, Paths};
use crate::peer_stats::{Protocol, TransportStats};
use crate::route::Route;
use crate::srtp::{MAX_RTCP_OVERHEAD, Srtp};
use crate::stun::{BindingRequest, BindingSuccess, TransactionId};
use crate::tcp::Pressure;
use crate::ufrag::Credentials;

/// How long a restarted session may take to check again, even if it was silent for long before.
const RESTART_PATIENCE: Duration = Duration::from_secs(15);

/// One peer's transport.
pub(crate) struct Link {
    ice: Ice,
    paths: Paths,
    dtls: Dtls,
    srtp: Option<Box<Srtp>>,
    created: MediaTime,
    consented: MediaTime,
    restarted: Option<MediaTime>,
    /// A connection of which not everything has gone out yet.
    clogged: Option<Route>,
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
        (local, remote): (&Credentials, Remote),
        identity: Arc<Identity>,
        role: Role,
        fingerprint: Fingerprint,
        now: Now,
    ) -> Self {
        Self {
            ice: Ice::new(local, remote),
            paths: Paths::default(),
            dtls: Dtls::new(identity, role, fingerprint),
            srtp: None,
            created: now.media,
            consented: now.media,
            restarted: None,
            clogged: None,
        }
    }

    /// Answers a connectivity check, which makes `from` a route of this peer. Returns `None` if the
    /// check is not authentic.
    pub(crate) fn handle_check(
        &mut self,
        request: &BindingRequest<'_>,
        from: Route,
        now: Now,
        egress: &mut Egress,
    ) -> Option<Checked> {
        if !self.ice.accept(request) {
            return None;
        }
        self.consented = now.media;
        egress.push(from, &request.success(from.address(), self.ice.local_key()));
        let check = Check { from, nominates: request.use_candidate(), fresh_id: random_id() };
        let checked = self.paths.handle_check(check, now.media);
        self.after_move(checked.has_moved, now, egress);
        self.send_challenge(now, egress);
        Some(checked)
    }

    /// Takes the answer to a check of ours. Returns whether it is one.
    pub(crate) fn handle_answer(
        &mut self,
        answer: &BindingSuccess<'_>,
        from: Route,
        now: Now,
        egress: &mut Egress,
    ) -> bool {
        if !self.ice.is_answer(answer) {
            return false;
        }
        let has_moved = self.paths.handle_answer(from, answer.id(), now.media);
        self.after_move(has_moved, now, egress);
        true
    }

    /// The other side sent something authentic from `from`. Where checks get lost, that tells as well as
    /// they do that somebody is there who wants to be; a replay is not authentic.
    pub(crate) fn handle_authentic(&mut self, from: Route, now: Now) {
        if self.paths.proven() == Some(from) {
            self.consented = now.media;
        }
    }

    /// Takes new credentials (RFC 8445 section 9); the old ones are good until the first check with
    /// the new.
    pub(crate) fn restart(&mut self, local: &Credentials, remote: Remote, now: Now) {
        self.ice.restart(local, remote);
        self.restarted = Some(now.media);
    }

    /// Forgets a route whose connection is closed.
    pub(crate) fn forget(&mut self, route: Route) {
        self.paths.forget(route);
        self.clogged.take_if(|clogged| *clogged == route);
    }

    /// Takes in that a connection of this peer has begun or ceased to take what is sent.
    pub(crate) fn handle_pressure(&mut self, route: Route, pressure: Pressure) {
        match pressure {
            Pressure::Clogged => self.clogged = Some(route),
            Pressure::None => self.clogged = self.clogged.filter(|clogged| *clogged != route),
        }
    }

    /// Whether the path takes nothing more now, so that pictures had better not be sent.
    pub(crate) fn is_clogged(&self) -> bool {
        self.clogged.is_some() && self.clogged == self.paths.path()
    }

    fn after_move(&mut self, has_moved: bool, now: Now, egress: &mut Egress) {
        if has_moved && self.dtls.handle_path(now.instant).is_ok() {
            self.flush_dtls(egress);
        }
    }

    fn send_challenge(&mut self, now: Now, egress: &mut Egress) {
        if let Some((to, id)) = self.paths.poll_challenge(now.media) {
            egress.push(to, &self.ice.challenge(id));
        }
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
                    self.paths.handle_connected();
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
        if self.paths.proven().is_none() {
            // SCTP says it again.
            return;
        }
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
        self.send_challenge(now, egress);
        if !self.is_connected() && now.media.since(self.created) >= config.connect_timeout {
            return Some(CloseReason::ConnectTimeout);
        }
        if now.media.since(self.consented) < config.consent_timeout {
            return None;
        }
        // Without consent nothing is sent (RFC 7675 section 5.1), restart or not.
        self.paths.stop();
        let may_return = |restarted| now.media.since(restarted) < RESTART_PATIENCE;
        (!self.restarted.is_some_and(may_return)).then_some(CloseReason::ConsentLost)
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, now: Now, egress: &mut Egress) {
        self.dtls.close(now.instant);
        self.flush_dtls(egress);
    }

    /// Seals and sends a compound RTCP packet.
    pub(crate) fn send_rtcp(&mut self, packet: &[u8], egress: &mut Egress) {
        let max_len = packet.len() + MAX_RTCP_OVERHEAD;
        if let (Some(srtp), Some(path)) = (&mut self.srtp, self.paths.proven())
            && egress.has_room_for_report(max_len)
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

    /// Returns how packets travel and how much has, as far as the link itself knows.
    pub(crate) fn stats(&self) -> TransportStats {
        let traffic = self.srtp.as_ref().map(|srtp| srtp.traffic()).unwrap_or_default();
        TransportStats {
            is_connected: self.is_connected(),
            protocol: self.paths.path().map(|path| match path {
                Route::Udp(_) => Protocol::Udp,
                Route::Tcp(_) => Protocol::Tcp,
            }),
            packets_sent: traffic.packets_sent,
            bytes_sent: traffic.bytes_sent,
            packets_received: traffic.packets_received,
            bytes_received: traffic.bytes_received,
            ..TransportStats::default()
        }
    }

    /// Returns the keys and the path, once there are both and the path is proven.
    pub(crate) fn media(&mut self) -> Option<(&mut Srtp, Route)> {
        Some((self.srtp.as_mut()?, self.paths.proven()?))
    }

    /// Does what checks and a handshake would have done.
    #[cfg(test)]
    pub(crate) fn connect_without_handshake(&mut self, route: Route, srtp: Srtp, now: Now) {
        let check = Check { from: route, nominates: true, fresh_id: random_id() };
        self.paths.handle_check(check, now.media);
        self.paths.handle_connected();
        self.consented = now.media;
        self.srtp = Some(Box::new(srtp));
    }

    /// Reads what sending takes of it, so that memory brings it.
    pub(crate) fn touch(&self) -> u64 {
        u64::from(self.paths.proven().is_some() | self.is_clogged() | self.is_connected())
    }

    /// Reads where the keys begin that media is sealed with; the processor sees the rest coming.
    pub(crate) fn touch_keys(&self) -> u64 {
        self.srtp.as_ref().map_or(0, |srtp| srtp.traffic().packets_sent)
    }

    /// Reads what feedback is opened with.
    pub(crate) fn touch_keys_of_feedback(&self) -> u64 {
        self.srtp.as_ref().map_or(0, |srtp| srtp.touch_incoming())
    }

    /// Whether the handshake is done.
    pub(crate) fn is_connected(&self) -> bool {
        self.srtp.is_some()
    }

    /// Whether we are the DTLS client, and therefore begin SCTP.
    pub(crate) fn is_client(&self) -> bool {
        self.dtls.role() == Role::Client
    }

    /// Returns every route that is this peer's.
    pub(crate) fn routes(&self) -> impl Iterator<Item = Route> {
        self.paths.routes()
    }

    fn flush_dtls(&mut self, egress: &mut Egress) {
        while let Some(datagram) = self.dtls.poll_transmit() {
            if let Some(path) = self.paths.path() {
                egress.push(path, &datagram);
            }
        }
    }
}

fn random_id() -> TransactionId {
    let mut id = TransactionId::default();
    let random = ring::rand::SystemRandom::new();
    ring::rand::SecureRandom::fill(&random, &mut id).expect("the system has randomness");
    id
}
