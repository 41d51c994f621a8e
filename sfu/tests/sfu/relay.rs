//! A piece of network between a client and the SFU that loses exactly the packets it is told to.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;
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
    let line = answer.lines().find(|line| line.starts_with("a=candidate:")).unwrap();
    let server: SocketAddr = {
        let words: Vec<&str> = line.split(' ').collect();
        format!("{}:{}", words[4], words[5]).parse().unwrap()
    };
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

/// Whether a datagram is an RTP packet of this payload type (readable although encrypted).
pub(crate) fn is_rtp(datagram: &[u8], payload_type: u8) -> bool {
    datagram.len() > 12 && datagram[0] >> 6 == 2 && datagram[1] & 0x7f == payload_type
}
