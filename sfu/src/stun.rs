//! Just enough STUN for an ICE-lite agent: read a binding request, answer it, and the reverse.
//!
//! A lite agent need not send checks (RFC 8445 section 2.5); it answers the other side's, and an
//! authenticated request is the consent to keep sending (RFC 7675). Only before a stream moves to
//! another address do we check that address (see `path`). Read from untrusted datagrams, so every
//! length is checked.

use std::net::{IpAddr, SocketAddr};

use ring::hmac;
use rtc_stun::fingerprint::fingerprint_value;

const HEADER_LEN: usize = 20;
const COOKIE: [u8; 4] = 0x2112_A442_u32.to_be_bytes();
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const ATTR_USERNAME: u16 = 0x0006;
const ATTR_MESSAGE_INTEGRITY: u16 = 0x0008;
const ATTR_XOR_MAPPED_ADDRESS: u16 = 0x0020;
const ATTR_PRIORITY: u16 = 0x0024;
const ATTR_USE_CANDIDATE: u16 = 0x0025;
const ATTR_ICE_CONTROLLED: u16 = 0x8029;
const ATTR_FINGERPRINT: u16 = 0x8028;
const INTEGRITY_LEN: usize = 20;
/// Holds an answer (header, IPv6 address, integrity, fingerprint) and most requests.
const TYPICAL_LEN: usize = 160;
/// What a candidate would be worth that is found by our check (RFC 8445 section 7.1.1).
const PEER_REFLEXIVE_PRIORITY: u32 = 110 << 24 | 65_535 << 8 | 255;

/// Tells a request and its answer from all others.
pub(crate) type TransactionId = [u8; 12];

/// A signed message whose integrity has not been checked yet.
#[derive(Debug)]
struct Signed<'a> {
    data: &'a [u8],
    integrity_at: usize,
}

impl<'a> Signed<'a> {
    /// Reads a message of one type and hands what the signature covers to `take`; `None` if it is
    /// of another type, malformed, or unsigned.
    fn parse(data: &'a [u8], kind: u16, mut take: impl FnMut(u16, &'a [u8])) -> Option<Self> {
        let length = usize::from(be16(data, 2)?);
        if be16(data, 0)? != kind
            || data.get(4..8)? != COOKIE
            || data.len() != HEADER_LEN + length
            || length % 4 != 0
        {
            return None;
        }
        let mut integrity_at = None;
        let mut at = HEADER_LEN;
        while at < data.len() {
            let (kind, len) = (be16(data, at)?, usize::from(be16(data, at + 2)?));
            let value = data.get(at + 4..at + 4 + len)?;
            match kind {
                ATTR_MESSAGE_INTEGRITY if len == INTEGRITY_LEN => integrity_at = Some(at),
                ATTR_FINGERPRINT => {
                    let want = fingerprint_value(data.get(..at)?);
                    if value != want.to_be_bytes() {
                        return None;
                    }
                }
                // Whatever follows the integrity is not covered by it (RFC 8489 section 14.5).
                _ if integrity_at.is_none() => take(kind, value),
                _ => {}
            }
            at += 4 + len.next_multiple_of(4);
        }
        Some(Self { data, integrity_at: integrity_at? })
    }

    fn is_authentic(&self, key: &hmac::Key) -> bool {
        let covered = self.integrity_at + 4 + INTEGRITY_LEN - HEADER_LEN;
        let Ok(covered) = u16::try_from(covered) else {
            return false;
        };
        let tag = &self.data[self.integrity_at + 4..self.integrity_at + 4 + INTEGRITY_LEN];
        let mut message = self.data[..self.integrity_at].to_vec();
        message[2..4].copy_from_slice(&covered.to_be_bytes());
        hmac::verify(key, &message, tag).is_ok()
    }
}

/// An answer to a check of ours whose integrity has not been checked yet.
#[derive(Debug)]
pub(crate) struct BindingSuccess<'a>(Signed<'a>);

impl<'a> BindingSuccess<'a> {
    /// Reads an answer; `None` if it is anything else, malformed, or unsigned.
    pub(crate) fn parse(data: &'a [u8]) -> Option<Self> {
        Signed::parse(data, BINDING_SUCCESS, |_, _| {}).map(Self)
    }

    /// Returns which request it answers.
    pub(crate) fn id(&self) -> TransactionId {
        let mut id = TransactionId::default();
        id.copy_from_slice(&self.0.data[8..HEADER_LEN]);
        id
    }

    /// Whether the sender knows the password that its SDP told us.
    pub(crate) fn is_authentic(&self, key: &hmac::Key) -> bool {
        self.0.is_authentic(key)
    }
}

/// A binding request whose integrity has not been checked yet.
#[derive(Debug)]
pub(crate) struct BindingRequest<'a> {
    signed: Signed<'a>,
    local_ufrag: &'a str,
    use_candidate: bool,
}

