//! One viewer without a socket: ICE, DTLS, then counting by clear header and answering like a browser.
//!
//! Nearly all packets are never decrypted ([`track`](super::track)), which is what makes thousands of
//! viewers cheap.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring::hmac;

use super::dtls::{Dtls, Identity, Keys};
use super::feedback::{self, Arrivals, Block};
use super::reception::Totals;
use super::rtp::Header;
use super::sdp::{Kind, Local, Remote};
use super::stamps::Stamps;
use super::stun;
use super::track::{Event, Receiving};

const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// RFC 7675 wants 5 s with a spread; browsers check twice as often.
const CONSENT_INTERVAL: Duration = Duration::from_millis(2_500);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
const TRANSPORT_FEEDBACK_INTERVAL: Duration = Duration::from_millis(100);
/// Packets out of order are common within one burst.
const ASK_AFTER: Duration = Duration::from_millis(5);
/// A packet that was asked for is asked for again after a generous round trip.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// What a viewer is made of.
pub(crate) struct Spec {
    /// When its request to join was sent.
    pub(crate) started: Instant,
    /// Our half of the transport.
    pub(crate) local: Local,
    /// The other half.
    pub(crate) remote: Remote,
}

/// What one viewer saw so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stats {
    /// From the request to join until DTLS was done.
    pub(crate) connected: Option<Duration>,
    /// Until the first media packet.
    pub(crate) first_packet: Option<Duration>,
    /// Until the first keyframe was whole.
    pub(crate) first_keyframe: Option<Duration>,
    /// What arrived of the sound.
    pub(crate) audio: Totals,
    /// What arrived of the picture.
    pub(crate) video: Totals,
    /// Packets on the retransmission stream.
    pub(crate) rtx: u64,
    /// Longest pause between two packets of any kind of media since the last mark.
    pub(crate) silence: Duration,
    /// Sampled packets that were not authentic.
    pub(crate) forged: u64,
    /// Why there is no connection.
    pub(crate) failure: Option<String>,
}

/// Latencies of sampled packets, in microseconds.
pub(crate) type Latencies = Vec<u32>;

/// One viewer.
pub(crate) struct Viewer {
    started: Instant,
    address: SocketAddr,
    username: String,
    remote_key: hmac::Key,
    local_key: hmac::Key,
    transport_cc: Option<u8>,
    has_reduced_size: bool,
    dtls: Dtls,
    keys: Option<Box<Keys>>,
    tracks: Vec<Receiving>,
    arrivals: Arrivals,
    ssrc: u32,
    has_path: bool,
    check_at: Instant,
    report_at: Instant,
    feedback_at: Instant,
    ask_at: Instant,
    last_packet: Option<Instant>,
    /// A few datagrams each turn; the engine takes them at once.
    out: VecDeque<Vec<u8>>,
    stamps: Option<Arc<Stamps>>,
    stats: Stats,
}

impl Viewer {
    /// Creates a viewer that is about to send its first check.
    pub(crate) fn new(
        spec: Spec,
        identity: Arc<Identity>,
        stamps: Option<Arc<Stamps>>,
        now: Instant,
    ) -> Self {
        let Spec { started, local, remote } = spec;
        let tracks = remote.tracks.into_iter().map(Receiving::new).collect();
        // Viewers that join together must not report together for ever.
        let spread = |interval: Duration| now + interval.mul_f64(fastrand::f64());
        Self {
            started,
            address: remote.address,
            username: format!("{}:{}", remote.ufrag, local.ufrag),
            remote_key: stun::key(&remote.password),
            local_key: stun::key(&local.password),
            transport_cc: remote.transport_cc,
            has_reduced_size: remote.has_reduced_size,
            dtls: Dtls::new(identity, remote.fingerprint),
            keys: None,
            tracks,
            arrivals: Arrivals::default(),
            ssrc: fastrand::u32(1..),
            has_path: false,
            check_at: now,
            report_at: spread(REPORT_INTERVAL),
            feedback_at: spread(TRANSPORT_FEEDBACK_INTERVAL),
            ask_at: now,
            last_packet: None,
            out: VecDeque::new(),
            stamps,
            stats: Stats::default(),
        }
    }

