//! The DTLS half of a connection: one certificate for all, keys for SRTP, a pipe for SCTP.
//!
//! A browser proposes its SRTP profiles with AES-CM first although it knows GCM, and rtc-dtls takes
//! the other side's first choice. So the first ClientHello is looked into, and a peer that knows
//! AES-128-GCM meets a server that knows nothing else.
//!
//! A certificate is worth what the signalling channel says of it: its fingerprint must be the one
//! in the SDP (RFC 8122), nothing else about it is checked.

use std::net::{Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ring::digest;
use rtc_crypto::RTCCryptoProvider;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_dtls::state::State;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error;
use rtc_srtp::protection_profile::ProtectionProfile;

use crate::client_hello::ClientHello;
use crate::record_guard::RecordGuard;
use crate::srtp::Srtp;

/// DTLS never sees a real address: ICE decides where packets go, and may change its mind.
const TUNNEL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
/// When our ClientHello is said again unless there was an answer. rtc-dtls itself waits a second, and
/// FFmpeg throws the first one away: it only tells it that DTLS has begun.
const HELLO_AGAIN: Duration = Duration::from_millis(50);
/// A first flight takes two or three datagrams; whoever sends more gets the general server.
const MAX_HELD: usize = 6;

/// Our certificate and what we agree to, shared by all connections.
pub(crate) struct Identity {
    provider: Arc<dyn RTCCryptoProvider>,
    fingerprint: String,
    server_gcm: Arc<HandshakeConfig>,
    server_any: Arc<HandshakeConfig>,
    client: Arc<HandshakeConfig>,
}

impl Identity {
    /// Makes a fresh self-signed certificate.
    pub(crate) fn generate() -> Result<Self, Error> {
        let provider =
            rtc_crypto::default_provider().map_err(|error| Error::Crypto(error.to_string()))?;
        let certificate =
            Certificate::generate_self_signed(vec!["lianmai".to_owned()], provider.crypto())?;
        let der = certificate.certificate.first().ok_or(Error::ErrNoCertificates)?;
        let fingerprint = hex(digest::digest(&digest::SHA256, der).as_ref());
        let gcm = SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm;
        let gcm_256 = SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm;
        let cm = SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80;
        let build = |is_client, profiles: Vec<SrtpProtectionProfile>| {
            ConfigBuilder::default()
                .with_crypto_provider(Arc::clone(&provider))
                .with_certificates(vec![certificate.clone()])
                .with_srtp_protection_profiles(profiles)
                .with_client_auth(ClientAuthType::RequireAnyClientCert)
                .with_insecure_skip_verify(true)
                .with_extended_master_secret(ExtendedMasterSecretType::Require)
                .build(is_client, None)
                .map(Arc::new)
        };
        Ok(Self {
            server_gcm: build(false, vec![gcm])?,
            server_any: build(false, vec![gcm, gcm_256, cm])?,
            client: build(true, vec![gcm, gcm_256, cm])?,
            provider: Arc::clone(&provider),
            fingerprint,
        })
    }

    /// Returns the SHA-256 fingerprint of our certificate, as SDP writes it.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// Which side starts the handshake.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// We wait for the other side's ClientHello.
    Server,
    /// We send ours as soon as there is an address to send it to.
    Client,
}

/// A certificate fingerprint from the other side's SDP.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fingerprint {
    algorithm: &'static str,
    value: String,
}

impl Fingerprint {
    /// Reads the value of an `a=fingerprint` line; `None` if the hash is unknown or too weak.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (algorithm, value) = line.trim().split_once(' ')?;
        let algorithm = ["sha-256", "sha-384", "sha-512"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(algorithm))?;
        Some(Self { algorithm, value: value.trim().to_ascii_uppercase() })
    }

    fn matches(&self, certificate: &[u8]) -> bool {
        let algorithm = match self.algorithm {
            "sha-256" => &digest::SHA256,
            "sha-384" => &digest::SHA384,
            _ => &digest::SHA512,
        };
        hex(digest::digest(algorithm, certificate).as_ref()) == self.value
    }
}

/// What came of a datagram.
pub(crate) enum Outcome {
    /// The handshake is done and the certificate is the promised one.
    Connected(Box<Srtp>),
    /// Decrypted application data: SCTP.
    Data(BytesMut),
    /// The other side said goodbye.
    Closed,
}

