//! What the Worker itself says where a request leads nowhere: a page for people, JSON or a sentence for programs.

use crate::ids::InvalidRoomName;
use crate::outbox::{Frame, HttpResponse};

/// The page. Its style stands in it, so that it needs no file of the app's.
const PAGE: &str = include_str!("error_page.html");

/// What the page may do: nothing but look like itself. The style is named by its digest.
const POLICY: &str = "default-src 'none'; style-src 'sha256-pEQvns3NVrV85vOp9njWoCYE85bZzTcl4jxLaD3iJfU='; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Why a request is answered without a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ErrorAnswer {
    /// The HTTP status.
    pub(super) status: u16,
    /// For programs.
    pub(super) code: &'static str,
    /// The page's heading.
    pub(super) title: &'static str,
    /// One sentence or several, for whoever sent the request.
    pub(super) message: String,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Page,
    Json,
    Text,
}

impl ErrorAnswer {
    /// No page, file or room has this address.
    pub(super) fn not_found() -> Self {
        let message = "There is nothing at this address.".to_owned();
        Self { status: 404, code: "not_found", title: "Nothing here", message }
    }

    /// What is there can only be read.
    pub(super) fn wrong_method() -> Self {
        let message = "This can only be read, with GET or HEAD.".to_owned();
        Self { status: 405, code: "wrong_method", title: "This can only be read", message }
    }

    /// The URL has a name that no room can have.
    pub(super) fn invalid_room(reason: &InvalidRoomName) -> Self {
        Self { status: 400, code: "invalid_room", title: "No room can have this name", message: reason.to_string() }
    }

    /// A page of another site, as far as the Worker can tell, asks for a WebSocket.
    pub(super) fn foreign_page(origin: &str) -> Self {
        let message = format!(
            "Pages of {origin} may not connect here. If that is this server's own address, the proxy in front of it must pass on \
             the header Host or X-Forwarded-Host, or the setting PUBLIC_ORIGIN must name it; if it is another site's, the \
             setting CORS_ORIGIN must."
        );
        Self { status: 403, code: "foreign_page", title: "This page may not connect", message }
    }

    /// The settings or the app can't be used.
    pub(super) fn broken(message: String) -> Self {
        Self { status: 500, code: "broken", title: "This server is set up wrongly", message }
    }

    /// An unexpected failure; the log says what it was.
    pub(super) fn failed() -> Self {
        let message = "Something went wrong here. Try again in a moment.".to_owned();
        Self { status: 500, code: "failed", title: "Something went wrong", message }
    }

    /// The answer in the form that the header `Accept` asks for: a sentence where it doesn't say.
    #[inline(never)] // The runtime compiles a function when it is first called: clients never call this one.
    pub(super) fn reply(&self, accept: &str) -> HttpResponse {
        let Self { status, code, title, message } = self;
        let (content_type, body) = match Form::wanted(accept) {
            Form::Page => {
                let page = PAGE.replace("{status}", &status.to_string()).replace("{title}", title);
                ("text/html; charset=utf-8", page.replace("{message}", &escaped(message)))
            }
            Form::Json => {
                let error = serde_json::json!({ "error": { "code": code, "message": message } });
                ("application/json", error.to_string())
            }
            Form::Text => ("text/plain; charset=utf-8", message.clone()),
        };
        let headers = [
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("x-robots-tag", "noindex"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=31536000"),
            ("vary", "Accept"),
        ];
        HttpResponse {
            content_type: Some(content_type),
            no_store: true,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: Frame::Text(body.into()),
            ..HttpResponse::empty(*status)
        }
    }
}

impl Form {
    /// The form that a header `Accept` names with the highest quality, the earlier one of equals (RFC 9110 §12.5.1). Wildcards
    /// name none: programs send them.
    fn wanted(accept: &str) -> Self {
        let mut best = (0.0, Self::Text);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let form = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "text/html" | "application/xhtml+xml" => Self::Page,
                "application/json" | "application/problem+json" => Self::Json,
                "text/plain" => Self::Text,
                _ => continue,
            };
            let quality =
                parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| serde_json::from_str(q).unwrap_or(0.0));
            if quality > best.0 {
                best = (quality, form);
            }
        }
        best.1
    }
}

/// A text as HTML shows it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest, Sha256};

    use super::*;

    fn header<'a>(reply: &'a HttpResponse, name: &str) -> &'a str {
        reply.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value.as_str())
    }

    #[test]
    fn the_form_is_the_one_that_accept_prefers() {
        for (accept, form) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", Form::Page),
            ("*/*", Form::Text),
            ("", Form::Text),
            ("application/json, text/plain, */*", Form::Json),
            ("application/json;q=0.5, text/html", Form::Page),
            ("text/html; q=0.2, application/json; charset=utf-8; q=0.9", Form::Json),
            ("text/html;q=0", Form::Text),
            ("TEXT/HTML", Form::Page),
            ("image/png", Form::Text),
            ("text/html;q=x", Form::Text),
        ] {
            assert_eq!(Form::wanted(accept), form, "{accept}");
        }
    }

    #[test]
    fn people_get_a_page_that_shows_the_message_as_text() {
        let message = "Pages of <b>\"x\"</b> & others.".to_owned();
        let reply = ErrorAnswer { message, ..ErrorAnswer::not_found() }.reply("text/html");
        assert_eq!((reply.status, reply.content_type), (404, Some("text/html; charset=utf-8")));
        assert!(
            reply.text().contains("<p>Pages of &lt;b&gt;&quot;x&quot;&lt;/b&gt; &amp; others.</p>"),
            "{}",
            reply.text()
        );
        assert!(["{status}", "{title}", "{message}"].iter().all(|hole| !reply.text().contains(hole)));
        assert!(reply.text().contains(r#"<a href="/">"#));
    }

    #[test]
    fn programs_get_json_or_a_sentence() {
        let answer = ErrorAnswer::wrong_method();
        let json = answer.reply("application/json");
        let expected = r#"{"error":{"code":"wrong_method","message":"This can only be read, with GET or HEAD."}}"#;
        assert_eq!((json.status, json.content_type, json.text()), (405, Some("application/json"), expected));
        let text = answer.reply("*/*");
        assert_eq!(text.text(), answer.message);
        assert_eq!(header(&text, "x-robots-tag"), "noindex");
    }

    #[test]
    fn the_policy_names_the_digest_of_the_style() {
        let style = PAGE.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).unwrap().0;
        let digest = STANDARD.encode(Sha256::digest(style.as_bytes()));
        assert!(POLICY.contains(&format!("'sha256-{digest}'")), "the digest is {digest}");
    }
}
