//! Orders that come as lines of standard input.

use tokio::sync::mpsc;

/// Full: the reading thread waits, and with it whoever writes.
const INBOX: usize = 64;

/// Reads standard input on a thread of its own; the channel closes with it.
pub(crate) fn lines_of_stdin() -> mpsc::Receiver<String> {
    let (lines, orders) = mpsc::channel(INBOX);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    orders
}
