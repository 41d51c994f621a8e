//! Who somebody is: signed tokens (JWT, RFC 7519, HMAC with SHA-256) with LiveKit-like claims.
//!
//! There is no table of users; a token is the whole proof. The algorithm in a token's header is
//! never followed, only compared: following it is how `"alg":"none"` gets in (RFC 8725 section 2.1).

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::{digest, hmac};
use room_rules::{Area, Areas, Member, Role, RoomId, ServerTime, UserId};
use serde::{Deserialize, Serialize};
use wire_format::Code;

use crate::Refused;

/// The shortest secret taken: HS256 needs a key as long as its hash (RFC 7518 section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// A token never needs to be longer; a longer one is not even decoded.
const MAX_TOKEN_BYTES: usize = 4096;

/// Clocks of whoever signs and whoever checks may differ this much.
const LEEWAY: Duration = Duration::from_secs(5);

/// How long after it was made a post may be taken for fresh.
const POST_LIFETIME: Duration = Duration::from_secs(300);

const MAX_NAME_CHARS: usize = 64;

/// Signs and checks tokens. Prints as `TokenKey(***)`.
#[derive(Clone)]
pub struct TokenKey(hmac::Key);

impl TokenKey {
    /// Takes a secret shared with whoever issues tokens.
    ///
    /// # Errors
    ///
    /// A secret shorter than [`MIN_SECRET_BYTES`] is not taken, it could be guessed.
    pub fn new(secret: &[u8]) -> Result<Self, SecretTooShort> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(SecretTooShort);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// Returns a token that carries `claims`.
    pub fn sign(&self, claims: &Claims) -> String {
        let json = serde_json::to_vec(&ClaimsJson::from(claims))
            .expect("claims are strings and numbers, which always have a JSON form");
        self.sign_json(&json)
    }

    /// Returns what goes with a body that we post to somebody, so that they can tell that it comes from
    /// us: a token with the body's hash, as LiveKit signs its webhooks.
    pub fn sign_body(&self, body: &[u8], now: ServerTime) -> String {
        let hash = STANDARD.encode(digest::digest(&digest::SHA256, body));
        let now_s = now.unix_millis() / 1000;
        let (nbf, exp) = (now_s - LEEWAY.as_secs(), now_s + POST_LIFETIME.as_secs());
        let json = format!(r#"{{"iss":"lianmai","nbf":{nbf},"exp":{exp},"sha256":"{hash}"}}"#);
        self.sign_json(json.as_bytes())
    }

    /// Returns whether this key signed `token` for `body`, whenever that was.
    pub fn verifies_body(&self, token: &str, body: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Hashed {
            sha256: String,
        }
        let Some((signed, signature)) = token.rsplit_once('.') else { return false };
        let Some((_, payload)) = signed.split_once('.') else { return false };
        let Ok(signature) = decode(signature) else { return false };
        let is_ours = hmac::verify(&self.0, signed.as_bytes(), &signature).is_ok();
        let hashed = decode(payload).and_then(|json| parse::<Hashed>(&json));
        let hash = STANDARD.encode(digest::digest(&digest::SHA256, body));
        is_ours && hashed.is_ok_and(|hashed| hashed.sha256 == hash)
    }

    fn sign_json(&self, json: &[u8]) -> String {
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(json));
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// Returns the claims of `token` if this key signed it and it is valid at `now`.
    ///
    /// # Errors
    ///
    /// [`TokenError::Expired`] only for tokens this key signed; everything else is `Invalid`.
    pub fn verify(&self, token: &str, now: ServerTime) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Invalid)?;

        // The signature first, in constant time: nothing unsigned reaches the JSON parser.
        let signature = decode(signature)?;
        hmac::verify(&self.0, signed.as_bytes(), &signature).map_err(|_| TokenError::Invalid)?;

        let header: HeaderJson = parse(&decode(header)?)?;
        if header.alg != "HS256" {
            return Err(TokenError::Invalid);
        }
        let claims: ClaimsJson = parse(&decode(payload)?)?;
        claims.check_times(now)?;
        claims.into_claims()
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(***)")
    }
}

/// What a token says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claims {
    /// Who issued it.
    pub issuer: String,
    /// Who holds it, and what they may do.
    pub member: Member,
    /// The room it is good for. Only an admin's token may leave it out; it is good for every room.
    pub room: Option<RoomId>,
    /// The first second at which it is valid, since the Unix epoch.
    pub not_before_unix_s: u64,
    /// The first second at which it is no longer valid, since the Unix epoch.
    pub expires_unix_s: u64,
}

impl Claims {
    /// Makes claims that are valid from `now` for `lifetime`.
    pub fn new(room: RoomId, member: Member, now: ServerTime, lifetime: Duration) -> Self {
        let now_s = now.unix_millis() / 1000;
        Self {
            issuer: "dev".into(),
            member,
            room: Some(room),
            not_before_unix_s: now_s,
            expires_unix_s: now_s.saturating_add(lifetime.as_secs()),
        }
    }

