//! Arbitrary commands of arbitrary people at arbitrary times, through a room. Each line of the input
//! is one: a byte that says how much later, a byte that says who, and a frame as a client sends it,
//! in which `@sale` stands for the last sale that was made, and so on.
//!
//! The room checks itself after every step; besides, everything it says can be written down, and its
//! journal makes the same room again.

use std::collections::BTreeMap;

use room_rules::{
    Areas, Command, Decided, Effect, Input, MediaChange, Member, Role, Room, RoomId, RoomSettings,
    Seed, ServerTime, SessionId, Title, UserId,
};
use wire_format::{ClientMessage, Code, encode_event, encode_reply, encode_snapshot};

const DAWN: u64 = 1_790_000_000_000;
/// More than a fuzzer needs to get anywhere.
const LINES_MAX: usize = 60;

/// Feeds a room with `data`; returns how many commands it carried out.
pub(crate) fn run(data: &[u8]) -> usize {
    let mut life = Life::new();
    for line in data.split(|byte| *byte == b'\n').take(LINES_MAX) {
        if let [later, who, frame @ ..] = line {
            life.step(*later, *who, frame);
        }
    }
    life.check_journal()
}

struct Life {
    room: Room,
    now: u64,
    made: BTreeMap<String, String>,
    journal: Vec<(ServerTime, Input, Decided)>,
    done: usize,
}

impl Life {
    fn new() -> Self {
        let mut life = Self {
            room: new_room(),
            now: DAWN,
            made: BTreeMap::new(),
            journal: Vec::new(),
            done: 0,
        };
        for (number, who) in (0..).zip(b"habcvwgmx") {
            let session = SessionId(number);
            let _ = life.room.handle_join(session, member(*who), at(DAWN));
        }
        let host = member(b'h');
        let user = host.user.clone();
        life.take(Input::Publish { by: host });
        life.take(Input::Media { user, change: MediaChange::Started });
        life
    }

    fn step(&mut self, later: u8, who: u8, frame: &[u8]) {
        self.now += match later {
            b'0' => 0,
            b'1' => 1,
            b'2' => 999,
            b'3' => 3_000,
            b'9' => 60_000,
            other => u64::from(other) * u64::from(other),
        };
        let mut text = String::from_utf8_lossy(frame).into_owned();
        for (name, id) in &self.made {
            text = text.replace(&format!("\"@{name}\""), &format!("\"{id}\""));
        }
        let Ok(ClientMessage::Command { mut command, .. }) = ClientMessage::decode(text.as_bytes())
        else {
            return;
        };
        if let Some(seed) = command.seed_wanted() {
            *seed = Some(Seed::new([7; 32]));
        }
        if let Command::Like(_) | Command::ChatSend(_) = command {
            // These need nobody to be here; the others are asked for by who is.
            self.take(Input::Command { by: member(who), command, about: None, key: None });
        } else {
            let input = self.room.command_by(member(who), command);
            self.take(input);
        }
    }

    fn take(&mut self, input: Input) {
        let now = at(self.now);
        let decided = self.room.handle_input(&input, now);
        while let Some(effect) = self.room.poll_effect() {
            if let Effect::Broadcast(event) | Effect::ToUser { event, .. } = effect {
                let _ = encode_event(&event);
            }
        }
        match decided {
            Ok(decided) => {
                self.done += 1;
                let reply = encode_reply(&decided.clone().into_reply());
                let reply: serde_json::Value = serde_json::from_str(&reply).expect("JSON is said");
                for (name, id) in reply.as_object().into_iter().flatten() {
                    if let Some(id) = id.as_str() {
                        self.made.insert(name.clone(), id.to_owned());
                    }
                }
                if input.is_durable() && matches!(decided, Decided::Fresh(_)) {
                    self.journal.push((now, input, decided));
                }
            }
            Err(refused) => assert!(!Code::from(&refused).as_str().is_empty()),
        }
    }

    fn check_journal(mut self) -> usize {
        let mut again = new_room();
        for (at, input, decided) in &self.journal {
            let text = serde_json::to_string(input).expect("an input can be written down");
            let read: Input = serde_json::from_str(&text).expect("and read again");
            assert_eq!(read, *input);
            assert_eq!(again.handle_input(&read, *at).as_ref(), Ok(decided), "{text}");
            while again.poll_effect().is_some() {}
        }
        let now = at(self.now);
        let seen = self.room.look(member(b'x'), now);
        let _ = encode_snapshot(&seen);
        let replayed = again.look(member(b'x'), now);
        assert_eq!(seen.shop, replayed.shop);
        assert_eq!((seen.sales, seen.questions), (replayed.sales, replayed.questions));
        assert_eq!(seen.watermarks.sale, replayed.watermarks.sale);
        assert_eq!(seen.watermarks.room, replayed.watermarks.room);
        self.done
    }
}

fn new_room() -> Room {
    let id = RoomId::parse("a").expect("it is a name");
    let title = Title::parse("A").expect("it is a title");
    Room::new(id, &title, RoomSettings::default(), at(DAWN))
}

/// One letter, one person, of whom most are viewers.
fn member(letter: u8) -> Member {
    let role = match letter {
        b'h' => Role::Host,
        b'a' => Role::Assistant,
        b'g' => Role::Guest,
        b'm' => Role::Moderator,
        b'x' => Role::Admin,
        _ => Role::Viewer,
    };
    let user = UserId::parse(&format!("u{letter}")).expect("it is a name");
    Member { user, name: "U".into(), role, caps: Areas::ALL }
}

fn at(millis: u64) -> ServerTime {
    ServerTime::from_unix_millis(millis)
}
