//! The parts of a request's URL.

/// A request's URL as the runtime writes it, which is absolute and in the form of the URL Standard: percent-encoded, without dot
/// segments, with a path that is never empty. A parser of URLs would only bring its tables of Unicode along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// The scheme, host and port, such as `https://example.com`.
    pub(super) origin: &'a str,
    /// From its first slash.
    pub(super) path: &'a str,
    /// Without the question mark; empty where there is none.
    pub(super) query: &'a str,
}

impl<'a> Address<'a> {
    /// Splits a URL. What isn't one has an empty origin.
    pub(super) fn parse(url: &'a str) -> Self {
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let (url, query) = url.split_once('?').unwrap_or((url, ""));
        let host = url.find("://").map_or(0, |scheme| scheme + "://".len());
        let path = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |slash| host + slash);
        let (origin, path) = url.split_at_checked(path).unwrap_or((url, ""));
        Self { origin, path: if path.is_empty() { "/" } else { path }, query }
    }

    /// Whether it was asked for by HTTPS.
    pub(super) fn is_secure(&self) -> bool {
        self.origin.starts_with("https:")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_into_origin_path_and_query() {
        let table = [
            ("https://a.example/r/tea?x=1&y=/?#z", ("https://a.example", "/r/tea", "x=1&y=/?")),
            ("http://127.0.0.1:8787/", ("http://127.0.0.1:8787", "/", "")),
            ("http://[::1]:80", ("http://[::1]:80", "/", "")),
            ("http://a?b", ("http://a", "/", "b")),
            ("http://a/#?b", ("http://a", "/", "")),
            ("http://a//b://c", ("http://a", "//b://c", "")),
            ("/r/tea?x", ("", "/r/tea", "x")),
            ("", ("", "/", "")),
        ];
        for (url, (origin, path, query)) in table {
            assert_eq!(Address::parse(url), Address { origin, path, query }, "{url}");
        }
        assert!(Address::parse("https://a/").is_secure());
        assert!(!Address::parse("http://https:/").is_secure());
    }
}