    /// Returns when a session that was let in with these claims must end.
    pub(crate) fn ends_at(&self) -> ServerTime {
        let ends_s = self.expires_unix_s.saturating_add(LEEWAY.as_secs());
        ServerTime::from_unix_millis(ends_s.saturating_mul(1000))
    }

    /// Returns whose token this is if it is good for `room`.
    ///
    /// # Errors
    ///
    /// `FORBIDDEN` if it is another room's token.
    pub fn member_of(self, room: &RoomId) -> Result<Member, Refused> {
        if self.member.role == Role::Admin || self.room.as_ref() == Some(room) {
            Ok(self.member)
        } else {
            Err(Refused::new(Code::Forbidden, "this token is for another room"))
        }
    }
}

/// Why a token is not accepted. It does not say what is wrong with a forged one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours, or not valid yet.
    #[error("the token is not valid")]
    Invalid,
    /// It was ours and its time is over; the client fetches a new one.
    #[error("the token has expired")]
    Expired,
}

impl From<TokenError> for Refused {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid => Self::new(Code::Unauthenticated, "the token is not valid"),
            TokenError::Expired => Self::new(Code::TokenExpired, "the token has expired"),
        }
    }
}

/// The secret given is too short to be one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a token secret needs at least {MIN_SECRET_BYTES} bytes")]
pub struct SecretTooShort;

#[derive(Deserialize)]
struct HeaderJson {
    alg: String,
}

#[derive(Deserialize, Serialize)]
struct ClaimsJson {
    #[serde(default)]
    iss: String,
    sub: String,
    #[serde(default)]
    name: String,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    #[serde(default)]
    video: GrantJson,
    role: String,
    /// What is left of the role's rights, by area; all of them if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caps: Option<Vec<String>>,
}

#[derive(Default, Deserialize, Serialize)]
struct GrantJson {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    #[serde(default, rename = "roomJoin")]
    room_join: bool,
}

impl From<&Claims> for ClaimsJson {
    fn from(claims: &Claims) -> Self {
        Self {
            iss: claims.issuer.clone(),
            sub: claims.member.user.as_str().to_owned(),
            name: claims.member.name.to_string(),
            exp: claims.expires_unix_s,
            nbf: claims.not_before_unix_s,
            video: GrantJson {
                room: claims.room.as_ref().map(|room| room.as_str().to_owned()),
                room_join: true,
            },
            role: claims.member.role.as_str().to_owned(),
            caps: caps_json(claims.member.caps),
        }
    }
}

fn caps_json(caps: Areas) -> Option<Vec<String>> {
    let named = || Area::ALL.into_iter().filter(|area| caps.has(*area));
    (caps != Areas::ALL).then(|| named().map(|area| area.as_str().to_owned()).collect())
}

impl ClaimsJson {
    fn check_times(&self, now: ServerTime) -> Result<(), TokenError> {
        let now_s = now.unix_millis() / 1000;
        if now_s >= self.exp.saturating_add(LEEWAY.as_secs()) {
            return Err(TokenError::Expired);
        }
        if now_s.saturating_add(LEEWAY.as_secs()) < self.nbf {
            return Err(TokenError::Invalid);
        }
        Ok(())
    }

    fn into_claims(self) -> Result<Claims, TokenError> {
        let user = UserId::parse(&self.sub).ok_or(TokenError::Invalid)?;
        let role = Role::parse(&self.role).ok_or(TokenError::Invalid)?;
        let room = match self.video.room {
            Some(room) => Some(RoomId::parse(&room).ok_or(TokenError::Invalid)?),
            None => None,
        };
        if role != Role::Admin && (room.is_none() || !self.video.room_join) {
            return Err(TokenError::Invalid);
        }
        let name = display_name(&self.name).unwrap_or(&self.sub).into();
        // A name that is not known here grants nothing.
        let caps = self
            .caps
            .map_or(Areas::ALL, |caps| caps.iter().filter_map(|area| Area::parse(area)).collect());
        Ok(Claims {
            issuer: self.iss,
            member: Member { user, name, role, caps },
            room,
            not_before_unix_s: self.nbf,
            expires_unix_s: self.exp,
        })
    }
}

