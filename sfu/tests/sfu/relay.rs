//! A piece of network between a client and the SFU that loses exactly the packets it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ring::hmac;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, UdpSocket};
use tokio::sync::Notify;

/// Which way a datagram goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// Puts itself into the path: returns the answer with the candidate's port changed to the relay's.
///
/// `loses` is asked for every datagram, in order.
pub(crate) async fn insert(
    answer: &str,
    loses: impl FnMut(Way, &[u8]) -> bool + Send + 'static,
) -> String {
    insert_nat(answer, Arc::new(Notify::new()), loses).await
}

/// As [`insert`], as a NAT that gives the client another address whenever `rebind` is notified.
pub(crate) async fn insert_nat(
    answer: &str,
    rebind: Arc<Notify>,
    mut loses: impl FnMut(Way, &[u8]) -> bool + Send + 'static,
) -> String {
    let server = udp_candidate(answer);
    let near = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let mut far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = near.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut up, mut down) = (vec![0; 2_048], vec![0; 2_048]);
        let mut client = None;
        loop {
            tokio::select! {
                () = rebind.notified() => {
                    far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                }
                Ok((len, from)) = near.recv_from(&mut up) => {
                    client = Some(from);
                    if !loses(Way::ToServer, &up[..len]) {
                        let _ = far.send_to(&up[..len], server).await;
                    }
                }
                Ok((len, _)) = far.recv_from(&mut down) => {
                    if let Some(client) = client && !loses(Way::ToClient, &down[..len]) {
                        let _ = near.send_to(&down[..len], client).await;
                    }
                }
            }
        }
    });
    answer.replace(
        &format!(" {} {} typ", server.ip(), server.port()),
        &format!(" {} {port} typ", server.ip()),
    )
}

/// Returns the address of the answer's UDP candidate.
pub(crate) fn udp_candidate(answer: &str) -> SocketAddr {
    candidate(answer, " udp ")
}

/// Returns the address of the answer's TCP candidate.
pub(crate) fn tcp_candidate(answer: &str) -> SocketAddr {
    candidate(answer, " tcp ")
}

fn candidate(answer: &str, transport: &str) -> SocketAddr {
    let is_one = |line: &&str| line.starts_with("a=candidate:") && line.contains(transport);
    let words: Vec<&str> = answer.lines().find(is_one).unwrap().split(' ').collect();
    format!("{}:{}", words[4], words[5]).parse().unwrap()
}

/// As [`insert`], for one TCP connection with small buffers, which brings nothing to the client
/// while `is_stalled` says so.
pub(crate) async fn insert_tcp(answer: &str, is_stalled: Arc<AtomicBool>) -> String {
    let server = tcp_candidate(answer);
    let near = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = near.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = near.accept().await {
            let far = TcpSocket::new_v4().unwrap();
            far.set_recv_buffer_size(16 * 1_024).unwrap();
            let far = far.connect(server).await.unwrap();
            let (mut client_in, mut client_out) = client.into_split();
            let (mut far_in, mut far_out) = far.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut client_in, &mut far_out).await });
            let is_stalled = Arc::clone(&is_stalled);
            tokio::spawn(async move {
                let mut buffer = [0; 4_096];
                while let Ok(len @ 1..) = far_in.read(&mut buffer).await {
                    while is_stalled.load(Ordering::Relaxed) {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    client_out.write_all(&buffer[..len]).await.unwrap();
                }
            });
        }
    });
    answer.replace(
        &format!(" {} {} typ host tcptype", server.ip(), server.port()),
        &format!(" {} {port} typ host tcptype", server.ip()),
    )
}

/// Returns a STUN request that nominates its path (RFC 8489, RFC 8445 section 7.1).
pub(crate) fn nomination(user: &str, password: &str) -> Vec<u8> {
    let mut attributes = vec![0, 6];
    attributes.extend_from_slice(&(user.len() as u16).to_be_bytes());
    attributes.extend_from_slice(user.as_bytes());
    attributes.resize(attributes.len().next_multiple_of(4), 0);
    attributes.extend_from_slice(&[0, 0x25, 0, 0]);
    let mut out = vec![0, 1];
    out.extend_from_slice(&(attributes.len() as u16 + 24).to_be_bytes());
    out.extend_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    out.extend_from_slice(&fastrand::u128(..).to_be_bytes()[..12]);
    out.extend_from_slice(&attributes);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    let tag = hmac::sign(&key, &out);
    out.extend_from_slice(&[0, 8, 0, 20]);
    out.extend_from_slice(tag.as_ref());
    out
}

/// Whether a datagram is an RTP packet of this payload type (readable although encrypted).
pub(crate) fn is_rtp(datagram: &[u8], payload_type: u8) -> bool {
    datagram.len() > 12 && datagram[0] >> 6 == 2 && datagram[1] & 0x7f == payload_type
}
