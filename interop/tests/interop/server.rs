//! The real server as a process, and HTTP to it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use reqwest::header::{CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// `lianmai serve --dev` on free ports, with room `a`. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    base: String,
    client: Client,
}

/// A media session as HTTP knows it.
pub(crate) struct Session {
    pub(crate) answer: String,
    location: String,
    etag: String,
    token: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let mut child = Command::new(program())
            .args(["serve", "--dev", "--print-addresses", "--media-port", "0"])
            .args(["--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--ops", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("build it first: cargo build -p server");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses: Value = serde_json::from_str(&line).expect("the first line is JSON");
        let base = format!("http://{}", addresses["http"].as_str().unwrap());
        let server = Self { child, base, client: Client::new() };

        let token = server.token("alice", "host").await;
        let open = server.client.post(format!("{}/v1/rooms", server.base)).bearer_auth(token);
        let opened = open.json(&json!({"room": "a"})).send().await.unwrap();
        assert_eq!(opened.status(), StatusCode::CREATED);
        server
    }

    pub(crate) async fn token(&self, identity: &str, role: &str) -> String {
        let url = format!("{}/v1/dev/token?room=a&identity={identity}&role={role}", self.base);
        let body: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        body["token"].as_str().unwrap().to_owned()
    }

    /// Offers to `path` below the room; fails with what the server says if it refuses.
    pub(crate) async fn offer(
        &self,
        path: &str,
        token: &str,
        sdp: String,
    ) -> Result<Session, String> {
        let post = self.client.post(format!("{}/v1/rooms/a/{path}", self.base)).bearer_auth(token);
        let answer = post.header(CONTENT_TYPE, "application/sdp").body(sdp).send().await.unwrap();
        let header =
            |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (status, location, etag) = (answer.status(), header(LOCATION), header(ETAG));
        let text = answer.text().await.unwrap();
        if status != StatusCode::CREATED {
            return Err(format!("{status}: {text}"));
        }
        let (location, etag) = (location.expect("a Location"), etag.expect("an ETag"));
        Ok(Session { answer: text, location, etag, token: token.to_owned() })
    }

    /// Restarts ICE with new credentials; returns the fragment that answers.
    pub(crate) async fn restart_ice(&self, session: &mut Session, fragment: String) -> String {
        let patch = self.request(Method::PATCH, session).header(IF_MATCH, "*");
        let patch = patch.header(CONTENT_TYPE, "application/trickle-ice-sdpfrag").body(fragment);
        let answer = patch.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let etag = answer.headers()[ETAG].to_str().unwrap().to_owned();
        assert_ne!(etag, session.etag, "another ICE session has another tag");
        session.etag = etag;
        answer.text().await.unwrap()
    }

    pub(crate) async fn end(&self, session: &Session) -> StatusCode {
        self.request(Method::DELETE, session).send().await.unwrap().status()
    }

    fn request(&self, method: Method, session: &Session) -> reqwest::RequestBuilder {
        let url = format!("{}{}", self.base, session.location);
        self.client.request(method, url).bearer_auth(&session.token)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the program that was built beside this test (`target/debug/deps/..` is where tests are).
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).expect("target/debug").join("lianmai")
}
