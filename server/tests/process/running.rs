//! A running server and ways to talk to it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

/// Long enough for a busy machine, short enough to notice a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// `lianmai serve --dev` on free ports. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) http: SocketAddr,
    pub(crate) rtmp: SocketAddr,
    pub(crate) ops: SocketAddr,
    pub(crate) media: Vec<SocketAddr>,
    pub(crate) client: Client,
}

impl Running {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts with more arguments.
    pub(crate) fn start_with(more: &[&str]) -> Self {
        let mut child = lianmai()
            .args(["serve", "--dev", "--print-addresses", "--media-port", "0"])
            .args(more)
            .args(["--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--ops", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses: Value = serde_json::from_str(&line).expect("the first line is JSON");
        let address = |name: &str| addresses[name].as_str().unwrap().parse().unwrap();
        let media = addresses["media"].as_array().unwrap();
        Self {
            child,
            http: address("http"),
            rtmp: address("rtmp"),
            ops: address("ops"),
            media: media.iter().map(|a| a.as_str().unwrap().parse().unwrap()).collect(),
            // Without kept connections, open files are only what the server itself holds.
            client: Client::builder().timeout(PATIENCE).pool_max_idle_per_host(0).build().unwrap(),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn ops(&self, path: &str) -> Response {
        self.client.get(format!("http://{}{path}", self.ops)).send().await.unwrap()
    }

    /// Returns a token of the server's own making.
    pub(crate) async fn token(&self, room: &str, identity: &str, role: &str) -> String {
        let path = format!("/v1/dev/token?room={room}&identity={identity}&role={role}");
        let body: Value = self.get(&path).await.json().await.unwrap();
        body["token"].as_str().unwrap().to_owned()
    }

    /// Opens `room` and returns its host's token.
    pub(crate) async fn open_room(&self, room: &str) -> String {
        let token = self.token(room, "alice", "host").await;
        let body = format!(r#"{{"room":"{room}","title":"A room"}}"#);
        let answer = self.post("/v1/rooms", "application/json", body).bearer_auth(&token);
        assert_eq!(answer.send().await.unwrap().status(), 201);
        token
    }

    pub(crate) fn post(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> RequestBuilder {
        self.client.post(self.url(path)).header("content-type", content_type).body(body)
    }

    /// Sends `signal`, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        let status = Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server did not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the program, free of what this machine's environment would set.
pub(crate) fn lianmai() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lianmai"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LIANMAI_")) {
        command.env_remove(name);
    }
    command
}
