//! Where to push to: `rtmp://host[:port]/app[/instance]/key[?query]`.
//!
//! The last part of the path together with the query is the stream key, a password in all but
//! name. It never leaves this type except into the `publish` command: `Debug` and `Display` write
//! `***` in its place.

use std::fmt;

const DEFAULT_PORT: u16 = 1935;
const MAX_LENGTH: usize = 1024;

/// A parsed push URL whose key stays hidden.
#[derive(Clone, Eq, PartialEq)]
pub struct TargetUrl {
    host: String,
    port: Option<u16>,
    app: String,
    key: String,
}

impl TargetUrl {
    /// Parses a push URL.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with it, never quoting it.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        if url.len() > MAX_LENGTH {
            return Err(TargetError::TooLong);
        }
        let url = url::Url::parse(url).map_err(|_| TargetError::Malformed)?;
        if url.scheme() != "rtmp" {
            return Err(TargetError::UnsupportedScheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Malformed);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(TargetError::Malformed)?;
        let path = url.path().strip_prefix('/').unwrap_or_default();
        let (app, name) = path.rsplit_once('/').ok_or(TargetError::MissingKey)?;
        if app.is_empty() || name.is_empty() {
            return Err(TargetError::MissingKey);
        }
        let key = match url.query() {
            Some(query) => format!("{name}?{query}"),
            None => name.to_owned(),
        };
        Ok(Self { host: host.to_owned(), port: url.port(), app: app.to_owned(), key })
    }

    /// Returns the URL with `***` in place of the stream key.
    pub fn masked(&self) -> String {
        self.to_string()
    }

    /// Returns the name or address to connect to; an IPv6 address without its brackets.
    pub(crate) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(DEFAULT_PORT)
    }

    pub(crate) fn app(&self) -> &str {
        &self.app
    }

    /// Returns the URL of the application, as the `connect` command carries it.
    pub(crate) fn tc_url(&self) -> String {
        match self.port {
            Some(port) => format!("rtmp://{}:{port}/{}", self.host, self.app),
            None => format!("rtmp://{}/{}", self.host, self.app),
        }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Makes words of the far side fit to be shown: short, printable and without the key.
    pub(crate) fn censor(&self, words: &str) -> String {
        let (name, query) = self.key.split_once('?').unwrap_or((&self.key, ""));
        let mut hidden = words.to_owned();
        // A server may quote the part that it did not like.
        for secret in [&self.key, name, query].into_iter().filter(|secret| !secret.is_empty()) {
            hidden = hidden.replace(secret, "***");
        }
        hidden.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(120).collect()
    }
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/***", self.tc_url())
    }
}

impl fmt::Debug for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetUrl({self})")
    }
}

/// Why a push URL was turned down.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TargetError {
    /// It is no URL, or it has parts that a push URL has not.
    #[error("not a URL of the form rtmp://host/app/key")]
    Malformed,
    /// Only plain RTMP is spoken.
    #[error("only rtmp:// is supported")]
    UnsupportedScheme,
    /// The application or the stream key is missing.
    #[error("the URL needs an application and a stream key: rtmp://host/app/key")]
    MissingKey,
    /// It is longer than any real one.
    #[error("the URL is longer than {MAX_LENGTH} bytes")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found() {
        let url = TargetUrl::parse("rtmp://a.example:1936/app/inst/key?sign=1&x=2").unwrap();
        assert_eq!((url.host(), url.port()), ("a.example", 1936));
        assert_eq!((url.app(), url.key()), ("app/inst", "key?sign=1&x=2"));
        assert_eq!(url.tc_url(), "rtmp://a.example:1936/app/inst");

        let url = TargetUrl::parse("rtmp://[::1]/live/k").unwrap();
        assert_eq!((url.host(), url.port()), ("::1", 1935));
        assert_eq!(url.tc_url(), "rtmp://[::1]/live");
    }

    #[test]
    fn the_key_is_never_shown() {
        let url = TargetUrl::parse("rtmp://a.example/app/sec-ret?token=hidden").unwrap();
        let quoted = ["no sec-ret?token=hidden here", "bad token=hidden", "sec-ret is taken"];
        let quoted = quoted.map(|words| url.censor(words));
        for shown in [url.masked(), format!("{url:?}")].into_iter().chain(quoted) {
            assert!(!shown.contains("sec-ret") && !shown.contains("hidden"), "{shown}");
        }
        assert_eq!(url.masked(), "rtmp://a.example/app/***");
    }

    #[test]
    fn what_is_no_push_url_is_turned_down() {
        for (url, error) in [
            ("", TargetError::Malformed),
            ("rtmp:///app/key", TargetError::Malformed),
            ("rtmp://user:pass@h/app/key", TargetError::Malformed),
            ("https://h/app/key", TargetError::UnsupportedScheme),
            ("rtmps://h/app/key", TargetError::UnsupportedScheme),
            ("rtmp://h", TargetError::MissingKey),
            ("rtmp://h/app", TargetError::MissingKey),
            ("rtmp://h/app/", TargetError::MissingKey),
            ("rtmp://h//key", TargetError::MissingKey),
        ] {
            assert_eq!(TargetUrl::parse(url), Err(error), "{url}");
        }
        let long = format!("rtmp://h/app/{}", "k".repeat(2_000));
        assert_eq!(TargetUrl::parse(&long), Err(TargetError::TooLong));
    }
}
