//! What the media side reports, on its way to those members whom it concerns: who speaks goes to
//! everybody, how well a stream arrives goes to whoever sends it, the host and the assistants.

use std::collections::HashSet;

use media_rules::health::{Health, Trouble};
use media_rules::{FeedId, MediaTime, Voice};
use room_rules::{Role, ServerTime, UserId};
use sfu::PeerId;
use wire_format::{Lane, Uplink, UplinkNews, encode_media_clock, encode_speaker, encode_uplink};

use crate::cues::room_millis;
use crate::room_task::RoomTask;

/// Streams of this room that arrive badly.
#[derive(Debug, Default)]
pub(crate) struct BadUplinks(HashSet<UserId>);

impl BadUplinks {
    /// Notes how a stream arrives, and says what is new about that.
    fn note(&mut self, user: &UserId, is_bad: bool) -> UplinkNews {
        if is_bad {
            if self.0.insert(user.clone()) { UplinkNews::Bad } else { UplinkNews::Still }
        } else if self.0.remove(user) {
            UplinkNews::Good
        } else {
            UplinkNews::Still
        }
    }

    /// Forgets a stream that has ended.
    pub(crate) fn forget(&mut self, user: &UserId) {
        self.0.remove(user);
    }
}

impl RoomTask {
    /// Takes what the SFU says of a voice.
    pub(crate) fn handle_voice(&mut self, feed: FeedId, voice: Voice, now: ServerTime) {
        self.voice.handle_voice(feed, voice, now);
        self.tell_speaker(now);
    }

    /// Tells everybody if somebody else speaks now.
    pub(crate) fn tell_speaker(&mut self, now: ServerTime) {
        if let Some(speaker) = self.voice.poll_change() {
            let text = encode_speaker(speaker.map(|feed| (feed.room(), feed.identity())), now);
            self.sessions.push_all(Lane::Chat, &text.into());
        }
    }

    /// Returns what a member who has just come is told of who speaks.
    pub(crate) fn speaker_now(&self, now: ServerTime) -> Option<String> {
        let feed = self.voice.speaker()?;
        Some(encode_speaker(Some((feed.room(), feed.identity())), now))
    }

    /// Takes what the timestamps of a viewer's picture stand for, and tells whoever plays it.
    pub(crate) fn handle_media_clock(
        &self,
        peer: PeerId,
        rtp_timestamp: u32,
        at: MediaTime,
        now: ServerTime,
    ) {
        let shown_at = room_millis(self.parts.clock, at);
        let Some((media, peer)) = self.media.named_peer(peer) else {
            return;
        };
        let text = encode_media_clock(&media.to_string(), rtp_timestamp, shown_at, now);
        let outbox = peer.session.as_ref().and_then(|session| self.sessions.outbox(session.id));
        match outbox {
            Some(outbox) => outbox.push_clock(text.into()),
            None => self.sessions.push_user(Lane::Chat, &peer.member.user, &text.into()),
        }
    }

    /// Takes how well somebody's stream arrives.
    pub(crate) fn handle_uplink(&mut self, feed: &FeedId, health: &Health, now: ServerTime) {
        let Some(user) = UserId::parse(feed.identity()) else {
            return;
        };
        self.series.handle_uplink(user.clone(), (health.bitrate_bps / 1_000).into(), now);
        let news = self.bad_uplinks.note(&user, health.trouble.is_some());
        if news == UplinkNews::Bad {
            let trouble = health.trouble.map_or("none", trouble_name);
            metrics::counter!("server_uplinks_bad_total", "trouble" => trouble).increment(1);
        }
        let text = encode_uplink(news, &uplink(&user, health), now).into();
        self.sessions.push_to(Lane::Chat, &text, |member| {
            member.user == user || matches!(member.role, Role::Host | Role::Assistant | Role::Admin)
        });
    }
}

fn uplink<'a>(user: &'a UserId, health: &Health) -> Uplink<'a> {
    Uplink {
        user: user.as_str(),
        score: health.score,
        trouble: health.trouble.map(trouble_name),
        loss: f64::from(health.loss_permille) / 1_000.0,
        rtt_ms: health.rtt.and_then(|rtt| rtt.as_millis().try_into().ok()),
        jitter_ms: health.jitter.as_millis().try_into().unwrap_or(u64::MAX),
        fps: health.fps,
        kbps: health.bitrate_bps / 1_000,
    }
}

const fn trouble_name(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Silence => "silence",
        Trouble::Loss => "loss",
        Trouble::Delay => "delay",
        Trouble::Jitter => "jitter",
        Trouble::FrameRate => "frame_rate",
    }
}
