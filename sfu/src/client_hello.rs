//! Looks into a DTLS ClientHello for one thing: whether the other side knows SRTP with AES-128-GCM.
//!
//! A browser's first flight does not fit one datagram any more (a post-quantum key share alone
//! fills one) and its extensions come in random order, so fragments are put together until the
//! answer is in what has arrived. Nothing here is trusted; the handshake itself checks everything.
//!
//! <https://www.rfc-editor.org/rfc/rfc6347#section-4.2.3>

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const RECORD_HEADER_LEN: usize = 13;
const MESSAGE_HEADER_LEN: usize = 12;
const MAX_LEN: usize = 16 * 1_024;
const USE_SRTP: u16 = 14;
const AEAD_AES_128_GCM: u16 = 7;

/// The beginning of the first ClientHello.
#[derive(Debug, Default)]
pub(crate) struct ClientHello {
    body: Vec<u8>,
    len: Option<usize>,
}

impl ClientHello {
    /// Takes a datagram. Returns whether AES-128-GCM is offered, once that can be told.
    pub(crate) fn handle_datagram(&mut self, datagram: &[u8]) -> Option<bool> {
        let mut rest = datagram;
        while let Some((record, after)) = split_record(rest) {
            self.handle_record(record);
            rest = after;
        }
        match offers_gcm(&self.body) {
            Some(is_offered) => Some(is_offered),
            // Whole, but not to be read: the handshake will refuse it.
            None => (self.len.is_some_and(|len| self.body.len() >= len)).then_some(false),
        }
    }

    fn handle_record(&mut self, record: &[u8]) -> Option<()> {
        let (header, fragment) = record.split_first_chunk::<MESSAGE_HEADER_LEN>()?;
        let be24 = |at: usize| {
            usize::from(header[at]) << 16
                | usize::from(header[at + 1]) << 8
                | usize::from(header[at + 2])
        };
        let is_first = header[0] == CLIENT_HELLO && header[4..6] == [0, 0];
        let (len, offset) = (be24(1), be24(6));
        // Fragments in order; a repeated flight brings the missing one again.
        if is_first && offset == self.body.len() && len <= MAX_LEN {
            self.len = Some(len);
            self.body.extend_from_slice(fragment.get(..be24(9))?);
        }
        Some(())
    }
}

fn split_record(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = usize::from(be16(rest, 11)?);
    let (record, after) = rest.split_at_checked(RECORD_HEADER_LEN + len)?;
    (record[0] == HANDSHAKE).then_some((&record[RECORD_HEADER_LEN..], after))
}

/// `None` if the body ends before the answer.
fn offers_gcm(body: &[u8]) -> Option<bool> {
    let mut at = 2 + 32; // version and random
    at += 1 + usize::from(*body.get(at)?); // session id
    at += 1 + usize::from(*body.get(at)?); // cookie
    at += 2 + usize::from(be16(body, at)?); // cipher suites
    at += 1 + usize::from(*body.get(at)?); // compression methods
    let end = at + 2 + usize::from(be16(body, at)?);
    at += 2;
    while at + 4 <= end {
        let (kind, len) = (be16(body, at)?, usize::from(be16(body, at + 2)?));
        if kind == USE_SRTP {
            let list_len = usize::from(be16(body, at + 4)?);
            let list = body.get(at + 6..at + 6 + list_len)?;
            return Some(list.chunks_exact(2).any(|id| id == AEAD_AES_128_GCM.to_be_bytes()));
        }
        at += 4 + len;
    }
    Some(false)
}

fn be16(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body with a large extension before the one that matters.
    fn body(profiles: &[u16]) -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend([9; 32]);
        body.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
        let mut extensions = vec![0, 51, 5, 0];
        extensions.extend([3; 0x500]);
        let list: Vec<u8> = profiles.iter().flat_map(|id| id.to_be_bytes()).collect();
        extensions.extend([0, 14, 0, u8::try_from(list.len() + 3).unwrap()]);
        extensions.extend([0, u8::try_from(list.len()).unwrap()]);
        extensions.extend(list);
        extensions.push(0);
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
        body
    }

    fn datagram(body: &[u8], from: usize, to: usize) -> Vec<u8> {
        let be24 = |value: usize| u32::try_from(value).unwrap().to_be_bytes()[1..].to_vec();
        let mut message = vec![CLIENT_HELLO];
        message.extend(be24(body.len()));
        message.extend([0, 0]);
        message.extend(be24(from));
        message.extend(be24(to - from));
        message.extend(&body[from..to]);
        let mut datagram = vec![HANDSHAKE, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
        datagram.extend(u16::try_from(message.len()).unwrap().to_be_bytes());
        datagram.extend(message);
        datagram
    }

    #[test]
    fn the_answer_is_found_in_a_second_fragment() {
        for (profiles, expected) in [(&[1_u16, 8, 7][..], true), (&[1], false)] {
            let body = body(profiles);
            let mut hello = ClientHello::default();
            assert_eq!(hello.handle_datagram(&datagram(&body, 0, 1_000)), None);
            // The same flight again, as after a loss.
            assert_eq!(hello.handle_datagram(&datagram(&body, 0, 1_000)), None);
            let second = datagram(&body, 1_000, body.len());
            assert_eq!(hello.handle_datagram(&second), Some(expected));
        }
    }

    #[test]
    fn no_cut_hello_panics() {
        let body = body(&[7]);
        let whole = datagram(&body, 0, body.len());
        for len in 0..whole.len() {
            assert_eq!(ClientHello::default().handle_datagram(&whole[..len]), None);
        }
        assert_eq!(ClientHello::default().handle_datagram(&whole), Some(true));
    }
}
