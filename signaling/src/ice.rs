//! What a `PATCH` on a media session asks for, and whether it may (RFC 9725 section 4.3).
//!
//! One request does two things: with the credentials that the client has now it brings candidates
//! (trickle), with others it restarts ICE. Which of them it is, and whether the client still speaks
//! of the ICE session that the server has, is decided here and nowhere else. What surprises: the
//! RFC's own example sends `If-Match: "*"`, an entity tag by its looks, and means `*`.

use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use wire_format::Code;

use crate::Refused;

/// The largest body of a `PATCH`: some hundred candidates.
pub(crate) const FRAGMENT_MAX: usize = 16 * 1024;

/// Bounds of RFC 8839 section 5.4.
const UFRAG_LENGTHS: std::ops::RangeInclusive<usize> = 4..=256;
const PASSWORD_LENGTHS: std::ops::RangeInclusive<usize> = 22..=256;

/// A client's ICE user fragment and password. Prints without the password.
#[derive(Clone, Eq, PartialEq)]
pub struct IceCredentials {
    /// The user fragment.
    pub ufrag: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IceCredentials({}, ***)", self.ufrag)
    }
}

impl IceCredentials {
    /// Returns the first ones in `sdp`: those of the section that carries the bundle.
    pub fn first_in(sdp: &str) -> Option<Self> {
        Some(Self {
            ufrag: attribute(sdp, "a=ice-ufrag:")?.to_owned(),
            password: attribute(sdp, "a=ice-pwd:")?.to_owned(),
        })
    }

    fn is_well_formed(&self) -> bool {
        let is_ice = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        };
        UFRAG_LENGTHS.contains(&self.ufrag.len())
            && PASSWORD_LENGTHS.contains(&self.password.len())
            && is_ice(&self.ufrag)
            && is_ice(&self.password)
    }
}

/// An SDP fragment (RFC 8840 section 9), as far as a server acts upon it that answers whoever proves
/// to know the password: candidates tell it nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IceFragment {
    credentials: Option<IceCredentials>,
    text: String,
}

impl IceFragment {
    /// Reads a fragment.
    ///
    /// # Errors
    ///
    /// `BAD_REQUEST` if a line is no SDP line, or the credentials are none or only half there.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let is_line = |line: &str| line.is_empty() || line.as_bytes().get(1) == Some(&b'=');
        if !text.lines().all(|line| is_line(line.trim_end())) {
            return Err(Refused::new(Code::BadRequest, "the fragment is not made of SDP lines"));
        }
        let has_one = attribute(text, "a=ice-ufrag:").is_some();
        if has_one != attribute(text, "a=ice-pwd:").is_some() {
            return Err(Refused::new(Code::BadRequest, "ice-ufrag and ice-pwd go together"));
        }
        let credentials = IceCredentials::first_in(text);
        if !credentials.as_ref().is_none_or(IceCredentials::is_well_formed) {
            return Err(Refused::new(Code::BadRequest, "ice-ufrag or ice-pwd is not one"));
        }
        Ok(Self { credentials, text: text.to_owned() })
    }

    /// Returns the fragment as it was sent.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Which ICE session a request is meant for (RFC 9110 section 13.1.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum IfMatch {
    /// The request does not say.
    Missing,
    /// Whichever there is.
    Any,
    /// One of these, without quotes.
    Tags(Vec<String>),
}

impl IfMatch {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut tags = Vec::new();
        for value in headers.get_all(IF_MATCH) {
            // What is not even text matches nothing.
            for tag in value.to_str().unwrap_or("W/").split(',').map(str::trim) {
                let bare = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                match bare.unwrap_or(tag) {
                    "*" => return Self::Any,
                    tag => tags.push(tag.to_owned()),
                }
            }
        }
        if tags.is_empty() { Self::Missing } else { Self::Tags(tags) }
    }
}

/// What a `PATCH` comes down to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum IceStep {
    /// Candidates: nothing to do.
    Trickle,
    /// The client starts ICE anew, with these.
    Restart(IceCredentials),
}

/// The ICE session of a media session, as HTTP knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IceSession {
    etag: String,
    remote: Option<IceCredentials>,
    is_restarting: bool,
}

impl IceSession {
    /// Creates the ICE session that began with `offer` and is called `etag` (without quotes).
    pub fn new(etag: &str, offer: &str) -> Self {
        let remote = IceCredentials::first_in(offer);
        Self { etag: etag.to_owned(), remote, is_restarting: false }
    }

    /// Returns what a `PATCH` with this condition and body comes down to.
    ///
    /// # Errors
    ///
    /// `PRECONDITION_REQUIRED` without a condition, `PRECONDITION_FAILED` if it speaks of another
    /// ICE session, `BUSY` for a restart while another is under way.
    pub fn weigh(&self, condition: &IfMatch, fragment: &IceFragment) -> Result<IceStep, Refused> {
        match condition {
            IfMatch::Missing => {
                return Err(Refused::new(Code::PreconditionRequired, "If-Match is needed"));
            }
            IfMatch::Tags(tags) if !tags.contains(&self.etag) => {
                let message = "the ICE session is another one by now";
                return Err(Refused::new(Code::PreconditionFailed, message));
            }
            IfMatch::Tags(_) | IfMatch::Any => {}
        }
        match &fragment.credentials {
            Some(new) if self.remote.as_ref() == Some(new) => Ok(IceStep::Trickle),
            // Two at once could end with the tag of one and the passwords of the other.
            Some(_) if self.is_restarting => Err(Refused::busy()),
            Some(new) => Ok(IceStep::Restart(new.clone())),
            None => Ok(IceStep::Trickle),
        }
    }

