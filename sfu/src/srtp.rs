//! Seals and opens SRTP packets in place, and SRTCP packets by way of rtc-srtp.
//!
//! AES-128-GCM, which we choose whenever the other side offers it, is done here with ring, without
//! an allocation per packet. Peers that only know AES-CM with HMAC-SHA1 (FFmpeg) go the slower way
//! through rtc-srtp. The caller hands in the 48-bit packet index; see [`rollover`](crate::rollover).
//!
//! <https://www.rfc-editor.org/rfc/rfc7714#section-8>

use std::collections::HashMap;

use bytes::BytesMut;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rtc_crypto::{BlockCipherAlgorithm, RTCCrypto};
use rtc_srtp::config::SessionKeys;
use rtc_srtp::context::Context;
use rtc_srtp::option::srtcp_replay_protection;
use rtc_srtp::protection_profile::ProtectionProfile;

use crate::rollover::ReplayWindow;

/// The longest that sealing makes a packet longer.
pub(crate) const MAX_OVERHEAD: usize = 16;
const GCM_TAG_LEN: usize = 16;
/// A publisher has two tracks with retransmission each; more sources than this are an attack.
const MAX_SOURCES: usize = 16;
const RTCP_REPLAY_WINDOW: usize = 128;

/// The keys of one connection, both ways.
pub(crate) struct Srtp {
    outgoing: Cipher,
    incoming: Cipher,
    /// By SSRC; only packets that proved authentic make an entry.
    windows: HashMap<u32, ReplayWindow>,
    rtcp_out: Context,
    rtcp_in: Context,
}

impl Srtp {
    /// Derives the session keys from what DTLS exported.
    pub(crate) fn new(
        profile: ProtectionProfile,
        keys: &SessionKeys,
        crypto: &dyn RTCCrypto,
    ) -> Result<Self, rtc_shared::error::Error> {
        let (out_key, out_salt) = (&keys.local_master_key, &keys.local_master_salt);
        let (in_key, in_salt) = (&keys.remote_master_key, &keys.remote_master_salt);
        let context = |key: &[u8], salt: &[u8], replay| {
            Context::new(key, salt, profile, None, replay, crypto)
        };
        Ok(Self {
            outgoing: Cipher::new(profile, out_key, out_salt, crypto)?,
            incoming: Cipher::new(profile, in_key, in_salt, crypto)?,
            windows: HashMap::new(),
            rtcp_out: context(out_key, out_salt, None)?,
            rtcp_in: context(in_key, in_salt, Some(srtcp_replay_protection(RTCP_REPLAY_WINDOW)))?,
        })
    }

    /// Seals the packet of `len` bytes at the start of `buffer`, whose header takes `header_len`.
    ///
    /// `buffer` must have [`MAX_OVERHEAD`] bytes to spare. Returns the sealed length. The same
    /// `index` must never be used for two different packets of one SSRC.
    pub(crate) fn seal_rtp(
        &mut self,
        buffer: &mut [u8],
        header_len: usize,
        len: usize,
        index: u64,
    ) -> Option<usize> {
        match &mut self.outgoing {
            Cipher::Gcm { key, salt } => {
                let (header, rest) = buffer.split_at_mut(header_len);
                let (payload, tag_room) = rest.split_at_mut(len - header_len);
                let nonce = nonce(salt, header, index);
                let tag =
                    key.seal_in_place_separate_tag(nonce, Aad::from(&*header), payload).ok()?;
                tag_room[..GCM_TAG_LEN].copy_from_slice(tag.as_ref());
                Some(len + GCM_TAG_LEN)
            }
            Cipher::Slow(context) => {
                let sealed = context.encrypt_rtp(&buffer[..len]).ok()?;
                buffer.get_mut(..sealed.len())?.copy_from_slice(&sealed);
                Some(sealed.len())
            }
        }
    }

