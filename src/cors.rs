//! Which other sites' pages may connect (1.8): the headers that tell a browser, and the check that a WebSocket needs.
//!
//! Browsers ask before they let a page of another origin read an HTTP answer, but they connect its WebSockets to anybody.
//! So the same list is enforced on WebSocket upgrades, which the reference doesn't do.

use std::borrow::Cow;

/// The value of `CORS_ORIGIN`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cors {
    /// Nobody else's: no headers at all, and `OPTIONS` is an error.
    #[default]
    Off,
    /// Everybody's.
    Any,
    /// Those of these origins. A single one is told to everybody, as the reference does; of several, only the asking one.
    Listed(Vec<String>),
}

/// A header of an answer.
pub type Header = (&'static str, Cow<'static, str>);

/// The methods that a preflight allows: those of the reference, though the server uses but two.
const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE";

impl Cors {
    /// Reads the setting: empty, `*`, or origins separated by commas.
    pub fn parse(setting: &str) -> Option<Self> {
        match setting {
            "" => return Some(Self::Off),
            "*" => return Some(Self::Any),
            _ => {}
        }
        let origins = setting.split(',').map(|origin| {
            let origin = origin.trim().trim_end_matches('/');
            let (scheme, host) = origin.split_once("://")?;
            let plain = !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '*', ' ']) && origin.is_ascii();
            plain.then(|| origin.to_ascii_lowercase())
        });
        origins.collect::<Option<Vec<_>>>().map(Self::Listed)
    }

    /// Whether a page of `origin` may open a WebSocket to a server that it reaches as `host`. Programs that are no browsers
    /// send no origin and are nobody's page.
    pub fn allows_websocket(&self, origin: Option<&str>, host: &str) -> bool {
        let Some(origin) = origin else {
            return true;
        };
        let own = origin.split_once("://").is_some_and(|(_, own)| own.eq_ignore_ascii_case(host));
        match self {
            _ if own => true,
            Self::Off => false,
            Self::Any => true,
            Self::Listed(origins) => origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin)),
        }
    }

    /// The headers of an answer to a page of `origin`, on errors too.
    pub fn headers(&self, origin: Option<&str>) -> Vec<Header> {
        let allow = |origin: String| ("access-control-allow-origin", Cow::Owned(origin));
        let vary = ("vary", Cow::Borrowed("Origin"));
        match self {
            Self::Off => Vec::new(),
            Self::Any => vec![allow("*".to_owned())],
            Self::Listed(origins) => match (origins.as_slice(), origin) {
                ([only], _) => vec![allow(only.clone()), vary],
                (several, Some(origin)) if several.iter().any(|listed| listed.eq_ignore_ascii_case(origin)) => {
                    vec![allow(origin.to_owned()), vary]
                }
                _ => vec![vary],
            },
        }
    }

    /// The headers of the answer 204 to a preflight, which is any `OPTIONS`; `asked` is its
    /// `Access-Control-Request-Headers`. `None` where CORS is off.
    pub fn preflight(&self, origin: Option<&str>, asked: Option<&str>) -> Option<Vec<Header>> {
        if *self == Self::Off {
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

    fn listed(setting: &str) -> Cors {
        Cors::parse(setting).unwrap()
    }

    fn shown(headers: &[Header]) -> Vec<String> {
        headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    #[test]
    fn the_setting_is_nothing_everybody_or_a_list() {
        assert_eq!(Cors::parse(""), Some(Cors::Off));
        assert_eq!(Cors::parse("*"), Some(Cors::Any));
        let list = Cors::parse("https://a.example, http://localhost:5173/");
        assert_eq!(list, Some(Cors::Listed(vec!["https://a.example".into(), "http://localhost:5173".into()])));
        for bad in ["a.example", "https://", "https://*.example", "https://a/b", ",", "https://a,", "* "] {
            assert_eq!(Cors::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn cors_on_errors_and_answers_alike() {
        let table: [(&str, Option<&str>, &[&str]); 6] = [
            ("", Some("https://a"), &[]),
            ("*", Some("https://a"), &["access-control-allow-origin: *"]),
            ("https://a", Some("https://b"), &["access-control-allow-origin: https://a", "vary: Origin"]),
            ("https://a,https://b", Some("https://b"), &["access-control-allow-origin: https://b", "vary: Origin"]),
            ("https://a,https://b", Some("https://c"), &["vary: Origin"]),
            ("https://a,https://b", None, &["vary: Origin"]),
        ];
        for (setting, origin, headers) in table {
            assert_eq!(shown(&listed(setting).headers(origin)), headers, "{setting} for {origin:?}");
        }
    }

    #[test]
    fn cors_preflight_204() {
        assert_eq!(Cors::Off.preflight(Some("https://a"), None), None);
        let any = Cors::Any.preflight(Some("https://a"), Some("x-a,x-b")).unwrap();
        assert_eq!(
            shown(&any),
            [
                "access-control-allow-origin: *",
                "access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE",
                "vary: Access-Control-Request-Headers",
                "access-control-allow-headers: x-a,x-b",
            ]
        );
        let one = listed("https://a").preflight(None, None).unwrap();
        assert_eq!(
            shown(&one),
            [
                "access-control-allow-origin: https://a",
                "vary: Origin, Access-Control-Request-Headers",
                "access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE",
            ]
        );
    }

    #[test]
    fn a_websocket_is_for_the_own_page_for_listed_ones_and_for_programs() {
        let list = listed("https://a.example");
        for (cors, origin, allowed) in [
            (&Cors::Off, None, true),
            (&Cors::Off, Some("https://Room.example"), true),
            (&Cors::Off, Some("https://a.example"), false),
            (&Cors::Off, Some("null"), false),
            (&Cors::Off, Some("https://room.example.evil.example"), false),
            (&Cors::Any, Some("https://a.example"), true),
            (&list, Some("https://a.example"), true),
            (&list, Some("http://a.example"), false),
            (&list, Some("https://b.example"), false),
        ] {
            assert_eq!(cors.allows_websocket(origin, "room.example"), allowed, "{cors:?} {origin:?}");
        }
    }
}
