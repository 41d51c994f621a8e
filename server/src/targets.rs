//! The RTMP targets of one room. Each is a task of its own in `relay-cdn`; here they only have names.

use std::collections::HashMap;

use relay_cdn::{Hub, PushTarget, TargetError, TargetState};
use wire_format::{Code, Target};

use crate::gauge::Counted;

/// A room pushes to this many targets at most; each is a connection and a copy of the bit rate.
const MAX_TARGETS: usize = 16;

/// The targets of one room.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    last_id: u64,
    running: Vec<Running>,
    /// Whether each was live, as back ends were told last.
    told: HashMap<String, bool>,
}

#[derive(Debug)]
struct Running {
    id: String,
    target: PushTarget,
    _counted: Counted,
}

impl Targets {
    /// Starts pushing what goes through `hub` to `url`.
    ///
    /// # Errors
    /// If the URL is not one that RTMP can push to, or there are too many targets.
    pub(crate) fn add(&mut self, hub: &Hub, url: &str) -> Result<Target, AddError> {
        if self.running.len() >= MAX_TARGETS {
            return Err(AddError::TooMany);
        }
        let id = format!("t{}", self.last_id + 1);
        let target = PushTarget::start(hub.clone(), id.clone(), url)?;
        self.last_id += 1;
        let running = Running { id, target, _counted: Counted::new("server_targets") };
        let view = running.view();
        self.running.push(running);
        Ok(view)
    }

    /// Takes `id` out, to be stopped.
    pub(crate) fn remove(&mut self, id: &str) -> Option<PushTarget> {
        let index = self.running.iter().position(|running| running.id == id)?;
        Some(self.running.remove(index).target)
    }

    /// Takes all out, to be stopped.
    pub(crate) fn drain(&mut self) -> Vec<PushTarget> {
        self.running.drain(..).map(|running| running.target).collect()
    }

    /// Returns how all are doing.
    pub(crate) fn list(&self) -> Vec<Target> {
        self.running.iter().map(Running::view).collect()
    }

    /// Returns those that went live or failed since this was asked last.
    pub(crate) fn changed(&mut self) -> Vec<Target> {
        let list = self.list();
        self.told.retain(|id, _| list.iter().any(|target| target.id == *id));
        let mut changed = Vec::new();
        for target in list {
            let is_live = target.state == wire_format::TargetState::Live;
            let before = self.told.get(&target.id).copied();
            // One that was never live has failed once it says why.
            let is_news = match before {
                Some(before) => before != is_live,
                None => is_live || target.error.is_some(),
            };
            if is_news {
                self.told.insert(target.id.clone(), is_live);
                changed.push(target);
            }
        }
        changed
    }

    /// Returns whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }
}

impl Running {
    fn view(&self) -> Target {
        let status = self.target.status();
        Target {
            id: self.id.clone(),
            url: self.target.masked_url(),
            state: match status.state {
                TargetState::Connecting => wire_format::TargetState::Connecting,
                TargetState::Live => wire_format::TargetState::Live,
                // A target that is over is taken out with the same step.
                TargetState::Waiting | TargetState::Stopped => wire_format::TargetState::Waiting,
            },
            attempts: status.attempts.into(),
            error: status.error,
        }
    }
}

/// Why a target was not added.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddError {
    /// The URL cannot be pushed to.
    #[error(transparent)]
    Url(#[from] TargetError),
    /// The room has as many as it may.
    #[error("a room pushes to at most {MAX_TARGETS} targets")]
    TooMany,
}

impl AddError {
    /// Returns what the client is told.
    pub(crate) const fn code(&self) -> Code {
        match self {
            Self::Url(_) => Code::BadRequest,
            Self::TooMany => Code::Conflict,
        }
    }
}
