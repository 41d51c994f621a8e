//! Reads and writes the SDP fragments of a PATCH (RFC 8840 section 9, RFC 9725 section 4.3).
//!
//! An ICE-lite agent has no use for the other side's candidates: it answers whoever proves to know
//! the password. What counts are the credentials of a restart.

use std::fmt::Write as _;

use crate::candidate::Candidate;
use crate::ice::Remote;
use crate::ufrag::Credentials;

const MAX_LEN: usize = 16 * 1_024;
const MAX_LINES: usize = 256;
/// Longest line that is echoed; a media line names every codec that a browser knows.
const MAX_ECHO_LEN: usize = 1_024;

/// What a fragment says.
#[derive(Debug, Default)]
pub(crate) struct Fragment {
    /// The other side's credentials, if both are there.
    pub(crate) remote: Option<Remote>,
    /// The first section, which stands for all of the bundle: its `m=` line and its `a=mid`.
    media: Option<String>,
    mid: Option<String>,
    group: Option<String>,
}

impl Fragment {
    /// Reads the text; `None` if it is too long or no fragment.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LEN || text.lines().count() > MAX_LINES {
            return None;
        }
        let mut fragment = Self::default();
        let (mut ufrag, mut password) = (None, None);
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if line.as_bytes().get(1) != Some(&b'=') {
                return None;
            }
            let first = |slot: &mut Option<String>| {
                if slot.is_none() && is_echoed(line) {
                    *slot = Some(line.to_owned());
                }
            };
            match line.split_once(':') {
                Some(("a=ice-ufrag", value)) => ufrag = ufrag.or(Some(value)),
                Some(("a=ice-pwd", value)) => password = password.or(Some(value)),
                Some(("a=group", _)) => first(&mut fragment.group),
                Some(("a=mid", _)) => first(&mut fragment.mid),
                _ if line.starts_with("m=") => first(&mut fragment.media),
                _ => {}
            }
        }
        fragment.remote = ufrag.zip(password).and_then(|(u, p)| Remote::new(u, p));
        Some(fragment)
    }

    /// Writes the answer to a restart: our new credentials and candidates, for the same section.
    pub(crate) fn answer(&self, local: &Credentials, candidates: &[Candidate]) -> String {
        let mut out = "a=ice-lite\r\n".to_owned();
        for line in [&self.group, &self.media, &self.mid].into_iter().flatten() {
            out.push_str(line);
            out.push_str("\r\n");
        }
        let Credentials { fragment, password } = local;
        let mut put = |text: std::fmt::Arguments<'_>| {
            write!(out, "{text}\r\n").expect("a String takes everything");
        };
        put(format_args!("a=ice-ufrag:{fragment}\r\na=ice-pwd:{password}"));
        for candidate in candidates {
            put(format_args!("a=candidate:{candidate}"));
        }
        put(format_args!("a=end-of-candidates"));
        out
    }
}

fn is_echoed(line: &str) -> bool {
    line.len() <= MAX_ECHO_LEN && line.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_answered_for_the_section_that_it_names() {
        let text = "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
            a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdef012345\r\n\
            a=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n\
            a=mid:1\r\na=ice-ufrag:other\r\n";
        let fragment = Fragment::parse(text).unwrap();
        assert_eq!(fragment.remote, Remote::new("abcd", "0123456789abcdef012345"));
        let local = Credentials { fragment: "ours".to_owned(), password: "secret".to_owned() };
        assert_eq!(
            fragment.answer(&local, &[]),
            "a=ice-lite\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
             a=ice-ufrag:ours\r\na=ice-pwd:secret\r\na=end-of-candidates\r\n"
        );
    }

    #[test]
    fn nonsense_is_refused_and_half_of_the_credentials_are_none() {
        assert!(Fragment::parse("hello").is_none());
        assert!(Fragment::parse(&"a=x\r\n".repeat(MAX_LINES + 1)).is_none());
        assert!(Fragment::parse(&format!("a={}", "x".repeat(MAX_LEN))).is_none());
        assert!(Fragment::parse("").is_some_and(|fragment| fragment.remote.is_none()));
        let half = Fragment::parse("a=ice-ufrag:abcd\r\n").unwrap();
        assert!(half.remote.is_none());
        let long = Fragment::parse(&format!("a=ice-ufrag:{}\r\na=ice-pwd:p", "u".repeat(300)));
        assert!(long.unwrap().remote.is_none());
    }
}
