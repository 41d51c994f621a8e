//! AES-CM with HMAC-SHA1, which is rtc-srtp's, behind two guards.
//!
//! rtc-srtp keeps a state for every SSRC that it is shown, authentic or not. So the tag of a source's
//! first packet is looked at here before: what is forged costs no memory. And rtc-srtp takes an RTCP
//! packet that says it is not encrypted without looking at its tag. No WebRTC peer sends one (RFC 8827
//! section 6.5), so it is forged.

use ring::hmac;
use rtc_crypto::{RTCCrypto, constant_time_eq};
use rtc_shared::error::Error;
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;

use super::gcm::derive;

const TAG_LEN: usize = 10;
/// The encrypted bit with the index, and the tag, behind an RTCP packet.
const RTCP_TRAILER_LEN: usize = 4 + TAG_LEN;
const RTCP_HEADER_LEN: usize = 8;
const RTCP_ENCRYPTED: u32 = 1 << 31;

// Labels and length of the keys that tags are made with (RFC 3711 sections 4.3.2 and 8.2).
const LABEL_RTP_TAG: u8 = 1;
const LABEL_RTCP_TAG: u8 = 4;
const TAG_KEY_LEN: usize = 20;

/// The keys of one direction.
pub(super) struct Slow {
    context: Context,
    rtp_tag: hmac::Key,
    rtcp_tag: hmac::Key,
    /// How many packets rtc-srtp was asked to open.
    #[cfg(test)]
    pub(super) shown: usize,
}

impl Slow {
    /// Derives the session keys.
    pub(super) fn new(
        profile: ProtectionProfile,
        master_key: &[u8],
        master_salt: &[u8],
        crypto: &dyn RTCCrypto,
    ) -> Result<Self, Error> {
        let tag_key = |label| {
            let derived = derive(crypto, master_key, master_salt, label)?;
            let sha1 = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
            Ok::<_, Error>(hmac::Key::new(sha1, &derived[..TAG_KEY_LEN]))
        };
        Ok(Self {
            context: Context::new(master_key, master_salt, profile, None, None, crypto)?,
            rtp_tag: tag_key(LABEL_RTP_TAG)?,
            rtcp_tag: tag_key(LABEL_RTCP_TAG)?,
            #[cfg(test)]
            shown: 0,
        })
    }

    /// Seals the RTP packet of `len` bytes at the start of `buffer`. Returns the sealed length.
    pub(super) fn seal_rtp(&mut self, buffer: &mut [u8], len: usize) -> Option<usize> {
        let sealed = self.context.encrypt_rtp(&buffer[..len]).ok()?;
        put(buffer, &sealed)
    }

    /// Seals the RTCP packet of `len` bytes at the start of `buffer`. Returns the sealed length.
    pub(super) fn seal_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Option<usize> {
        let sealed = self.context.encrypt_rtcp(&buffer[..len]).ok()?;
        put(buffer, &sealed)
    }

    /// Whether this is an authentic packet of a source that begins. Of one whose beginning was lost
    /// before its numbers wrapped rtc-srtp makes nothing.
    pub(super) fn is_authentic_rtp(&self, packet: &[u8], index: u64) -> bool {
        let Some((signed, tag)) = packet.split_last_chunk::<TAG_LEN>() else { return false };
        let mut expected = hmac::Context::with_key(&self.rtp_tag);
        expected.update(signed);
        // The count of laps (RFC 3711 section 4.2).
        expected.update(&[0; 4]);
        index >> 16 == 0 && constant_time_eq(&expected.sign().as_ref()[..TAG_LEN], tag)
    }

    /// Whether this is an authentic RTCP packet.
    pub(super) fn is_authentic_rtcp(&self, packet: &[u8]) -> bool {
        let Some((signed, tag)) = packet.split_last_chunk::<TAG_LEN>() else { return false };
        constant_time_eq(&hmac::sign(&self.rtcp_tag, signed).as_ref()[..TAG_LEN], tag)
    }

    /// Opens an RTP packet of a known source in place and returns its length in the clear.
    pub(super) fn open_rtp(&mut self, packet: &mut [u8]) -> Option<usize> {
        #[cfg(test)]
        {
            self.shown += 1;
        }
        let clear = self.context.decrypt_rtp(packet).ok()?;
        put(packet, &clear)
    }

    /// Reads SSRC and index of a sealed RTCP packet, neither of them proved yet. `None` for one
    /// that is too short or not encrypted.
    pub(super) fn rtcp_index(packet: &[u8]) -> Option<(u32, u32)> {
        let (sealed, trailer) = packet.split_last_chunk::<RTCP_TRAILER_LEN>()?;
        let word = u32::from_be_bytes(*trailer.first_chunk()?);
        (sealed.len() >= RTCP_HEADER_LEN && word & RTCP_ENCRYPTED != 0).then_some(())?;
        let ssrc = u32::from_be_bytes(packet[4..8].try_into().ok()?);
        Some((ssrc, word & !RTCP_ENCRYPTED))
    }

    /// Opens an RTCP packet of a known source in place and returns its length in the clear.
    pub(super) fn open_rtcp(&mut self, packet: &mut [u8]) -> Option<usize> {
        #[cfg(test)]
        {
            self.shown += 1;
        }
        let clear = self.context.decrypt_rtcp(packet).ok()?;
        put(packet, &clear)
    }
}

/// Copies what rtc-srtp allocated to where the caller wants it.
fn put(buffer: &mut [u8], bytes: &[u8]) -> Option<usize> {
    buffer.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(bytes.len())
}
