//! AES-GCM for SRTP and SRTCP, in place and without an allocation per packet.
//!
//! <https://www.rfc-editor.org/rfc/rfc7714>

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rtc_crypto::{BlockCipherAlgorithm, RTCCrypto};
use rtc_shared::error::Error;

pub(super) const TAG_LEN: usize = 16;
/// Length, type and SSRC of an RTCP packet stay in the clear.
const RTCP_HEADER_LEN: usize = 8;
/// The 31-bit index behind the tag, and the bit that says that the packet is encrypted.
const RTCP_TRAILER_LEN: usize = 4;
const RTCP_ENCRYPTED: u32 = 1 << 31;
pub(super) const RTCP_OVERHEAD: usize = TAG_LEN + RTCP_TRAILER_LEN;

// Labels of what is derived (RFC 3711 section 4.3.2).
const LABEL_RTP_KEY: u8 = 0;
const LABEL_RTP_SALT: u8 = 2;
const LABEL_RTCP_KEY: u8 = 3;
const LABEL_RTCP_SALT: u8 = 5;

/// The keys of one direction. Those of media come first, and the salt beside what is read before it.
#[repr(C)]
pub(super) struct Gcm {
    rtp: Keys,
    rtcp: Keys,
}

#[repr(C)]
struct Keys {
    salt: [u8; 12],
    key: LessSafeKey,
}

impl Gcm {
    /// Derives the session keys from a master key of 16 or 32 bytes.
    pub(super) fn new(
        master_key: &[u8],
        master_salt: &[u8],
        crypto: &dyn RTCCrypto,
    ) -> Result<Self, Error> {
        let keys = |key, salt| Keys::derive(crypto, master_key, master_salt, key, salt);
        Ok(Self {
            rtp: keys(LABEL_RTP_KEY, LABEL_RTP_SALT)?,
            rtcp: keys(LABEL_RTCP_KEY, LABEL_RTCP_SALT)?,
        })
    }

    /// Seals the RTP packet of `len` bytes at the start of `buffer`. Returns the sealed length.
    pub(super) fn seal_rtp(
        &self,
        buffer: &mut [u8],
        header_len: usize,
        len: usize,
        index: u64,
    ) -> Option<usize> {
        let (header, rest) = buffer.split_at_mut(header_len);
        let (payload, tag_room) = rest.split_at_mut(len - header_len);
        let nonce = self.rtp.rtp_nonce(header, index);
        let tag =
            self.rtp.key.seal_in_place_separate_tag(nonce, Aad::from(&*header), payload).ok()?;
        tag_room[..TAG_LEN].copy_from_slice(tag.as_ref());
        Some(len + TAG_LEN)
    }

    /// Opens an RTP packet in place and returns its length in the clear.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        index: u64,
    ) -> Option<usize> {
        let (header, body) = packet.split_at_mut(header_len);
        let nonce = self.rtp.rtp_nonce(header, index);
        let clear = self.rtp.key.open_in_place(nonce, Aad::from(&*header), body).ok()?;
        Some(header_len + clear.len())
    }

    /// Seals the RTCP packet of `len` bytes at the start of `buffer`. Returns the sealed length.
    pub(super) fn seal_rtcp(&self, buffer: &mut [u8], len: usize, index: u32) -> Option<usize> {
        let trailer = (RTCP_ENCRYPTED | index).to_be_bytes();
        let (packet, room) = buffer.split_at_mut_checked(len)?;
        let (header, body) = packet.split_at_mut_checked(RTCP_HEADER_LEN)?;
        let nonce = self.rtcp.rtcp_nonce(header, index);
        let aad = Aad::from(rtcp_aad(header, trailer));
        let tag = self.rtcp.key.seal_in_place_separate_tag(nonce, aad, body).ok()?;
        room.get_mut(..TAG_LEN)?.copy_from_slice(tag.as_ref());
        room.get_mut(TAG_LEN..RTCP_OVERHEAD)?.copy_from_slice(&trailer);
        Some(len + RTCP_OVERHEAD)
    }

    /// Reads SSRC and index of a sealed RTCP packet, neither of them proved yet. `None` for one
    /// that is too short or not encrypted, which no WebRTC peer sends.
    pub(super) fn rtcp_index(packet: &[u8]) -> Option<(u32, u32)> {
        let (_, trailer) = packet.split_last_chunk::<RTCP_TRAILER_LEN>()?;
        let word = u32::from_be_bytes(*trailer);
        let is_long = packet.len() >= RTCP_HEADER_LEN + RTCP_OVERHEAD;
        (is_long && word & RTCP_ENCRYPTED != 0).then_some(())?;
        let ssrc = u32::from_be_bytes(packet[4..8].try_into().ok()?);
        Some((ssrc, word & !RTCP_ENCRYPTED))
    }

    /// Opens an RTCP packet in place and returns its length in the clear.
    pub(super) fn open_rtcp(&self, packet: &mut [u8], index: u32) -> Option<usize> {
        let (sealed, trailer) = packet.split_last_chunk_mut::<RTCP_TRAILER_LEN>()?;
        let (header, body) = sealed.split_at_mut_checked(RTCP_HEADER_LEN)?;
        let nonce = self.rtcp.rtcp_nonce(header, index);
        let aad = Aad::from(rtcp_aad(header, *trailer));
        let clear = self.rtcp.key.open_in_place(nonce, aad, body).ok()?;
        Some(RTCP_HEADER_LEN + clear.len())
    }
}

