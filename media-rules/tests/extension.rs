//! Goal: header extensions come out as they were put in, and nonsense is never a panic.
//! Method: write and read back, both kinds of heads, then random bytes from printed seeds.

use media_rules::RtpHeader;
use media_rules::packet::{ExtensionList, MIN_HEADER_LEN, PlainHeader};

fn packet(list: &ExtensionList<'_>) -> Vec<u8> {
    let plain = PlainHeader { marker: true, payload_type: 96, sequence: 7, timestamp: 8, ssrc: 9 };
    let mut out = plain.to_bytes().to_vec();
    if list.encoded_len() > 0 {
        out[0] |= 0x10;
    }
    out.resize(MIN_HEADER_LEN + list.encoded_len(), 0xff);
    list.write(&mut out[MIN_HEADER_LEN..]);
    out.extend_from_slice(b"payload");
    out
}

fn read(packet: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let header = RtpHeader::parse(packet).expect("a packet of ours");
    assert_eq!(header.payload(packet), b"payload");
    header.extensions(packet).map(|(id, value)| (id, value.to_vec())).collect()
}

#[test]
fn what_is_written_is_read_with_short_and_with_long_heads() {
    let mut list = ExtensionList::default();
    assert_eq!(list.encoded_len(), 0);
    assert_eq!(read(&packet(&list)), []);
    list.push(Some(3), &[1, 2]);
    list.push(None, &[9]);
    list.push(Some(15), &[9]);
    list.push(Some(5), &[7; 16]);
    let short = vec![(3, vec![1, 2]), (5, vec![7; 16])];
    assert_eq!(read(&packet(&list)), short);
    assert_eq!(list.encoded_len() % 4, 0);

    let long = [4; 40];
    list.push(Some(6), &long);
    let mut expected = short;
    expected.push((6, vec![4; 40]));
    assert_eq!(read(&packet(&list)), expected);
}

#[test]
fn more_than_fits_is_left_out() {
    let mut list = ExtensionList::default();
    let ids: Vec<u8> = (1..=14).collect();
    for id in ids.chunks(1) {
        list.push(Some(id[0]), id);
    }
    assert_eq!(read(&packet(&list)).len(), ExtensionList::MAX);
}

#[test]
fn no_bytes_panic() {
    let mut read = 0;
    for seed in 0..20_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut bytes: Vec<u8> = (0..rng.usize(..60)).map(|_| rng.u8(..)).collect();
        for (at, value) in [0x90, 96].into_iter().enumerate().take(bytes.len()) {
            bytes[at] = value;
        }
        if rng.bool() && bytes.len() > 16 {
            bytes[12..16].copy_from_slice(&[0xbe, 0xde, 0, rng.u8(..8)]);
        }
        if let Ok(header) = RtpHeader::parse(&bytes) {
            read += header.extensions(&bytes).count();
        }
    }
    assert!(read > 100, "only {read} extensions were read");
}
