//! The writing side of the link. Encoder threads leave frames here and never wait for the server.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use media_rules::{EncodedFrame, FrameCodec};
use mixer::link::{MAX_FRAME, Up};
use mixer::{Outbox, Quality, RenditionName, Weight};

/// Some three seconds of program. Full: all pictures go, since those after the first that is lost
/// cannot be decoded, and the next one is a keyframe; of sound only the oldest goes.
const CAPACITY: usize = 256;

/// Messages on their way to the server.
pub(crate) struct Outlet {
    outbox: Arc<Outbox<Up>>,
    /// The whole picture, then each rendition.
    needs_key: [AtomicBool; 1 + Quality::MAX_RENDITIONS],
    dropped: AtomicU64,
}

impl Outlet {
    /// Starts sending to `link`.
    pub(crate) fn start(link: UnixStream) -> std::io::Result<Self> {
        let outbox = Arc::new(Outbox::new(CAPACITY, Up::encode));
        outbox.open(link);
        let theirs = Arc::clone(&outbox);
        std::thread::Builder::new().name("outlet".into()).spawn(move || theirs.write_rest())?;
        Ok(Self { outbox, needs_key: Default::default(), dropped: AtomicU64::new(0) })
    }

    /// Sends anything but a frame.
    pub(crate) fn send(&self, message: Up) {
        self.outbox.push(Weight::Control, message);
    }

    /// Sends something together with what comes next.
    pub(crate) fn send_with_next(&self, message: Up) {
        self.outbox.push_quietly(Weight::Control, message);
    }

    /// Sends a piece of sound; if there is no room, the oldest goes.
    pub(crate) fn send_sound(&self, message: Up) {
        self.outbox.push(Weight::Sound, message);
    }

    /// Sends a frame that shows the scene `revision`, unless it is a picture whose reference was dropped.
    pub(crate) fn send_frame(&self, frame: EncodedFrame, revision: u64) {
        if frame.codec == FrameCodec::Aac {
            // The same sound comes as Opus at once or nearly so, and both leave together.
            let lost = self.outbox.push_quietly(Weight::Sound, Up::Frame { frame, revision });
            self.take_lost(lost);
        } else if frame.codec == FrameCodec::Opus {
            self.push(Weight::Sound, Up::Frame { frame, revision });
        } else if self.is_readable(0, &frame) {
            self.push(Weight::Picture, Up::Frame { frame, revision });
        }
    }

    /// Sends a picture of a rendition.
    pub(crate) fn send_rendition(&self, name: RenditionName, frame: EncodedFrame) {
        if self.is_readable(1 + name.place(), &frame) {
            self.push(Weight::Picture, Up::Rendition { name, frame });
        }
    }

    /// Returns whether a picture fits the link and everything that it refers to was sent.
    fn is_readable(&self, track: usize, frame: &EncodedFrame) -> bool {
        let needs_key = &self.needs_key[track];
        if frame.data.len() > MAX_FRAME {
            needs_key.store(true, Ordering::Release);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        if frame.is_key {
            needs_key.store(false, Ordering::Release);
        } else if needs_key.load(Ordering::Acquire) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        true
    }

    fn push(&self, weight: Weight, message: Up) {
        let lost = self.outbox.push(weight, message);
        self.take_lost(lost);
    }

    fn take_lost(&self, lost: Option<Up>) {
        if let Some(Up::Frame { frame, .. } | Up::Rendition { frame, .. }) = lost
            && frame.codec == FrameCodec::H264
        {
            self.needs_key.iter().for_each(|it| it.store(true, Ordering::Release));
            let lost = 1 + self.outbox.drop_all(Weight::Picture);
            self.dropped.fetch_add(lost as u64, Ordering::Relaxed);
        }
    }

    /// Returns whether pictures are being dropped for want of a keyframe.
    pub(crate) fn needs_key(&self) -> bool {
        self.needs_key.iter().any(|it| it.load(Ordering::Acquire))
    }

    /// Returns how many encoded pictures were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::time::Duration;

    use media_rules::MediaTime;
    use mixer::link::Deframer;

    use super::*;

    #[test]
    fn a_picture_that_the_link_cannot_carry_is_dropped_with_those_that_refer_to_it() {
        let (link, mut server) = UnixStream::pair().unwrap();
        let outlet = Outlet::start(link).unwrap();
        let send = |at: u64, is_key: bool, len: usize| {
            let data = vec![7; len].into();
            let at = MediaTime::from_millis(at);
            outlet.send_frame(EncodedFrame { codec: FrameCodec::H264, at, is_key, data }, 1);
        };
        send(1, true, MAX_FRAME + 1);
        assert!(outlet.needs_key());
        send(2, false, 10);
        assert_eq!(outlet.dropped(), 2);
        send(3, true, 10);
        assert!(!outlet.needs_key());

        server.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (mut deframer, mut buffer) = (Deframer::default(), [0; 1_024]);
        let body = loop {
            if let Some(body) = deframer.poll_body().unwrap() {
                break body;
            }
            let read = server.read(&mut buffer).unwrap();
            deframer.handle_bytes(&buffer[..read]);
        };
        let Up::Frame { frame, .. } = Up::decode(body).unwrap() else { panic!("it is a frame") };
        assert_eq!(frame.at, MediaTime::from_millis(3));
    }
}
