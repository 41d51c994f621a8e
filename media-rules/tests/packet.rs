//! Goal: a header is read as RFC 3550 and RFC 8285 say, and no bytes make it panic.
//! Method: handmade packets for each field, then random bytes from printed seeds.

use media_rules::packet::PlainHeader;
use media_rules::{PacketError, RtpHeader};

const PLAIN: PlainHeader = PlainHeader {
    marker: true,
    payload_type: 102,
    sequence: 0xfffe,
    timestamp: 0x8000_0001,
    ssrc: 0xdead_beef,
};

#[test]
fn what_is_written_is_what_is_read() {
    let packet = [&PLAIN.to_bytes()[..], b"payload"].concat();

    let header = RtpHeader::parse(&packet).unwrap();

    assert!(header.marker);
    assert_eq!(header.payload_type, PLAIN.payload_type);
    assert_eq!(header.sequence, PLAIN.sequence);
    assert_eq!(header.timestamp, PLAIN.timestamp);
    assert_eq!(header.ssrc, PLAIN.ssrc);
    assert_eq!(header.payload(&packet), b"payload");
}

#[test]
fn padding_is_not_payload() {
    let mut packet = [&PLAIN.to_bytes()[..], b"payload\0\0\x03"].concat();
    packet[0] |= 0x20;

    let header = RtpHeader::parse(&packet).unwrap();

    assert_eq!(header.padding_len, 3);
    assert_eq!(header.payload(&packet), b"payload");
}

#[test]
fn padding_that_reaches_into_the_header_is_refused() {
    for padding in [0, 5] {
        let mut packet = [&PLAIN.to_bytes()[..], &[1, 2, 3, padding]].concat();
        packet[0] |= 0x20;

        assert_eq!(RtpHeader::parse(&packet), Err(PacketError::BadPadding), "padding {padding}");
        assert!(RtpHeader::parse_sealed(&packet).is_ok(), "sealed padding is not looked at");
    }
}

#[test]
fn sources_and_extensions_are_not_payload() {
    let mut packet = PLAIN.to_bytes().to_vec();
    packet[0] |= 0x12;
    packet.extend([0; 8]);
    packet.extend([0xbe, 0xde, 0, 2, 0x10, 0xaa, 0, 0x32, 1, 2, 3, 0]);
    packet.extend(b"payload");

    assert_eq!(RtpHeader::parse(&packet).unwrap().payload(&packet), b"payload");
    assert_eq!(RtpHeader::parse(&packet[..31]), Err(PacketError::TooShort), "extensions cut off");
}

#[test]
fn what_is_no_rtp_is_refused() {
    assert_eq!(RtpHeader::parse(&[]), Err(PacketError::TooShort));
    assert_eq!(RtpHeader::parse(&[0x80; 11]), Err(PacketError::TooShort));
    assert_eq!(RtpHeader::parse(&[0x40; 20]), Err(PacketError::WrongVersion));
    assert_eq!(RtpHeader::parse(&[0x8f; 20]), Err(PacketError::TooShort), "sources cut off");
}

#[test]
fn random_bytes_never_panic() {
    let mut parsed = 0;
    for seed in 0..20_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut bytes = vec![0; rng.usize(..80)];
        rng.fill(&mut bytes);
        if let Some(first) = bytes.first_mut() {
            *first = *first & 0x33 | 0x80;
        }
        if let Some(length) = bytes.get_mut(14) {
            *length = 0;
        }
        if let Ok(header) = RtpHeader::parse(&bytes) {
            parsed += 1;
            assert!(header.payload(&bytes).len() <= bytes.len(), "seed {seed}");
        }
    }
    assert!(parsed > 1_000, "the bytes must look enough like packets, {parsed} did");
}
