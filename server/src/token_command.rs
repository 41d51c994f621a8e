//! `lianmai token`: signs a token with the secret that the server checks with.

use anyhow::Context;
use room_rules::{Member, RoomId, UserId};
use signaling::{Claims, RoomClock, TokenKey};

use crate::cli::Token;
use crate::{Config, Mode};

/// Returns the token asked for and, if something about it should be known, a remark.
///
/// # Errors
/// If a name is not one, or the configured secret cannot be used.
pub fn token_command(args: &Token) -> anyhow::Result<(String, Option<&'static str>)> {
    let config = Config::load(args.config.as_deref(), std::env::vars())?;
    // Without a secret there is only one server that this can be for.
    let (mode, remark) = if config.auth.secret.is_empty() {
        (Mode::Dev, Some("no secret is configured: this token is for `lianmai serve --dev`"))
    } else {
        (Mode::Production, None)
    };
    let key = TokenKey::new(config.secret(mode)?.as_bytes())?;

    let alphabet = "1 to 64 of A-Z a-z 0-9 _ -";
    let room = RoomId::parse(&args.room).with_context(|| format!("--room needs {alphabet}"))?;
    let user = UserId::parse(&args.identity)
        .with_context(|| format!("--identity needs {alphabet}, and not \"program\""))?;
    let name = args.name.as_deref().unwrap_or(&args.identity).into();
    let claims = Claims::new(
        room,
        Member { user, name, role: args.role, caps: room_rules::Areas::ALL },
        RoomClock::start().now(),
        args.ttl,
    );
    Ok((key.sign(&claims), remark))
}
