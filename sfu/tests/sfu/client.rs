//! A publisher or viewer made of webrtc-rs' high-level crate: the independent other side.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rtc::interceptor::{Attribute, Interceptor, Packet, Slot, StreamInfo, TaggedPacket};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::RTCOfferOptions;
use rtc::peer_connection::configuration::interceptor_registry::{
    Registry, register_default_interceptors,
};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::RTCIceCandidateInit;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
    RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio;
use rtc::shared::error::Error;
use tokio::sync::mpsc;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_local::{TrackLocal, TrackLocalEvent};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCPeerConnectionState,
};

/// Longest that anything may take on loopback, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const VIDEO_PT: u8 = 102;
pub(crate) const AUDIO_PT: u8 = 111;

/// How a client is reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    V4,
    V6,
    /// It opens connections and knows nothing else.
    Tcp,
}

/// Something that the client saw.
#[derive(Debug)]
pub(crate) enum Seen {
    Connected,
    Rtp(rtc::rtp::Packet),
    Rtcp(Vec<Box<dyn rtc::rtcp::Packet>>),
    DataOpen(u16),
    Data(u16, Bytes),
}

/// One peer connection.
pub(crate) struct Client {
    pub(crate) connection: Arc<dyn PeerConnection>,
    pub(crate) seen: mpsc::UnboundedReceiver<Seen>,
    pub(crate) video: Option<Arc<TrackLocalStaticRTP>>,
    pub(crate) audio: Option<Arc<TrackLocalStaticRTP>>,
    pub(crate) channels: Vec<Arc<dyn DataChannel>>,
    reach: Reach,
    gathered: mpsc::Receiver<()>,
    sender: mpsc::UnboundedSender<Seen>,
}

