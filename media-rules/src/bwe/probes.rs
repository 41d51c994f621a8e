//! Short stretches of a higher rate that find out what the path carries beyond what is sent.
//!
//! Nothing is probed that nobody wants: a viewer who has the best layer costs no padding. All
//! packets of a stretch, media too, carry its id; lost ones count as sent, because loss alone says
//! nothing about capacity.

use std::num::NonZeroU8;
use std::time::Duration;

use super::loss_judge::Checked;
use crate::MediaTime;

/// A probe lasts so long.
const DURATION_S: f32 = 0.02;
/// With fewer packets the rate of arrival is not measured but guessed.
const MIN_PACKETS: u32 = 6;
const MIN_RECEIVED: u32 = 4;
/// So much padding a packet without media carries, with its headers.
const PADDING_PACKET: u32 = 260;
const SCALE: f32 = 2.0;
/// A probe that found this share of its rate is followed by a greater one at once.
const FURTHER: f32 = 0.7;
/// Arrival slower than sending by more than this means that the path was full ...
const SATURATED: f32 = 0.9;
/// ... and then a little less than what arrived is what it carries.
const UTILISATION: f32 = 0.95;
/// Packets that arrive so much faster than they were sent were held up somewhere.
const MAX_SPEEDUP: f32 = 2.0;
/// Probing beyond the estimate by less is not worth it.
const MIN_GAIN: f32 = 1.1;
/// The wanted rate shall not just fit but fit with ease.
const HEADROOM: f32 = 1.25;
const INTERVAL: Duration = Duration::from_secs(2);
const MAX_INTERVAL: Duration = Duration::from_secs(4);
const AFTER_DECREASE: Duration = Duration::from_millis(1_000);
const BETWEEN_CHECKS: Duration = Duration::from_millis(500);
const CHECK_SCALE: f32 = 1.5;
const CHECK_PACKETS: u32 = 40;
/// What is not answered by now will not be.
const TIMEOUT: Duration = Duration::from_millis(1_000);

/// Tells the packets of a probe from others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProbeId(NonZeroU8);

impl ProbeId {
    const LAST: u8 = 15;

    pub(super) const fn tag(self) -> u8 {
        self.0.get()
    }

    pub(super) const fn from_tag(tag: u8) -> Option<Self> {
        match NonZeroU8::new(tag) {
            Some(tag) => Some(Self(tag)),
            None => None,
        }
    }

    const fn next(self) -> Self {
        let tag =
            if self.0.get() >= Self::LAST { NonZeroU8::MIN } else { self.0.saturating_add(1) };
        Self(tag)
    }
}

/// What to send so that the path shows what it carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Probe {
    /// Goes with every packet sent while the probe lasts, media and padding.
    pub id: ProbeId,
    /// The rate at which to send, media included.
    pub bps: u64,
    /// The probe ends when so many bytes and so many packets were sent.
    pub bytes: u32,
    /// See `bytes`.
    pub packets: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Purpose {
    Capacity,
    Check,
}

/// What is known when it is time to think of a probe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) target_bps: f32,
    pub(super) max_bps: f32,
    pub(super) sent_bps: f32,
    pub(super) inherent_loss: f32,
    pub(super) wants_check: bool,
    /// A queue grows or stands.
    pub(super) is_full: bool,
    pub(super) decreased: Option<MediaTime>,
}

/// What a finished probe says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Finding {
    /// The path carries at least so many bits per second.
    Carries(f32),
    /// The loss at a higher rate.
    Checked(Checked),
}

/// The probes of one path, one at a time.
#[derive(Debug)]
pub(super) struct Probes {
    wanted_bps: f32,
    id: ProbeId,
    running: Option<Cluster>,
    /// The rate of the next probe, right after one that found its rate.
    further: Option<f32>,
    due: MediaTime,
    interval: Duration,
    decrease_seen: Option<MediaTime>,
}

#[derive(Debug)]
struct Cluster {
    purpose: Purpose,
    probe: Probe,
    started: MediaTime,
    packets: u32,
    lost: u32,
    bytes: u32,
    first_sent: i64,
    last_sent: i64,
    first: Option<Mark>,
    last: Option<Mark>,
}

/// A received packet of a probe: when it left and came, and what had been sent until it.
#[derive(Clone, Copy, Debug)]
struct Mark {
    sent: i64,
    arrival: i64,
    bytes: u32,
}

impl Probes {
    pub(super) const fn new() -> Self {
        Self {
            wanted_bps: 0.0,
            id: ProbeId(NonZeroU8::MIN),
            running: None,
            further: None,
            due: MediaTime::from_nanos(0),
            interval: INTERVAL,
            decrease_seen: None,
        }
    }

    pub(super) const fn set_wanted_bps(&mut self, bps: f32) {
        self.wanted_bps = bps;
    }

    /// The path is another than it was: what it carries is worth knowing at once.
    pub(super) const fn hurry(&mut self, now: MediaTime) {
        self.due = now;
        self.interval = INTERVAL;
    }

    /// Returns when it is time to think of a probe again; `None` while one runs.
    pub(super) const fn poll_timeout(&self) -> Option<MediaTime> {
        if self.running.is_none() { Some(self.due) } else { None }
    }

