//! Seals and opens SRTP and SRTCP packets in place.
//!
//! AES-GCM, which we choose whenever the other side offers it, is done here with ring, without an
//! allocation per packet. Peers that only know AES-CM with HMAC-SHA1 (FFmpeg) go the slower way
//! through rtc-srtp. The caller hands in the 48-bit packet index; see [`rollover`](crate::rollover).
//!
//! <https://www.rfc-editor.org/rfc/rfc3711>

mod gcm;
mod slow;

use rtc_crypto::RTCCrypto;
use rtc_shared::error::Error;
use rtc_srtp::config::SessionKeys;
use rtc_srtp::protection_profile::ProtectionProfile;

use crate::rollover::ReplayWindow;
use gcm::Gcm;
use slow::Slow;

/// The longest that sealing makes an RTP packet longer.
pub(crate) const MAX_OVERHEAD: usize = 16;
/// The longest that sealing makes an RTCP packet longer.
pub(crate) const MAX_RTCP_OVERHEAD: usize = gcm::RTCP_OVERHEAD;
/// A publisher has two tracks with retransmission each; more sources than this are an attack.
const MAX_SOURCES: usize = 16;
/// The SRTCP index has 31 bits; a connection that has used them all says nothing any more.
const MAX_RTCP_INDEX: u32 = (1 << 31) - 1;

/// The keys of one connection, both ways. In this order: what each packet that is sent takes from
/// memory lies together.
#[repr(C)]
pub(crate) struct Srtp {
    traffic: Traffic,
    outgoing: Cipher,
    /// One count for all our SSRCs, so that no index is ever used twice.
    rtcp_index: u32,
    incoming: Cipher,
    /// By SSRC; only packets that proved authentic make an entry.
    windows: Vec<(u32, ReplayWindow)>,
    rtcp_windows: Vec<(u32, ReplayWindow)>,
}

/// Packets and bytes of one connection, both ways, as they are on the wire behind UDP or TCP.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Traffic {
    pub(crate) packets_sent: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) packets_received: u64,
    pub(crate) bytes_received: u64,
}

impl Srtp {
    /// Derives the session keys from what DTLS exported.
    pub(crate) fn new(
        profile: ProtectionProfile,
        keys: &SessionKeys,
        crypto: &dyn RTCCrypto,
    ) -> Result<Self, Error> {
        let (out_key, out_salt) = (&keys.local_master_key, &keys.local_master_salt);
        let (in_key, in_salt) = (&keys.remote_master_key, &keys.remote_master_salt);
        Ok(Self {
            outgoing: Cipher::new(profile, out_key, out_salt, crypto)?,
            incoming: Cipher::new(profile, in_key, in_salt, crypto)?,
            windows: Vec::new(),
            rtcp_windows: Vec::new(),
            rtcp_index: 0,
            traffic: Traffic::default(),
        })
    }

    /// Returns what has gone out and what has come in so far.
    pub(crate) const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Reads what opening feedback takes, so that memory brings it.
    pub(crate) fn touch_incoming(&self) -> u64 {
        let window = self.rtcp_windows.first().map_or(0, |(ssrc, _)| u64::from(*ssrc));
        self.traffic.packets_received.wrapping_add(window)
    }

    /// Counts a packet of `len` bytes that goes out: one just sealed, or one that was sealed before
    /// and goes out again.
    pub(crate) const fn note_sent(&mut self, len: usize) {
        self.traffic.packets_sent += 1;
        self.traffic.bytes_sent += len as u64;
    }