    /// Takes in that a restart has begun.
    pub const fn begin_restart(&mut self) {
        self.is_restarting = true;
    }

    /// Takes in how the restart ended: the new tag and the client's credentials, or as it was.
    pub fn end_restart(&mut self, restarted: Option<(&str, IceCredentials)>) {
        self.is_restarting = false;
        if let Some((etag, remote)) = restarted {
            etag.clone_into(&mut self.etag);
            self.remote = Some(remote);
        }
    }
}

fn attribute<'a>(sdp: &'a str, start: &str) -> Option<&'a str> {
    sdp.lines().find_map(|line| line.trim_end().strip_prefix(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\na=ice-options:trickle\r\nm=audio 9 X 111\r\n\
        a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n";

    #[test]
    fn the_same_credentials_trickle_and_others_restart() {
        let session = IceSession::new("e1", OFFER);
        let same = fragment("a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n");
        let other = fragment("a=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n");

        for condition in [IfMatch::Any, tags(&["e1"]), tags(&["e0", "e1"])] {
            assert_eq!(session.weigh(&condition, &same), Ok(IceStep::Trickle));
            assert_eq!(session.weigh(&condition, &fragment("a=mid:0")), Ok(IceStep::Trickle));
            let step = session.weigh(&condition, &other);
            assert!(matches!(step, Ok(IceStep::Restart(new)) if new.ufrag == "ysXw"));
        }
    }

    #[test]
    fn a_tag_of_another_ice_session_fails_and_none_is_not_enough() {
        let session = IceSession::new("e1", OFFER);
        let code = |condition| session.weigh(&condition, &fragment("")).unwrap_err().code;

        assert_eq!(code(IfMatch::Missing), Code::PreconditionRequired);
        assert_eq!(code(tags(&["e0"])), Code::PreconditionFailed);
        // A weak tag never matches (RFC 9110 section 13.1.1).
        assert_eq!(code(tags(&["W/\"e1\""])), Code::PreconditionFailed);
    }

    #[test]
    fn after_a_restart_the_old_tag_is_outdated_and_the_new_credentials_trickle() {
        let mut session = IceSession::new("e1", OFFER);
        let new = fragment("a=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n");
        let Ok(IceStep::Restart(remote)) = session.weigh(&IfMatch::Any, &new) else { panic!() };
        session.begin_restart();
        let third = fragment("a=ice-ufrag:third\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n");
        assert_eq!(session.weigh(&IfMatch::Any, &third).unwrap_err().code, Code::Busy);

        session.end_restart(Some(("e2", remote)));

        assert_eq!(session.weigh(&tags(&["e2"]), &new), Ok(IceStep::Trickle));
        assert!(session.weigh(&tags(&["e1"]), &new).is_err());
    }

    #[test]
    fn a_restart_that_failed_leaves_the_session_as_it_was() {
        let mut session = IceSession::new("e1", OFFER);
        let new = fragment("a=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n");
        session.begin_restart();

        session.end_restart(None);

        assert!(matches!(session.weigh(&tags(&["e1"]), &new), Ok(IceStep::Restart(_))));
    }

    #[test]
    fn a_fragment_that_is_none_is_refused() {
        let pwd = "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1";
        for text in [
            "hello",
            "a=mid:0\r\nnonsense",
            "a=ice-ufrag:EsAw",
            pwd,
            &format!("a=ice-ufrag:abc\r\n{pwd}"),
            &format!("a=ice-ufrag:ab cd\r\n{pwd}"),
            "a=ice-ufrag:EsAw\r\na=ice-pwd:short",
        ] {
            let refused = IceFragment::parse(text).unwrap_err();
            assert_eq!(refused.code, Code::BadRequest, "{text}");
        }
    }

    #[test]
    fn the_condition_is_read_as_clients_write_it() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IF_MATCH, value.parse().unwrap());
            }
            IfMatch::of(&headers)
        };
        assert_eq!(read(&[]), IfMatch::Missing);
        assert_eq!((read(&["*"]), read(&["\"*\""])), (IfMatch::Any, IfMatch::Any));
        assert_eq!(read(&["\"a\", \"b\"", "\"c\""]), tags(&["a", "b", "c"]));
        assert_eq!(read(&["a"]), tags(&["a"]), "some clients forget the quotes");
        assert_eq!(read(&["W/\"a\""]), tags(&["W/\"a\""]));
    }

    fn fragment(text: &str) -> IceFragment {
        IceFragment::parse(text).unwrap()
    }

    fn tags(tags: &[&str]) -> IfMatch {
        IfMatch::Tags(tags.iter().map(|&tag| tag.to_owned()).collect())
    }
}