/// One connection's DTLS.
pub(crate) struct Dtls {
    identity: Arc<Identity>,
    endpoint: Endpoint,
    role: Role,
    remote: Fingerprint,
    has_started: bool,
    hello: ClientHello,
    guard: RecordGuard,
    /// What arrived before it was clear which server to be. Full: the general one.
    held: Vec<BytesMut>,
    /// Our ClientHello and when to say it again; forgotten with the first answer.
    hello_again: Option<(Instant, BytesMut)>,
    repeat: Option<BytesMut>,
    /// When the endpoint wants to be looked at; nothing changes it but what it reads and its timer.
    due: Option<Instant>,
}

impl Dtls {
    /// Creates a connection that has not started.
    pub(crate) fn new(identity: Arc<Identity>, role: Role, remote: Fingerprint) -> Self {
        let endpoint = Endpoint::new(TUNNEL, TransportProtocol::UDP, None);
        Self {
            identity,
            endpoint,
            role,
            remote,
            has_started: false,
            hello: ClientHello::default(),
            guard: RecordGuard::new(),
            held: Vec::new(),
            hello_again: None,
            repeat: None,
            due: None,
        }
    }

    /// There is an address to send to now.
    pub(crate) fn handle_path(&mut self, now: Instant) -> Result<(), Error> {
        if self.role == Role::Client && !self.has_started {
            self.has_started = true;
            self.endpoint.connect(now, TUNNEL, Arc::clone(&self.identity.client), None)?;
            self.hello_again = Some((now + HELLO_AGAIN, BytesMut::new()));
            self.note_timer();
        }
        Ok(())
    }

    /// Takes a datagram.
    ///
    /// # Errors
    ///
    /// Fails if the handshake is done and its certificate is the wrong one. Anything else that is
    /// wrong with a datagram is ignored: an address is easily forged, so a bad record is no reason
    /// to end a connection, and a handshake that cannot go on runs out of time.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &[u8],
    ) -> Result<Vec<Outcome>, Error> {
        if !self.guard.admits(datagram) {
            tracing::debug!("A DTLS datagram that no honest peer sends was refused.");
            return Ok(Vec::new());
        }
        self.hello_again = None;
        let datagram = BytesMut::from(datagram);
        if self.role == Role::Client || self.has_started {
            return self.read(now, datagram);
        }
        let offers_gcm = self.hello.handle_datagram(&datagram);
        self.held.push(datagram);
        let config = match offers_gcm {
            None if self.held.len() < MAX_HELD => return Ok(Vec::new()),
            Some(true) => &self.identity.server_gcm,
            Some(false) | None => &self.identity.server_any,
        };
        self.has_started = true;
        self.endpoint.set_server_config(Some(Arc::clone(config)));
        let mut outcomes = Vec::new();
        for datagram in std::mem::take(&mut self.held) {
            outcomes.extend(self.read(now, datagram)?);
        }
        Ok(outcomes)
    }

    fn read(&mut self, now: Instant, datagram: BytesMut) -> Result<Vec<Outcome>, Error> {
        // A bug in the parser must cost this peer, not every peer of the worker.
        let read =
            catch_unwind(AssertUnwindSafe(|| self.endpoint.read(now, TUNNEL, None, datagram)))
                .map_err(|_| Error::Other("the DTLS parser panicked".to_owned()))?;
        self.note_timer();
        let events = match read {
            Ok(events) => events,
            Err(error) => {
                tracing::debug!(%error, "A DTLS record was refused.");
                return Ok(Vec::new());
            }
        };
        let mut outcomes = Vec::with_capacity(events.len());
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => {
                    outcomes.push(self.connected()?);
                    self.guard.handle_connected();
                }
                EndpointEvent::ApplicationData(data) => outcomes.push(Outcome::Data(data)),
                EndpointEvent::PeerClosed => outcomes.push(Outcome::Closed),
                _ => {}
            }
        }
        Ok(outcomes)
    }

    /// Encrypts application data; see [`poll_transmit`](Self::poll_transmit).
    pub(crate) fn send(&mut self, now: Instant, data: &[u8]) -> Result<(), Error> {
        self.endpoint.write(now, TUNNEL, data)
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, now: Instant) {
        // Nothing to say goodbye to is no reason to complain.
        let _ = self.endpoint.close(now);
    }

    /// Repeats a flight that got lost.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        if let Some((_, hello)) = self.hello_again.take_if(|(at, _)| *at <= now) {
            self.repeat = Some(hello).filter(|hello| !hello.is_empty());
        }
        if self.due.is_none_or(|due| now < due) {
            return Ok(());
        }
        // What a timer does depends on what the other side sent, so the same goes for it.
        let done = catch_unwind(AssertUnwindSafe(|| self.endpoint.handle_timeout(TUNNEL, now)))
            .map_err(|_| Error::Other("a DTLS timer panicked".to_owned()))?;
        self.note_timer();
        done
    }

    fn note_timer(&mut self) {
        self.due = self.endpoint.poll_timeout(&TUNNEL);
    }

    /// Returns the next datagram to send.
    pub(crate) fn poll_transmit(&mut self) -> Option<BytesMut> {
        if let Some(hello) = self.repeat.take() {
            return Some(hello);
        }
        let datagram = self.endpoint.poll_transmit().map(|transmit| transmit.message)?;
        if let Some((_, hello)) = self.hello_again.as_mut().filter(|(_, hello)| hello.is_empty()) {
            hello.extend_from_slice(&datagram);
        }
        Some(datagram)
    }

    /// Whether we play the client.
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    fn connected(&self) -> Result<Outcome, Error> {
        let state = self
            .endpoint
            .get_connection_state(TUNNEL)
            .ok_or_else(|| Error::Other("the connection is gone".to_owned()))?;
        let certificate = state.peer_certificates.first().ok_or(Error::ErrNoCertificates)?;
        if !self.remote.matches(certificate) {
            return Err(Error::Other("the certificate is not the one in the SDP".to_owned()));
        }
        Ok(Outcome::Connected(Box::new(export_srtp(state, self.identity.provider.as_ref())?)))
    }
}

