//! The publishing side of one RTMP connection: connect, createStream, publish, frames, unpublish.

use std::time::Duration;

use rml_rtmp::rml_amf0::Amf0Value;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::Subscription;
use crate::muxer::Muxer;
use crate::rtmp::{Command, Connection, ConnectionError, Limits, Role};
use crate::target_url::TargetUrl;

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const LIMITS: Limits = Limits { handshake: Duration::from_secs(5), write: Duration::from_secs(4) };
/// About a second of program: a peer that stops reading is noticed soon after.
const SEND_BUFFER: u32 = 256 << 10;
/// What the transactions of a publisher are about.
const CONNECT: f64 = 1.0;
const RELEASE_STREAM: f64 = 2.0;
const FC_PUBLISH: f64 = 3.0;
const CREATE_STREAM: f64 = 4.0;
const PUBLISH: f64 = 5.0;
const FC_UNPUBLISH: f64 = 6.0;

/// Why a target could not be reached or was lost. Never holds the stream key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushError {
    #[error("the host name cannot be resolved")]
    Unresolved,
    #[error("connecting took too long")]
    ConnectTimeout,
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    #[error("the server did not answer in time")]
    AnswerTimeout,
    #[error("the server refused: {0}")]
    Refused(String),
    #[error("{0}")]
    Connection(#[from] ConnectionError),
}

impl PushError {
    /// Returns a word for metrics, one of a short list.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::ConnectTimeout | Self::Connect(_) => "connect",
            Self::AnswerTimeout => "answer_timeout",
            Self::Refused(_) => "refused",
            Self::Connection(ConnectionError::WriteTimeout) => "hung",
            Self::Connection(_) => "lost",
        }
    }
}

/// Why publishing ended without an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    /// We were told to stop.
    Stopped,
    /// The program is over.
    ProgramOver,
}

/// A connection on which we may publish.
pub(crate) struct Publisher<'a> {
    connection: Connection,
    url: &'a TargetUrl,
    stream_id: f64,
}

impl<'a> Publisher<'a> {
    /// Connects and asks to publish, until the server agrees.
    pub(crate) async fn begin(url: &'a TargetUrl) -> Result<Self, PushError> {
        let stream = timeout(CONNECT_LIMIT, connect(url));
        let stream = stream.await.map_err(|_| PushError::ConnectTimeout)??;
        let connection = Connection::establish(stream, Role::Client, LIMITS).await?;
        let mut publisher = Self { connection, url, stream_id: 0.0 };
        let agreed = timeout(ANSWER_LIMIT, publisher.negotiate()).await;
        agreed.map_err(|_| PushError::AnswerTimeout)??;
        Ok(publisher)
    }

