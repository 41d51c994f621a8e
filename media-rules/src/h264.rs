//! H.264 in its three wrappings: Annex B start codes (inside the program), RTP payloads (RFC 6184)
//! and length prefixes (FLV, MP4).
//!
//! Everything here works on whole access units and never looks below the slice header, so it is
//! the same for every profile.

mod access_unit;
mod annex_b;
mod avcc;
mod packetizer;
mod rtp_payload;
mod sei;
mod slice;
mod sps;

pub use access_unit::{AccessUnit, AccessUnitAssembler, VideoPacket};
pub use annex_b::{NalType, is_keyframe, nals, push_nal};
pub use avcc::{ParameterSets, decoder_configuration, to_length_prefixed};
pub use packetizer::Packetizer;
pub use rtp_payload::{has_parameter_sets, is_discardable, picture_size};
pub use sei::{find_user_data, insert_before_slices, user_data};
pub use slice::has_b_slices;
pub use sps::{SequenceParameters, coded_size};
