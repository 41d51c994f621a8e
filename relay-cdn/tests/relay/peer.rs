//! RTMP peers that stop behaving at a chosen moment.

// Of another crate's many events only those matter that lead to media.
#![allow(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{
    ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult, ServerSession,
    ServerSessionConfig, ServerSessionEvent, ServerSessionResult,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(10);

/// Shakes hands as `role`; returns what came after the handshake.
pub(crate) async fn shake_hands(stream: &mut TcpStream, role: PeerType) -> Vec<u8> {
    let is_client = role == PeerType::Client;
    let mut handshake = Handshake::new(role);
    if is_client {
        let hello = handshake.generate_outbound_p0_and_p1().unwrap();
        stream.write_all(&hello).await.unwrap();
    }
    loop {
        let received = read(stream).await;
        match handshake.process_bytes(&received).unwrap() {
            HandshakeProcessResult::InProgress { response_bytes } => {
                stream.write_all(&response_bytes).await.unwrap();
            }
            HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                stream.write_all(&response_bytes).await.unwrap();
                return remaining_bytes;
            }
        }
    }
}

/// A player that begins to play `room` and then never reads again.
pub(crate) async fn player_that_stops_reading(server: std::net::SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let mut stream = socket.connect(server).await.unwrap();
    let mut received = shake_hands(&mut stream, PeerType::Client).await;
    let (mut session, greeting) = ClientSession::new(ClientSessionConfig::new()).unwrap();
    let connect = session.request_connection("live".to_owned()).unwrap();
    let mut todo: Vec<_> = greeting.into_iter().chain([connect]).collect();
    loop {
        for result in std::mem::take(&mut todo) {
            match result {
                ClientSessionResult::OutboundResponse(packet) => {
                    stream.write_all(&packet.bytes).await.unwrap();
                }
                ClientSessionResult::RaisedEvent(event) => match event {
                    ClientSessionEvent::ConnectionRequestAccepted => {
                        todo.push(session.request_playback("room".to_owned()).unwrap());
                    }
                    ClientSessionEvent::VideoDataReceived { .. } => return stream,
                    _ => {}
                },
                ClientSessionResult::UnhandleableMessageReceived(_) => {}
            }
        }
        if todo.is_empty() {
            todo = session.handle_input(&received).unwrap();
            received = if todo.is_empty() { read(&mut stream).await } else { Vec::new() };
        }
    }
}

/// A server that lets a publisher begin and then never reads again.
pub(crate) async fn server_that_stops_reading(mut stream: TcpStream) -> TcpStream {
    let mut received = shake_hands(&mut stream, PeerType::Server).await;
    let (mut session, mut todo) = ServerSession::new(ServerSessionConfig::new()).unwrap();
    loop {
        for result in std::mem::take(&mut todo) {
            match result {
                ServerSessionResult::OutboundResponse(packet) => {
                    stream.write_all(&packet.bytes).await.unwrap();
                }
                ServerSessionResult::RaisedEvent(event) => match event {
                    ServerSessionEvent::ConnectionRequested { request_id, .. }
                    | ServerSessionEvent::PublishStreamRequested { request_id, .. } => {
                        todo.extend(session.accept_request(request_id).unwrap());
                    }
                    ServerSessionEvent::VideoDataReceived { .. } => return stream,
                    _ => {}
                },
                ServerSessionResult::UnhandleableMessageReceived(_) => {}
            }
        }
        if todo.is_empty() {
            todo = session.handle_input(&received).unwrap();
            received = if todo.is_empty() { read(&mut stream).await } else { Vec::new() };
        }
    }
}

pub(crate) async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut buffer = vec![0; 4096];
    let length = timeout(LIMIT, stream.read(&mut buffer)).await.unwrap().unwrap();
    assert!(length > 0, "the peer hung up");
    buffer.truncate(length);
    buffer
}
