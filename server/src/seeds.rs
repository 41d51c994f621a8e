//! Randomness enters a room with the command that needs it, here at the edge: the rules make none,
//! and what decided a draw is in the journal with the command.

use ring::rand::{SecureRandom, SystemRandom};
use room_rules::{Command, Seed};

/// Puts a seed into a command that needs one and can have none from its client.
pub(crate) fn seeded(mut command: Command) -> Command {
    if let Some(seed) = command.seed_wanted() {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).expect("the system gives random bytes");
        *seed = Some(Seed::new(bytes));
    }
    command
}
