//! A host that sends its clip in a loop, in real time, as RTP with sender reports.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use media_rules::{Codec, FeedId, MediaKind, MediaTime, SenderReport, TapItem, TapPacket};
use mixer::{Program, media_now};

use crate::clip::{Clip, FPS};
use crate::wrapping::payloads;

/// A camera and its encoder take this long, the microphone's packet 20 ms.
const CAMERA_DELAY: Duration = Duration::from_millis(25);
const PACKET_TIME: Duration = Duration::from_millis(20);

/// How a host's media gets here, and what is not quite right about it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    /// From the host to here, and as long back.
    pub(crate) delay: Duration,
    /// How much later than on a whole second of the media clock the host begins.
    pub(crate) begins: Duration,
    /// By how many packets the sound is behind the picture.
    pub(crate) sound_behind: u64,
    /// How many packets of sound are lost in a row, and how many come before the next loss.
    pub(crate) losses: Option<(u64, u64)>,
}

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

    /// Starts sending over a network. Hosts that begin alike flash and beep at the same moments.
    pub(crate) fn start_over(
        way: Way,
        name: &str,
        clips: Vec<Arc<Clip>>,
        program: &Program,
    ) -> Self {
        let period = Duration::from_nanos(1_000_000_000 / FPS as u64);
        Self::start_with(period, Some(way), name, clips, vec![program.clone()])
    }

    /// Starts sending to several programs.
    pub(crate) fn start_for(programs: &[&Program], name: &str, clips: Vec<Arc<Clip>>) -> Self {
        let period = Duration::from_nanos(1_000_000_000 / FPS as u64);
        let programs = programs.iter().copied().cloned().collect();
        Self::start_with(period, None, name, clips, programs)
    }

    /// Starts sending with a camera of another rate.
    pub(crate) fn start_at(
        period: Duration,
        name: &str,
        clips: Vec<Arc<Clip>>,
        program: &Program,
    ) -> Self {
        Self::start_with(period, None, name, clips, vec![program.clone()])
    }

    fn start_with(
        period: Duration,
        way: Option<Way>,
        name: &str,
        clips: Vec<Arc<Clip>>,
        programs: Vec<Program>,
    ) -> Self {
        let feed = FeedId::new("a", name);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let state = Arc::new(State::default());
        let sender = Sender {
            feed: feed.clone(),
            clips,
            programs,
            sent: Arc::clone(&sent),
            state: Arc::clone(&state),
            period,
            way,
            sequences: [0; 2],
        };
        let thread = Some(std::thread::spawn(move || sender.run()));
        Self { feed, sent, state, thread }
    }

    /// Sends nothing more, or goes on.
    pub(crate) fn set_silent(&self, is_silent: bool) {
        self.state.is_silent.store(is_silent, Ordering::SeqCst);
    }

    /// Returns the number of the picture that it took last, whether or not it sent it.
    pub(crate) fn newest(&self) -> usize {
        let sent = self.sent.lock().unwrap();
        (0..sent.len()).max_by_key(|number| sent[*number]).unwrap_or(0)
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
    programs: Vec<Program>,
    sent: Arc<Mutex<Vec<MediaTime>>>,
    state: Arc<State>,
    /// From one picture to the next.
    period: Duration,
    way: Option<Way>,
    sequences: [u16; 2],
}

impl Sender {
    fn run(mut self) {
        let mut base = media_now();
        let way = self.way.unwrap_or_default();
        if self.way.is_some() {
            base = MediaTime::from_millis((base.millis() / 1_000 + 1) * 1_000) + way.begins;
        }
        let (mut pictures, mut packets, mut clip) = (0_u64, 0_u64, 0);
        while !self.state.has_ended.load(Ordering::SeqCst) {
            let picture_at = base + self.picture_time(pictures) + CAMERA_DELAY + way.delay;
            let packet_at = base + PACKET_TIME * (packets as u32 + 1) + way.delay;
            std::thread::sleep(picture_at.min(packet_at).since(media_now()));
            if picture_at <= packet_at {
                if pictures.is_multiple_of(FPS as u64) {
                    self.send_reports(base);
                    clip = self.state.clip.load(Ordering::SeqCst);
                }
                self.send_picture(clip, pictures);
                pictures += 1;
            } else {
                let sound = &self.clips[clip].sound;
                let number = packets as usize + sound.len() - way.sound_behind as usize;
                let payload = sound[number % sound.len()].clone();
                let is_lost = |(lost, between)| packets % (lost + between) >= between;
                if way.losses.is_some_and(is_lost) {
                    self.sequences[0] = self.sequences[0].wrapping_add(1);
                } else {
                    self.send(Codec::Opus, (packets * 960) as u32, true, &payload);
                }
                packets += 1;
            }
        }
    }

    fn send_picture(&mut self, clip: usize, number: u64) {
        let pictures = &self.clips[clip].pictures;
        let index = number as usize % pictures.len();
        let codec = self.clips[clip].codec;
        let payloads = payloads(codec, &pictures[index], index.is_multiple_of(FPS));
        let mut sent = self.sent.lock().unwrap();
        sent.resize(pictures.len(), MediaTime::default());
        sent[index] = media_now();
        drop(sent);
        let last = payloads.len() - 1;
        for (part, payload) in payloads.iter().enumerate() {
            let timestamp = self.picture_ticks(number);
            self.send(codec, timestamp, part == last, payload);
        }
    }

    fn send(&mut self, codec: Codec, timestamp: u32, marker: bool, payload: &Bytes) {
        let (payload_type, ssrc) = match codec.kind() {
            MediaKind::Audio => (111, 1),
            MediaKind::Video => (96, 2),
        };
        let sequence = &mut self.sequences[usize::from(codec.kind() == MediaKind::Video)];
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
            self.input(&TapItem::Packet(TapPacket { feed, codec, arrival, rtp }));
        }
    }

    fn input(&self, item: &TapItem) {
        self.programs.iter().for_each(|program| program.input(item.clone()));
    }

    /// Says that both tracks began at the same moment.
    fn send_reports(&self, base: MediaTime) {
        let way = self.way.unwrap_or_default().delay;
        let arrival = media_now();
        let since = arrival.since(base + way);
        // The host's clock is its own.
        let ahead = u128::from(self.feed.as_str().len() as u64) * 77_777_777_777;
        let nanos = u128::from(base.nanos()) + ahead + since.as_nanos();
        for kind in [MediaKind::Video, MediaKind::Audio] {
            let ticks = since.as_nanos() * u128::from(kind.clock_rate_hz()) / 1_000_000_000;
            self.input(&TapItem::Report(SenderReport {
                feed: self.feed.clone(),
                kind,
                ntp: ((nanos << 32) / 1_000_000_000) as u64,
                rtp_timestamp: ticks as u32,
                arrival,
                round_trip: Some(way * 2),
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