    /// Opens a packet in place. Returns its length in the clear, or `None` if it is forged,
    /// replayed or of one source too many.
    pub(crate) fn open_rtp(
        &mut self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        sequence: u16,
    ) -> Option<usize> {
        let Some(window) = self.windows.get_mut(&ssrc) else {
            return self.open_first_rtp(packet, header_len, ssrc, sequence);
        };
        let index = window.check(sequence)?;
        let len = self.incoming.open(packet, header_len, index)?;
        window.accept(index);
        Some(len)
    }

    /// Opens the first packet of a source. The sender counts laps from its own first packet, which
    /// may have been lost just before the numbers wrapped, so this may be its second lap.
    fn open_first_rtp(
        &mut self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        sequence: u16,
    ) -> Option<usize> {
        if self.windows.len() >= MAX_SOURCES {
            return None;
        }
        // A failed attempt leaves rubbish behind.
        let sealed = packet.to_vec();
        for lap in 0..2_u64 {
            let index = lap << 16 | u64::from(sequence);
            packet.copy_from_slice(&sealed);
            if let Some(len) = self.incoming.open(packet, header_len, index) {
                self.windows.entry(ssrc).or_insert_with(ReplayWindow::new).accept(index);
                return Some(len);
            }
        }
        None
    }

    /// Seals a compound RTCP packet.
    pub(crate) fn seal_rtcp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.rtcp_out.encrypt_rtcp(packet).ok()
    }

    /// Opens a compound RTCP packet.
    pub(crate) fn open_rtcp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.rtcp_in.decrypt_rtcp(packet).ok()
    }
}

enum Cipher {
    Gcm { key: Box<LessSafeKey>, salt: [u8; 12] },
    Slow(Box<Context>),
}

impl Cipher {
    fn new(
        profile: ProtectionProfile,
        master_key: &[u8],
        master_salt: &[u8],
        crypto: &dyn RTCCrypto,
    ) -> Result<Self, rtc_shared::error::Error> {
        if !matches!(profile, ProtectionProfile::AeadAes128Gcm) {
            let context = Context::new(master_key, master_salt, profile, None, None, crypto)?;
            return Ok(Self::Slow(Box::new(context)));
        }
        let key = derive(crypto, master_key, master_salt, LABEL_ENCRYPTION)?;
        let salt = derive(crypto, master_key, master_salt, LABEL_SALT)?;
        let key = UnboundKey::new(&AES_128_GCM, &key).expect("the key is 16 bytes long");
        let mut short = [0; 12];
        short.copy_from_slice(&salt[..12]);
        Ok(Self::Gcm { key: Box::new(LessSafeKey::new(key)), salt: short })
    }

    /// Opens a packet in place and returns its length in the clear.
    fn open(&mut self, packet: &mut [u8], header_len: usize, index: u64) -> Option<usize> {
        match self {
            Self::Gcm { key, salt } => {
                let (header, body) = packet.split_at_mut(header_len);
                let nonce = nonce(salt, header, index);
                let clear = key.open_in_place(nonce, Aad::from(&*header), body).ok()?;
                Some(header_len + clear.len())
            }
            Self::Slow(context) => {
                let clear = context.decrypt_rtp(packet).ok()?;
                packet.get_mut(..clear.len())?.copy_from_slice(&clear);
                Some(clear.len())
            }
        }
    }
}

const LABEL_ENCRYPTION: u8 = 0;
const LABEL_SALT: u8 = 2;

/// Derives one session key or salt (RFC 3711 section 4.3.3, with the shorter salt of RFC 7714).
fn derive(
    crypto: &dyn RTCCrypto,
    master_key: &[u8],
    master_salt: &[u8],
    label: u8,
) -> Result<[u8; 16], rtc_shared::error::Error> {
    let mut block = [0; 16];
    for (to, from) in block.iter_mut().take(14).zip(master_salt) {
        *to = *from;
    }
    block[7] ^= label;
    crypto
        .block_encrypt(BlockCipherAlgorithm::Aes128, master_key, &mut block)
        .map_err(|error| rtc_shared::error::Error::Crypto(error.to_string()))?;
    Ok(block)
}

