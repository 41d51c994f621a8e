//! A network of this process' own, with nothing but loopback and one address that is not.
//!
//! Janus offers no loopback candidates, and what is measured must not be reachable from outside. In a
//! network namespace an empty bridge has an address that Janus takes and that still leads through the
//! loopback device, the same way as the other server's packets. Multicast has a way, too, because the
//! `webrtc` crate insists on joining the group of mDNS.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

/// The address of the bridge.
pub(crate) const ADDRESS: &str = "10.77.0.1";
/// Set in the process that is inside.
const MARK: &str = "LIANMAI_LOAD_NAMESPACE";

/// Runs this program again, with the same arguments, in a namespace; returns inside of it.
///
/// # Errors
///
/// Fails if the system does not let this user make namespaces.
pub(crate) fn enter() -> Result<()> {
    if std::env::var_os(MARK).is_some() {
        return Ok(());
    }
    let program = std::env::current_exe()?;
    let set_up = format!(
        "ip link set lo up && ip link add load0 type bridge && ip addr add {ADDRESS}/32 dev load0 \
         && ip link set load0 up && ip route add 224.0.0.0/4 dev load0 && exec \"$0\" \"$@\""
    );
    let mut unshare = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    let error = unshare
        .args(["--net", "sh", "-c", &set_up])
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(MARK, "1")
        .exec();
    Err(error).context("cannot run unshare (util-linux)")
}