    /// Sends frames until told to stop, the program is over or the connection fails.
    ///
    /// `observe` hears after every write how many frames the subscription lost.
    pub(crate) async fn stream(
        &mut self,
        subscription: &mut Subscription,
        stop: &CancellationToken,
        mut observe: impl FnMut(u64),
    ) -> Result<Ended, PushError> {
        let mut muxer = Muxer::default();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(Ended::Stopped),
                command = self.connection.next_command() => self.heed(&command?)?,
                frames = subscription.next_few() => {
                    let Some(frames) = frames else {
                        return Ok(Ended::ProgramOver);
                    };
                    for frame in frames {
                        muxer.handle_frame(frame);
                        while let Some(message) = muxer.poll_message() {
                            self.connection.send_media(message)?;
                        }
                    }
                    observe(subscription.dropped());
                    tokio::select! {
                        () = stop.cancelled() => return Ok(Ended::Stopped),
                        flushed = self.connection.flush() => flushed?,
                    }
                }
            }
        }
    }

    /// Takes leave properly, so that the server frees the stream name at once.
    pub(crate) async fn end(mut self) {
        let key = text(self.url.key());
        // Whatever fails here, the connection is closed next.
        let _ = self.call("FCUnpublish", FC_UNPUBLISH, vec![Amf0Value::Null, key]);
        let stream_id = Amf0Value::Number(self.stream_id);
        let _ = self.call("deleteStream", 0.0, vec![Amf0Value::Null, stream_id]);
        self.connection.finish().await;
    }

    async fn negotiate(&mut self) -> Result<(), PushError> {
        let connect = Amf0Value::Object(std::collections::HashMap::from([
            ("app".to_owned(), text(self.url.app())),
            ("type".to_owned(), text("nonprivate")),
            ("flashVer".to_owned(), text("FMLE/3.0 (compatible; lianmai)")),
            ("tcUrl".to_owned(), text(&self.url.tc_url())),
        ]));
        self.call("connect", CONNECT, vec![connect])?;
        self.answer_to(CONNECT).await?;

        let key = text(self.url.key());
        self.call("releaseStream", RELEASE_STREAM, vec![Amf0Value::Null, key.clone()])?;
        self.call("FCPublish", FC_PUBLISH, vec![Amf0Value::Null, key.clone()])?;
        self.call("createStream", CREATE_STREAM, vec![Amf0Value::Null])?;
        let created = self.answer_to(CREATE_STREAM).await?;
        self.stream_id = created
            .number(1)
            .filter(|id| (1.0..f64::from(u32::MAX)).contains(id))
            .ok_or_else(|| PushError::Refused("no stream id".to_owned()))?;
        // A float in the range of u32, so nothing but a fraction is lost.
        let stream_id = self.stream_id as u32;
        self.connection.set_media_stream(stream_id);

        let arguments = vec![Amf0Value::Null, key, text("live")];
        let publish = Command { name: "publish".to_owned(), transaction: PUBLISH, arguments };
        self.connection.send_command(publish, stream_id)?;
        loop {
            let command = self.connection.next_command().await?;
            self.heed(&command)?;
            if command.property("code") == Some("NetStream.Publish.Start") {
                return Ok(());
            }
        }
    }

    fn call(
        &mut self,
        name: &str,
        transaction: f64,
        arguments: Vec<Amf0Value>,
    ) -> Result<(), ConnectionError> {
        let name = name.to_owned();
        self.connection.send_command(Command { name, transaction, arguments }, 0)
    }

    /// Waits for the answer to a transaction.
    async fn answer_to(&mut self, transaction: f64) -> Result<Command, PushError> {
        loop {
            let command = self.connection.next_command().await?;
            let is_answer = command.transaction == transaction;
            match command.name.as_str() {
                "_result" if is_answer => return Ok(command),
                "_error" if is_answer => return Err(self.refusal(&command)),
                // Many servers do not know `releaseStream` and say so; it changes nothing.
                "_error" => {}
                _ => self.heed(&command)?,
            }
        }
    }

    /// Takes note of what the server says without being asked.
    fn heed(&self, command: &Command) -> Result<(), PushError> {
        let is_bad = match command.name.as_str() {
            "onStatus" => command.property("level") == Some("error"),
            "_error" => command.transaction == PUBLISH,
            "close" => true,
            _ => false,
        };
        if is_bad { Err(self.refusal(command)) } else { Ok(()) }
    }

    fn refusal(&self, command: &Command) -> PushError {
        let code = command.property("code").unwrap_or(&command.name);
        PushError::Refused(self.url.censor(code))
    }
}

async fn connect(url: &TargetUrl) -> Result<TcpStream, PushError> {
    let addresses = lookup_host((url.host(), url.port())).await;
    let mut failure = PushError::Unresolved;
    for address in addresses.map_err(|_| PushError::Unresolved)? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_send_buffer_size(SEND_BUFFER)?;
        match socket.connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failure = error.into(),
        }
    }
    Err(failure)
}

fn text(text: &str) -> Amf0Value {
    Amf0Value::Utf8String(text.to_owned())
}
