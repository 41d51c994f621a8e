//! The headers that `recvmmsg` and `sendmmsg` read, kept from call to call.
//!
//! Each message has its name, slice and control block in arrays of its own, which are allocated
//! once and never grow, so the addresses written into the headers stay true when the owner moves.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::time::Duration;

/// Room for two control messages, one of an `int` and one of a `timespec`, aligned like a `cmsghdr`.
const CONTROL_WORDS: usize = 8;

/// Message headers and everything that they point to.
pub(super) struct Messages {
    headers: Vec<libc::mmsghdr>,
    names: Vec<libc::sockaddr_storage>,
    slices: Vec<libc::iovec>,
    controls: Vec<[u64; CONTROL_WORDS]>,
}

// SAFETY: the pointers in `headers` lead only to the other three arrays, which move with it, and
// those in `slices` are written anew for each call, by whoever makes it.
unsafe impl Send for Messages {}

impl Messages {
    /// Creates `count` empty headers, each tied to its own name, slice and control block.
    pub(super) fn new(count: usize) -> Self {
        // SAFETY: all-zero bytes are a valid value of each of these plain C structures.
        let (header, name, slice): (libc::mmsghdr, libc::sockaddr_storage, libc::iovec) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed()) };
        let mut new = Self {
            headers: vec![header; count],
            names: vec![name; count],
            slices: vec![slice; count],
            controls: vec![[0; CONTROL_WORDS]; count],
        };
        for at in 0..count {
            let header = &mut new.headers[at].msg_hdr;
            header.msg_name = (&raw mut new.names[at]).cast();
            header.msg_iov = &raw mut new.slices[at];
            header.msg_iovlen = 1;
        }
        new
    }

    /// Points message `at` to where a datagram shall be written.
    pub(super) fn set_buffer(&mut self, at: usize, buffer: &mut [u8]) {
        self.slices[at] =
            libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    }

    /// Makes message `at` ready to be received into; the kernel shortened it to what it wrote.
    pub(super) fn reset(&mut self, at: usize) {
        let header = &mut self.headers[at].msg_hdr;
        header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        header.msg_control = self.controls[at].as_mut_ptr().cast();
        header.msg_controllen = size_of::<[u64; CONTROL_WORDS]>() as _;
        header.msg_flags = 0;
    }

    /// Makes message `at` carry `bytes` to `to`, cut into datagrams of `segment` bytes if given.
    pub(super) fn set(&mut self, at: usize, to: SocketAddr, bytes: &[u8], segment: Option<u16>) {
        // The kernel only reads what is sent.
        self.slices[at] =
            libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let header = &mut self.headers[at].msg_hdr;
        header.msg_namelen = to_storage(to, &mut self.names[at]);
        header.msg_control = std::ptr::null_mut();
        header.msg_controllen = 0;
        if let Some(segment) = segment {
            header.msg_control = self.controls[at].as_mut_ptr().cast();
            set_segment(header, segment);
        }
    }

    /// Returns the first header, for the kernel to read as an array.
    pub(super) fn as_mut_ptr(&mut self) -> *mut libc::mmsghdr {
        self.headers.as_mut_ptr()
    }

    /// Returns how many messages there are.
    pub(super) fn len(&self) -> usize {
        self.headers.len()
    }

    /// Returns who sent message `at`, after it was received.
    pub(super) fn from(&self, at: usize) -> Option<SocketAddr> {
        from_storage(&self.names[at])
    }

    /// Returns the length of message `at`; `None` if it was longer than its buffer.
    pub(super) fn received(&self, at: usize) -> Option<usize> {
        let message = &self.headers[at];
        let is_whole = message.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
        is_whole.then_some(message.msg_len as usize)
    }

    /// Returns what the kernel said beside message `at`.
    pub(super) fn notes(&self, at: usize) -> Notes {
        let header = &self.headers[at].msg_hdr;
        let mut notes = Notes::default();
        // SAFETY: the kernel has filled this header's own control block, and left in
        // msg_controllen how much of it is valid; the macros stay within that, and each kind of
        // message holds the type that is read.
        unsafe {
            let mut control = libc::CMSG_FIRSTHDR(header);
            while let Some(block) = control.as_ref() {
                match (block.cmsg_level, block.cmsg_type) {
                    (libc::SOL_UDP, libc::UDP_GRO) => {
                        let size = libc::CMSG_DATA(control).cast::<libc::c_int>().read_unaligned();
                        notes.joined = usize::try_from(size).ok().filter(|size| *size > 0);
                    }
                    (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                        let time = libc::CMSG_DATA(control).cast::<libc::timespec>();
                        notes.arrival = since_epoch(time.read_unaligned());
                    }
                    _ => {}
                }
                control = libc::CMSG_NXTHDR(header, control);
            }
        }
        notes
    }
}

