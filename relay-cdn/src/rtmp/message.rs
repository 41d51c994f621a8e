//! The messages that matter to us, typed, and the status object that answers most commands.

use std::collections::HashMap;

use bytes::Buf;
use rml_rtmp::messages::RtmpMessage;
use rml_rtmp::rml_amf0::Amf0Value;

use super::amf;
use super::chunk_reader::RawMessage;

/// The one message stream of a connection; `createStream` always answers with it.
pub(crate) const STREAM_ID: u32 = 1;

/// What a peer said.
#[derive(Debug, PartialEq)]
pub(crate) enum Inbound {
    /// A remote procedure call, or the answer to one.
    Command(Command),
    /// It sends chunks of this size from now on.
    ChunkSize(u32),
    /// It wants to hear how much arrived, at least this often.
    AcknowledgeEvery(u32),
    /// It gave up the unfinished message of a chunk stream.
    Abort(u32),
    /// It wants this number back.
    Ping(u32),
    /// Nothing that we act on: acknowledgements, statistics, media.
    Other,
}

/// A remote procedure call (RTMP 1.0 section 7.2).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) transaction: f64,
    /// The command object and the arguments after it.
    pub(crate) arguments: Vec<Amf0Value>,
}

impl Command {
    /// Returns argument `index` as text; the command object is argument 0.
    pub(crate) fn text(&self, index: usize) -> Option<&str> {
        match self.arguments.get(index) {
            Some(Amf0Value::Utf8String(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns argument `index` as a number.
    pub(crate) fn number(&self, index: usize) -> Option<f64> {
        match self.arguments.get(index) {
            Some(Amf0Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// Returns the text property `name` of the first object that has it.
    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        self.arguments.iter().find_map(|argument| {
            let Amf0Value::Object(properties) = argument else {
                return None;
            };
            match properties.get(name) {
                Some(Amf0Value::Utf8String(text)) => Some(text.as_str()),
                _ => None,
            }
        })
    }

    pub(crate) fn into_message(self) -> RtmpMessage {
        let mut arguments = self.arguments.into_iter();
        RtmpMessage::Amf0Command {
            command_name: self.name,
            transaction_id: self.transaction,
            command_object: arguments.next().unwrap_or(Amf0Value::Null),
            additional_arguments: arguments.collect(),
        }
    }
}

impl Inbound {
    /// Reads a message; `Err` if its content contradicts its type.
    pub(crate) fn parse(message: &RawMessage) -> Result<Self, amf::AmfError> {
        let mut payload = &message.payload[..];
        let number = |payload: &mut &[u8]| payload.try_get_u32().map_err(|_| amf::AmfError);
        Ok(match message.type_id {
            1 => Self::ChunkSize(number(&mut payload)? & 0x7fff_ffff),
            2 => Self::Abort(number(&mut payload)?),
            4 => match payload.try_get_u16() {
                Ok(6) => Self::Ping(number(&mut payload)?),
                Ok(_) | Err(_) => Self::Other,
            },
            5 => Self::AcknowledgeEvery(number(&mut payload)?),
            20 => Self::Command(command(payload)?),
            // A command in AMF3 clothes: one byte, then AMF0 (as Flash and its heirs send it).
            17 => Self::Command(command(payload.strip_prefix(&[0]).unwrap_or(payload))?),
            _ => Self::Other,
        })
    }
}

fn command(payload: &[u8]) -> Result<Command, amf::AmfError> {
    let mut values = amf::read_all(payload)?.into_iter();
    let Some(Amf0Value::Utf8String(name)) = values.next() else {
        return Err(amf::AmfError);
    };
    // A few clients leave it out where no answer is expected.
    let transaction = match values.next() {
        Some(Amf0Value::Number(transaction)) => transaction,
        _ => 0.0,
    };
    Ok(Command { name, transaction, arguments: values.collect() })
}

/// Builds the information object of `onStatus` and of answers to `connect`.
pub(crate) fn status(level: &str, code: &str, description: &str) -> Amf0Value {
    let text = |text: &str| Amf0Value::Utf8String(text.to_owned());
    Amf0Value::Object(HashMap::from([
        ("level".to_owned(), text(level)),
        ("code".to_owned(), text(code)),
        ("description".to_owned(), text(description)),
    ]))
}
