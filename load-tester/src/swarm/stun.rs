//! The STUN of a controlling ICE agent against one address: signed binding requests that nominate
//! at once, and answers to the other side's own checks (Janus sends them, a lite agent does not).
//!
//! <https://www.rfc-editor.org/rfc/rfc8445#section-7>

use std::net::{IpAddr, SocketAddr};

use ring::hmac;
use rtc_stun::fingerprint::fingerprint_value;

const HEADER_LEN: usize = 20;
const COOKIE: [u8; 4] = 0x2112_A442_u32.to_be_bytes();
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLING: u16 = 0x802A;
const INTEGRITY_LEN: usize = 20;
/// Priority of a peer-reflexive candidate found by a check (RFC 8445 section 5.1.2).
const CHECK_PRIORITY: u32 = 110 << 24 | 65_535 << 8 | 255;

/// A message's transaction.
pub(crate) type Transaction = [u8; 12];

/// What a datagram is, as far as a viewer cares.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Message {
    /// The other side checks us.
    Request(Transaction),
    /// Our check was answered.
    Success(Transaction),
}

/// Makes the key that signs messages with `password`.
pub(crate) fn key(password: &str) -> hmac::Key {
    // STUN prescribes SHA-1 (RFC 8489 section 14.5).
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes())
}

/// Reads the head of a message; what is signed by whom is not the tester's worry on a path that
/// only the server knows.
pub(crate) fn read(datagram: &[u8]) -> Option<Message> {
    let header = datagram.first_chunk::<HEADER_LEN>()?;
    if header[4..8] != COOKIE {
        return None;
    }
    let transaction = header[8..20].try_into().expect("twelve bytes");
    match u16::from_be_bytes([header[0], header[1]]) {
        BINDING_REQUEST => Some(Message::Request(transaction)),
        BINDING_SUCCESS => Some(Message::Success(transaction)),
        _ => None,
    }
}

/// Writes a binding request for `username` that nominates this path.
pub(crate) fn request(username: &str, transaction: Transaction, key: &hmac::Key) -> Vec<u8> {
    let mut out = begin(BINDING_REQUEST, transaction);
    push(&mut out, USERNAME, username.as_bytes());
    push(&mut out, ICE_CONTROLLING, &transaction[..8]);
    push(&mut out, USE_CANDIDATE, &[]);
    push(&mut out, PRIORITY, &CHECK_PRIORITY.to_be_bytes());
    sign(&mut out, key);
    out
}

/// Writes the answer to a request that came from `from`.
pub(crate) fn success(transaction: Transaction, from: SocketAddr, key: &hmac::Key) -> Vec<u8> {
    let mut out = begin(BINDING_SUCCESS, transaction);
    let mask: [u8; 16] = out[4..20].try_into().expect("cookie and transaction");
    let port = from.port() ^ 0x2112;
    let mut value = vec![0, if from.is_ipv4() { 1 } else { 2 }];
    value.extend_from_slice(&port.to_be_bytes());
    match from.ip() {
        IpAddr::V4(ip) => value.extend(ip.octets().iter().zip(mask).map(|(a, m)| a ^ m)),
        IpAddr::V6(ip) => value.extend(ip.octets().iter().zip(mask).map(|(a, m)| a ^ m)),
    }
    push(&mut out, XOR_MAPPED_ADDRESS, &value);
    sign(&mut out, key);
    out
}

fn begin(kind: u16, transaction: Transaction) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&COOKIE);
    out.extend_from_slice(&transaction);
    out
}

/// Appends integrity and fingerprint; each covers a length that counts itself.
fn sign(out: &mut Vec<u8>, key: &hmac::Key) {
    set_length(out, 4 + INTEGRITY_LEN);
    let tag = hmac::sign(key, out);
    push(out, MESSAGE_INTEGRITY, tag.as_ref());
    set_length(out, 8);
    let crc = fingerprint_value(out);
    push(out, FINGERPRINT, &crc.to_be_bytes());
}

fn push(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let len = u16::try_from(value.len()).expect("an attribute is short");
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn set_length(out: &mut [u8], more: usize) {
    let len = u16::try_from(out.len() - HEADER_LEN + more).expect("a message is short");
    out[2..4].copy_from_slice(&len.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 section 2.2: an answer made by somebody else, without its SOFTWARE attribute.
    #[test]
    fn the_address_of_the_rfc_5769_sample_is_written_the_same_way() {
        let transaction = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";
        let from = SocketAddr::from(([192, 0, 2, 1], 32_853));
        let answer = success(transaction, from, &key("VOkJxbRl1RmTxUk/WvJxBt"));
        assert_eq!(answer[20..32], *b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43");
        assert_eq!(read(&answer), Some(Message::Success(transaction)));
    }

    #[test]
    fn a_request_is_signed_over_everything_before_the_signature() {
        let key = key("password");
        let request = request("them:us", [7; 12], &key);
        let integrity_at = request.len() - 8 - 24;
        let mut covered = request[..integrity_at].to_vec();
        set_length(&mut covered, 24);
        assert!(hmac::verify(&key, &covered, &request[integrity_at + 4..][..20]).is_ok());
        assert_eq!(read(&request), Some(Message::Request([7; 12])));
        assert_eq!(read(&request[..19]), None);
    }
}
