//! Who may use the API: whoever shows the token.

use sha2::{Digest as _, Sha256};

use super::Problem;

/// Judges a request by its `Authorization` header; `secret` is the token of the deployment, or empty where it has none.
///
/// # Errors
/// [`Problem::Off`] or [`Problem::Unauthorized`].
pub fn authorize(secret: &str, authorization: Option<&str>) -> Result<(), Problem> {
    // A file or a pipe that a secret comes from often ends in a newline, and no header can have one.
    let secret = secret.trim();
    if secret.is_empty() {
        return Err(Problem::Off);
    }
    let shown = authorization.and_then(bearer).ok_or(Problem::Unauthorized)?;
    if same(secret, shown) { Ok(()) } else { Err(Problem::Unauthorized) }
}

/// The token of a header (RFC 6750 §2.1); the scheme's name may be in any case (RFC 9110 §11.1).
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether two texts are the same, without telling by the time it takes how much of them is: digests are of one length
/// whatever was shown, all their bytes are looked at, and nobody can choose a text by its digest's first bytes.
fn same(secret: &str, shown: &str) -> bool {
    let [secret, shown] = [secret, shown].map(Sha256::digest);
    secret.iter().zip(&shown).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_is_the_same() {
        let texts = ["", "a", "b", "ab", "ba", "abc", "abd", "Abc", "abc ", "é", "abc\0", &"x".repeat(1_000)];
        for (i, a) in texts.iter().enumerate() {
            for (j, b) in texts.iter().enumerate() {
                assert_eq!(same(a, b), i == j, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn without_a_secret_nobody_gets_in_and_with_one_whoever_shows_it() {
        let off = Err(Problem::Off);
        let no = Err(Problem::Unauthorized);
        let table = [
            ("", None, &off),
            ("", Some("Bearer "), &off),
            (" \n", Some("Bearer  \n"), &off),
            ("key", None, &no),
            ("key", Some(""), &no),
            ("key", Some("key"), &no),
            ("key", Some("Bearer"), &no),
            ("key", Some("Bearer "), &no),
            ("key", Some("Bearer ke"), &no),
            ("key", Some("Bearer keys"), &no),
            ("key", Some("Bearer KEY"), &no),
            ("key", Some("Bearer key key"), &no),
            ("key", Some("Basic key"), &no),
            ("key", Some("Bearerkey"), &no),
            ("key", Some("Bearer key"), &Ok(())),
            ("key", Some("bearer   key "), &Ok(())),
            ("key\n", Some("Bearer key"), &Ok(())),
        ];
        for (secret, authorization, verdict) in table {
            assert_eq!(&authorize(secret, authorization), verdict, "{secret:?} {authorization:?}");
        }
    }
}
