//! Lets the kernel tell media from everything else that comes to one port (RFC 7983, RFC 5761).
//!
//! Two sockets share the port (SO_REUSEPORT). Which of them gets a datagram is said by a classic BPF
//! program that the kernel runs for each; it sees the datagram from its first byte on and returns the
//! number of a socket, counted in the order in which they were bound. A datagram that is too short to
//! be looked at goes to the first. What the program says is a hint and no more: the worker looks for
//! itself what each datagram is.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// BPF_LD | BPF_B | BPF_ABS: looks at the byte at `k`.
const LOAD_BYTE: u16 = 0x30;
/// BPF_JMP | BPF_JGE | BPF_K: skips `jt` steps if the byte is at least `k`, else `jf`.
const IF_AT_LEAST: u16 = 0x35;
/// BPF_RET | BPF_K: ends with `k`.
const ANSWER: u16 = 0x06;

const MEDIA: u32 = 0;
const ASIDE: u32 = 1;

/// RTP and RTCP begin with 128 to 191, and RTCP goes on with 192 to 223.
const PROGRAM: [libc::sock_filter; 8] = [
    step(LOAD_BYTE, 0, 0, 0),
    step(IF_AT_LEAST, 0, 5, 128),
    step(IF_AT_LEAST, 4, 0, 192),
    step(LOAD_BYTE, 0, 0, 1),
    step(IF_AT_LEAST, 0, 1, 192),
    step(IF_AT_LEAST, 0, 1, 224),
    step(ANSWER, 0, 0, MEDIA),
    step(ANSWER, 0, 0, ASIDE),
];

const fn step(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// Has the kernel sort what comes to the port that `first` shares with one other socket.
pub(super) fn attach(first: &UdpSocket) -> io::Result<()> {
    let mut steps = PROGRAM;
    let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // SAFETY: the program and its steps are live locals, their number is given, and the kernel copies
    // them within the call.
    let result = unsafe {
        libc::setsockopt(
            first.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const program).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
