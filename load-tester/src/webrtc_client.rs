//! An independent WebRTC client: the `webrtc` crate, so that our own stack is never tested against itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RtpCodecKind,
};
use tokio::sync::watch;
use url::Url;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_sample::TrackLocalStaticSample;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
    RTCIceGatheringState, RTCPeerConnectionState, RTCSessionDescription, Registry,
    SettingEngineBuilder, register_default_interceptors,
};
use webrtc::runtime::TokioRuntime;

use crate::api::Api;

/// Where clients are unless told otherwise.
pub(crate) const LOOPBACK: &str = "127.0.0.1";
/// How long gathering and connecting may take together.
const SETUP: Duration = Duration::from_secs(15);

/// Called with each track that arrives.
pub(crate) type OnTrack = Box<dyn Fn(Arc<dyn TrackRemote>) + Send + Sync>;

/// A connected session and how to end it.
pub(crate) struct Connection {
    /// The connection.
    pub(crate) peer: Arc<dyn PeerConnection>,
    location: Option<Url>,
    state: watch::Receiver<RTCPeerConnectionState>,
}

impl Connection {
    /// Offers `peer`'s tracks to a room's `way` (`whip` or `whep`) and waits until media can flow.
    pub(crate) async fn open(prepared: Prepared, api: &Api, room: &str, way: &str) -> Result<Self> {
        let mut prepared = prepared;
        let offer = prepared.offer().await?;
        let answer = api.negotiate(room, way, offer).await?;
        prepared.accept(answer.sdp, Some(answer.location)).await
    }

    /// Returns when the connection is lost.
    pub(crate) async fn lost(&mut self) {
        let lost = self.state.wait_for(|state| {
            matches!(state, RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed)
        });
        // An error means the connection's own tasks are gone, which is lost too.
        let _ = lost.await;
    }

    /// Tells the server and closes.
    pub(crate) async fn close(self, api: &Api) {
        if let Some(location) = &self.location {
            let _ = api.delete(location.clone()).await;
        }
        self.hang_up().await;
    }

    /// Closes; the server hears it by DTLS.
    pub(crate) async fn hang_up(self) {
        let _ = self.peer.close().await;
    }
}

/// A connection to which tracks are added before it is opened.
pub(crate) struct Prepared {
    /// The connection.
    pub(crate) peer: Arc<dyn PeerConnection>,
    state: watch::Receiver<RTCPeerConnectionState>,
    gathered: watch::Receiver<bool>,
}

impl Prepared {
    /// Makes a connection that speaks H.264 and Opus from a loopback address.
    pub(crate) async fn new(on_track: OnTrack) -> Result<Self> {
        Self::observed(on_track, LOOPBACK, |registry| registry).await
    }

    /// As [`new`](Self::new), at `address` and with the interceptors that `observe` adds.
    pub(crate) async fn observed(
        on_track: OnTrack,
        address: &str,
        observe: impl FnOnce(Registry) -> Registry,
    ) -> Result<Self> {
        let mut engine = MediaEngine::default();
        for (codec, payload_type, kind) in [
            (video_codec(), VIDEO_PAYLOAD_TYPE, RtpCodecKind::Video),
            (audio_codec(), AUDIO_PAYLOAD_TYPE, RtpCodecKind::Audio),
        ] {
            let parameters = RTCRtpCodecParameters { rtp_codec: codec, payload_type };
            engine.register_codec(parameters, kind)?;
        }
        let registry = observe(register_default_interceptors(Registry::new(), &mut engine)?);
        let settings = SettingEngineBuilder::new().with_include_loopback_candidate(true).build();
        let (state_out, state) = watch::channel(RTCPeerConnectionState::New);
        let (gathered_out, gathered) = watch::channel(false);
        let peer = PeerConnectionBuilder::new()
            .with_media_engine(engine)
            .with_interceptor_registry(registry)
            .with_setting_engine(settings)
            .with_handler(Arc::new(Handler { state: state_out, gathered: gathered_out, on_track }))
            .with_runtime(Arc::new(TokioRuntime))
            .with_udp_addrs(vec![format!("{address}:0")])
            .build()
            .await?;
        Ok(Self { peer: Arc::new(peer), state, gathered })
    }

    /// Returns the offer with all candidates in it.
    pub(crate) async fn offer(&mut self) -> Result<String> {
        let offer = self.peer.create_offer(None).await?;
        self.peer.set_local_description(offer).await?;
        tokio::time::timeout(SETUP, self.gathered.wait_for(|done| *done)).await??;
        Ok(self.peer.local_description().await.context("the offer was not kept")?.sdp)
    }

    /// Takes the answer and waits until media can flow.
    pub(crate) async fn accept(
        mut self,
        answer: String,
        location: Option<Url>,
    ) -> Result<Connection> {
        self.peer.set_remote_description(RTCSessionDescription::answer(answer)?).await?;
        let connected = self.state.wait_for(|state| {
            matches!(state, RTCPeerConnectionState::Connected | RTCPeerConnectionState::Failed)
        });
        let reached = *tokio::time::timeout(SETUP, connected).await.context("no connection")??;
        ensure!(reached == RTCPeerConnectionState::Connected, "the connection failed");
        Ok(Connection { peer: self.peer, location, state: self.state })
    }

    /// Adds a track that sends whole frames.
    pub(crate) async fn add_track(&self, stream: &str, kind: RtpCodecKind) -> Result<LocalTrack> {
        let ssrc = fastrand::u32(1..);
        let (codec, payload_type) = if kind == RtpCodecKind::Audio {
            (audio_codec(), AUDIO_PAYLOAD_TYPE)
        } else {
            (video_codec(), VIDEO_PAYLOAD_TYPE)
        };
        let coding = RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() };
        let encoding =
            RTCRtpEncodingParameters { rtp_coding_parameters: coding, codec, ..Default::default() };
        let track = MediaStreamTrack::new(
            stream.to_owned(),
            format!("{stream}-{kind}"),
            kind.to_string(),
            kind,
            vec![encoding],
        );
        let track = Arc::new(TrackLocalStaticSample::new(Instant::now(), track)?);
        self.peer.add_track(Arc::clone(&track) as Arc<dyn TrackLocal>).await?;
        Ok(LocalTrack { track, ssrc, payload_type })
    }
}

/// A track to send on.
pub(crate) struct LocalTrack {
    track: Arc<TrackLocalStaticSample>,
    ssrc: u32,
    payload_type: u8,
}

impl LocalTrack {
    /// Sends one frame that lasts `duration`.
    pub(crate) async fn write(&self, data: bytes::Bytes, duration: Duration) -> Result<()> {
        let sample =
            rtc::media::Sample { data, duration, ..rtc::media::Sample::new(Instant::now()) };
        self.track.sample_writer(self.ssrc, self.payload_type).write_sample(&sample).await?;
        Ok(())
    }
}

const VIDEO_PAYLOAD_TYPE: u8 = 102;
const AUDIO_PAYLOAD_TYPE: u8 = 111;

fn video_codec() -> RTCRtpCodec {
    let fmtp = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
    RTCRtpCodec {
        mime_type: "video/H264".to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: fmtp.to_owned(),
        rtcp_feedback: vec![],
    }
}

fn audio_codec() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "audio/opus".to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1;stereo=1".to_owned(),
        rtcp_feedback: vec![],
    }
}

struct Handler {
    state: watch::Sender<RTCPeerConnectionState>,
    gathered: watch::Sender<bool>,
    on_track: OnTrack,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        self.gathered.send_replace(state == RTCIceGatheringState::Complete);
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.state.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        (self.on_track)(track);
    }
}