/// Makes the nonce from SSRC and packet index (RFC 7714 section 8.1).
fn nonce(salt: &[u8; 12], header: &[u8], index: u64) -> Nonce {
    let mut nonce = *salt;
    let index = index.to_be_bytes();
    for (to, from) in nonce[2..6].iter_mut().zip(&header[8..12]) {
        *to ^= from;
    }
    for (to, from) in nonce[6..12].iter_mut().zip(&index[2..8]) {
        *to ^= from;
    }
    Nonce::assume_unique_for_key(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(profile: ProtectionProfile) -> (Srtp, Srtp) {
        let provider = rtc_crypto::default_provider().expect("ring is compiled in");
        let (key, salt) = (vec![1; profile.key_len()], vec![2; profile.salt_len()]);
        let keys = SessionKeys {
            local_master_key: key.clone(),
            local_master_salt: salt.clone(),
            remote_master_key: key,
            remote_master_salt: salt,
        };
        let make = || Srtp::new(profile, &keys, provider.crypto()).expect("the keys fit");
        (make(), make())
    }

    fn packet(sequence: u16) -> Vec<u8> {
        let mut packet = vec![0x80, 96, 0, 0, 0, 0, 0, 9, 0, 0, 0, 7];
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&[5; 100]);
        packet
    }

    fn seal(srtp: &mut Srtp, sequence: u16, index: u64) -> Vec<u8> {
        let mut buffer = packet(sequence);
        let len = buffer.len();
        buffer.resize(len + MAX_OVERHEAD, 0);
        let sealed = srtp.seal_rtp(&mut buffer, 12, len, index).expect("it can be sealed");
        buffer.truncate(sealed);
        buffer
    }

    #[test]
    fn our_own_gcm_agrees_with_rtc_srtp() {
        let (mut ours, _) = pair(ProtectionProfile::AeadAes128Gcm);
        let provider = rtc_crypto::default_provider().expect("ring is compiled in");
        let mut theirs = Context::new(
            &[1; 16],
            &[2; 12],
            ProtectionProfile::AeadAes128Gcm,
            None,
            None,
            provider.crypto(),
        )
        .expect("the keys fit");
        for step in 65_530_u64..65_545 {
            let sequence = (step & 0xffff) as u16;
            let sealed = seal(&mut ours, sequence, step);
            assert_eq!(theirs.decrypt_rtp(&sealed).expect("authentic")[..], packet(sequence));
        }
    }

    #[test]
    fn a_stream_whose_beginning_was_lost_before_its_numbers_wrapped_is_opened() {
        let (mut sender, mut receiver) = pair(ProtectionProfile::AeadAes128Gcm);
        let mut open = |index: u64| {
            let sequence = (index & 0xffff) as u16;
            let mut sealed = seal(&mut sender, sequence, index);
            let len = receiver.open_rtp(&mut sealed, 12, 7, sequence)?;
            (sealed[..len] == packet(sequence)).then_some(())
        };
        // 65534 was lost, 65535 is late.
        for index in [0x1_0000, 0xffff, 0x1_0001, 0x1_0002] {
            assert!(open(index).is_some(), "{index:x}");
        }
        assert!(open(0xffff).is_none(), "the late one passes once");
    }

    #[test]
    fn a_packet_opens_once_and_never_when_changed() {
        for profile in [ProtectionProfile::AeadAes128Gcm, ProtectionProfile::Aes128CmHmacSha1_80] {
            let (mut sender, mut receiver) = pair(profile);
            let sealed = seal(&mut sender, 40, 40);
            let mut changed = sealed.clone();
            changed[20] ^= 1;
            assert_eq!(receiver.open_rtp(&mut changed, 12, 7, 40), None);
            let mut copy = sealed.clone();
            assert_eq!(receiver.open_rtp(&mut copy, 12, 7, 40), Some(112));
            assert_eq!(copy[..112], packet(40));
            let mut again = sealed.clone();
            assert_eq!(receiver.open_rtp(&mut again, 12, 7, 40), None);
        }
    }
}
