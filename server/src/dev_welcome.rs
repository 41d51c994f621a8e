//! What `serve --dev` prints: pages to open, addresses to play and tokens to script with.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use room_rules::{Member, Role, RoomId, ServerTime, UserId};
use signaling::{Claims, TokenKey};

/// The room that everything printed is about.
const ROOM: &str = "demo";

const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns a text that gets somebody going.
pub(crate) fn dev_welcome(
    http: SocketAddr,
    rtmp: SocketAddr,
    tokens: &TokenKey,
    now: ServerTime,
) -> String {
    let mut text = format!(
        "Lianmai is up, for this machine only (--dev: the secret is public).\n\
         \n\
         rooms    http://{http}/\n\
         studio   http://{http}/studio?room={ROOM}&identity=alice\n\
         watch    http://{http}/watch?room={ROOM}\n\
         RTMP     rtmp://{rtmp}/live/{ROOM}\n\
         \n\
         Tokens for room \"{ROOM}\", good for a day:\n"
    );
    for (identity, role) in [("alice", Role::Host), ("bob", Role::Guest), ("carol", Role::Viewer)] {
        let token = tokens.sign(&claims(ROOM, identity, role, now));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:7}  {identity}: {token}", role.as_str());
    }
    text
}

fn claims(room: &str, identity: &str, role: Role, now: ServerTime) -> Claims {
    let room = RoomId::parse(room).expect("the demo room has a good name");
    let user = UserId::parse(identity).expect("the demo users have good names");
    Claims::new(
        room,
        Member { user, name: identity.into(), role, caps: room_rules::Areas::ALL },
        now,
        LIFETIME,
    )
}
