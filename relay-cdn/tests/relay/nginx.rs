//! A real RTMP server on a port of its own, which can be killed and started again.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::until;

/// nginx with the RTMP module, one process, application `live`.
#[derive(Debug)]
pub(crate) struct Nginx {
    directory: PathBuf,
    port: u16,
    process: Option<Child>,
}

impl Nginx {
    /// Starts it and waits until it accepts connections.
    pub(crate) async fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lianmai-relay-{}-{count}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();

        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let shown = directory.display();
        let config = format!(
            "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
             daemon off; master_process off; pid {shown}/pid; error_log {shown}/error.log info;
             events {{ worker_connections 64; }}
             rtmp {{ access_log off; server {{ listen 127.0.0.1:{port};
                 application live {{ live on; }} }} }}"
        );
        std::fs::write(directory.join("nginx.conf"), config).unwrap();
        let mut nginx = Self { directory, port, process: None };
        nginx.restart().await;
        nginx
    }

    pub(crate) fn url(&self, key: &str) -> String {
        format!("rtmp://127.0.0.1:{}/live/{key}", self.port)
    }

    /// Kills it without warning (SIGKILL).
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) async fn restart(&mut self) {
        self.kill();
        let process = Command::new("nginx")
            .arg("-p")
            .arg(&self.directory)
            .arg("-c")
            .arg(self.directory.join("nginx.conf"))
            .arg("-e")
            .arg(self.directory.join("error.log"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        let port = self.port;
        until("nginx accepts connections", Duration::from_secs(10), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        })
        .await;
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.kill();
        // Left-overs in the temporary directory harm nobody.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