/// Turns DTLS keying material into SRTP keys (RFC 5764 section 4.2).
#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum that may grow")]
fn export_srtp(state: &State, provider: &dyn RTCCryptoProvider) -> Result<Srtp, Error> {
    let profile = match state.srtp_protection_profile() {
        SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => ProtectionProfile::AeadAes128Gcm,
        SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm => ProtectionProfile::AeadAes256Gcm,
        SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => {
            ProtectionProfile::Aes128CmHmacSha1_80
        }
        _ => return Err(Error::ErrNoSuchSrtpProfile),
    };
    let mut config = rtc_srtp::config::Config { profile, ..Default::default() };
    let material = state.export_keying_material(
        rtc_srtp::config::LABEL_EXTRACTOR_DTLS_SRTP,
        &[],
        config.keying_material_len(),
    )?;
    config.set_session_keys_from_keying_material(material.as_ref(), state.is_client())?;
    Srtp::new(profile, &config.keys, provider.crypto())
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_without_an_answer_is_said_again_soon_and_once() {
        let identity = Arc::new(Identity::generate().expect("a certificate"));
        let remote = Fingerprint::parse("sha-256 AB").expect("a fingerprint");
        let mut dtls = Dtls::new(identity, Role::Client, remote);
        let start = Instant::now();
        dtls.handle_path(start).expect("a path");
        let hello = dtls.poll_transmit().expect("a hello");
        assert!(dtls.poll_transmit().is_none());

        let mut said_at = |after| {
            dtls.handle_timeout(start + after).expect("no trouble");
            dtls.poll_transmit()
        };
        assert_eq!(said_at(HELLO_AGAIN - Duration::from_millis(1)), None);
        assert_eq!(said_at(HELLO_AGAIN), Some(hello));
        assert_eq!(said_at(HELLO_AGAIN * 3), None);
    }

    #[test]
    fn a_message_of_thousands_of_fragments_does_not_overflow_the_stack() {
        let identity = Arc::new(Identity::generate().expect("a certificate"));
        let remote = Fingerprint::parse("sha-256 AB").expect("a fingerprint");
        let mut dtls = Dtls::new(identity, Role::Server, remote);
        // Twelve bytes each: the message says it is empty, so the next fragment lies right behind.
        let fragment = |at: u32| {
            let [_, high, middle, low] = at.to_be_bytes();
            [1, 0, 0, 0, 0, 0, high, middle, low, 0, 0, 1]
        };
        for (number, start) in (0..30_000_u32).step_by(100).rev().enumerate() {
            let mut datagram = vec![22, 0xfe, 0xfd, 0, 0, 0, 0];
            datagram.extend_from_slice(&u32::try_from(number).expect("small").to_be_bytes());
            datagram.extend_from_slice(&1_200_u16.to_be_bytes());
            datagram.extend((start..start + 100).flat_map(fragment));
            assert!(dtls.handle_datagram(Instant::now(), &datagram).is_ok_and(|o| o.is_empty()));
        }
    }
}
