//! Goal: what is written is read back, nothing that a header cannot say is written, and no bytes
//! from a stranger make the reader panic or work long.
//! Method: handmade packets, one from RFC 2198's own example, and random bytes from a seed.

use media_rules::red::{self, Block, MAX_BLOCK_LEN, MAX_BLOCKS, MAX_OFFSET, RedError};

const fn block(timestamp_offset: u32, payload: &[u8]) -> Block<'_> {
    Block { payload_type: 111, timestamp_offset, payload }
}

#[test]
fn what_is_written_is_read_back() {
    let redundant = [block(1_920, b"old"), block(960, b"newer")];
    let mut out = Vec::new();

    red::write(&redundant, block(0, b"now"), &mut out);

    assert_eq!(out.len(), red::encoded_len(&redundant, 3));
    let blocks = red::parse(&out).expect("just written");
    assert_eq!(blocks.redundant(), redundant);
    assert_eq!(blocks.primary(), block(0, b"now"));
}

#[test]
fn the_bits_are_where_the_rfc_draws_them() {
    let mut out = Vec::new();
    red::write(&[block(960, &[7; 5])], block(0, &[9]), &mut out);
    // F=1 PT=111, offset 960 in 14 bits, length 5 in 10; F=0 PT=111.
    assert_eq!(out, [0xef, 0x0f, 0x00, 0x05, 0x6f, 7, 7, 7, 7, 7, 9]);
}

#[test]
fn a_packet_without_redundancy_is_its_primary_block() {
    let blocks = red::parse(&[111, 1, 2, 3]).expect("one block");
    assert_eq!(blocks.redundant(), []);
    assert_eq!(blocks.primary(), block(0, &[1, 2, 3]));
}

#[test]
fn only_what_a_header_can_say_fits() {
    let long = [0; MAX_BLOCK_LEN + 1];
    assert!(block(MAX_OFFSET, &long[1..]).fits());
    assert!(!block(MAX_OFFSET + 1, &[0]).fits());
    assert!(!block(960, &long).fits());
    assert!(!block(960, &[]).fits(), "an empty block says nothing");
}

#[test]
fn every_cut_of_a_packet_is_an_error_or_a_shorter_primary() {
    let mut out = Vec::new();
    red::write(&[block(960, &[1; 40])], block(0, &[2; 20]), &mut out);
    for len in 0..out.len() {
        match red::parse(&out[..len]) {
            Ok(blocks) => assert_eq!(blocks.primary().payload.len(), len - 45),
            Err(error) => assert!(len < 45 && error == RedError::TooShort, "{len}: {error}"),
        }
    }
}

#[test]
fn more_blocks_than_we_read_are_refused() {
    for (redundant, is_taken) in [(MAX_BLOCKS - 1, true), (MAX_BLOCKS, false)] {
        let mut out = Vec::new();
        red::write(&vec![block(960, &[1]); redundant], block(0, &[2]), &mut out);
        assert_eq!(red::parse(&out).is_ok(), is_taken, "{redundant}");
    }
}

#[test]
fn random_bytes_never_panic_and_some_are_packets() {
    let mut rng = fastrand::Rng::with_seed(5);
    let mut read = 0;
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..rng.usize(0..60)).map(|_| rng.u8(..)).collect();
        read += usize::from(red::parse(&bytes).is_ok());
    }
    assert!(read > 1_000, "{read}");
}
