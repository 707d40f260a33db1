//! What the polling transport answers over HTTP.

use crate::ids::Sid;
use crate::outbox::{Frame, HttpResponse};

/// The answer to a GET: packets, as text or as bytes (H4).
pub(super) fn payload(body: Frame) -> HttpResponse {
    let content_type = match body {
        Frame::Text(_) => "text/plain; charset=UTF-8",
        Frame::Binary(_) => "application/octet-stream",
    };
    HttpResponse { content_type: Some(content_type), no_store: true, body, ..HttpResponse::empty(200) }
}

/// The answer to a POST whose packets were taken (P3).
pub(super) fn ok() -> HttpResponse {
    let body = Frame::Text("ok".into());
    HttpResponse { content_type: Some("text/html"), no_store: true, body, ..HttpResponse::empty(200) }
}

/// The cookie that tells a session's id (H7).
pub(super) fn cookie(name: &str, sid: &Sid) -> (String, String) {
    let value = format!("{name}={}; Path=/; HttpOnly; SameSite=Lax", sid.as_str());
    ("set-cookie".to_owned(), value)
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
