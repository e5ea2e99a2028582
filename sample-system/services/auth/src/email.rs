//! Mail addresses: what an account is found by.
//!
//! Only what can be delivered plainly is taken: the dotted form of RFC 5321 in ASCII, with a
//! domain of at least two labels. No quotes, comments, address literals or line ends, so an
//! address can stand in a mail's header and in an SMTP command as it is.

use std::fmt;

/// Characters that an address may have (RFC 5321, 4.5.3.1).
const LONGEST: usize = 254;
/// Characters that the part before the `@` may have.
const LONGEST_LOCAL: usize = 64;
/// Characters that a label of the domain may have.
const LONGEST_LABEL: usize = 63;

/// A mail address in its one form: without spaces around it, in lower case. The part before the
/// `@` may tell cases apart by its server's rules; no server in use does, and two accounts whose
/// addresses differ by it would be each other's trap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Email(String);

impl Email {
    /// The address in `text`, where it is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(' ');
        if text.len() > LONGEST || !text.is_ascii() {
            return None;
        }
        let (local, domain) = text.split_once('@')?;
        let good = is_local(local) && is_domain(domain);
        good.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Dots may stand between atoms, not at an end and not side by side.
fn is_local(local: &str) -> bool {
    let atom = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&c);
    local.len() <= LONGEST_LOCAL
        && local
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(atom))
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.contains('.') && domain.split('.').all(label)
}

/// An address belongs to a person: it is not shown in logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Option<String> {
        Email::parse(text).map(|email| email.as_str().to_owned())
    }

    #[test]
    fn an_address_loses_its_spaces_and_capitals() {
        assert_eq!(
            parsed(" Ada.L+x@Shop.Example ").as_deref(),
            Some("ada.l+x@shop.example")
        );
        assert_eq!(
            parsed("customer1a2b@example.com").as_deref(),
            Some("customer1a2b@example.com")
        );
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        for text in [
            "",
            "@",
            "ada",
            "ada@",
            "@shop.example",
            "ada@shop",
            "a@b@shop.example",
            ".ada@shop.example",
            "ada.@shop.example",
            "a..b@shop.example",
            "ada@shop..example",
            "ada@-shop.example",
            "ada@shop-.example",
            "ada@shop.example.",
            "ada l@shop.example",
            "\"ada\"@shop.example",
            "ada@[127.0.0.1]",
            "ada@shop.example\r\nRCPT TO:<x@y.z>",
            "ada\n@shop.example",
            "<ada@shop.example>",
            "ädä@shop.example",
            "ada@shöp.example",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
        let long = |local: usize, label: usize| {
            parsed(&format!(
                "{}@{}.example",
                "a".repeat(local),
                "b".repeat(label)
            ))
        };
        assert!(long(64, 63).is_some());
        assert!(long(65, 10).is_none());
        assert!(long(10, 64).is_none());
        assert_eq!(parsed(&format!("a@{}example", "b.".repeat(130))), None);
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_one_safe_line_and_its_own_form(text in ".{0,80}|[a-z.+@ -]{0,40}") {
            if let Some(email) = parsed(&text) {
                prop_assert!(email.bytes().all(|c| c.is_ascii_graphic()));
                prop_assert_eq!(email.matches('@').count(), 1);
                prop_assert_eq!(parsed(&email), Some(email));
            }
        }
    }
}
