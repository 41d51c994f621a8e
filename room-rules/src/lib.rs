//! room-rules