/// What the kernel says of a message beside its bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Notes {
    /// The size of the datagrams that were joined into it, if they were.
    pub(super) joined: Option<usize>,
    /// When it, or the first of them, arrived: since the Unix epoch.
    pub(super) arrival: Option<Duration>,
}

fn since_epoch(time: libc::timespec) -> Option<Duration> {
    let seconds = u64::try_from(time.tv_sec).ok()?;
    Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?))
}

/// Fills `header`'s control block, which must be [`CONTROL_WORDS`] words, with a segment size.
fn set_segment(header: &mut libc::msghdr, segment: u16) {
    let len = size_of::<u16>() as libc::c_uint;
    // SAFETY: these only compute sizes.
    let (space, length) = unsafe { (libc::CMSG_SPACE(len), libc::CMSG_LEN(len)) };
    assert!(space as usize <= CONTROL_WORDS * size_of::<u64>(), "the control block is too small");
    header.msg_controllen = space as _;
    // SAFETY: the block is large enough for one message of this size (asserted above) and aligned
    // to eight bytes, so the first header exists and its data holds two bytes.
    unsafe {
        let control = libc::CMSG_FIRSTHDR(header);
        (*control).cmsg_len = length as _;
        (*control).cmsg_level = libc::SOL_UDP;
        (*control).cmsg_type = libc::UDP_SEGMENT;
        libc::CMSG_DATA(control).cast::<u16>().write_unaligned(segment);
    }
}

fn from_storage(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the storage, which is larger, holds a sockaddr_in.
            let v4 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that the storage, which is larger, holds a sockaddr_in6.
            let v6 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// Writes an address; every field of it, because the storage has held others.
fn to_storage(address: SocketAddr, name: &mut libc::sockaddr_storage) -> libc::socklen_t {
    match address {
        SocketAddr::V4(address) => {
            // SAFETY: the storage is larger than a sockaddr_in and aligned for it, and any bytes
            // are a valid value of its fields.
            let v4 = unsafe { &mut *(&raw mut *name).cast::<libc::sockaddr_in>() };
            v4.sin_family = libc::AF_INET as libc::sa_family_t;
            v4.sin_port = address.port().to_be();
            v4.sin_addr.s_addr = u32::from(*address.ip()).to_be();
            size_of::<libc::sockaddr_in>() as libc::socklen_t
        }
        SocketAddr::V6(address) => {
            // SAFETY: the storage is larger than a sockaddr_in6 and aligned for it, and any bytes
            // are a valid value of its fields.
            let v6 = unsafe { &mut *(&raw mut *name).cast::<libc::sockaddr_in6>() };
            v6.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            v6.sin6_port = address.port().to_be();
            v6.sin6_flowinfo = 0;
            v6.sin6_addr.s6_addr = address.ip().octets();
            v6.sin6_scope_id = address.scope_id();
            size_of::<libc::sockaddr_in6>() as libc::socklen_t
        }
    }
}
