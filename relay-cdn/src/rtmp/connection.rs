//! One RTMP connection over TCP: handshake, then messages both ways, every wait bounded.
//!
//! Writes are collected and sent by [`Connection::flush`]. A peer that accepts bytes no more is
//! noticed there: the socket's buffer is kept small and the flush has a time limit, so a hung peer
//! costs a few seconds and no more memory than those buffers.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use rml_rtmp::chunk_io::ChunkSerializer;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::messages::{
    MessagePayload, PeerBandwidthLimitType, RtmpMessage, UserControlEventType,
};
use rml_rtmp::rml_amf0::Amf0Value;
use rml_rtmp::time::RtmpTimestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::amf::AmfError;
use super::chunk_reader::{ChunkError, ChunkReader};
use super::message::{Command, Inbound, STREAM_ID};
use crate::muxer::{Body, Message};

/// What OBS uses, and what every server takes.
const CHUNK_SIZE: u32 = 4096;
const ACKNOWLEDGE_EVERY: u32 = 2_500_000;
const READ_SIZE: usize = 4096;
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long a peer may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// For the whole handshake.
    pub(crate) handshake: Duration,
    /// For one flush.
    pub(crate) write: Duration,
}

/// Which end of the connection we are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Client,
    Server,
}

impl Role {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "push",
            Self::Server => "pull",
        }
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("the handshake took too long")]
    HandshakeTimeout,
    #[error("the peer does not speak RTMP")]
    NotRtmp,
    #[error("the peer closed the connection")]
    Closed,
    #[error("the peer takes no more data")]
    WriteTimeout,
    #[error("{0}")]
    Chunk(#[from] ChunkError),
    #[error("{0}")]
    Amf(#[from] AmfError),
    #[error("a message cannot be written")]
    Unwritable,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// An RTMP connection after its handshake.
pub(crate) struct Connection {
    role: Role,
    stream: TcpStream,
    reader: ChunkReader,
    writer: ChunkSerializer,
    /// Emptied by every `flush`; holds the answers to one message or the messages of one frame.
    unsent: BytesMut,
    media_stream: u32,
    write_limit: Duration,
    received: u64,
    acknowledged: u64,
    acknowledge_every: Option<u32>,
}

impl Connection {
    /// Shakes hands and tells the peer our chunk size.
    pub(crate) async fn establish(
        mut stream: TcpStream,
        role: Role,
        limits: Limits,
    ) -> Result<Self, ConnectionError> {
        let shaken = timeout(limits.handshake, shake_hands(&mut stream, role)).await;
        let early = shaken.map_err(|_| ConnectionError::HandshakeTimeout)??;

        let mut connection = Self {
            role,
            stream,
            reader: ChunkReader::new(),
            writer: ChunkSerializer::new(),
            unsent: BytesMut::new(),
            media_stream: STREAM_ID,
            write_limit: limits.write,
            received: 0,
            acknowledged: 0,
            acknowledge_every: None,
        };
        connection.reader.buffer().extend_from_slice(&early);
        let packet = connection
            .writer
            .set_max_chunk_size(CHUNK_SIZE, RtmpTimestamp::new(0))
            .map_err(|_| ConnectionError::Unwritable)?;
        connection.unsent.extend_from_slice(&packet.bytes);
        Ok(connection)
    }

    /// Waits for the next command; everything below commands is dealt with here.
    ///
    /// Nothing is lost when the returned future is dropped.
    pub(crate) async fn next_command(&mut self) -> Result<Command, ConnectionError> {
        loop {
            while let Some(message) = self.reader.poll_message()? {
                if let Some(command) = self.handle_message(Inbound::parse(&message)?)? {
                    return Ok(command);
                }
            }
            self.flush().await?;
            self.reader.buffer().reserve(READ_SIZE);
            let read = self.stream.read_buf(self.reader.buffer()).await?;
            if read == 0 {
                return Err(ConnectionError::Closed);
            }
            self.handle_received(read as u64)?;
        }
    }

    /// Queues a command or a control message.
    pub(crate) fn send(
        &mut self,
        message: RtmpMessage,
        stream_id: u32,
    ) -> Result<(), ConnectionError> {
        self.write(message, stream_id, 0)
    }

    /// Queues a command.
    pub(crate) fn send_command(
        &mut self,
        command: Command,
        stream_id: u32,
    ) -> Result<(), ConnectionError> {
        self.send(command.into_message(), stream_id)
    }

    /// Queues a message of the stream. A publisher's metadata carries one more word than a
    /// server's.
    pub(crate) fn send_media(&mut self, message: Message) -> Result<(), ConnectionError> {
        let text = |text: &str| Amf0Value::Utf8String(text.to_owned());
        let rtmp = match message.body {
            Body::Audio(data) => RtmpMessage::AudioData { data },
            Body::Video(data) => RtmpMessage::VideoData { data },
            Body::Metadata(properties) => {
                let mut values = match self.role {
                    Role::Client => vec![text("@setDataFrame")],
                    Role::Server => Vec::new(),
                };
                values.extend([text("onMetaData"), Amf0Value::Object(properties)]);
                RtmpMessage::Amf0Data { values }
            }
            // Of the names that FLV knows FFmpeg makes a text stream, which MP4 cannot hold as it is.
            Body::Cue(point) => RtmpMessage::Amf0Data {
                values: vec![text("onLianmaiCue"), Amf0Value::Object(point)],
            },
        };
        self.write(rtmp, self.media_stream, message.timestamp_ms)
    }

    /// Sends what is queued. Nothing is lost or sent twice when the returned future is dropped.
    pub(crate) async fn flush(&mut self) -> Result<(), ConnectionError> {
        let Self { stream, unsent, write_limit, .. } = self;
        if unsent.is_empty() {
            return Ok(());
        }
        let sent = metrics::counter!("relay_sent_bytes_total", "role" => self.role.as_str());
        let written = timeout(*write_limit, async {
            while !unsent.is_empty() {
                sent.increment(stream.write_buf(unsent).await? as u64);
            }
            Ok(())
        });
        written.await.map_err(|_| ConnectionError::WriteTimeout)?
    }

    /// Names the message stream that media goes out on.
    pub(crate) fn set_media_stream(&mut self, stream_id: u32) {
        self.media_stream = stream_id;
    }

    /// Sends what is queued, says that no more will come and gives the peer a moment to read it.
    ///
    /// Closing a socket that holds unread bytes resets it, and the peer would lose our last words.
    pub(crate) async fn finish(mut self) {
        // The peer may be gone already; either way this is the end.
        let _ = timeout(LAST_WORDS, async {
            self.flush().await?;
            self.stream.shutdown().await?;
            let mut discarded = [0; READ_SIZE];
            while self.stream.read(&mut discarded).await? > 0 {}
            Ok::<_, ConnectionError>(())
        })
        .await;
    }

    fn write(
        &mut self,
        message: RtmpMessage,
        stream_id: u32,
        timestamp_ms: u32,
    ) -> Result<(), ConnectionError> {
        let timestamp = RtmpTimestamp::new(timestamp_ms);
        let payload = MessagePayload::from_rtmp_message(message, timestamp, stream_id)
            .map_err(|_| ConnectionError::Unwritable)?;
        let packet = self
            .writer
            .serialize(&payload, false, false)
            .map_err(|_| ConnectionError::Unwritable)?;
        self.unsent.extend_from_slice(&packet.bytes);
        Ok(())
    }

    /// Deals with everything but commands, which are returned.
    fn handle_message(&mut self, message: Inbound) -> Result<Option<Command>, ConnectionError> {
        match message {
            Inbound::Command(command) => return Ok(Some(command)),
            Inbound::ChunkSize(size) => self.reader.set_chunk_size(size)?,
            Inbound::AcknowledgeEvery(size) => self.acknowledge_every = Some(size),
            Inbound::Abort(chunk_stream) => self.reader.abort(chunk_stream),
            Inbound::Ping(number) => {
                let pong = RtmpMessage::UserControl {
                    event_type: UserControlEventType::PingResponse,
                    stream_id: None,
                    buffer_length: None,
                    timestamp: Some(RtmpTimestamp::new(number)),
                };
                self.send(pong, 0)?;
            }
            Inbound::Other => {}
        }
        Ok(None)
    }

    /// Acknowledges twice per window, so that the peer never runs into its end.
    fn handle_received(&mut self, bytes: u64) -> Result<(), ConnectionError> {
        self.received += bytes;
        let Some(window) = self.acknowledge_every else {
            return Ok(());
        };
        if self.received - self.acknowledged >= u64::from(window / 2).max(1) {
            self.acknowledged = self.received;
            // The counter wraps (RTMP 1.0 section 5.4.3).
            let sequence_number = (self.received & u64::from(u32::MAX)) as u32;
            self.send(RtmpMessage::Acknowledgement { sequence_number }, 0)?;
        }
        Ok(())
    }

    /// Queues the three messages with which a server introduces itself (RTMP 1.0 section 7.2.1.1).
    pub(crate) fn send_server_greeting(&mut self) -> Result<(), ConnectionError> {
        self.send(RtmpMessage::WindowAcknowledgement { size: ACKNOWLEDGE_EVERY }, 0)?;
        let limit_type = PeerBandwidthLimitType::Dynamic;
        self.send(RtmpMessage::SetPeerBandwidth { size: ACKNOWLEDGE_EVERY, limit_type }, 0)?;
        self.send_stream_event(UserControlEventType::StreamBegin, 0)
    }

    /// Queues a user control message about a stream.
    pub(crate) fn send_stream_event(
        &mut self,
        event_type: UserControlEventType,
        stream_id: u32,
    ) -> Result<(), ConnectionError> {
        let stream_id = Some(stream_id);
        let event = RtmpMessage::UserControl {
            event_type,
            stream_id,
            buffer_length: None,
            timestamp: None,
        };
        self.send(event, 0)
    }
}

/// Returns the bytes that came after the handshake.
async fn shake_hands(stream: &mut TcpStream, role: Role) -> Result<Vec<u8>, ConnectionError> {
    let mut handshake = Handshake::new(match role {
        Role::Client => PeerType::Client,
        Role::Server => PeerType::Server,
    });
    if role == Role::Client {
        let hello =
            handshake.generate_outbound_p0_and_p1().map_err(|_| ConnectionError::NotRtmp)?;
        stream.write_all(&hello).await?;
    }
    let mut buffer = [0; READ_SIZE];
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Err(ConnectionError::Closed);
        }
        match handshake.process_bytes(&buffer[..read]).map_err(|_| ConnectionError::NotRtmp)? {
            HandshakeProcessResult::InProgress { response_bytes } => {
                stream.write_all(&response_bytes).await?;
            }
            HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                stream.write_all(&response_bytes).await?;
                return Ok(remaining_bytes);
            }
        }
    }
}