    /// Returns where the other side is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what was seen so far.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.stats.clone();
        for receiving in &self.tracks {
            match receiving.track.kind {
                Kind::Audio => stats.audio = receiving.reception.totals(),
                Kind::Video => stats.video = receiving.reception.totals(),
            }
        }
        stats
    }

    /// Begins a new measurement of the longest silence.
    pub(crate) fn mark(&mut self, now: Instant) {
        self.stats.silence = Duration::ZERO;
        self.last_packet = self.last_packet.map(|_| now);
    }

    /// Ends the longest silence: what has not come by now has been silent until now.
    pub(crate) fn measure(&mut self, now: Instant) {
        if let Some(last) = self.last_packet {
            self.stats.silence = self.stats.silence.max(now.saturating_duration_since(last));
        }
    }

    /// Takes a datagram that arrived at `arrival` by the wall clock.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        arrival: Duration,
        datagram: &[u8],
        latencies: &mut Latencies,
    ) {
        // RFC 7983 section 7.
        match datagram.first() {
            Some(0..=3) => self.handle_stun(now, datagram),
            Some(20..=63) => self.handle_dtls(now, datagram),
            Some(128..=191) => match datagram.get(1) {
                Some(192..=223) => self.handle_rtcp(now, datagram),
                _ => self.handle_rtp(now, arrival, datagram, latencies),
            },
            _ => {}
        }
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.check_at <= now {
            let transaction = std::array::from_fn(|_| fastrand::u8(..));
            self.out.push_back(stun::request(&self.username, transaction, &self.remote_key));
            let interval = if self.has_path { CONSENT_INTERVAL } else { CHECK_INTERVAL };
            self.check_at = now + interval.mul_f64(0.8 + 0.4 * fastrand::f64());
        }
        if self.dtls.poll_timeout().is_some_and(|at| at <= now) {
            let result = self.dtls.handle_timeout(now).map_err(|error| error.to_string());
            self.note_failure(result);
            self.flush_dtls();
        }
        if self.keys.is_none() {
            return;
        }
        if self.report_at <= now {
            self.report(now);
            self.report_at = now + REPORT_INTERVAL.mul_f64(0.9 + 0.2 * fastrand::f64());
        }
        if self.feedback_at <= now && !self.arrivals.is_empty() {
            // It is about all tracks; browsers name the picture's.
            if let Some(at) = self.tracks.iter().rposition(|track| track.ssrc.is_some()) {
                let media = self.tracks[at].ssrc.unwrap_or(0);
                let mut packet = self.begin_feedback(at, now);
                self.arrivals.push_feedback(&mut packet, self.ssrc, media);
                self.send_rtcp(&packet);
            }
            self.feedback_at = now + TRANSPORT_FEEDBACK_INTERVAL;
        }
        if self.ask_at <= now {
            self.ask_at = now + ASK_AGAIN / 4;
            self.ask(now);
        }
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due.
    pub(crate) fn poll_timeout(&self) -> Instant {
        let mut at = self.check_at;
        if let Some(dtls) = self.dtls.poll_timeout() {
            at = at.min(dtls);
        }
        if self.keys.is_some() {
            at = at.min(self.report_at);
            if !self.arrivals.is_empty() {
                at = at.min(self.feedback_at);
            }
            if self.tracks.iter().any(|track| track.reception.has_missing()) {
                at = at.min(self.ask_at);
            }
        }
        at
    }

    /// Returns the next datagram to send.
    pub(crate) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.out.pop_front()
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, now: Instant) {
        self.dtls.close(now);
        self.flush_dtls();
    }

    fn handle_stun(&mut self, now: Instant, datagram: &[u8]) {
        match stun::read(datagram) {
            Some(stun::Message::Request(transaction)) => {
                let answer = stun::success(transaction, self.address, &self.local_key);
                self.out.push_back(answer);
            }
            Some(stun::Message::Success(_)) if !self.has_path => {
                self.has_path = true;
                self.check_at = now + CONSENT_INTERVAL.mul_f64(fastrand::f64());
                let result = self.dtls.start(now).map_err(|error| error.to_string());
                self.note_failure(result);
                self.flush_dtls();
            }
            Some(stun::Message::Success(_)) | None => {}
        }
    }

    fn handle_dtls(&mut self, now: Instant, datagram: &[u8]) {
        match self.dtls.handle_datagram(now, datagram) {
            Ok(None) => {}
            Ok(Some(keys)) => {
                self.keys = Some(keys);
                self.stats.connected = Some(now.duration_since(self.started));
            }
            Err(error) => self.note_failure(Err(error.to_string())),
        }
        self.flush_dtls();
    }

    fn handle_rtcp(&mut self, now: Instant, datagram: &[u8]) {
        let Some(keys) = &mut self.keys else { return };
        let Ok(packet) = keys.rtcp_in.decrypt_rtcp(datagram) else {
            self.stats.forged += 1;
            return;
        };
        if let Some((ssrc, middle)) = feedback::sender_report(&packet)
            && let Some(track) = self.tracks.iter_mut().find(|track| track.ssrc == Some(ssrc))
        {
            track.last_sender_report = Some((middle, now));
        }
    }

    fn handle_rtp(
        &mut self,
        now: Instant,
        arrival: Duration,
        datagram: &[u8],
        latencies: &mut Latencies,
    ) {
        let (Some(header), Some(keys)) =
            (Header::parse(datagram, self.transport_cc), &mut self.keys)
        else {
            return;
        };
        if let Some(number) = header.transport_number {
            self.arrivals.push(number, arrival);
        }
        let payload_type = header.payload_type;
        if let Some(at) = self.tracks.iter().position(|t| t.track.payload_type == payload_type) {
            let track = &mut self.tracks[at];
            let is_first = track.ssrc.replace(header.ssrc).is_none();
            let event = track.handle_media(now, arrival, header, datagram, keys);
            self.note_media(now, arrival, event, latencies);
            if is_first && self.tracks[at].track.kind == Kind::Video {
                let mut packet = self.begin_feedback(at, now);
                feedback::push_pli(&mut packet, self.ssrc, header.ssrc);
                self.send_rtcp(&packet);
            }
        } else if let Some(track) =
            self.tracks.iter_mut().find(|t| t.track.rtx_payload_type == Some(payload_type))
        {
            self.stats.rtx += 1;
            let event = track.handle_retransmission(now, header, datagram, keys);
            self.note_media(now, arrival, event, latencies);
        }
        if self.tracks.iter().any(|track| track.reception.has_missing()) {
            self.ask_at = self.ask_at.min(now + ASK_AFTER);
        }
    }

    fn note_media(
        &mut self,
        now: Instant,
        arrival: Duration,
        event: Event,
        latencies: &mut Latencies,
    ) {
        let since_start = now.duration_since(self.started);
        self.stats.first_packet.get_or_insert(since_start);
        if event.has_keyframe {
            self.stats.first_keyframe.get_or_insert(since_start);
        }
        self.stats.forged += u64::from(event.is_forged);
        if let Some(last) = self.last_packet.replace(now) {
            self.stats.silence = self.stats.silence.max(now.saturating_duration_since(last));
        }
        let sent = event.sample.and_then(|payload| self.stamps.as_ref()?.sent(&payload));
        if let Some(under_way) = sent.and_then(|sent| arrival.checked_sub(sent)) {
            latencies.push(u32::try_from(under_way.as_micros()).unwrap_or(u32::MAX));
        }
    }

    /// Sends a report for each track, as browsers do: their tracks report by themselves, and some
    /// servers take a packet for the track of its first block.
    fn report(&mut self, now: Instant) {
        for at in 0..self.tracks.len() {
            let packet = self.receiver_report(at, now);
            self.send_rtcp(&packet);
        }
    }

    /// Returns what feedback about a track begins with: its report, unless the other side takes
    /// feedback without one (RFC 5506).
    fn begin_feedback(&mut self, at: usize, now: Instant) -> Vec<u8> {
        if self.has_reduced_size { Vec::with_capacity(128) } else { self.receiver_report(at, now) }
    }

    fn receiver_report(&mut self, at: usize, now: Instant) -> Vec<u8> {
        let track = &mut self.tracks[at];
        let block = track.ssrc.zip(track.reception.report()).map(|(ssrc, report)| {
            let last = track.last_sender_report;
            let last_sender_report = last.map(|(middle, at)| (middle, now.duration_since(at)));
            Block { ssrc, report, last_sender_report }
        });
        let mut packet = Vec::with_capacity(128);
        feedback::push_receiver_report(&mut packet, self.ssrc, block.as_slice());
        packet
    }

    fn ask(&mut self, now: Instant) {
        for at in 0..self.tracks.len() {
            let track = &mut self.tracks[at];
            if !track.track.has_nack {
                track.reception.give_up(now);
                continue;
            }
            let missing = track.reception.poll_missing(now, ASK_AGAIN);
            if let Some(ssrc) = track.ssrc.filter(|_| !missing.is_empty()) {
                let mut packet = self.begin_feedback(at, now);
                feedback::push_nack(&mut packet, self.ssrc, ssrc, &missing);
                self.send_rtcp(&packet);
            }
        }
    }

    fn send_rtcp(&mut self, packet: &[u8]) {
        if let Some(keys) = &mut self.keys
            && let Ok(sealed) = keys.rtcp_out.encrypt_rtcp(packet)
        {
            self.out.push_back(sealed.to_vec());
        }
    }

    fn flush_dtls(&mut self) {
        while let Some(datagram) = self.dtls.poll_transmit() {
            self.out.push_back(datagram.to_vec());
        }
    }

    fn note_failure(&mut self, result: Result<(), String>) {
        if let Err(error) = result {
            self.stats.failure.get_or_insert(error);
        }
    }
}
