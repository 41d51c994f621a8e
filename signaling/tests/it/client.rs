//! Clients that know no more than the RFCs: HTTP by hand, WebSocket by tokio-tungstenite.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use room_rules::Role;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::world::{PATIENCE, World};

/// An HTTP request to be sent as written.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    line: String,
    headers: String,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            line: format!("{method} {path} HTTP/1.1\r\n"),
            headers: "Connection: close\r\n".into(),
            body: Vec::new(),
        }
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.header("Content-Type", content_type).header("Content-Length", &length)
    }

    /// Sends `body` in chunks, so that its length is not known before it ends.
    pub(crate) fn chunked(mut self, content_type: &str, body: &[u8]) -> Self {
        for chunk in body.chunks(8192) {
            self.body.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            self.body.extend(chunk);
            self.body.extend(b"\r\n");
        }
        self.body.extend(b"0\r\n\r\n");
        self.header("Content-Type", content_type).header("Transfer-Encoding", "chunked")
    }

    pub(crate) async fn send(self, address: SocketAddr) -> Response {
        let host = if self.headers.contains("Host:") { "" } else { "Host: localhost\r\n" };
        let mut bytes = format!("{}{host}{}\r\n", self.line, self.headers).into_bytes();
        bytes.extend(self.body);
        Response::parse(&exchange(address, &bytes).await)
    }
}

/// Sends `bytes` and returns everything that comes until the server closes.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let talk = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (mut read, mut write) = stream.split();
        let mut answer = Vec::new();
        // The server may answer and close before it has taken everything.
        let (_, received) = tokio::join!(write.write_all(bytes), read.read_to_end(&mut answer));
        received.expect("an answer must not be cut off by a reset");
        answer
    };
    timeout(PATIENCE, talk).await.expect("the server should answer")
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Response {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.head.lines().skip(1).filter_map(move |line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Returns status and code of an error.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// A WebSocket client.
#[derive(Debug)]
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(world: &World, token: &str) -> Self {
        Self::open_at(world.address, token).await
    }

    pub(crate) async fn open_at(address: SocketAddr, token: &str) -> Self {
        Self::connect(address, token).await.expect("the server should let the socket in")
    }

    /// Returns the HTTP status if the server does not let the socket in.
    pub(crate) async fn try_open(world: &World, token: &str) -> Result<Self, u16> {
        Self::connect(world.address, token).await
    }

    async fn connect(address: SocketAddr, token: &str) -> Result<Self, u16> {
        let url = format!("ws://{address}/v1/ws?token={token}");
        match timeout(PATIENCE, connect_async(url)).await.expect("the server should answer") {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                Err(response.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens a socket as `user` and joins room `a`.
    pub(crate) async fn join(world: &World, user: &str, role: Role) -> Self {
        let mut socket = Self::open(world, &world.token("a", user, role)).await;
        socket.say(json!({"v": 1, "t": "hello", "rid": "h", "d": {"room": "a"}})).await;
        assert_eq!(socket.hear().await["t"], "ack");
        assert_eq!(socket.hear_text().await, "after the snapshot");
        socket
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.send(Message::Text(message.to_string().into())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        timeout(PATIENCE, self.0.send(message)).await.expect("sending should not block").unwrap();
    }

    pub(crate) async fn hear(&mut self) -> Value {
        let text = self.hear_text().await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))
    }

    pub(crate) async fn hear_text(&mut self) -> String {
        match self.frame().await {
            Message::Text(text) => text.to_string(),
            other => panic!("expected text, got {other:?}"),
        }
    }

    /// Reads until the server closes, and returns the code.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.frame().await {
                return frame.expect("the server says why").code.into();
            }
        }
    }

    /// Reads for a short while, which answers pings; returns whether nothing else came.
    pub(crate) async fn hears_nothing_but_pings(&mut self) -> bool {
        timeout(Duration::from_millis(50), self.frame()).await.is_err()
    }

    /// Waits until the server has begun to send something, and reads none of it.
    pub(crate) async fn begins_to_hear(&self) {
        let MaybeTlsStream::Plain(stream) = self.0.get_ref() else {
            panic!("the tests use no TLS");
        };
        let peek = timeout(PATIENCE, stream.peek(&mut [0; 1])).await;
        assert_eq!(peek.expect("something should come").unwrap(), 1);
    }

    async fn frame(&mut self) -> Message {
        loop {
            let frame = timeout(PATIENCE, self.0.next()).await.expect("something should come");
            match frame.expect("the stream should not end without a close frame").unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }
}
