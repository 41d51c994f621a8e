//! Chains the rows of a life by hashes, so that none can be changed, left out or put in later
//! without it showing.

use ring::digest::{Context, SHA256, digest};

use crate::LifeId;

/// The part of a row that its hash covers.
pub(crate) struct Hashed<'a> {
    pub(crate) seq: u64,
    pub(crate) at: u64,
    pub(crate) kind: &'a str,
    pub(crate) rules: u32,
    pub(crate) input: &'a str,
    pub(crate) outcome: &'a str,
}

/// Returns what the first row of a life is chained to.
pub(crate) fn root(room: &str, life: LifeId) -> [u8; 32] {
    bytes(digest(&SHA256, format!("lianmai ledger 1\n{room}\n{}", life.0).as_bytes()))
}

/// Returns the hash of the row that follows the one whose hash is `before`.
pub(crate) fn next(before: &[u8; 32], row: &Hashed<'_>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(before);
    context.update(&row.seq.to_be_bytes());
    context.update(&row.at.to_be_bytes());
    context.update(&row.rules.to_be_bytes());
    // With its length before it, no text can be taken for the end of another.
    for text in [row.kind, row.input, row.outcome] {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    bytes(context.finish())
}

fn bytes(digest: ring::digest::Digest) -> [u8; 32] {
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
