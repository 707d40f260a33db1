//! Which other sites' pages may connect (1.8): the headers that tell a browser, and the check that a WebSocket needs.
//!
//! Browsers ask before they let a page of another origin read an HTTP answer, but they connect its WebSockets to anybody.
//! So the same list is enforced on WebSocket upgrades, which the reference doesn't do.

use std::borrow::Cow;

use crate::origin::{Origin, OriginPattern};

/// The value of `CORS_ORIGIN`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Allowed {
    /// Nobody else's: no headers at all, and `OPTIONS` is an error.
    #[default]
    Off,
    /// Everybody's.
    Any,
    /// Those of these origins. A single one is told to everybody, as the reference does; of several, only the asking one.
    Listed(Vec<OriginPattern>),
}

/// Whose pages may connect, and how.
#[derive(Debug, Clone, Copy)]
pub struct Cors<'a> {
    /// The pages of other sites (`CORS_ORIGIN`).
    pub allowed: &'a Allowed,
    /// Whether they may send cookies and the like (`CORS_CREDENTIALS`); not together with [`Allowed::Any`].
    pub credentials: bool,
    /// The server's own origins, where a proxy in front hides them (`PUBLIC_ORIGIN`).
    pub public: &'a [Origin],
}

/// What an upgrade to a WebSocket says of the page that it comes from. A browser sets each of these by itself, or leaves it out:
/// no page can forge any of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Visit<'a> {
    /// `Origin`. Programs that are no browsers send none.
    pub origin: Option<&'a str>,
    /// `Host`, as it reached this server.
    pub host: &'a str,
    /// `X-Forwarded-Host`: the `Host` that a proxy in front was asked by; of several proxies, each adds its own at the end.
    pub forwarded_host: Option<&'a str>,
    /// `Sec-Fetch-Site`: how the browser itself compares the page's origin with the URL that it connects to.
    pub fetch_site: Option<&'a str>,
    /// Whether the upgrade carries a session on. Its id is a secret that only a page may know that could read the answer to
    /// its first request.
    pub has_session: bool,
}

/// A header of an answer.
pub type Header = (&'static str, Cow<'static, str>);

/// The methods that a preflight allows: those of the reference, though the server uses but two.
const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE";

impl Allowed {
    /// Reads the setting: empty, `*`, or origins and patterns separated by commas.
    ///
    /// # Errors
    /// The entry that is neither.
    pub fn parse(setting: &str) -> Result<Self, &str> {
        match setting {
            "" => Ok(Self::Off),
            "*" => Ok(Self::Any),
            _ => entries(setting, OriginPattern::parse).map(Self::Listed),
        }
    }

    fn includes(&self, origin: &str) -> bool {
        match self {
            Self::Off => false,
            Self::Any => true,
            Self::Listed(patterns) => {
                Origin::parse(origin).is_some_and(|origin| patterns.iter().any(|pattern| pattern.matches(&origin)))
            }
        }
    }
}

/// Reads `PUBLIC_ORIGIN`: empty, or origins separated by commas.
///
/// # Errors
/// The entry that is none.
pub fn parse_public(setting: &str) -> Result<Vec<Origin>, &str> {
    let single = |entry: &str| OriginPattern::parse(entry)?.single().cloned();
    if setting.is_empty() { Ok(Vec::new()) } else { entries(setting, single) }
}

