//! AMF0, reading only, with limits on depth and size (Action Message Format, AMF 0).
//!
//! The values are those of `rml_amf0`, which also writes them. Its own reader goes as deep as the
//! input tells it to, so a few kilobytes from a stranger would end the process.

use std::collections::HashMap;

use bytes::Buf;
use rml_rtmp::rml_amf0::Amf0Value;

const MAX_DEPTH: usize = 8;
const MAX_VALUES: usize = 512;

/// The bytes are no AMF0, or go beyond the limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("malformed AMF0")]
pub(crate) struct AmfError;

/// Reads values until the end of the message.
pub(crate) fn read_all(bytes: &[u8]) -> Result<Vec<Amf0Value>, AmfError> {
    let mut reader = Reader { bytes, values_left: MAX_VALUES };
    let mut values = Vec::new();
    while !reader.bytes.is_empty() {
        values.push(reader.value(MAX_DEPTH)?);
    }
    Ok(values)
}

struct Reader<'a> {
    bytes: &'a [u8],
    values_left: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth_left: usize) -> Result<Amf0Value, AmfError> {
        self.values_left = self.values_left.checked_sub(1).ok_or(AmfError)?;
        let depth_left = depth_left.checked_sub(1).ok_or(AmfError)?;
        Ok(match self.take(1)?[0] {
            0x00 => Amf0Value::Number(self.take(8)?.get_f64()),
            0x01 => Amf0Value::Boolean(self.take(1)?[0] != 0),
            0x02 => {
                let length = self.take(2)?.get_u16();
                Amf0Value::Utf8String(self.text(length.into())?)
            }
            0x03 => self.object(depth_left)?,
            0x05 => Amf0Value::Null,
            0x06 => Amf0Value::Undefined,
            0x08 => {
                // The count is a hint; the end marker counts.
                self.take(4)?;
                self.object(depth_left)?
            }
            0x0a => {
                let count = self.take(4)?.get_u32();
                let mut items = Vec::new();
                for _ in 0..count {
                    items.push(self.value(depth_left)?);
                }
                Amf0Value::StrictArray(items)
            }
            0x0b => {
                // A date: milliseconds and an unused time zone.
                let millis = self.take(8)?.get_f64();
                self.take(2)?;
                Amf0Value::Number(millis)
            }
            0x0c => {
                let length = self.take(4)?.get_u32();
                Amf0Value::Utf8String(self.text(usize::try_from(length).map_err(|_| AmfError)?)?)
            }
            _ => return Err(AmfError),
        })
    }

    fn object(&mut self, depth_left: usize) -> Result<Amf0Value, AmfError> {
        let mut properties = HashMap::new();
        loop {
            let length = self.take(2)?.get_u16();
            if length == 0 && self.bytes.first() == Some(&0x09) {
                self.take(1)?;
                return Ok(Amf0Value::Object(properties));
            }
            let name = self.text(length.into())?;
            properties.insert(name, self.value(depth_left)?);
        }
    }

    fn text(&mut self, length: usize) -> Result<String, AmfError> {
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn take(&mut self, length: usize) -> Result<&[u8], AmfError> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(AmfError)?;
        self.bytes = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use rml_rtmp::rml_amf0::serialize;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let object = HashMap::from([
            ("app".to_owned(), Amf0Value::Utf8String("live".to_owned())),
            ("fpad".to_owned(), Amf0Value::Boolean(false)),
        ]);
        let values = vec![
            Amf0Value::Utf8String("connect".to_owned()),
            Amf0Value::Number(1.0),
            Amf0Value::Object(object),
            Amf0Value::Null,
            Amf0Value::StrictArray(vec![Amf0Value::Number(2.0)]),
        ];
        assert_eq!(read_all(&serialize(&values).unwrap()), Ok(values));
    }

    #[test]
    fn nesting_without_end_is_refused() {
        assert_eq!(read_all(&[3, 0, 1, b'a'].repeat(10_000)), Err(AmfError));
        assert_eq!(read_all(&[0x0a, 0xff, 0xff, 0xff, 0xff].repeat(10_000)), Err(AmfError));
        assert_eq!(read_all(&[0x0a, 0xff, 0xff, 0xff, 0xff, 5, 5]), Err(AmfError));
        assert_eq!(read_all(&[5].repeat(60_000)), Err(AmfError));
    }

    #[test]
    fn no_bytes_whatever_make_it_panic() {
        let mut read = 0;
        for seed in 0..20_000 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let bytes: Vec<u8> = (0..rng.usize(0..60)).map(|_| rng.u8(0..14)).collect();
            read += u32::from(read_all(&bytes).is_ok());
        }
        assert!(read > 100, "some must be valid");
    }
}