impl<'a> BindingRequest<'a> {
    /// Reads a request; `None` if it is anything else, malformed, or unsigned.
    pub(crate) fn parse(data: &'a [u8]) -> Option<Self> {
        let (mut username, mut use_candidate) = (None, false);
        let signed = Signed::parse(data, BINDING_REQUEST, |kind, value| match kind {
            ATTR_USERNAME => username = std::str::from_utf8(value).ok(),
            ATTR_USE_CANDIDATE => use_candidate = true,
            _ => {}
        })?;
        let local_ufrag = username?.split(':').next()?;
        Some(Self { signed, local_ufrag, use_candidate })
    }

    /// Returns our half of the user name, which names the peer.
    pub(crate) fn local_ufrag(&self) -> &'a str {
        self.local_ufrag
    }

    /// Whether the other side nominates this path.
    pub(crate) fn use_candidate(&self) -> bool {
        self.use_candidate
    }

    /// Whether the sender knows the password that the SDP answer told it.
    pub(crate) fn is_authentic(&self, key: &hmac::Key) -> bool {
        self.signed.is_authentic(key)
    }

    /// Writes the success response to a request that came from `from`.
    pub(crate) fn success(&self, from: SocketAddr, key: &hmac::Key) -> Vec<u8> {
        let mut out = header(BINDING_SUCCESS, &self.signed.data[8..HEADER_LEN]);
        push_xor_address(&mut out, from);
        sign(&mut out, key);
        out
    }
}

/// Writes a check of our own, with `user` as "theirs:ours" and the other side's password as `key`.
///
/// The lite side is always the controlled one (RFC 8445 section 6.1.1).
pub(crate) fn request(user: &str, id: TransactionId, key: &hmac::Key) -> Vec<u8> {
    let mut out = header(BINDING_REQUEST, &id);
    push_attribute(&mut out, ATTR_USERNAME, user.as_bytes());
    push_attribute(&mut out, ATTR_PRIORITY, &PEER_REFLEXIVE_PRIORITY.to_be_bytes());
    push_attribute(&mut out, ATTR_ICE_CONTROLLED, &id[..8]);
    sign(&mut out, key);
    out
}

/// Makes the key that signs and checks requests for the local password `password`.
pub(crate) fn integrity_key(password: &str) -> hmac::Key {
    // STUN prescribes SHA-1 (RFC 8489 section 14.5); as an HMAC it is still sound.
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes())
}

fn push_xor_address(out: &mut Vec<u8>, from: SocketAddr) {
    let mut mask = [0; 16];
    mask.copy_from_slice(&out[4..20]);
    let port = from.port() ^ 0x2112;
    let mut value = vec![0, if from.is_ipv4() { 1 } else { 2 }];
    value.extend_from_slice(&port.to_be_bytes());
    match from.ip() {
        IpAddr::V4(ip) => value.extend(ip.octets().iter().zip(mask).map(|(a, m)| a ^ m)),
        IpAddr::V6(ip) => value.extend(ip.octets().iter().zip(mask).map(|(a, m)| a ^ m)),
    }
    push_attribute(out, ATTR_XOR_MAPPED_ADDRESS, &value);
}

fn header(kind: u16, id: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(TYPICAL_LEN);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&COOKIE);
    out.extend_from_slice(id);
    out
}

/// Adds integrity and fingerprint, which end a message.
fn sign(out: &mut Vec<u8>, key: &hmac::Key) {
    set_length(out, 4 + INTEGRITY_LEN);
    let tag = hmac::sign(key, out);
    push_attribute(out, ATTR_MESSAGE_INTEGRITY, tag.as_ref());
    set_length(out, 8);
    let crc = fingerprint_value(out);
    push_attribute(out, ATTR_FINGERPRINT, &crc.to_be_bytes());
}

fn push_attribute(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let len = u16::try_from(value.len()).expect("attributes written here are short");
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// Writes the header's length field as if `more` bytes were already appended.
fn set_length(out: &mut [u8], more: usize) {
    let len = u16::try_from(out.len() - HEADER_LEN + more).expect("messages are short");
    out[2..4].copy_from_slice(&len.to_be_bytes());
}

fn be16(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 section 2.1: a request made by somebody else, with its password.
    const SAMPLE: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
        \x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\
        \x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\
        \x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20\
        \x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\
        \x80\x28\x00\x04\xe5\x7a\x3b\xcf";
    const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

    #[test]
    fn the_sample_request_of_rfc_5769_is_read_and_authentic() {
        let request = BindingRequest::parse(SAMPLE).expect("a valid request");
        assert_eq!(request.local_ufrag(), "evtj");
        assert!(request.is_authentic(&integrity_key(PASSWORD)));
        assert!(!request.is_authentic(&integrity_key("another password")));
    }

    #[test]
    fn no_cut_or_flipped_request_panics_or_passes() {
        let key = integrity_key(PASSWORD);
        for len in 0..SAMPLE.len() {
            assert!(BindingRequest::parse(&SAMPLE[..len]).is_none());
        }
        // The fingerprint after it is not covered by the integrity, and may be missing.
        for at in 0..SAMPLE.len() - 8 {
            let mut flipped = SAMPLE.to_vec();
            flipped[at] ^= 0x40;
            let passes = BindingRequest::parse(&flipped).is_some_and(|r| r.is_authentic(&key));
            assert!(!passes, "byte {at}");
        }
    }
}