impl Keys {
    fn derive(
        crypto: &dyn RTCCrypto,
        master_key: &[u8],
        master_salt: &[u8],
        key_label: u8,
        salt_label: u8,
    ) -> Result<Self, Error> {
        let algorithm = if master_key.len() == 32 { &AES_256_GCM } else { &AES_128_GCM };
        let derive = |label| derive(crypto, master_key, master_salt, label);
        let mut salt = [0; 12];
        salt.copy_from_slice(&derive(salt_label)?[..12]);
        let key = UnboundKey::new(algorithm, &derive(key_label)?[..master_key.len()])
            .map_err(|_| Error::SrtpMasterKeyLength(16, master_key.len()))?;
        Ok(Self { key: LessSafeKey::new(key), salt })
    }

    /// Makes the nonce from SSRC and packet index (RFC 7714 section 8.1).
    fn rtp_nonce(&self, header: &[u8], index: u64) -> Nonce {
        let mut nonce = self.salt;
        xor(&mut nonce[2..6], &header[8..12]);
        xor(&mut nonce[6..12], &index.to_be_bytes()[2..8]);
        Nonce::assume_unique_for_key(nonce)
    }

    /// Makes the nonce from SSRC and SRTCP index (RFC 7714 section 9.1).
    fn rtcp_nonce(&self, header: &[u8], index: u32) -> Nonce {
        let mut nonce = self.salt;
        xor(&mut nonce[2..6], &header[4..8]);
        xor(&mut nonce[8..12], &index.to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    }
}

/// What SRTCP authenticates without encrypting it: header and trailer (RFC 7714 section 9.2).
fn rtcp_aad(header: &[u8], trailer: [u8; 4]) -> [u8; 12] {
    let mut aad = [0; 12];
    aad[..8].copy_from_slice(header);
    aad[8..].copy_from_slice(&trailer);
    aad
}

fn xor(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to ^= from;
    }
}

/// Derives up to 32 bytes of key or salt (RFC 3711 section 4.3.3, with the shorter salt of RFC
/// 7714, and AES-256 for a longer key as RFC 6188 says).
pub(super) fn derive(
    crypto: &dyn RTCCrypto,
    master_key: &[u8],
    master_salt: &[u8],
    label: u8,
) -> Result<[u8; 32], Error> {
    let algorithm = match master_key.len() {
        32 => BlockCipherAlgorithm::Aes256,
        _ => BlockCipherAlgorithm::Aes128,
    };
    let mut out = [0; 32];
    for (block, counter) in out.chunks_exact_mut(16).zip(0_u8..) {
        for (to, from) in block.iter_mut().take(14).zip(master_salt) {
            *to = *from;
        }
        block[7] ^= label;
        block[15] = counter;
        crypto
            .block_encrypt(algorithm, master_key, block)
            .map_err(|error| Error::Crypto(error.to_string()))?;
    }
    Ok(out)
}
