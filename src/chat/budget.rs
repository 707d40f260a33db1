//! How large an answer may become: the entries of its lists are counted in bytes as they are put in.

use std::io;

use serde::Serialize;

/// How many bytes of JSON are left for a list.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
    /// The next entry goes in whatever its size: a list that is asked for again and again must get on.
    first: bool,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: bytes, first: true }
    }

    /// Whether the list has room for one more entry, which is counted then.
    pub(super) fn takes(&mut self, entry: &impl Serialize) -> bool {
        let bytes = json_bytes(entry).saturating_add(COMMA);
        if bytes > self.left && !self.first {
            return false;
        }
        self.first = false;
        self.left = self.left.saturating_sub(bytes);
        true
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.left
    }
}

/// What stands between two entries of a list.
const COMMA: usize = 1;

/// How many bytes a value has as JSON, without writing it anywhere.
fn json_bytes(value: &impl Serialize) -> usize {
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        Err(_) => usize::MAX,
    }
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_takes_its_first_entry_and_then_what_fits() {
        let mut budget = Budget::new(12);
        assert!(budget.takes(&"\u{1}"), "8 bytes and a comma");
        assert_eq!(budget.left(), 3);
        assert!(!budget.takes(&"é"), "4 bytes and a comma");
        assert!(budget.takes(&""), "2 bytes and a comma");
        assert_eq!(budget.left(), 0);
        assert!(!budget.takes(&1));
        let mut small = Budget::new(2);
        assert!(small.takes(&"much more than two bytes"));
        assert_eq!(small.left(), 0);
    }
}
