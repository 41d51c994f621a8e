//! relay-cdn
