//! Asks a back end before something happens: one signed request, one short budget. Whoever asks is a
//! connection's own task, so a slow answer keeps nobody else waiting. What does not answer in time is
//! taken for a yes or a no, as the configuration says for each kind of question.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use room_rules::{
    ChatContent, ChatText, Command, GiftCatalog, GiftOrder, Member, RoomId, TalkCommand,
};
use serde::Deserialize;
use serde_json::{Value, json};
use signaling::{Coming, Refused, RoomClock, TokenKey};
use tokio::sync::Semaphore;
use tracing::debug;
use wire_format::Code;

use crate::config::{Fail, Hooks as Settings};
use crate::webhooks::{address, key};

/// An answer is one small object.
const ANSWER_MAX: usize = 16 * 1024;
/// The longest reason that is passed on to a client.
const REASON_MAX: usize = 200;

/// The back ends that are asked.
pub(crate) struct Hooks {
    client: reqwest::Client,
    key: TokenKey,
    clock: RoomClock,
    gifts: GiftCatalog,
    budget: Duration,
    /// Full: a question counts as not answered.
    places: Semaphore,
    join: Option<Hook>,
    chat: Option<Hook>,
    wallet: Option<Hook>,
}

struct Hook {
    kind: &'static str,
    url: reqwest::Url,
    fail: Fail,
}

#[derive(Deserialize)]
struct Answer {
    allow: bool,
    reason: Option<String>,
    /// What is said instead.
    text: Option<String>,
}

/// What came of a question.
enum Said {
    Yes { text: Option<String> },
    No { reason: String },
}

impl Hooks {
    /// Reads whom to ask.
    ///
    /// # Errors
    /// If an address or the secret cannot be used.
    pub(crate) fn new(
        settings: &Settings,
        tokens: &TokenKey,
        gifts: GiftCatalog,
        clock: RoomClock,
    ) -> anyhow::Result<Arc<Self>> {
        let hook = |kind, url: &str, fail| -> anyhow::Result<Option<Hook>> {
            if url.is_empty() {
                return Ok(None);
            }
            let url = address(url).with_context(|| format!("hooks.{kind}_url"))?;
            Ok(Some(Hook { kind, url, fail }))
        };
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(32)
            .build()
            .context("cannot set up a client for hooks")?;
        Ok(Arc::new(Self {
            client,
            key: key(&settings.secret, tokens).context("hooks.secret")?,
            clock,
            gifts,
            budget: Duration::from_millis(settings.budget_ms.max(1)),
            places: Semaphore::new(settings.parallel.clamp(1, 10_000)),
            join: hook("join", &settings.join_url, settings.join_fail)?,
            chat: hook("chat", &settings.chat_url, settings.chat_fail)?,
            wallet: hook("wallet", &settings.wallet_url, settings.wallet_fail)?,
        }))
    }

    /// Asks, at most for as long as the budget lasts.
    async fn ask(&self, hook: &Hook, question: &Value) -> Result<Said, Refused> {
        let began = Instant::now();
        let asked = match self.places.try_acquire() {
            Ok(_place) => {
                match tokio::time::timeout(self.budget, self.post(hook, question)).await {
                    Ok(Ok(answer)) => Ok(answer),
                    Ok(Err(error)) => Err((error, "failed")),
                    Err(_) => Err((anyhow::anyhow!("no answer in time"), "late")),
                }
            }
            Err(_) => Err((anyhow::anyhow!("too many questions at once"), "full")),
        };
        metrics::histogram!("server_hook_seconds", "hook" => hook.kind).record(began.elapsed());
        let (outcome, said) = match asked {
            Ok(Answer { allow: true, text, .. }) => ("allowed", Ok(Said::Yes { text })),
            Ok(Answer { reason, .. }) => {
                let reason = reason.unwrap_or_default().chars().take(REASON_MAX).collect();
                ("refused", Ok(Said::No { reason }))
            }
            Err((error, outcome)) => {
                debug!(hook = hook.kind, error = format!("{error:#}"), "A hook did not answer.");
                let said = match hook.fail {
                    Fail::Open => Ok(Said::Yes { text: None }),
                    Fail::Closed => Err(Refused::new(
                        Code::HookFailed,
                        "whoever must agree to it did not answer in time, try again",
                    )),
                };
                (outcome, said)
            }
        };
        metrics::counter!("server_hooks_total", "hook" => hook.kind, "outcome" => outcome)
            .increment(1);
        said
    }

