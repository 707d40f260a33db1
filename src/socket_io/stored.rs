//! Arguments in a row of the database: a JSON list, and the attachments beside it.

use std::rc::Rc;

use serde_json::value::RawValue;

use super::args::Args;
use crate::database::{DatabaseError, Row};

/// The bytes that a row may have: the platform takes 2 MB, and there is more in a row than what is counted.
pub(crate) const MAX_ROW_BYTES: usize = 2_000_000 - 1_000;

/// Refuses what no row can have. The local runtime takes more than the platform does.
///
/// # Errors
/// [`DatabaseError`] where `size` is more than [`MAX_ROW_BYTES`]; `what` names it in the sentence.
pub(crate) fn check_row(what: &str, size: usize) -> Result<(), DatabaseError> {
    if size > MAX_ROW_BYTES {
        return Err(DatabaseError(format!("{what} of {size} bytes is more than a row may have")));
    }
    Ok(())
}

/// Arguments as a row has them.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The JSON list.
    pub(crate) list: String,
    /// The attachments, each with its length before it; `None` where there are none.
    pub(crate) attachments: Option<Vec<u8>>,
}

impl Stored {
    /// These arguments, after the event's name if they have one, as they stand in a packet.
    pub(crate) fn new(name: Option<&str>, args: &Args<'_>) -> Self {
        let name = name.map(|name| serde_json::Value::from(name).to_string());
        let values: Vec<_> = name.as_deref().into_iter().chain(args.iter().map(RawValue::get)).collect();
        Self { list: format!("[{}]", values.join(",")), attachments: join(args.attachments()) }
    }

    /// How many bytes it has.
    pub(crate) fn size(&self) -> usize {
        self.list.len() + self.attachments.as_ref().map_or(0, Vec::len)
    }
}

/// Values, and the attachments that stand in them.
pub(crate) type Values = (Vec<Box<RawValue>>, Vec<Rc<[u8]>>);

/// What is in these two columns of a row; `None` where it can't be read.
pub(crate) fn read(row: &Row, list: usize, attachments: usize) -> Option<Values> {
    let values = serde_json::from_str(row.text(list)?).ok()?;
    Some((values, split(row.bytes(attachments).unwrap_or_default())?))
}

fn join(attachments: &[Rc<[u8]>]) -> Option<Vec<u8>> {
    if attachments.is_empty() {
        return None;
    }
    let mut joined = Vec::new();
    for bytes in attachments {
        joined.extend((bytes.len() as u64).to_be_bytes());
        joined.extend_from_slice(bytes);
    }
    Some(joined)
}

fn split(mut joined: &[u8]) -> Option<Vec<Rc<[u8]>>> {
    let mut attachments = Vec::new();
    while !joined.is_empty() {
        let (length, rest) = joined.split_first_chunk()?;
        let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
        let (bytes, rest) = rest.split_at_checked(length)?;
        attachments.push(bytes.into());
        joined = rest;
    }
    Some(attachments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_come_back_as_they_were() {
        for sizes in [vec![], vec![0], vec![3, 0, 300]] {
            let attachments: Vec<Rc<[u8]>> = sizes.iter().map(|size| vec![7; *size].into()).collect();
            assert_eq!(split(&join(&attachments).unwrap_or_default()), Some(attachments));
        }
        for damaged in [&[0, 0][..], &[0, 0, 0, 0, 0, 0, 0, 2, 1], &[255; 9]] {
            assert_eq!(split(damaged), None);
        }
    }
}
