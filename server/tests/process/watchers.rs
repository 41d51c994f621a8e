//! People who only watch, whatever happens to the server, and go on where they broke off.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::buyers::{Address, Gone, wait};
use crate::listener::Listener;

pub(crate) struct Watcher {
    pub(crate) token: String,
    pub(crate) rng: Rng,
    pub(crate) address: Address,
    /// Looked at when all is over.
    pub(crate) ears: Arc<Mutex<Listener>>,
}

impl Watcher {
    /// Watches until the test drops it.
    pub(crate) async fn run(mut self) {
        loop {
            let Some(address) = *self.address.borrow_and_update() else {
                if self.address.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let Err(Gone) = self.watch(address).await;
            // Some are back before the first new event, some after many.
            tokio::time::sleep(Duration::from_millis(self.rng.u64(0..100))).await;
        }
    }

    async fn watch(&self, address: SocketAddr) -> Result<Infallible, Gone> {
        let url = format!("ws://{address}/v1/ws?token={}", self.token);
        let connect = tokio_tungstenite::connect_async(url);
        let (mut socket, _) = wait(connect).await?.map_err(|_| Gone)?;
        let hello = self.ears.lock().unwrap().hello();
        wait(socket.send(Message::text(hello.to_string()))).await?.map_err(|_| Gone)?;
        loop {
            let message = socket.next().await.ok_or(Gone)?.map_err(|_| Gone)?;
            let Message::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            let mut ears = self.ears.lock().unwrap();
            if message["rid"] == "hello" {
                if message["t"] != "ack" {
                    return Err(Gone);
                }
                ears.begin(&message["d"]);
            } else {
                ears.hear(&message);
            }
        }
    }
}