    const fn note_received(&mut self, len: usize) {
        self.traffic.packets_received += 1;
        self.traffic.bytes_received += len as u64;
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
        let sealed = match &mut self.outgoing {
            Cipher::Gcm(gcm) => gcm.seal_rtp(buffer, header_len, len, index)?,
            Cipher::Slow(slow) => slow.seal_rtp(buffer, len)?,
        };
        self.note_sent(sealed);
        Some(sealed)
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
        let sealed = packet.len();
        let len = match window(&mut self.windows, ssrc) {
            None => self.open_first_rtp(packet, header_len, ssrc, sequence)?,
            Some(window) => {
                let index = window.check(sequence)?;
                let len = self.incoming.open_rtp(packet, header_len, index)?;
                window.accept(index);
                len
            }
        };
        self.note_received(sealed);
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
            if let Cipher::Slow(slow) = &self.incoming
                && !slow.is_authentic_rtp(packet, index)
            {
                continue;
            }
            if let Some(len) = self.incoming.open_rtp(packet, header_len, index) {
                self.windows.push((ssrc, ReplayWindow::starting_with(index)));
                return Some(len);
            }
        }
        None
    }

    /// Seals the compound RTCP packet of `len` bytes at the start of `buffer`, which must have
    /// [`MAX_RTCP_OVERHEAD`] bytes to spare. Returns the sealed length.
    pub(crate) fn seal_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Option<usize> {
        let sealed = match &mut self.outgoing {
            Cipher::Gcm(gcm) => {
                let index = self.rtcp_index;
                self.rtcp_index = (index < MAX_RTCP_INDEX).then_some(index + 1)?;
                gcm.seal_rtcp(buffer, len, index)?
            }
            Cipher::Slow(slow) => slow.seal_rtcp(buffer, len)?,
        };
        self.note_sent(sealed);
        Some(sealed)
    }

    /// Opens a compound RTCP packet in place. Returns its length in the clear, or `None` if it is
    /// forged, replayed or of one source too many.
    pub(crate) fn open_rtcp(&mut self, packet: &mut [u8]) -> Option<usize> {
        let len = self.open_report(packet)?;
        self.note_received(packet.len());
        Some(len)
    }

    fn open_report(&mut self, packet: &mut [u8]) -> Option<usize> {
        let (ssrc, index) = match &self.incoming {
            Cipher::Gcm(_) => Gcm::rtcp_index(packet)?,
            Cipher::Slow(_) => Slow::rtcp_index(packet)?,
        };
        let Some(window) = window(&mut self.rtcp_windows, ssrc) else {
            (self.rtcp_windows.len() < MAX_SOURCES).then_some(())?;
            if let Cipher::Slow(slow) = &self.incoming {
                slow.is_authentic_rtcp(packet).then_some(())?;
            }
            let len = self.incoming.open_rtcp(packet, index)?;
            self.rtcp_windows.push((ssrc, ReplayWindow::starting_with(index.into())));
            return Some(len);
        };
        window.is_new(index.into()).then_some(())?;
        let len = self.incoming.open_rtcp(packet, index)?;
        window.accept(index.into());
        Some(len)
    }
}

/// Finds a source's window; there are a handful at most.
fn window(windows: &mut [(u32, ReplayWindow)], ssrc: u32) -> Option<&mut ReplayWindow> {
    windows.iter_mut().find(|(of, _)| *of == ssrc).map(|(_, window)| window)
}

/// The keys of one direction.
#[expect(clippy::large_enum_variant, reason = "nearly everybody's, and one step nearer this way")]
enum Cipher {
    Gcm(Gcm),
    Slow(Box<Slow>),
}

impl Cipher {
    fn new(
        profile: ProtectionProfile,
        master_key: &[u8],
        master_salt: &[u8],
        crypto: &dyn RTCCrypto,
    ) -> Result<Self, Error> {
        let is_gcm =
            matches!(profile, ProtectionProfile::AeadAes128Gcm | ProtectionProfile::AeadAes256Gcm);
        if is_gcm {
            return Ok(Self::Gcm(Gcm::new(master_key, master_salt, crypto)?));
        }
        Ok(Self::Slow(Box::new(Slow::new(profile, master_key, master_salt, crypto)?)))
    }

    /// Opens a packet in place and returns its length in the clear.
    fn open_rtp(&mut self, packet: &mut [u8], header_len: usize, index: u64) -> Option<usize> {
        match self {
            Self::Gcm(gcm) => gcm.open_rtp(packet, header_len, index),
            Self::Slow(slow) => slow.open_rtp(packet),
        }
    }

    /// Opens an RTCP packet in place and returns its length in the clear.
    fn open_rtcp(&mut self, packet: &mut [u8], index: u32) -> Option<usize> {
        match self {
            Self::Gcm(gcm) => gcm.open_rtcp(packet, index),
            Self::Slow(slow) => slow.open_rtcp(packet),
        }
    }
}

#[cfg(test)]
mod tests {
    use rtc_srtp::context::Context;

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

    const GCM: [ProtectionProfile; 2] =
        [ProtectionProfile::AeadAes128Gcm, ProtectionProfile::AeadAes256Gcm];
    const ALL: [ProtectionProfile; 3] = [GCM[0], GCM[1], ProtectionProfile::Aes128CmHmacSha1_80];

    fn theirs(profile: ProtectionProfile) -> Context {
        let provider = rtc_crypto::default_provider().expect("ring is compiled in");
        let (key, salt) = (vec![1; profile.key_len()], vec![2; profile.salt_len()]);
        Context::new(&key, &salt, profile, None, None, provider.crypto()).expect("the keys fit")
    }

    /// A receiver report of `ssrc` with one block.
    fn report(ssrc: u32) -> Vec<u8> {
        let mut report = vec![0x81, 201, 0, 7];
        report.extend_from_slice(&ssrc.to_be_bytes());
        report.extend_from_slice(&[6; 24]);
        report
    }

