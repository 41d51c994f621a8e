//! A door for the fuzzer: what a player or target sends after the handshake, up to typed commands.
//!
//! Compiled for tests and with the feature `fuzzing`, never into the product. Our tests send the
//! kept corpus through it.

use crate::rtmp::{ChunkReader, Inbound};

/// One read of the socket.
const READ: usize = 1_024;

/// Chunks, messages and AMF from a stranger.
pub fn rtmp(data: &[u8]) {
    let mut reader = ChunkReader::new();
    for read in data.chunks(READ) {
        reader.buffer().extend_from_slice(read);
        loop {
            let Ok(message) = reader.poll_message() else {
                return;
            };
            let Some(message) = message else {
                break;
            };
            match Inbound::parse(&message) {
                Ok(Inbound::ChunkSize(size)) => {
                    if reader.set_chunk_size(size).is_err() {
                        return;
                    }
                }
                Ok(Inbound::Abort(stream)) => reader.abort(stream),
                Ok(
                    Inbound::Command(_)
                    | Inbound::AcknowledgeEvery(_)
                    | Inbound::Ping(_)
                    | Inbound::Other,
                ) => {}
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_the_fuzzer_ever_kept_is_survived() {
        let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/rtmp");
        let files = std::fs::read_dir(corpus).expect("the corpus is there");
        let files: Vec<_> = files.map(|file| file.expect("readable").path()).collect();
        assert!(!files.is_empty());
        for file in files {
            rtmp(&std::fs::read(file).expect("readable"));
        }
    }
}