/// Reads a name that others will see; `None` if it is not fit to be shown.
pub(crate) fn display_name(text: &str) -> Option<&str> {
    let name = text.trim();
    let fits = !name.is_empty()
        && name.chars().count() <= MAX_NAME_CHARS
        && !name.chars().any(char::is_control);
    fits.then_some(name)
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Invalid)
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, TokenError> {
    serde_json::from_slice(json).map_err(|_| TokenError::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: ServerTime = ServerTime::from_unix_millis(1_780_000_000_000);

    #[test]
    fn a_signed_token_says_what_was_signed() {
        let claims = claims(Role::Host);
        assert_eq!(key().verify(&key().sign(&claims), NOW), Ok(claims));
    }

    #[test]
    fn a_token_that_names_areas_grants_those_only_and_one_that_names_none_grants_all() {
        let mut few = claims(Role::Viewer);
        few.member.caps = Areas::NONE.with(Area::Chat);
        assert_eq!(key().verify(&key().sign(&few), NOW), Ok(few));

        let caps_of = |caps: &str| {
            let payload = format!(
                r#"{{"sub":"al","exp":9999999999,"video":{{"room":"a","roomJoin":true}},"role":"viewer"{caps}}}"#
            );
            key().verify(&signed(r#"{"alg":"HS256"}"#, &payload), NOW).unwrap().member.caps
        };
        assert_eq!(caps_of(""), Areas::ALL);
        assert_eq!(caps_of(r#","caps":[]"#), Areas::NONE);
        assert_eq!(caps_of(r#","caps":["gift","fly"]"#), Areas::NONE.with(Area::Gift));
    }

    #[test]
    fn any_changed_character_makes_a_token_invalid() {
        let token = key().sign(&claims(Role::Viewer));
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(key().verify(&forged, NOW), Err(TokenError::Invalid), "{forged}");
        }
    }

    #[test]
    fn another_key_signs_nothing_for_this_one() {
        let other = TokenKey::new(&[7; 32]).unwrap();
        let token = other.sign(&claims(Role::Admin));
        assert_eq!(key().verify(&token, NOW), Err(TokenError::Invalid));
    }

    #[test]
    fn an_unsigned_token_is_invalid_whatever_its_header_says() {
        let payload =
            r#"{"sub":"eve","exp":9999999999,"video":{"room":"a","roomJoin":true},"role":"admin"}"#;
        for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#] {
            let token = format!("{}.{}.", encode(header), encode(payload));
            assert_eq!(key().verify(&token, NOW), Err(TokenError::Invalid));
        }
        assert_eq!(
            key().verify(&signed(r#"{"alg":"none"}"#, payload), NOW),
            Err(TokenError::Invalid)
        );
    }

    #[test]
    fn a_token_expires_after_its_last_second_and_the_leeway() {
        let token = key().sign(&claims(Role::Viewer));
        let end = NOW + Duration::from_secs(60) + LEEWAY;
        let just_before = ServerTime::from_unix_millis(end.unix_millis() - 1);

        assert!(key().verify(&token, just_before).is_ok());
        assert_eq!(key().verify(&token, end), Err(TokenError::Expired));
    }

    #[test]
    fn a_token_is_not_valid_before_its_time() {
        let token = key().sign(&claims(Role::Viewer));
        let early = ServerTime::from_unix_millis(NOW.unix_millis() - 6_000);
        assert_eq!(key().verify(&token, early), Err(TokenError::Invalid));
    }

    #[test]
    fn a_signed_token_with_a_claim_outside_its_limits_is_invalid() {
        let cases = [
            r#"{"sub":"program","exp":9999999999,"video":{"room":"a","roomJoin":true},"role":"host"}"#,
            r#"{"sub":"a b","exp":9999999999,"video":{"room":"a","roomJoin":true},"role":"host"}"#,
            r#"{"sub":"al","exp":9999999999,"video":{"room":"a/b","roomJoin":true},"role":"host"}"#,
            r#"{"sub":"al","exp":9999999999,"video":{"room":"a","roomJoin":true},"role":"king"}"#,
            r#"{"sub":"al","exp":9999999999,"video":{"room":"a"},"role":"host"}"#,
            r#"{"sub":"al","exp":9999999999,"video":{"roomJoin":true},"role":"host"}"#,
            r#"{"sub":"al","video":{"room":"a","roomJoin":true},"role":"host"}"#,
            "[]",
        ];
        for payload in cases {
            let token = signed(r#"{"alg":"HS256"}"#, payload);
            assert_eq!(key().verify(&token, NOW), Err(TokenError::Invalid), "{payload}");
        }
    }

    #[test]
    fn garbage_is_invalid() {
        for token in ["", ".", "..", "...", "a.b.c", "é.é.é", &"x".repeat(1 << 20)] {
            assert_eq!(key().verify(token, NOW), Err(TokenError::Invalid));
        }
    }

    #[test]
    fn only_an_admins_token_is_good_for_every_room() {
        let other = RoomId::parse("b").unwrap();
        assert!(claims(Role::Admin).member_of(&other).is_ok());
        assert_eq!(claims(Role::Host).member_of(&other).unwrap_err().code, Code::Forbidden);
    }

    #[test]
    fn a_key_does_not_print_its_secret() {
        assert_eq!(format!("{:?}", key()), "TokenKey(***)");
    }

    fn key() -> TokenKey {
        TokenKey::new(b"0123456789abcdef0123456789abcdef").unwrap()
    }

    fn claims(role: Role) -> Claims {
        let member = Member {
            user: UserId::parse("alice").unwrap(),
            name: "Alice".into(),
            role,
            caps: Areas::ALL,
        };
        Claims::new(RoomId::parse("a").unwrap(), member, NOW, Duration::from_secs(60))
    }

    fn signed(header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", encode(header), encode(payload));
        let signature = hmac::sign(&key().0, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn encode(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }
}