impl Client {
    /// Makes a client; `only_cm` decides which SRTP profiles it knows.
    async fn new(only_cm: bool, reach: Reach) -> Self {
        let (sender, seen) = mpsc::unbounded_channel();
        let (gather, gathered) = mpsc::channel(1);
        let mut media = MediaEngine::default();
        for (codec, pt, kind) in codecs() {
            let parameters = RTCRtpCodecParameters { rtp_codec: codec, payload_type: pt };
            media.register_codec(parameters, kind).unwrap();
        }
        let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
        let registry = registry.with(Slot::from(14_000), ShowRtcp::default());
        let mut settings = SettingEngineBuilder::new()
            .with_include_loopback_candidate(true)
            .with_discard_local_candidates_during_ice_restart(true);
        if only_cm {
            settings = settings.with_srtp_protection_profiles(vec![
                webrtc::peer_connection::SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            ]);
        }
        let (udp, tcp) = match reach {
            Reach::V4 => (vec!["127.0.0.1:0".to_owned()], vec![]),
            Reach::V6 => (vec!["[::1]:0".to_owned()], vec![]),
            Reach::Tcp => (vec![], vec!["127.0.0.1:0".to_owned()]),
        };
        if reach == Reach::Tcp {
            settings = settings.with_network_types(vec![rtc::ice::network_type::NetworkType::Tcp4]);
        }
        let connection = PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_setting_engine(settings.build())
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(Handler { seen: sender.clone(), gather }))
            .with_udp_addrs(udp)
            .with_tcp_addrs(tcp)
            .build()
            .await
            .unwrap();
        Self {
            connection: Arc::new(connection),
            seen,
            video: None,
            audio: None,
            channels: Vec::new(),
            reach,
            gathered,
            sender,
        }
    }

    /// Makes a client that sends video and audio.
    pub(crate) async fn publisher(ssrc: u32) -> Self {
        Self::publisher_with(ssrc, false).await
    }

    /// Makes a publisher that may know nothing but AES-CM.
    pub(crate) async fn publisher_with(ssrc: u32, only_cm: bool) -> Self {
        Self::publisher_of(Self::new(only_cm, Reach::V4).await, ssrc).await
    }

    /// Makes a publisher that is reached in one way only.
    pub(crate) async fn publisher_by(reach: Reach, ssrc: u32) -> Self {
        Self::publisher_of(Self::new(false, reach).await, ssrc).await
    }

    async fn publisher_of(mut client: Self, ssrc: u32) -> Self {
        client.video = Some(client.add(RtpCodecKind::Video, ssrc).await);
        client.audio = Some(client.add(RtpCodecKind::Audio, ssrc + 1).await);
        client
    }

    /// Makes a client that receives video and audio and has the five channels.
    pub(crate) async fn viewer() -> Self {
        Self::viewer_with(false).await
    }

    /// Makes a viewer that may know nothing but AES-CM.
    pub(crate) async fn viewer_with(only_cm: bool) -> Self {
        Self::viewer_of(Self::new(only_cm, Reach::V4).await).await
    }

    /// Makes a viewer that is reached in one way only.
    pub(crate) async fn viewer_by(reach: Reach) -> Self {
        Self::viewer_of(Self::new(false, reach).await).await
    }

    async fn viewer_of(mut client: Self) -> Self {
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            let init = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Recvonly,
                ..Default::default()
            };
            client.connection.add_transceiver_from_kind(kind, Some(init)).await.unwrap();
        }
        for (id, label, ordered, retransmits, lifetime) in [
            (0, "ctl", true, None, None),
            (1, "gift", false, None, None),
            (2, "chat", true, None, Some(2_000)),
            (3, "react", false, Some(0), None),
            (4, "clk", false, Some(0), None),
        ] {
            let init = RTCDataChannelInit {
                ordered,
                max_packet_life_time: lifetime,
                max_retransmits: retransmits,
                protocol: "lianmai.v1".to_owned(),
                negotiated: Some(id),
            };
            let channel = client.connection.create_data_channel(label, Some(init)).await.unwrap();
            client.watch_channel(id, Arc::clone(&channel));
            client.channels.push(channel);
        }
        client
    }

    /// Returns the offer with all candidates in it.
    pub(crate) async fn offer(&mut self) -> String {
        let offer = self.connection.create_offer(None).await.unwrap();
        self.connection.set_local_description(offer).await.unwrap();
        tokio::time::timeout(PATIENCE, self.gathered.recv()).await.expect("candidates in time");
        self.connection.local_description().await.unwrap().sdp
    }

    /// Returns an offer with new ICE credentials, gathered at a new address.
    pub(crate) async fn restart(&self) -> String {
        let options = RTCOfferOptions { ice_restart: true };
        let offer = self.connection.create_offer(Some(options)).await.unwrap();
        self.connection.set_local_description(offer).await.unwrap();
        self.connection.local_description().await.unwrap().sdp
    }

    /// Takes an answer.
    pub(crate) async fn accept(&self, answer: String) {
        let description = RTCSessionDescription::answer(answer.clone()).unwrap();
        self.connection.set_remote_description(description).await.unwrap();
        if self.reach == Reach::Tcp {
            // The other implementation connects only to candidates that are trickled.
            let line = answer.lines().find(|line| line.contains(" tcptype ")).unwrap();
            let candidate = RTCIceCandidateInit {
                candidate: line.trim_start_matches("a=").to_owned(),
                sdp_mline_index: Some(0),
                ..RTCIceCandidateInit::default()
            };
            self.connection.add_ice_candidate(candidate).await.unwrap();
        }
    }

    /// Takes the answer and waits for the connection.
    pub(crate) async fn connect(&mut self, answer: String) {
        self.accept(answer).await;
        self.wait("a connection", |seen| matches!(seen, Seen::Connected).then_some(())).await;
    }

    /// Waits for something; what comes before it is thrown away.
    pub(crate) async fn wait<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(Seen) -> Option<T>,
    ) -> T {
        let wait = async {
            loop {
                let seen = self.seen.recv().await.expect("the client lives");
                if let Some(picked) = pick(seen) {
                    return picked;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what} in time"))
    }

    /// Waits for the next video packet.
    pub(crate) async fn next_video(&mut self) -> rtc::rtp::Packet {
        self.next_rtp(VIDEO_PT).await
    }

    /// Waits for the next packet of a payload type.
    pub(crate) async fn next_rtp(&mut self, pt: u8) -> rtc::rtp::Packet {
        self.wait("a packet", |seen| match seen {
            Seen::Rtp(packet) if packet.header.payload_type == pt => Some(packet),
            _ => None,
        })
        .await
    }

    /// Sends a video packet.
    pub(crate) async fn send_video(
        &self,
        sequence: u16,
        timestamp: u32,
        marker: bool,
        payload: &[u8],
    ) {
        let track = self.video.as_ref().expect("a publisher");
        let packet = packet(track, VIDEO_PT, sequence, timestamp, marker, payload).await;
        track.write_rtp(packet).await.unwrap();
    }

    /// Sends an audio packet.
    pub(crate) async fn send_audio(&self, sequence: u16, timestamp: u32, payload: &[u8]) {
        let track = self.audio.as_ref().expect("a publisher");
        let packet = packet(track, AUDIO_PT, sequence, timestamp, false, payload).await;
        track.write_rtp(packet).await.unwrap();
    }

    async fn add(&self, kind: RtpCodecKind, ssrc: u32) -> Arc<TrackLocalStaticRTP> {
        let codec = codecs().into_iter().find(|codec| codec.2 == kind).expect("both kinds").0;
        let track = Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
            "stream".to_owned(),
            format!("track{ssrc}"),
            "label".to_owned(),
            kind,
            vec![RTCRtpEncodingParameters {
                rtp_coding_parameters: RTCRtpCodingParameters {
                    ssrc: Some(ssrc),
                    ..Default::default()
                },
                codec,
                ..Default::default()
            }],
        )));
        self.connection.add_track(Arc::clone(&track) as Arc<dyn TrackLocal>).await.unwrap();
        let (feedback, seen) = (Arc::clone(&track), self.sender.clone());
        tokio::spawn(async move {
            loop {
                match feedback.poll().await {
                    Some(TrackLocalEvent::OnRtcpPacket(packets)) => {
                        if seen.send(Seen::Rtcp(packets)).is_err() {
                            return;
                        }
                    }
                    Some(_) => {}
                    // Not bound yet, or over.
                    None if seen.is_closed() => return,
                    None => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        });
        track
    }

    fn watch_channel(&self, id: u16, channel: Arc<dyn DataChannel>) {
        let seen = self.sender.clone();
        tokio::spawn(async move {
            while let Some(event) = channel.poll().await {
                let told = match event {
                    DataChannelEvent::OnOpen => seen.send(Seen::DataOpen(id)),
                    DataChannelEvent::OnMessage(message) => {
                        seen.send(Seen::Data(id, message.data.freeze()))
                    }
                    _ => Ok(()),
                };
                if told.is_err() {
                    return;
                }
            }
        });
    }
}

