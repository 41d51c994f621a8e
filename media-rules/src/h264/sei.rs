//! Messages that travel inside the picture that they belong to: SEI of the type
//! `user_data_unregistered`, named by a UUID.
//!
//! Decoders skip what they do not know, muxers copy it, so a message stays with its picture through
//! every relay that does not re-encode.
//!
//! ITU-T H.264 sections 7.3.2.3, 7.4.1.1 and D.1.7.

use bytes::Bytes;

use super::annex_b::{NalType, nals, push_nal};

const USER_DATA_UNREGISTERED: u8 = 5;
const UUID_LEN: usize = 16;
/// `nal_ref_idc` is zero: no other picture depends on it.
const SEI_HEADER: u8 = 6;
/// The stop bit and its padding; it also keeps the unit from ending in a zero byte.
const TRAILING_BITS: u8 = 0x80;

/// Returns the NAL unit, without start code, of a message `text` of the kind that `uuid` names.
pub fn user_data(uuid: &[u8; UUID_LEN], text: &[u8]) -> Vec<u8> {
    let mut payload = vec![USER_DATA_UNREGISTERED];
    let size = UUID_LEN + text.len();
    payload.extend(std::iter::repeat_n(0xff, size / 255));
    payload.push((size % 255) as u8);
    payload.extend_from_slice(uuid);
    payload.extend_from_slice(text);
    payload.push(TRAILING_BITS);
    let mut nal = vec![SEI_HEADER];
    escape(&payload, &mut nal);
    nal
}

/// Returns `access_unit` with `nal` in front of its first slice, behind its parameter sets.
pub fn insert_before_slices(access_unit: &[u8], nal: &[u8]) -> Bytes {
    let is_slice = |unit: &&[u8]| {
        !matches!(NalType::of(unit), NalType::Delimiter | NalType::Sps | NalType::Pps)
    };
    let mut out = Vec::with_capacity(access_unit.len() + nal.len() + 8);
    let mut units = nals(access_unit).peekable();
    while let Some(unit) = units.next_if(|unit| !is_slice(unit)) {
        push_nal(&mut out, unit);
    }
    push_nal(&mut out, nal);
    for unit in units {
        push_nal(&mut out, unit);
    }
    out.into()
}

/// Returns the first message of the kind `uuid` in front of an access unit's slices.
pub fn find_user_data(access_unit: &[u8], uuid: &[u8; UUID_LEN]) -> Option<Vec<u8>> {
    let is_slice = |nal: &&[u8]| matches!(NalType::of(nal), NalType::Slice | NalType::Idr);
    let front = nals(access_unit).take_while(|nal| !is_slice(nal));
    front.filter(|nal| NalType::of(nal) == NalType::Sei).find_map(|nal| {
        let payload = unescape(&nal[1..]);
        messages(&payload).find_map(|(kind, message)| {
            let text = message.strip_prefix(uuid)?;
            (kind == u32::from(USER_DATA_UNREGISTERED)).then(|| text.to_vec())
        })
    })
}

/// Yields the type and the body of each message of an unescaped SEI unit.
fn messages(payload: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        let kind = read_number(&mut rest)?;
        let size = usize::try_from(read_number(&mut rest)?).ok()?;
        let (message, after) = rest.split_at_checked(size)?;
        rest = after;
        Some((kind, message))
    })
}

/// Reads a number that is written as a run of 255s and a last byte.
fn read_number(rest: &mut &[u8]) -> Option<u32> {
    let mut number: u32 = 0;
    loop {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        number = number.checked_add(byte.into())?;
        if byte != 0xff {
            return Some(number);
        }
    }
}

/// Two zero bytes may not be followed by a byte below four, which could be read as a start code.
fn escape(payload: &[u8], nal: &mut Vec<u8>) {
    let mut zeros = 0;
    for &byte in payload {
        if zeros >= 2 && byte <= 3 {
            nal.push(3);
            zeros = 0;
        }
        nal.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
}

fn unescape(escaped: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(escaped.len());
    let mut zeros = 0;
    for &byte in escaped {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        payload.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
    payload
}