/// Reads a list whose entries are separated by commas.
fn entries<T>(setting: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, &str> {
    setting.split(',').map(str::trim).map(|entry| parse(entry).ok_or(entry)).collect()
}

impl Cors<'_> {
    /// No pages but the server's own.
    pub const OFF: Self = Self { allowed: &Allowed::Off, credentials: false, public: &[] };

    /// Whether this upgrade may open a WebSocket: of the own page, of one that is allowed, or of a program.
    pub fn admits(&self, visit: &Visit<'_>) -> bool {
        let Some(origin) = visit.origin else {
            return true;
        };
        visit.has_session || self.is_own(origin, visit) || self.allowed.includes(origin)
    }

    fn is_own(&self, origin: &str, visit: &Visit<'_>) -> bool {
        if visit.fetch_site == Some("same-origin") {
            return true;
        }
        let Some(origin) = Origin::parse(origin) else {
            return false;
        };
        // The proxy that the browser talks to writes the first.
        let forwarded = visit.forwarded_host.and_then(|hosts| hosts.split(',').next()).map(str::trim);
        self.public.contains(&origin) || origin.is_at(visit.host) || forwarded.is_some_and(|host| origin.is_at(host))
    }

    /// The headers of an answer to a page of `origin`, on errors too.
    pub fn headers(&self, origin: Option<&str>) -> Vec<Header> {
        let allow = |origin: String| ("access-control-allow-origin", Cow::Owned(origin));
        let vary = ("vary", Cow::Borrowed("Origin"));
        let mut headers = match self.allowed {
            Allowed::Off => return Vec::new(),
            Allowed::Any => vec![allow("*".to_owned())],
            Allowed::Listed(patterns) => {
                let only = if let [only] = patterns.as_slice() { only.single() } else { None };
                let asking = origin.filter(|origin| self.allowed.includes(origin)).map(str::to_owned);
                only.map(ToString::to_string).or(asking).map(allow).into_iter().chain([vary]).collect()
            }
        };
        if self.credentials {
            headers.push(("access-control-allow-credentials", Cow::Borrowed("true")));
        }
        headers
    }

    /// The headers of the answer 204 to a preflight, which is any `OPTIONS`; `asked` is its
    /// `Access-Control-Request-Headers`. `None` where CORS is off.
    pub fn preflight(&self, origin: Option<&str>, asked: Option<&str>) -> Option<Vec<Header>> {
        if *self.allowed == Allowed::Off {
            return None;
        }
        let mut headers = self.headers(origin);
        headers.push(("access-control-allow-methods", Cow::Borrowed(METHODS)));
        let vary = "Access-Control-Request-Headers";
        match headers.iter_mut().find(|(name, _)| *name == "vary") {
            Some((_, value)) => *value = Cow::Owned(format!("{value}, {vary}")),
            None => headers.push(("vary", Cow::Borrowed(vary))),
        }
        if let Some(asked) = asked {
            headers.push(("access-control-allow-headers", Cow::Owned(asked.to_owned())));
        }
        Some(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(setting: &str) -> Allowed {
        Allowed::parse(setting).unwrap()
    }

    fn cors(allowed: &Allowed) -> Cors<'_> {
        Cors { allowed, ..Cors::OFF }
    }

    fn shown(headers: &[Header]) -> Vec<String> {
        headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    #[test]
    fn the_setting_is_nothing_everybody_or_a_list() {
        assert_eq!(Allowed::parse(""), Ok(Allowed::Off));
        assert_eq!(Allowed::parse("*"), Ok(Allowed::Any));
        let list = ["https://a.example", "http://localhost:*", "https://*.b.example"];
        let patterns = list.iter().map(|entry| OriginPattern::parse(entry).unwrap()).collect();
        assert_eq!(
            Allowed::parse("https://a.example/, http://localhost:*,wss://*.b.example"),
            Ok(Allowed::Listed(patterns))
        );
    }

    #[test]
    fn a_malformed_entry_is_named() {
        for (setting, entry) in [
            ("a.example", "a.example"),
            ("https://a.example, https://a/b", "https://a/b"),
            ("https://a,", ""),
            ("*, https://a", "*"),
            ("https://a;https://b", "https://a;https://b"),
        ] {
            assert_eq!(Allowed::parse(setting), Err(entry), "{setting}");
            assert_eq!(parse_public(setting), Err(entry), "{setting}");
        }
        assert_eq!(parse_public("https://*.a.example"), Err("https://*.a.example"));
        assert_eq!(parse_public(""), Ok(Vec::new()));
        let both = ["https://a.example", "http://b.example:8080"].map(|text| Origin::parse(text).unwrap());
        assert_eq!(parse_public("https://A.example:443/, ws://b.example:8080"), Ok(both.to_vec()));
    }

    #[test]
    fn cors_on_errors_and_answers_alike() {
        let table: [(&str, Option<&str>, &[&str]); 9] = [
            ("", Some("https://a"), &[]),
            ("*", Some("https://a"), &["access-control-allow-origin: *"]),
            ("https://a", Some("https://b"), &["access-control-allow-origin: https://a", "vary: Origin"]),
            ("wss://A:443", None, &["access-control-allow-origin: https://a", "vary: Origin"]),
            ("https://a,https://b", Some("https://b"), &["access-control-allow-origin: https://b", "vary: Origin"]),
            ("https://a,https://b", Some("https://c"), &["vary: Origin"]),
            ("https://a,https://b", None, &["vary: Origin"]),
            ("https://*.a", Some("https://b.a"), &["access-control-allow-origin: https://b.a", "vary: Origin"]),
            ("https://*.a", Some("https://a"), &["vary: Origin"]),
        ];
        for (setting, origin, headers) in table {
            assert_eq!(shown(&cors(&allowed(setting)).headers(origin)), headers, "{setting} for {origin:?}");
        }
    }

    #[test]
    fn cors_credentials_are_allowed_where_origins_are() {
        let credentials = "access-control-allow-credentials: true";
        let headers = |setting| {
            let allowed = allowed(setting);
            shown(&Cors { credentials: true, ..cors(&allowed) }.headers(Some("https://a")))
        };
        assert_eq!(headers(""), [""; 0]);
        assert_eq!(headers("https://a"), ["access-control-allow-origin: https://a", "vary: Origin", credentials]);
        let two = allowed("https://a,https://b");
        let preflight = Cors { credentials: true, ..cors(&two) }.preflight(Some("https://b"), None).unwrap();
        assert!(shown(&preflight).contains(&credentials.to_owned()));
    }

    #[test]
    fn cors_preflight_204() {
        assert_eq!(Cors::OFF.preflight(Some("https://a"), None), None);
        let any = cors(&Allowed::Any).preflight(Some("https://a"), Some("x-a,x-b")).unwrap();
        assert_eq!(
            shown(&any),
            [
                "access-control-allow-origin: *",
                "access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE",
                "vary: Access-Control-Request-Headers",
                "access-control-allow-headers: x-a,x-b",
            ]
        );
        let one = cors(&allowed("https://a")).preflight(None, None).unwrap();
        assert_eq!(
            shown(&one),
            [
                "access-control-allow-origin: https://a",
                "vary: Origin, Access-Control-Request-Headers",
                "access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE",
            ]
        );
    }

    /// Whether a page of `origin` may open a WebSocket to what it reaches as `room.example`.
    fn admits(setting: &str, origin: Option<&str>, visit: Visit<'_>) -> bool {
        let (allowed, public) = (allowed(setting), parse_public("https://public.example").unwrap());
        Cors { public: &public, ..cors(&allowed) }.admits(&Visit { origin, host: "room.example", ..visit })
    }

    #[test]
    fn a_websocket_is_for_the_own_page_for_listed_ones_and_for_programs() {
        let list = "https://a.example, https://*.c.example";
        for (setting, origin, allowed) in [
            ("", None, true),
            ("", Some("https://Room.example"), true),
            ("", Some("wss://room.example"), true),
            ("", Some("https://room.example:443"), true),
            ("", Some("https://public.example"), true),
            ("", Some("https://a.example"), false),
            ("", Some("null"), false),
            ("", Some("https://room.example:8443"), false),
            ("", Some("https://room.example.evil.example"), false),
            ("*", Some("https://a.example"), true),
            ("*", Some("null"), true),
            (list, Some("https://A.example"), true),
            (list, Some("https://b.c.example"), true),
            (list, Some("http://a.example"), false),
            (list, Some("https://b.example"), false),
        ] {
            assert_eq!(admits(setting, origin, Visit::default()), allowed, "{setting:?} {origin:?}");
        }
    }

    #[test]
    fn what_no_page_can_forge_proves_that_the_page_is_the_own_one() {
        let proof = Visit::default();
        for (visit, allowed) in [
            (Visit { fetch_site: Some("same-origin"), ..proof }, true),
            (Visit { fetch_site: Some("same-site"), ..proof }, false),
            (Visit { fetch_site: Some("none"), ..proof }, false),
            (Visit { forwarded_host: Some("chat.example"), ..proof }, true),
            (Visit { forwarded_host: Some("chat.example:443, inner.example"), ..proof }, true),
            (Visit { forwarded_host: Some("inner.example, chat.example"), ..proof }, false),
            (Visit { forwarded_host: Some(""), ..proof }, false),
            (Visit { has_session: true, ..proof }, true),
            (proof, false),
        ] {
            assert_eq!(admits("", Some("https://chat.example"), visit), allowed, "{visit:?}");
        }
    }
}