    /// Returns a probe to send now.
    pub(super) fn poll_probe(&mut self, situation: &Situation, now: MediaTime) -> Option<Probe> {
        if situation.decreased != self.decrease_seen {
            self.decrease_seen = situation.decreased;
            self.further = None;
            self.put_off(now, AFTER_DECREASE);
        }
        if self.running.is_some() || now < self.due || situation.is_full {
            return None;
        }
        let (purpose, bps, packets) = if situation.wants_check {
            (Purpose::Check, CHECK_SCALE * situation.sent_bps, CHECK_PACKETS)
        } else {
            let ceiling = (HEADROOM * self.wanted_bps).min(situation.max_bps);
            let further = self.further.take();
            let bps = further.unwrap_or(SCALE * situation.target_bps).min(ceiling);
            if bps < MIN_GAIN * situation.target_bps {
                return None;
            }
            let spare = 1.0 / (1.0 - situation.inherent_loss.min(0.8));
            (Purpose::Capacity, bps, (MIN_PACKETS as f32 * spare) as u32)
        };
        if bps <= 0.0 {
            return None;
        }
        self.id = self.id.next();
        let bytes = ((bps * DURATION_S / 8.0) as u32).max(packets * PADDING_PACKET);
        let probe = Probe { id: self.id, bps: bps as u64, bytes, packets };
        self.running = Some(Cluster::new(purpose, probe, now));
        Some(probe)
    }

    /// A packet of a probe was told received, or lost for the first time.
    pub(super) fn handle_packet(
        &mut self,
        id: ProbeId,
        sent: i64,
        arrival: Option<i64>,
        bytes: u32,
    ) {
        if let Some(cluster) = self.running.as_mut().filter(|cluster| cluster.probe.id == id) {
            cluster.handle_packet(sent, arrival, bytes);
        }
    }

    /// Returns what the running probe found, once all of it was told of.
    pub(super) fn poll_finding(
        &mut self,
        inherent_loss: f32,
        rtt: Duration,
        now: MediaTime,
    ) -> Option<Finding> {
        let patience = TIMEOUT + rtt;
        let is_over =
            |cluster: &mut Cluster| cluster.is_complete() || now.since(cluster.started) >= patience;
        let cluster = self.running.take_if(is_over)?;
        match cluster.purpose {
            Purpose::Check => {
                self.due = now + BETWEEN_CHECKS;
                Some(Finding::Checked(cluster.checked()))
            }
            Purpose::Capacity => {
                let found = cluster.carried_bps(inherent_loss);
                if let Some(found) = found.filter(|bps| *bps >= FURTHER * cluster.probe.bps as f32)
                {
                    self.interval = INTERVAL;
                    self.further = Some(SCALE * found);
                    self.due = now;
                } else {
                    self.put_off(now, self.interval);
                    self.interval = (self.interval * 3 / 2).min(MAX_INTERVAL);
                }
                found.map(Finding::Carries)
            }
        }
    }

    fn put_off(&mut self, now: MediaTime, wait: Duration) {
        self.due = self.due.max(now + wait);
    }
}

impl Cluster {
    const fn new(purpose: Purpose, probe: Probe, started: MediaTime) -> Self {
        Self {
            purpose,
            probe,
            started,
            packets: 0,
            lost: 0,
            bytes: 0,
            first_sent: 0,
            last_sent: 0,
            first: None,
            last: None,
        }
    }

    fn handle_packet(&mut self, sent: i64, arrival: Option<i64>, bytes: u32) {
        if self.packets == 0 {
            self.first_sent = sent;
        }
        self.last_sent = self.last_sent.max(sent);
        self.packets += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        let Some(arrival) = arrival else {
            self.lost += 1;
            return;
        };
        let mark = Mark { sent, arrival, bytes: self.bytes };
        if self.first.is_none() {
            self.first = Some(mark);
        }
        if self.last.is_none_or(|last| arrival >= last.arrival) {
            self.last = Some(mark);
        }
    }

    const fn is_complete(&self) -> bool {
        self.packets >= self.probe.packets && self.bytes >= self.probe.bytes
    }

    /// Returns the rate that the path carried; `None` if too little arrived to tell.
    fn carried_bps(&self, inherent_loss: f32) -> Option<f32> {
        let (first, last) = (self.first?, self.last?);
        if self.packets - self.lost < MIN_RECEIVED || last.arrival <= first.arrival {
            return None;
        }
        let bits = 8_000_000.0 * last.bytes.saturating_sub(first.bytes) as f32;
        let arriving = bits / (last.arrival - first.arrival) as f32;
        let sent = bits / (last.sent - first.sent).max(1) as f32;
        if arriving > MAX_SPEEDUP * sent {
            return None;
        }
        let carried = if arriving < SATURATED * sent { UTILISATION * arriving } else { sent };
        // More loss than the path's own means that not all of it went through.
        let lost = self.lost as f32 / self.packets as f32;
        let likely = inherent_loss.max(0.02);
        let chance = 2.0 * (likely * (1.0 - likely) / self.packets as f32).sqrt();
        let is_lossy = lost > inherent_loss + 0.1 + chance;
        let share = if is_lossy { (1.0 - lost) / (1.0 - inherent_loss.min(0.95)) } else { 1.0 };
        Some(carried.min(arriving.max(sent)) * share)
    }

    fn checked(&self) -> Checked {
        let span = (self.last_sent - self.first_sent).max(1) as f32;
        Checked {
            packets: self.packets,
            lost: self.lost,
            bps: 8_000_000.0 * self.bytes as f32 / span,
        }
    }
}