async fn packet(
    track: &TrackLocalStaticRTP,
    payload_type: u8,
    sequence_number: u16,
    timestamp: u32,
    marker: bool,
    payload: &[u8],
) -> rtc::rtp::Packet {
    use webrtc::media_stream::Track;
    let mut packet = rtc::rtp::Packet::default();
    packet.header.version = 2;
    packet.header.ssrc = track.ssrcs().await[0];
    packet.header.payload_type = payload_type;
    packet.header.sequence_number = sequence_number;
    packet.header.timestamp = timestamp;
    packet.header.marker = marker;
    packet.payload = Bytes::copy_from_slice(payload);
    packet
}

fn codecs() -> [(RTCRtpCodec, u8, RtpCodecKind); 3] {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback {
        typ: typ.to_owned(),
        parameter: parameter.to_owned(),
    };
    let codec = |mime: &str, clock_rate, channels, fmtp: &str, rtcp_feedback| RTCRtpCodec {
        mime_type: mime.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: fmtp.to_owned(),
        rtcp_feedback,
    };
    let h264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
    let video_feedback = vec![
        feedback("nack", ""),
        feedback("nack", "pli"),
        feedback("ccm", "fir"),
        feedback("goog-remb", ""),
    ];
    [
        (codec("video/H264", 90_000, 0, h264, video_feedback), VIDEO_PT, RtpCodecKind::Video),
        (codec("video/rtx", 90_000, 0, "apt=102", vec![]), 103, RtpCodecKind::Video),
        (
            codec("audio/opus", 48_000, 2, "minptime=10;useinbandfec=1", vec![]),
            AUDIO_PT,
            RtpCodecKind::Audio,
        ),
    ]
}

struct Handler {
    seen: mpsc::UnboundedSender<Seen>,
    gather: mpsc::Sender<()>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let _ = self.gather.try_send(());
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if state == RTCPeerConnectionState::Connected {
            let _ = self.seen.send(Seen::Connected);
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let seen = self.seen.clone();
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                let told = match event {
                    TrackRemoteEvent::OnRtpPacket(packet) => seen.send(Seen::Rtp(packet)),
                    TrackRemoteEvent::OnRtcpPacket(packets) => seen.send(Seen::Rtcp(packets)),
                    _ => Ok(()),
                };
                if told.is_err() {
                    return;
                }
            }
        });
    }
}

/// Shows the application all RTCP, which the crate keeps to itself otherwise.
#[derive(Default)]
struct ShowRtcp {
    read: std::collections::VecDeque<TaggedPacket>,
    write: std::collections::VecDeque<TaggedPacket>,
}

impl sansio::Protocol<TaggedPacket, TaggedPacket, ()> for ShowRtcp {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = std::time::Instant;

    fn handle_read(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        if matches!(packet.message.packet, Packet::Rtcp(_)) {
            packet.message.add(Attribute::DeliverToApplication);
        }
        self.read.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.write.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }

    fn handle_timeout(&mut self, _now: std::time::Instant) -> Result<(), Error> {
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<std::time::Instant> {
        None
    }
}

impl Interceptor for ShowRtcp {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}
