//! Messages about the room as a whole.

use room_rules::Command;

use super::message::{Message, Nothing, messages};

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "room.end": Nothing => |_| Ok(Command::RoomEnd);
};
