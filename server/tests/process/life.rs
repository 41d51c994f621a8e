//! Coming up and going away. That a running mixer goes with its server needs a host on air and is
//! shown end to end, in e2e/tests/mixer-kill.test.mjs.

use futures_util::{SinkExt, StreamExt};
use reqwest::StatusCode;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::running::{PATIENCE, Running};

#[tokio::test]
async fn it_is_ready_when_it_says_where_it_listens() {
    let server = Running::start();

    for path in ["/readyz", "/healthz", "/metrics"] {
        assert_eq!(server.ops(path).await.status(), StatusCode::OK, "{path}");
    }
    for path in ["/", "/studio", "/watch", "/v1/rooms"] {
        assert_eq!(server.get(path).await.status(), StatusCode::OK, "{path}");
    }
    assert!(tokio::net::TcpStream::connect(server.rtmp).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn either_signal_ends_it_cleanly_and_its_members_are_told_first() {
    for signal in ["TERM", "INT"] {
        let mut server = Running::start();
        let token = server.open_room("a").await;
        let url = format!("ws://{}/v1/ws?token={token}", server.http);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let hello = r#"{"v":1,"t":"hello","rid":"1","d":{"room":"a"}}"#;
        socket.send(Message::text(hello)).await.unwrap();
        let ack = socket.next().await.unwrap().unwrap().into_text().unwrap();
        let ack: Value = serde_json::from_str(&ack).unwrap();

        server.signal(signal);

        let closed = async {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Close(frame) = message {
                    return frame.map(|frame| u16::from(frame.code));
                }
            }
            None
        };
        let code = tokio::time::timeout(PATIENCE, closed).await.unwrap();
        assert_eq!(ack["t"], "ack");
        assert_eq!(code, Some(4012), "{signal}");
        let status = tokio::task::block_in_place(|| server.wait());
        assert!(status.success(), "{signal}: {status}");
    }
}
