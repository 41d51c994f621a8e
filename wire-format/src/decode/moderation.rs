//! Who may talk and be here, and what may be said.

use room_rules::{Command, ModerationCommand, ReasonCode, SlowMode, Ttl, Word};
use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, Nothing, messages};
use super::seat::UserBody;
use super::user_id;

/// Words in one message.
const WORDS_MAX: usize = 50;

pub(super) const COMMANDS: &[Message<Command>] = messages! {
    "mod.mute": MuteBody => |body| body.read().map(order);
    "mod.unmute": UserBody => |body| Ok(order(ModerationCommand::Unmute(body.read()?)));
    "mod.ban": BanBody => |body| body.read().map(order);
    "mod.unban": UserBody => |body| Ok(order(ModerationCommand::Unban(body.read()?)));
    "mod.slow": SlowBody => |body| {
        let every = SlowMode::new(body.every_s).ok_or("every_s must be 0 to 300")?;
        Ok(order(ModerationCommand::SlowMode(every)))
    };
    "mod.mute_all": MuteAllBody => |body| Ok(order(ModerationCommand::MuteAll(body.on)));
    "mod.words": WordsBody => |body| {
        let (add, remove) = (words(&body.add)?, words(&body.remove)?);
        Ok(order(ModerationCommand::Words { add, remove }))
    };
    "mod.list": Nothing => |_| Ok(order(ModerationCommand::List));
};

const fn order(command: ModerationCommand) -> Command {
    Command::Moderation(command)
}

/// Without `ttl_s`, for good.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ModMute")]
struct MuteBody {
    user: String,
    #[schemars(range(min = 1, max = 31_622_400))]
    ttl_s: Option<u32>,
}

impl MuteBody {
    fn read(self) -> Result<ModerationCommand, String> {
        let user = user_id(&self.user)?;
        Ok(ModerationCommand::Mute { user, ttl: self.ttl_s.map(ttl).transpose()? })
    }
}

/// Without `ttl_s`, for good; with `wipe`, what they said is taken away, too.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ModBan")]
struct BanBody {
    user: String,
    #[schemars(range(min = 1, max = 31_622_400))]
    ttl_s: Option<u32>,
    #[schemars(regex(pattern = "^[a-z0-9_]{1,64}$"))]
    reason: Option<String>,
    #[serde(default)]
    wipe: bool,
}

impl BanBody {
    fn read(self) -> Result<ModerationCommand, String> {
        let user = user_id(&self.user)?;
        let ttl = self.ttl_s.map(ttl).transpose()?;
        let reason = self.reason.as_deref().map(reason_code).transpose()?;
        Ok(ModerationCommand::Ban { user, ttl, reason, wipe: self.wipe })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ModSlow")]
struct SlowBody {
    #[schemars(range(max = 300))]
    every_s: u32,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ModMuteAll")]
struct MuteAllBody {
    on: bool,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ModWords")]
struct WordsBody {
    #[serde(default)]
    #[schemars(length(max = 50))]
    add: Vec<String>,
    #[serde(default)]
    #[schemars(length(max = 50))]
    remove: Vec<String>,
}

fn ttl(seconds: u32) -> Result<Ttl, String> {
    Ttl::new(seconds).ok_or_else(|| "ttl_s must be 1 to 31622400".to_owned())
}

pub(super) fn reason_code(text: &str) -> Result<ReasonCode, String> {
    ReasonCode::parse(text).ok_or_else(|| "reason must hold 1 to 64 of a-z 0-9 _".to_owned())
}

fn words(texts: &[String]) -> Result<Vec<Word>, String> {
    if texts.len() > WORDS_MAX {
        return Err(format!("at most {WORDS_MAX} words at once"));
    }
    let word = |text: &String| {
        Word::parse(text)
            .ok_or_else(|| "a word must hold 1 to 40 characters, one of them a letter".to_owned())
    };
    texts.iter().map(word).collect()
}
