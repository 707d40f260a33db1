//! Origins of pages (RFC 6454), compared by what they mean: `wss://Chat.example.:443` is `https://chat.example`.

use std::fmt;

/// Where a page comes from: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    /// In lower case, without a dot at its end.
    host: String,
    /// The default port of the scheme, where none is written; a scheme without one has none.
    port: Option<u16>,
}

impl Origin {
    /// Reads the value of an `Origin` header, or an entry of a setting. The scheme of a WebSocket's URL, which some clients send,
    /// stands for that of the page. `None` for `null`, and for what has a path.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme_of_page(scheme)?;
        let (host, port) = host_and_port(authority)?;
        let port = port.or(default_port(&scheme));
        Some(Self { scheme, host, port })
    }

    /// Whether a server that is reached by this `Host` header is the one that the page comes from. The scheme isn't compared:
    /// behind a proxy that ends TLS, the server doesn't see it. The port is, where either has one that isn't the default.
    pub fn is_at(&self, host: &str) -> bool {
        host_and_port(host)
            .is_some_and(|(host, port)| host == self.host && port.or(default_port(&self.scheme)) == self.port)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) if self.port != default_port(&self.scheme) => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

/// An origin as a setting names it, or many of them: `https://*.example.com` for those below a host, at any depth, and
/// `http://localhost:*` for all ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern {
    /// Without what stands for `*`.
    origin: Origin,
    subdomains: bool,
    any_port: bool,
}

impl OriginPattern {
    /// Reads an entry of a setting; a slash may stand at its end.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let (scheme, authority) = text.split_once("://")?;
        let (authority, any_port) = authority.strip_suffix(":*").map_or((authority, false), |host| (host, true));
        let (authority, subdomains) = authority.strip_prefix("*.").map_or((authority, false), |host| (host, true));
        let origin = Origin::parse(&format!("{scheme}://{authority}"))?;
        // A port beside "any port" is a slip, as is a wildcard below an address.
        let wrong = (any_port && host_and_port(authority)?.1.is_some()) || (subdomains && origin.host.starts_with('['));
        (!wrong).then_some(Self { origin, subdomains, any_port })
    }

    /// Whether it stands for this origin.
    pub fn matches(&self, origin: &Origin) -> bool {
        let host = if self.subdomains {
            origin.host.strip_suffix(&self.origin.host).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
        } else {
            origin.host == self.origin.host
        };
        host && origin.scheme == self.origin.scheme && (self.any_port || origin.port == self.origin.port)
    }

    /// The one origin that it stands for, if it is but one.
    pub fn single(&self) -> Option<&Origin> {
        (!self.subdomains && !self.any_port).then_some(&self.origin)
    }
}

/// The scheme of a page whose WebSocket's URL has this one, in lower case.
fn scheme_of_page(scheme: &str) -> Option<String> {
    let plain = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c));
    plain.then(|| match scheme.to_ascii_lowercase() {
        scheme if scheme == "ws" => "http".to_owned(),
        scheme if scheme == "wss" => "https".to_owned(),
        scheme => scheme,
    })
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// Reads `host` or `host:port`: the host in lower case and without a dot at its end, IPv6 in its brackets.
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let end = match authority.strip_prefix('[') {
        // Both brackets count.
        Some(address) => address.find(']')?.checked_add(2)?,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(end)?;
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|c| c.is_ascii_digit()) => Some(digits.parse().ok()?),
        None if port.is_empty() => None,
        _ => return None,
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    let inside = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let plain = match inside {
        Some(address) => address.bytes().all(|c| c.is_ascii_hexdigit() || b":.".contains(&c)),
        None => !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._".contains(&c)),
    };
    plain.then(|| (name.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap()
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, shown) in [
            ("https://chat.example", "https://chat.example"),
            ("https://Chat.Example.:443", "https://chat.example"),
            ("wss://chat.example", "https://chat.example"),
            ("ws://chat.example:80", "http://chat.example"),
            ("http://chat.example:443", "http://chat.example:443"),
            ("HTTP://localhost:5173", "http://localhost:5173"),
            ("https://[2001:DB8::1]:443", "https://[2001:db8::1]"),
            ("http://[::1]:8787", "http://[::1]:8787"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ] {
            assert_eq!(origin(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_none() {
        for text in [
            "",
            "null",
            "chat.example",
            "https://",
            "://chat.example",
            "https://a/",
            "https://a/b",
            "https://a b",
            "https://a:",
            "https://a:x",
            "https://a:+80",
            "https://a:99999",
            "https://user@a",
            "https://é.example",
            "https://[::1",
            "https://[::1]x",
            "https://[x]",
            "https://.",
            "ht tp://a",
            "https://a, https://b",
        ] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_host_with_or_without_its_default_port_is_the_same() {
        for (text, host, same) in [
            ("wss://chat.example", "chat.example:443", true),
            ("https://chat.example:443", "chat.example", true),
            ("https://chat.example", "chat.example:443", true),
            ("http://chat.example", "chat.example:80", true),
            ("https://chat.example", "Chat.Example.", true),
            ("http://127.0.0.1:8787", "127.0.0.1:8787", true),
            ("http://[::1]:8787", "[::1]:8787", true),
            ("http://chat.example", "chat.example:443", false),
            ("https://chat.example", "chat.example:80", false),
            ("http://chat.example:8080", "chat.example", false),
            ("https://chat.example", "chat.example.evil.example", false),
            ("https://evil.example", "chat.example", false),
            ("https://chat.example", "", false),
        ] {
            assert_eq!(origin(text).is_at(host), same, "{text} at {host}");
        }
    }

    #[test]
    fn a_pattern_stands_for_the_hosts_below_it_or_for_all_ports() {
        let matches = |pattern, text| OriginPattern::parse(pattern).unwrap().matches(&origin(text));
        for (pattern, text, matching) in [
            ("https://a.example", "https://A.example:443", true),
            ("https://a.example:443/", "https://a.example", true),
            ("wss://a.example", "https://a.example", true),
            ("https://a.example", "http://a.example", false),
            ("https://a.example", "https://b.a.example", false),
            ("https://*.example.com", "https://a.example.com", true),
            ("https://*.example.com", "https://a.b.example.com", true),
            ("https://*.example.com", "https://example.com", false),
            ("https://*.example.com", "https://.example.com", false),
            ("https://*.example.com", "https://evilexample.com", false),
            ("https://*.example.com", "https://a.example.com.evil", false),
            ("https://*.example.com", "https://a.example.com:8443", false),
            ("https://*.example.com:8443", "https://a.example.com:8443", true),
            ("http://localhost:*", "http://localhost:5173", true),
            ("http://localhost:*", "http://localhost", true),
            ("http://localhost:*", "https://localhost:5173", false),
            ("https://*.example.com:*", "https://a.example.com:1", true),
        ] {
            assert_eq!(matches(pattern, text), matching, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_none() {
        for text in [
            "*",
            "https://*",
            "*.example.com",
            "https://a.*.com",
            "https://*.",
            "https://a*.com",
            "https://*.*.com",
            "https://a:80:*",
            "https://a:*0",
            "https://*.[::1]",
            "https://a//",
            "null",
            "",
        ] {
            assert_eq!(OriginPattern::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_pattern_without_a_wildcard_is_a_single_origin() {
        let single = |text| OriginPattern::parse(text).unwrap().single().map(ToString::to_string);
        assert_eq!(single("https://A.example:443").as_deref(), Some("https://a.example"));
        assert_eq!(single("https://*.example"), None);
        assert_eq!(single("http://localhost:*"), None);
    }
}