    async fn post(&self, hook: &Hook, question: &Value) -> anyhow::Result<Answer> {
        let body = question.to_string();
        let token = self.key.sign_body(body.as_bytes(), self.clock.now());
        let request = self.client.post(hook.url.clone()).header(CONTENT_TYPE, "application/json");
        let sent = request.header(AUTHORIZATION, token).body(body).send().await;
        let mut answer = sent.map_err(reqwest::Error::without_url)?;
        anyhow::ensure!(answer.status().is_success(), "it is answered {}", answer.status());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            bytes.extend_from_slice(&chunk);
            anyhow::ensure!(bytes.len() <= ANSWER_MAX, "its answer is too long");
        }
        serde_json::from_slice(&bytes).context("its answer cannot be understood")
    }

    async fn review(
        &self,
        hook: &Hook,
        (room, member): (&RoomId, &Member),
        line: ChatText,
    ) -> Result<ChatText, Refused> {
        let mut question = about("chat.review", room, member);
        question["text"] = line.as_str().into();
        match self.ask(hook, &question).await? {
            Said::Yes { text: None } => Ok(line),
            Said::Yes { text: Some(other) } => ChatText::parse(&other).ok_or_else(|| {
                Refused::new(Code::ContentRejected, "nothing is left of what was said")
            }),
            Said::No { reason } => Err(refused(Code::ContentRejected, reason)),
        }
    }

    async fn debit(
        &self,
        hook: &Hook,
        (room, member): (&RoomId, &Member),
        order: &GiftOrder,
    ) -> Result<(), Refused> {
        // The room says what is wrong with a gift that there is not.
        let Some(gift) = self.gifts.gifts().iter().find(|gift| gift.id == order.gift) else {
            return Ok(());
        };
        let count = order.count.number();
        let mut question = about("wallet.debit", room, member);
        question["gift"] = order.gift.as_str().into();
        question["count"] = count.into();
        question["coins"] = (gift.coins * u64::from(count)).into();
        question["idem"] = order.idem.as_str().into();
        match self.ask(hook, &question).await? {
            Said::Yes { .. } => Ok(()),
            Said::No { reason } => Err(refused(Code::PaymentRefused, reason)),
        }
    }
}

impl signaling::Hooks for Hooks {
    fn may_come<'a>(
        &'a self,
        room: &'a RoomId,
        member: &'a Member,
        to: Coming,
    ) -> BoxFuture<'a, Result<(), Refused>> {
        Box::pin(async move {
            let Some(hook) = &self.join else { return Ok(()) };
            let mut question = about("auth.join", room, member);
            question["to"] = to.as_str().into();
            match self.ask(hook, &question).await? {
                Said::Yes { .. } => Ok(()),
                Said::No { reason } => Err(refused(Code::Forbidden, reason)),
            }
        })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "nobody is asked about most commands")]
    fn concerns(&self, command: &Command) -> bool {
        match command {
            Command::ChatSend(_)
            | Command::Talk(
                TalkCommand::Ask(_)
                | TalkCommand::Whisper { .. }
                | TalkCommand::Show(ChatContent::Danmaku { .. }),
            ) => self.chat.is_some(),
            Command::GiftSend(_) => self.wallet.is_some(),
            _ => false,
        }
    }

    fn look<'a>(
        &'a self,
        room: &'a RoomId,
        member: &'a Member,
        command: Command,
    ) -> BoxFuture<'a, Result<Command, Refused>> {
        Box::pin(async move {
            match (command, &self.chat, &self.wallet) {
                (Command::ChatSend(line), Some(hook), _) => {
                    self.review(hook, (room, member), line).await.map(Command::ChatSend)
                }
                (Command::Talk(TalkCommand::Ask(text)), Some(hook), _) => {
                    let text = self.review(hook, (room, member), text).await?;
                    Ok(Command::Talk(TalkCommand::Ask(text)))
                }
                (Command::Talk(TalkCommand::Whisper { text, to }), Some(hook), _) => {
                    let text = self.review(hook, (room, member), text).await?;
                    Ok(Command::Talk(TalkCommand::Whisper { text, to }))
                }
                (
                    Command::Talk(TalkCommand::Show(ChatContent::Danmaku { text, style })),
                    Some(hook),
                    _,
                ) => {
                    let text = self.review(hook, (room, member), text).await?;
                    Ok(Command::Talk(TalkCommand::Show(ChatContent::Danmaku { text, style })))
                }
                (Command::GiftSend(order), _, Some(hook)) => {
                    self.debit(hook, (room, member), &order).await?;
                    Ok(Command::GiftSend(order))
                }
                (command, _, _) => Ok(command),
            }
        })
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}

fn about(hook: &'static str, room: &RoomId, member: &Member) -> Value {
    json!({
        "hook": hook,
        "room": room.as_str(),
        "user": member.user.as_str(),
        "name": &*member.name,
        "role": member.role.as_str(),
    })
}

fn refused(code: Code, reason: String) -> Refused {
    if reason.is_empty() {
        return Refused::new(code, "the platform does not allow this");
    }
    Refused::new(code, reason)
}

#[cfg(test)]
mod tests;