    fn seal_rtcp(srtp: &mut Srtp, ssrc: u32) -> Vec<u8> {
        let mut buffer = report(ssrc);
        let len = buffer.len();
        buffer.resize(len + MAX_RTCP_OVERHEAD, 0);
        let sealed = srtp.seal_rtcp(&mut buffer, len).expect("it can be sealed");
        buffer.truncate(sealed);
        buffer
    }

    #[test]
    fn our_own_gcm_agrees_with_rtc_srtp() {
        for profile in GCM {
            let (mut ours, _) = pair(profile);
            let mut theirs = theirs(profile);
            for step in 65_530_u64..65_545 {
                let sequence = (step & 0xffff) as u16;
                let sealed = seal(&mut ours, sequence, step);
                assert_eq!(theirs.decrypt_rtp(&sealed).expect("authentic")[..], packet(sequence));
            }
        }
    }

    #[test]
    fn our_own_rtcp_agrees_with_rtc_srtp_both_ways() {
        for profile in GCM {
            let (mut ours, _) = pair(profile);
            let (mut sender, mut receiver) = (theirs(profile), theirs(profile));
            for ssrc in [7, 8, 7, 7] {
                let sealed = seal_rtcp(&mut ours, ssrc);
                assert_eq!(receiver.decrypt_rtcp(&sealed).expect("authentic")[..], report(ssrc));
                let mut sealed = sender.encrypt_rtcp(&report(ssrc)).expect("it can be sealed");
                let len = ours.open_rtcp(&mut sealed).expect("authentic");
                assert_eq!(sealed[..len], report(ssrc));
            }
        }
    }

    #[test]
    fn an_rtcp_packet_opens_once_and_never_when_changed_or_cut() {
        for profile in ALL {
            let (mut sender, mut receiver) = pair(profile);
            // Longer than any replay window, so that the first is too old in the end.
            let sealed: Vec<_> = (0..1_100).map(|_| seal_rtcp(&mut sender, 7)).collect();
            for at in 0..sealed[1].len() {
                let mut changed = sealed[1].clone();
                changed[at] ^= 0x81;
                assert_eq!(receiver.open_rtcp(&mut changed), None, "byte {at}");
                assert_eq!(receiver.open_rtcp(&mut sealed[1][..at].to_vec()), None, "cut at {at}");
            }
            for number in [1, 2, 1_099] {
                let mut copy = sealed[number].clone();
                assert_eq!(receiver.open_rtcp(&mut copy), Some(32), "{number}");
                assert_eq!(receiver.open_rtcp(&mut sealed[number].clone()), None, "{number} again");
            }
            assert_eq!(receiver.open_rtcp(&mut sealed[0].clone()), None, "too old");
        }
    }

    #[test]
    fn sources_beyond_the_limit_are_refused_and_forged_ones_do_not_count() {
        for profile in ALL {
            let (mut sender, mut receiver) = pair(profile);
            for ssrc in 100..200 {
                let mut forged = seal_rtcp(&mut sender, ssrc);
                forged[10] ^= 1;
                assert_eq!(receiver.open_rtcp(&mut forged), None);
            }
            for ssrc in 0..16 {
                assert_eq!(receiver.open_rtcp(&mut seal_rtcp(&mut sender, ssrc)), Some(32));
            }
            assert_eq!(receiver.open_rtcp(&mut seal_rtcp(&mut sender, 16)), None);
            assert_eq!(receiver.open_rtcp(&mut seal_rtcp(&mut sender, 15)), Some(32));
        }
    }

    #[test]
    fn rtc_srtp_which_remembers_every_source_sees_none_that_is_forged() {
        let (mut sender, mut receiver) = pair(ProtectionProfile::Aes128CmHmacSha1_80);
        let shown = |srtp: &Srtp| match &srtp.incoming {
            Cipher::Slow(slow) => slow.shown,
            Cipher::Gcm(_) => panic!("it was to be AES-CM"),
        };
        let (mut rtp, mut rtcp) = (seal(&mut sender, 40, 40), seal_rtcp(&mut sender, 7));
        for ssrc in 100..1_000_u32 {
            let (mut rtp, mut rtcp) = (rtp.clone(), rtcp.clone());
            rtp[8..12].copy_from_slice(&ssrc.to_be_bytes());
            rtcp[4..8].copy_from_slice(&ssrc.to_be_bytes());
            assert_eq!(receiver.open_rtp(&mut rtp, 12, ssrc, 40), None);
            assert_eq!(receiver.open_rtcp(&mut rtcp), None);
        }
        assert_eq!(shown(&receiver), 0);
        assert_eq!(receiver.open_rtp(&mut rtp, 12, 7, 40), Some(112));
        assert_eq!(receiver.open_rtcp(&mut rtcp), Some(32));
        assert_eq!(shown(&receiver), 2);
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
        for profile in ALL {
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
