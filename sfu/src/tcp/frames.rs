//! Cuts a stream of bytes into frames: each has its length in front, in two bytes (RFC 4571).

/// The rest of what came, which is not a whole frame yet.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// Shorter than one frame with its length.
    partial: Vec<u8>,
}

/// A frame that is longer than the receiver takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TooLong;

impl Frames {
    /// Takes more bytes and hands on each frame that is whole now.
    ///
    /// # Errors
    ///
    /// Fails if a frame is announced that is longer than `max_len`; nothing after it can be read.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        max_len: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), TooLong> {
        if self.partial.is_empty() {
            let rest = cut(bytes, max_len, &mut take)?;
            self.partial.extend_from_slice(rest);
            return Ok(());
        }
        self.partial.extend_from_slice(bytes);
        let whole = std::mem::take(&mut self.partial);
        let rest = cut(&whole, max_len, &mut take)?;
        self.partial = rest.to_vec();
        Ok(())
    }
}

/// Returns what is left behind the last whole frame.
fn cut<'a>(
    mut bytes: &'a [u8],
    max_len: usize,
    take: &mut impl FnMut(&[u8]),
) -> Result<&'a [u8], TooLong> {
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*length));
        if len > max_len {
            return Err(TooLong);
        }
        let Some((frame, rest)) = rest.split_at_checked(len) else {
            break;
        };
        bytes = rest;
        // An empty one keeps a connection open and says nothing.
        if len > 0 {
            take(frame);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> (Vec<u8>, Vec<Vec<u8>>) {
        let frames: Vec<Vec<u8>> = [1, 300, 20, 2].map(|len| vec![7; len]).to_vec();
        let mut bytes = vec![0, 0];
        for frame in &frames {
            bytes.extend_from_slice(&(frame.len() as u16).to_be_bytes());
            bytes.extend_from_slice(frame);
        }
        (bytes, frames)
    }

    #[test]
    fn frames_come_out_whole_however_the_stream_is_cut() {
        let (bytes, expected) = stream();
        for piece in 1..bytes.len() {
            let (mut frames, mut out) = (Frames::default(), Vec::new());
            for part in bytes.chunks(piece) {
                frames.push(part, 300, |frame| out.push(frame.to_vec())).unwrap();
            }
            assert_eq!(out, expected, "in pieces of {piece}");
            assert!(frames.partial.is_empty());
        }
    }

    #[test]
    fn what_precedes_a_frame_that_is_too_long_is_taken_and_nothing_is_kept() {
        let (bytes, _) = stream();
        let (mut frames, mut count) = (Frames::default(), 0);
        assert_eq!(frames.push(&bytes, 299, |_| count += 1), Err(TooLong));
        assert_eq!(count, 1);
        assert!(frames.partial.is_empty());
        // Whoever speaks another protocol announces a giant.
        assert_eq!(frames.push(b"GET / HTTP/1.1", 2_048, |_| {}), Err(TooLong));
    }
}
