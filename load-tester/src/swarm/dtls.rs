//! A viewer's DTLS: always the client, one certificate for all viewers of the process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use ring::digest;
use rtc_crypto::RTCCryptoProvider;
use rtc_dtls::config::{ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error;
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;

/// DTLS never sees a real address; the socket is connected.
const TUNNEL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// The certificate and the profiles that all viewers offer.
pub(crate) struct Identity {
    provider: Arc<dyn RTCCryptoProvider>,
    fingerprint: String,
    config: Arc<HandshakeConfig>,
}

impl Identity {
    /// Makes a fresh self-signed certificate.
    pub(crate) fn generate() -> Result<Self, Error> {
        let provider =
            rtc_crypto::default_provider().map_err(|error| Error::Crypto(error.to_string()))?;
        let certificate =
            Certificate::generate_self_signed(vec!["viewer".to_owned()], provider.crypto())?;
        let der = certificate.certificate.first().ok_or(Error::ErrNoCertificates)?;
        let fingerprint = fingerprint(der);
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&provider))
            .with_certificates(vec![certificate])
            .with_srtp_protection_profiles(vec![
                SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            ])
            .with_insecure_skip_verify(true)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .build(true, None)?;
        Ok(Self { provider, fingerprint, config: Arc::new(config) })
    }

    /// Returns the SHA-256 fingerprint as SDP writes it.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// The keys of one connection.
pub(crate) struct Keys {
    /// Opens RTP; only samples of it.
    pub(crate) rtp_in: Context,
    /// Opens RTCP.
    pub(crate) rtcp_in: Context,
    /// Seals RTCP.
    pub(crate) rtcp_out: Context,
}

/// One viewer's handshake.
pub(crate) struct Dtls {
    identity: Arc<Identity>,
    endpoint: Endpoint,
    remote_fingerprint: String,
}

impl Dtls {
    /// Creates a connection that has not started.
    pub(crate) fn new(identity: Arc<Identity>, remote_fingerprint: String) -> Self {
        let endpoint = Endpoint::new(TUNNEL, TransportProtocol::UDP, None);
        Self { identity, endpoint, remote_fingerprint }
    }

    /// Sends the ClientHello.
    pub(crate) fn start(&mut self, now: Instant) -> Result<(), Error> {
        self.endpoint.connect(now, TUNNEL, Arc::clone(&self.identity.config), None)
    }

    /// Takes a datagram; returns the keys when the handshake is done.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &[u8],
    ) -> Result<Option<Box<Keys>>, Error> {
        let events = self.endpoint.read(now, TUNNEL, None, BytesMut::from(datagram))?;
        let is_done = events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete));
        if is_done { self.export().map(Some) } else { Ok(None) }
    }

    /// Returns when a flight has to be repeated.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.endpoint.poll_timeout(&TUNNEL)
    }

    /// Repeats what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.endpoint.handle_timeout(TUNNEL, now)
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, now: Instant) {
        // Nothing to say goodbye to is no reason to complain.
        let _ = self.endpoint.close(now);
    }

    /// Returns the next datagram to send.
    pub(crate) fn poll_transmit(&mut self) -> Option<BytesMut> {
        self.endpoint.poll_transmit().map(|transmit| transmit.message)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum that may grow")]
    fn export(&self) -> Result<Box<Keys>, Error> {
        let state = self
            .endpoint
            .get_connection_state(TUNNEL)
            .ok_or_else(|| Error::Other("the connection is gone".to_owned()))?;
        let certificate = state.peer_certificates.first().ok_or(Error::ErrNoCertificates)?;
        if !fingerprint(certificate).eq_ignore_ascii_case(&self.remote_fingerprint) {
            return Err(Error::Other("the certificate is not the one in the SDP".to_owned()));
        }
        let profile = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => ProtectionProfile::AeadAes128Gcm,
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
        let keys = &config.keys;
        let crypto = self.identity.provider.crypto();
        let context =
            |key: &[u8], salt: &[u8]| Context::new(key, salt, profile, None, None, crypto);
        let incoming = || context(&keys.remote_master_key, &keys.remote_master_salt);
        Ok(Box::new(Keys {
            rtp_in: incoming()?,
            rtcp_in: incoming()?,
            rtcp_out: context(&keys.local_master_key, &keys.local_master_salt)?,
        }))
    }
}

fn fingerprint(der: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, der);
    let pairs: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
