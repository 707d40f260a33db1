//! What the polling transport answers over HTTP.

use crate::outbox::Reply;

/// The answer to a GET: packets (H4).
pub(super) fn payload(body: String) -> Reply {
    Reply { status: 200, content_type: Some("text/plain; charset=UTF-8"), no_store: true, body }
}

/// The answer to a POST whose packets were taken (P3).
pub(super) fn ok() -> Reply {
    Reply { status: 200, content_type: Some("text/html"), no_store: true, body: "ok".to_owned() }
}

/// Whether a polling answer to this `User-Agent` needs `X-XSS-Protection: 0`: an old Internet Explorer would else
/// rewrite what it takes for an attack (H4).
pub fn needs_xss_header(user_agent: &str) -> bool {
    user_agent.contains(";MSIE") || user_agent.contains("Trident/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h4_only_internet_explorer_needs_the_xss_header() {
        assert!(needs_xss_header("Mozilla/5.0 (compatible;MSIE 9.0)"));
        assert!(needs_xss_header("Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0)"));
        assert!(!needs_xss_header("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"));
    }
}
