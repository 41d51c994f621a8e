//! A host that sends its clip in a loop, in real time, as RTP with sender reports.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use media_rules::h264::Packetizer;
use media_rules::{Codec, FeedId, MediaKind, MediaTime, SenderReport, TapItem, TapPacket};
use mixer::{Program, media_now};

use crate::clip::{Clip, FPS};

/// A camera and its encoder take this long, the microphone's packet 20 ms.
const CAMERA_DELAY: Duration = Duration::from_millis(25);
const PACKET_TIME: Duration = Duration::from_millis(20);

/// A sending host; stops when dropped.
pub(crate) struct Host {
    pub(crate) feed: FeedId,
    /// When each picture was given to the program, by its number.
    pub(crate) sent: Arc<Mutex<Vec<MediaTime>>>,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    has_ended: AtomicBool,
    is_silent: AtomicBool,
    /// Which of its clips it sends.
    clip: AtomicUsize,
}

impl Host {
    /// Starts sending the first of `clips`.
    pub(crate) fn start(name: &str, clips: Vec<Arc<Clip>>, program: &Program) -> Self {
        let period = Duration::from_nanos(1_000_000_000 / FPS as u64);
        Self::start_at(period, name, clips, program)
    }

    /// Starts sending with a camera of another rate.
    pub(crate) fn start_at(
        period: Duration,
        name: &str,
        clips: Vec<Arc<Clip>>,
        program: &Program,
    ) -> Self {
        let feed = FeedId::new("a", name);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let state = Arc::new(State::default());
        let sender = Sender {
            feed: feed.clone(),
            clips,
            program: program.clone(),
            sent: Arc::clone(&sent),
            state: Arc::clone(&state),
            period,
            sequences: [0; 2],
        };
        let thread = Some(std::thread::spawn(move || sender.run()));
        Self { feed, sent, state, thread }
    }

    /// Sends nothing more, or goes on.
    pub(crate) fn set_silent(&self, is_silent: bool) {
        self.state.is_silent.store(is_silent, Ordering::SeqCst);
    }

    /// Sends another clip, from its next keyframe on.
    pub(crate) fn switch_clip(&self, clip: usize) {
        self.state.clip.store(clip, Ordering::SeqCst);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.state.has_ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Sender {
    feed: FeedId,
    clips: Vec<Arc<Clip>>,
    program: Program,
    sent: Arc<Mutex<Vec<MediaTime>>>,
    state: Arc<State>,
    /// From one picture to the next.
    period: Duration,
    sequences: [u16; 2],
}

impl Sender {
    fn run(mut self) {
        let base = media_now();
        let (mut pictures, mut packets, mut clip) = (0_u64, 0_u64, 0);
        while !self.state.has_ended.load(Ordering::SeqCst) {
            let picture_at = base + self.picture_time(pictures) + CAMERA_DELAY;
            let packet_at = base + PACKET_TIME * (packets as u32 + 1);
            std::thread::sleep(picture_at.min(packet_at).since(media_now()));
            if picture_at <= packet_at {
                if pictures.is_multiple_of(FPS as u64) {
                    self.send_reports(base, pictures, packets);
                    clip = self.state.clip.load(Ordering::SeqCst);
                }
                self.send_picture(clip, pictures);
                pictures += 1;
            } else {
                let sound = &self.clips[clip].sound;
                let payload = sound[packets as usize % sound.len()].clone();
                self.send(MediaKind::Audio, (packets * 960) as u32, true, &payload);
                packets += 1;
            }
        }
    }

    fn send_picture(&mut self, clip: usize, number: u64) {
        let pictures = &self.clips[clip].pictures;
        let index = number as usize % pictures.len();
        let mut payloads = Vec::new();
        Packetizer::default().packetize(&pictures[index], &mut payloads);
        let mut sent = self.sent.lock().unwrap();
        sent.resize(pictures.len(), MediaTime::default());
        sent[index] = media_now();
        drop(sent);
        let last = payloads.len() - 1;
        for (part, payload) in payloads.iter().enumerate() {
            let timestamp = self.picture_ticks(number);
            self.send(MediaKind::Video, timestamp, part == last, payload);
        }
    }

    fn send(&mut self, kind: MediaKind, timestamp: u32, marker: bool, payload: &Bytes) {
        let (payload_type, ssrc) = match kind {
            MediaKind::Audio => (111, 1),
            MediaKind::Video => (96, 2),
        };
        let sequence = &mut self.sequences[usize::from(kind == MediaKind::Video)];
        *sequence = sequence.wrapping_add(1);
        let mut rtp = BytesMut::with_capacity(12 + payload.len());
        rtp.put_u8(0x80);
        rtp.put_u8(payload_type | if marker { 0x80 } else { 0 });
        rtp.put_u16(*sequence);
        rtp.put_u32(timestamp);
        rtp.put_u32(ssrc);
        rtp.put_slice(payload);
        if !self.state.is_silent.load(Ordering::SeqCst) {
            let (feed, arrival, rtp) = (self.feed.clone(), media_now(), rtp.freeze());
            let codec = match kind {
                MediaKind::Audio => Codec::Opus,
                MediaKind::Video => Codec::H264,
            };
            self.program.input(TapItem::Packet(TapPacket { feed, codec, arrival, rtp }));
        }
    }

    /// Says that both tracks began at the same moment.
    fn send_reports(&self, base: MediaTime, pictures: u64, packets: u64) {
        let ntp = |since: Duration| {
            let nanos = u128::from(base.nanos()) + since.as_nanos();
            ((nanos << 32) / 1_000_000_000) as u64
        };
        for (kind, since, rtp_timestamp) in [
            (MediaKind::Video, self.picture_time(pictures), self.picture_ticks(pictures)),
            (MediaKind::Audio, PACKET_TIME * packets as u32, (packets * 960) as u32),
        ] {
            self.program.input(TapItem::Report(SenderReport {
                feed: self.feed.clone(),
                kind,
                ntp: ntp(since),
                rtp_timestamp,
                arrival: media_now(),
                round_trip: None,
            }));
        }
    }

    fn picture_time(&self, number: u64) -> Duration {
        Duration::from_nanos(number * self.period.as_nanos() as u64)
    }

    /// Returns the same on the clock of the RTP timestamps.
    fn picture_ticks(&self, number: u64) -> u32 {
        (self.picture_time(number).as_nanos() * 90_000 / 1_000_000_000) as u32
    }
}
