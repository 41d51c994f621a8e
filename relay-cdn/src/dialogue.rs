//! What a player may ask for and what we answer, up to `play` (RTMP 1.0 section 7.2).
//!
//! Players differ in what they send on the way: FFmpeg asks for `getStreamLength` and `_checkbw`,
//! others call `FCSubscribe`. Whatever expects an answer gets one, or they would wait for it.

use std::collections::HashMap;

use rml_rtmp::rml_amf0::Amf0Value;

use crate::rtmp::{Command, STREAM_ID, status};

/// The one application that can be played from.
const APP: &str = "live";
/// More than any player needs before it plays.
const MAX_COMMANDS: u32 = 64;
const MAX_NAME: usize = 256;

/// Answers one player's commands.
#[derive(Debug, Default)]
pub(crate) struct Dialogue {
    is_connected: bool,
    commands: u32,
}

/// What follows from a command.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// Send this, with the message stream to send it on; go on listening.
    Answer(Vec<(Command, u32)>),
    /// The player wants this stream.
    Play(String),
    /// Send this, if anything, then close.
    Close(Option<(Command, u32)>, Refusal),
}

/// Why a player is turned away; each is a metric's label.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// It left by itself.
    Left,
    /// It asked for an application that does not exist.
    UnknownApp,
    /// It wanted to publish.
    Publishing,
    /// It talks too much, or out of order.
    BadDialogue,
}

impl Dialogue {
    /// Takes the player's next command.
    pub(crate) fn handle_command(&mut self, command: &Command) -> Step {
        self.commands += 1;
        if self.commands > MAX_COMMANDS {
            return Step::Close(None, Refusal::BadDialogue);
        }
        match (command.name.as_str(), self.is_connected) {
            ("connect", false) => self.connect(command),
            ("connect", true) | (_, false) => Step::Close(None, Refusal::BadDialogue),
            ("createStream", true) => {
                let created = vec![Amf0Value::Null, Amf0Value::Number(f64::from(STREAM_ID))];
                answer(result(command, created))
            }
            ("getStreamLength", true) => {
                answer(result(command, vec![Amf0Value::Null, Amf0Value::Number(0.0)]))
            }
            ("play", true) => match command.text(1).map(stream_name) {
                Some(name) if (1..=MAX_NAME).contains(&name.len()) => Step::Play(name.to_owned()),
                Some(_) | None => Step::Close(None, Refusal::BadDialogue),
            },
            ("publish", true) => {
                let status = on_status(
                    "error",
                    "NetStream.Publish.Denied",
                    "Publishing by RTMP is not offered here.",
                );
                Step::Close(Some((status, STREAM_ID)), Refusal::Publishing)
            }
            ("deleteStream" | "closeStream", true) => Step::Close(None, Refusal::Left),
            (_, true) if command.transaction != 0.0 => {
                answer(result(command, vec![Amf0Value::Null, Amf0Value::Null]))
            }
            (_, true) => Step::Answer(Vec::new()),
        }
    }

    fn connect(&mut self, command: &Command) -> Step {
        let app = command.property("app").unwrap_or_default();
        if stream_name(app).trim_end_matches('/') != APP {
            let error = Command {
                name: "_error".to_owned(),
                transaction: command.transaction,
                arguments: vec![
                    Amf0Value::Null,
                    status("error", "NetConnection.Connect.Rejected", "No such application."),
                ],
            };
            return Step::Close(Some((error, 0)), Refusal::UnknownApp);
        }
        self.is_connected = true;
        let server = Amf0Value::Object(HashMap::from([
            ("fmsVer".to_owned(), Amf0Value::Utf8String("FMS/3,0,1,123".to_owned())),
            ("capabilities".to_owned(), Amf0Value::Number(31.0)),
        ]));
        let mut success = status("status", "NetConnection.Connect.Success", "Connected.");
        if let Amf0Value::Object(properties) = &mut success {
            properties.insert("objectEncoding".to_owned(), Amf0Value::Number(0.0));
        }
        answer(result(command, vec![server, success]))
    }
}

/// Builds an `onStatus` command.
pub(crate) fn on_status(level: &str, code: &str, description: &str) -> Command {
    Command {
        name: "onStatus".to_owned(),
        transaction: 0.0,
        arguments: vec![Amf0Value::Null, status(level, code, description)],
    }
}

fn answer(command: Command) -> Step {
    Step::Answer(vec![(command, 0)])
}

fn result(to: &Command, arguments: Vec<Amf0Value>) -> Command {
    Command { name: "_result".to_owned(), transaction: to.transaction, arguments }
}

/// Leaves out what comes after a question mark.
fn stream_name(name: &str) -> &str {
    name.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(name: &str, transaction: f64, arguments: Vec<Amf0Value>) -> Command {
        Command { name: name.to_owned(), transaction, arguments }
    }

    fn connect(app: &str) -> Command {
        let app = Amf0Value::Utf8String(app.to_owned());
        let object = Amf0Value::Object(HashMap::from([("app".to_owned(), app)]));
        command("connect", 1.0, vec![object])
    }

    fn play(name: &str) -> Command {
        let name = Amf0Value::Utf8String(name.to_owned());
        command("play", 0.0, vec![Amf0Value::Null, name])
    }

    #[test]
    fn a_player_that_asks_like_ffmpeg_gets_to_play() {
        let mut dialogue = Dialogue::default();
        for asked in [
            connect("live/"),
            command("_checkbw", 2.0, vec![Amf0Value::Null]),
            command("createStream", 3.0, vec![Amf0Value::Null]),
            command("getStreamLength", 4.0, vec![Amf0Value::Null]),
        ] {
            let Step::Answer(answers) = dialogue.handle_command(&asked) else {
                panic!("{asked:?} must be answered");
            };
            assert_eq!(answers[0].0.name, "_result");
            assert_eq!(answers[0].0.transaction, asked.transaction);
        }
        assert_eq!(dialogue.handle_command(&play("room?x=1")), Step::Play("room".to_owned()));
    }

    #[test]
    fn publishers_strangers_and_chatterboxes_are_turned_away() {
        let refusal = |commands: &[Command]| {
            let mut dialogue = Dialogue::default();
            commands.iter().find_map(|command| match dialogue.handle_command(command) {
                Step::Close(_, refusal) => Some(refusal),
                Step::Answer(_) | Step::Play(_) => None,
            })
        };
        let publish = command("publish", 5.0, vec![Amf0Value::Null]);
        let noise = command("noise", 0.0, Vec::new());

        assert_eq!(refusal(&[connect("live"), publish]), Some(Refusal::Publishing));
        assert_eq!(refusal(&[connect("vod")]), Some(Refusal::UnknownApp));
        assert_eq!(refusal(&[play("room")]), Some(Refusal::BadDialogue));
        assert_eq!(refusal(&[connect("live"), play("")]), Some(Refusal::BadDialogue));
        assert_eq!(refusal(&[connect("live"), play(&"x".repeat(300))]), Some(Refusal::BadDialogue));
        let mut chatter = vec![connect("live")];
        chatter.resize(100, noise);
        assert_eq!(refusal(&chatter), Some(Refusal::BadDialogue));
    }
}
