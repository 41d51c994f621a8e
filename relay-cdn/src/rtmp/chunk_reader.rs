//! Bytes in, RTMP messages out (RTMP 1.0 section 5.3.1), from a peer that may mean harm.
//!
//! Memory is bounded by what really arrived and by three limits, never by a length that the peer
//! only announced. Timestamps are skipped: nothing that is sent to us is media that we use.

use bytes::{Buf, Bytes, BytesMut};

/// No command, status or acknowledgement comes near it.
const MAX_MESSAGE: usize = 64 << 10;
/// Real peers use fewer than eight.
const MAX_CHUNK_STREAMS: usize = 32;
/// What unfinished messages of all chunk streams may hold together.
const MAX_UNFINISHED: usize = 128 << 10;
const DEFAULT_CHUNK_SIZE: usize = 128;
const EXTENDED: u32 = 0x00ff_ffff;

/// A whole message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RawMessage {
    pub(crate) type_id: u8,
    pub(crate) stream_id: u32,
    pub(crate) payload: Bytes,
}

/// Why the bytes cannot be followed any further.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ChunkError {
    #[error("a chunk refers to one that never was")]
    NoPreviousChunk,
    #[error("a message of {0} bytes")]
    MessageTooBig(usize),
    #[error("too many chunk streams or unfinished messages")]
    TooManyAtOnce,
    #[error("a chunk size of zero")]
    NoChunkSize,
}

/// Puts chunks together again.
#[derive(Debug)]
pub(crate) struct ChunkReader {
    /// Never holds more than one chunk and one read; the caller reads only after `poll_message`
    /// returned `None`.
    buffer: BytesMut,
    chunk_size: usize,
    /// Full: the connection is closed.
    streams: Vec<ChunkStream>,
}

impl ChunkReader {
    pub(crate) fn new() -> Self {
        Self { buffer: BytesMut::new(), chunk_size: DEFAULT_CHUNK_SIZE, streams: Vec::new() }
    }

    /// Returns where to put bytes that arrive.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Takes the peer's word for how long its chunks are from now on.
    pub(crate) fn set_chunk_size(&mut self, size: u32) -> Result<(), ChunkError> {
        if size == 0 {
            return Err(ChunkError::NoChunkSize);
        }
        // More than a message is as good as a message.
        self.chunk_size = usize::try_from(size).unwrap_or(MAX_MESSAGE).min(MAX_MESSAGE);
        Ok(())
    }

