//! The JSON signalling of SRS (`/rtc/v1/publish/`, `/rtc/v1/play/`), which its players and tools speak.

use serde::{Deserialize, Serialize};

use crate::decode::bad;
use crate::encode::write;
use crate::{Code, DecodeError, JSON_BODY_MAX, SDP_BODY_MAX};

/// The largest body of such a request, in bytes: an SDP whose line ends are escaped, and the rest.
pub const SRS_BODY_MAX: usize = SDP_BODY_MAX + JSON_BODY_MAX;

/// The longest address of a stream, token included, in bytes.
const STREAM_URL_MAX: usize = 8 * 1024;

/// A request to publish or to play. Prints without its address, which may hold a token.
#[derive(Clone, Deserialize, Eq, PartialEq)]
pub struct SrsOffer {
    /// What is published or played: `webrtc://host/app/stream?token=..`.
    #[serde(rename = "streamurl")]
    pub stream_url: String,
    /// The SDP offer.
    pub sdp: String,
}

impl SrsOffer {
    /// Reads the body. What else it holds (`api`, `tid`, `clientip`) is for SRS's own bookkeeping.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let offer: Self = serde_json::from_slice(body).map_err(|e| bad(None, e.to_string()))?;
        if offer.sdp.len() > SDP_BODY_MAX || offer.stream_url.len() > STREAM_URL_MAX {
            let message = "sdp or streamurl is too long".to_owned();
            return Err(DecodeError { rid: None, code: Code::TooLarge, message });
        }
        Ok(offer)
    }
}

impl std::fmt::Debug for SrsOffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SrsOffer(***)")
    }
}

/// Encodes the answer to an offer that was taken.
pub fn encode_srs_answer(sdp: &str, session: &str) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        code: u16,
        server: &'static str,
        service: &'static str,
        sdp: &'a str,
        sessionid: &'a str,
    }
    write(&Body { code: 0, server: "lianmai", service: "rtc", sdp, sessionid: session })
}

/// Encodes the answer to an offer that was refused: SRS's clients look whether `code` is zero.
pub fn encode_srs_error(code: Code, message: &str) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        code: u16,
        server: &'static str,
        error: &'static str,
        message: &'a str,
    }
    write(&Body { code: code.http_status(), server: "lianmai", error: code.as_str(), message })
}
