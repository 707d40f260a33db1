//! Numbers as JavaScript has them.

use serde_json::Number;

/// A number that counts something. JavaScript has one kind of number: 1.0 is 1, and -0 is 0.
pub(super) fn whole(number: &Number) -> Option<u64> {
    /// Up to here each whole number has a float of its own.
    const MOST: f64 = 9_007_199_254_740_992.0;
    let float = || number.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=MOST).contains(n));
    number.as_u64().or_else(|| float().map(|n| n as u64))
}

/// The same from JSON.
pub(super) fn whole_number(json: &str) -> Option<u64> {
    whole(&serde_json::from_str(json).ok()?)
}