    /// Forgets the unfinished message of a chunk stream (RTMP 1.0 section 5.4.2).
    pub(crate) fn abort(&mut self, id: u32) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) {
            stream.payload.clear();
        }
    }

    /// Returns the next whole message, or `None` if it takes more bytes.
    pub(crate) fn poll_message(&mut self) -> Result<Option<RawMessage>, ChunkError> {
        while let Some(chunk) = self.next_chunk()? {
            if let Some(message) = self.handle_chunk(&chunk)? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Takes one whole chunk off the buffer.
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ChunkError> {
        let mut bytes = &self.buffer[..];
        let Some((format, id)) = basic_header(&mut bytes) else {
            return Ok(None);
        };
        let known = self.streams.iter().find(|stream| stream.id == id);
        let mut header = match (format, known) {
            (0, None) => Header::default(),
            (_, Some(stream)) => stream.header,
            (_, None) => return Err(ChunkError::NoPreviousChunk),
        };
        if !header.read(format, &mut bytes) {
            return Ok(None);
        }
        if header.length > MAX_MESSAGE {
            return Err(ChunkError::MessageTooBig(header.length));
        }

        // A new header in the middle of a message begins the message again.
        let have = match format {
            3 => known.map_or(0, |stream| stream.payload.len()),
            _ => 0,
        };
        let take = header.length.saturating_sub(have).min(self.chunk_size);
        if bytes.len() < take {
            return Ok(None);
        }
        let header_length = self.buffer.len() - bytes.len();
        self.buffer.advance(header_length);
        Ok(Some(Chunk { format, id, header, payload: self.buffer.split_to(take) }))
    }

    fn handle_chunk(&mut self, chunk: &Chunk) -> Result<Option<RawMessage>, ChunkError> {
        let unfinished: usize = self.streams.iter().map(|stream| stream.payload.len()).sum();
        if unfinished + chunk.payload.len() > MAX_UNFINISHED {
            return Err(ChunkError::TooManyAtOnce);
        }
        let index = match self.streams.iter().position(|stream| stream.id == chunk.id) {
            Some(index) => index,
            None if self.streams.len() == MAX_CHUNK_STREAMS => {
                return Err(ChunkError::TooManyAtOnce);
            }
            None => {
                self.streams.push(ChunkStream::new(chunk.id));
                self.streams.len() - 1
            }
        };
        let stream = &mut self.streams[index];
        if chunk.format != 3 {
            stream.payload.clear();
        }
        stream.header = chunk.header;
        stream.payload.extend_from_slice(&chunk.payload);
        if stream.payload.len() < stream.header.length {
            return Ok(None);
        }
        let Header { type_id, stream_id, .. } = stream.header;
        Ok(Some(RawMessage { type_id, stream_id, payload: stream.payload.split().freeze() }))
    }
}

#[derive(Debug)]
struct Chunk {
    format: u8,
    id: u32,
    header: Header,
    payload: BytesMut,
}

#[derive(Debug)]
struct ChunkStream {
    id: u32,
    header: Header,
    payload: BytesMut,
}

impl ChunkStream {
    fn new(id: u32) -> Self {
        Self { id, header: Header::default(), payload: BytesMut::new() }
    }
}

/// What a chunk inherits from the one before it on its chunk stream.
#[derive(Clone, Copy, Debug, Default)]
struct Header {
    length: usize,
    type_id: u8,
    stream_id: u32,
    is_extended: bool,
}

impl Header {
    /// Reads the message header (section 5.3.1.2); returns whether all of it was there.
    fn read(&mut self, format: u8, bytes: &mut &[u8]) -> bool {
        let length = match format {
            0 => 11,
            1 => 7,
            2 => 3,
            _ => 0,
        };
        if bytes.len() < length {
            return false;
        }
        if format < 3 {
            self.is_extended = bytes.get_uint(3) == u64::from(EXTENDED);
        }
        if format < 2 {
            self.length = usize::try_from(bytes.get_uint(3)).expect("24 bits fit");
            self.type_id = bytes.get_u8();
        }
        if format == 0 {
            self.stream_id = bytes.get_u32_le();
        }
        if !self.is_extended {
            return true;
        }
        if bytes.len() < 4 {
            return false;
        }
        bytes.advance(4);
        true
    }
}

/// Reads format and chunk stream id (section 5.3.1.1).
fn basic_header(bytes: &mut &[u8]) -> Option<(u8, u32)> {
    let first = *bytes.first()?;
    let (length, id) = match first & 0x3f {
        0 => (2, u32::from(*bytes.get(1)?) + 64),
        1 => (3, u32::from(*bytes.get(1)?) + 64 + 256 * u32::from(*bytes.get(2)?)),
        id => (1, u32::from(id)),
    };
    bytes.advance(length);
    Some((first >> 6, id))
}

#[cfg(test)]
mod tests {
    use rml_rtmp::chunk_io::ChunkSerializer;
    use rml_rtmp::messages::MessagePayload;
    use rml_rtmp::time::RtmpTimestamp;

    use super::*;

    fn message(type_id: u8, length: usize, timestamp: u32) -> MessagePayload {
        MessagePayload {
            timestamp: RtmpTimestamp::new(timestamp),
            type_id,
            message_stream_id: 1,
            data: (0..length).map(|i| (i % 251) as u8).collect::<Vec<_>>().into(),
        }
    }

    #[test]
    fn what_a_real_writer_writes_is_read_however_it_is_cut() {
        let mut writer = ChunkSerializer::new();
        let mut bytes = Vec::new();
        let sent = [(20, 300, 5), (8, 10, 7), (20, 1, 16_777_215), (20, 400, 20_000_000)];
        for (type_id, length, timestamp) in sent {
            let message = message(type_id, length, timestamp);
            bytes.extend(writer.serialize(&message, false, false).unwrap().bytes);
        }

        for seed in 0..200 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut reader = ChunkReader::new();
            let mut read = Vec::new();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rng.usize(1..=rest.len()));
                reader.buffer().extend_from_slice(now);
                rest = later;
                while let Some(message) = reader.poll_message().unwrap() {
                    read.push((message.type_id, message.payload.len()));
                }
            }
            assert_eq!(read, [(20, 300), (8, 10), (20, 1), (20, 400)], "seed {seed}");
        }
    }

    #[test]
    fn a_length_that_is_only_announced_costs_nothing_and_too_much_is_an_error() {
        let mut reader = ChunkReader::new();
        reader.buffer().extend_from_slice(&[3, 0, 0, 0, 0xff, 0xff, 0xff, 20, 0, 0, 0, 0]);
        assert_eq!(reader.poll_message(), Err(ChunkError::MessageTooBig(0xff_ffff)));

        let mut reader = ChunkReader::new();
        reader.buffer().extend_from_slice(&[0xc3]);
        assert_eq!(reader.poll_message(), Err(ChunkError::NoPreviousChunk));
    }

    #[test]
    fn no_bytes_whatever_make_it_panic_or_grow() {
        let mut messages = 0;
        for seed in 0..3_000 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut reader = ChunkReader::new();
            for _ in 0..30 {
                let mut junk: Vec<u8> = (0..rng.usize(1..300)).map(|_| rng.u8(..)).collect();
                if rng.bool() {
                    // A valid beginning, so that the junk gets further in.
                    junk.splice(
                        0..0,
                        [rng.u8(2..6), 0, 0, 0, 0, 0, rng.u8(..), rng.u8(..), 1, 0, 0, 0],
                    );
                }
                reader.buffer().extend_from_slice(&junk);
                match reader.poll_message() {
                    Ok(message) => messages += u32::from(message.is_some()),
                    Err(_) => break,
                }
                let held: usize = reader.streams.iter().map(|stream| stream.payload.len()).sum();
                assert!(held <= MAX_UNFINISHED, "seed {seed}");
            }
        }
        assert!(messages > 100, "some junk must pass for messages");
    }
}
