//! Messages on their way, and what is counted of them.

use std::time::Instant;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Stands on both sides of a message's number in its payload, and nowhere else in what servers send.
const MARK: u8 = b'~';
const NUMBER_DIGITS: usize = 8;
/// The longest latency that the histogram tells apart, in microseconds.
const LONGEST_US: u64 = 120_000_000;
/// The histogram's resolution, in significant digits.
const DIGITS: u8 = 3;

/// A message on its way.
pub(crate) struct OnItsWay {
    /// When it was sent or, in an open loop, when it was due.
    pub(crate) since: Instant,
    pub(crate) sender: usize,
    /// Receivers that don't have it yet.
    pub(crate) remaining: usize,
}

/// What is counted.
pub(crate) struct Counts {
    /// By number.
    pub(crate) messages: Vec<OnItsWay>,
    pub(crate) done: usize,
    pub(crate) deliveries: u64,
    /// Receipts of messages that the receivers had already, or that nobody sent.
    pub(crate) strays: u64,
    /// Microseconds from each message to each of its receipts.
    pub(crate) latency: Histogram<u64>,
}

impl Counts {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            messages: Vec::new(),
            done: 0,
            deliveries: 0,
            strays: 0,
            latency: Histogram::new_with_bounds(1, LONGEST_US, DIGITS)?,
        })
    }

    /// One receiver has this message; tells the sender if it was the last one.
    pub(crate) fn receipt(&mut self, number: usize) -> Option<usize> {
        let Some(message) = self.messages.get_mut(number).filter(|message| message.remaining > 0) else {
            self.strays += 1;
            return None;
        };
        message.remaining -= 1;
        self.deliveries += 1;
        self.latency.saturating_record(u64::try_from(message.since.elapsed().as_micros()).unwrap_or(u64::MAX));
        if message.remaining > 0 {
            return None;
        }
        self.done += 1;
        Some(message.sender)
    }

    /// Counts from now on; what is on its way stays so.
    pub(crate) fn restart(&mut self) {
        (self.done, self.deliveries) = (0, 0);
        self.latency.reset();
    }

    pub(crate) fn latencies(&self) -> Value {
        let at = |quantile| self.latency.value_at_quantile(quantile) as f64 / 1e3;
        json!({
            "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999), "max": self.latency.max() as f64 / 1e3,
        })
    }
}

/// What a payload begins with, so that its receivers know the message.
pub(crate) fn mark(number: usize) -> String {
    let mark = char::from(MARK);
    format!("{mark}{number:0NUMBER_DIGITS$x}{mark}")
}

/// The number of the message that these bytes hold.
pub(crate) fn number_in(bytes: &[u8]) -> Option<usize> {
    let start = memchr::memchr(MARK, bytes)? + 1;
    let digits = bytes.get(start..start + NUMBER_DIGITS)?;
    (bytes.get(start + NUMBER_DIGITS) == Some(&MARK)).then_some(())?;
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_wherever_the_payload_stands() {
        assert_eq!(number_in(br#"["message",{"text":"~000000ff~xxx"}]"#), Some(255));
        assert_eq!(number_in(b"~0000002a~"), Some(42));
        for other in [&b"~0000002a"[..], b"~000002a~~", b"nothing", b""] {
            assert_eq!(number_in(other), None);
        }
    }

    #[test]
    fn each_receipt_counts_once() {
        let mut counts = Counts::new().unwrap();
        counts.messages.push(OnItsWay { since: Instant::now(), sender: 7, remaining: 2 });
        assert_eq!(
            [counts.receipt(0), counts.receipt(0), counts.receipt(0), counts.receipt(1)],
            [None, Some(7), None, None]
        );
        assert_eq!((counts.deliveries, counts.done, counts.strays), (2, 1, 2));
    }
}
