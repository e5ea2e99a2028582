//! A mail as it is kept: the fields that are asked for, read from its header.
//!
//! In: the raw mail and its envelope. Out: [`Mail`]. Values are taken as they stand, unfolded as
//! RFC 5322 says (a line break before white space goes, the white space stays), so that
//! `traceparent` and `baggage` are found again byte for byte.

use shop::trace_context::TraceContext;
use uuid::Uuid;

/// The header that names the order a mail is about.
pub(crate) const ORDER_HEADER: &str = "X-Shop-Order";

/// The header that names what the mail says about it.
pub(crate) const KIND_HEADER: &str = "X-Shop-Kind";

/// A mail with whom it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    /// Its Message-ID as it stands, or one made from its content where it has none.
    pub(crate) message_id: String,
    /// Those whom the envelope names.
    pub(crate) recipients: Vec<String>,
    /// Its subject as it stands; encoded words stay encoded.
    pub(crate) subject: String,
    /// Which order it is about.
    pub(crate) order_id: Option<String>,
    /// What it says about the order.
    pub(crate) kind: Option<String>,
    /// The trace of the work that it was sent for.
    pub(crate) trace: TraceContext,
    /// The whole mail.
    pub(crate) raw: Vec<u8>,
}

impl Mail {
    /// Reads a mail as it came in.
    pub(crate) fn read(raw: Vec<u8>, recipients: Vec<String>) -> Self {
        let fields = fields(&raw);
        let field = |name: &str| {
            fields
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.clone())
                .filter(|value| !value.is_empty())
        };
        let message_id = field("Message-ID").unwrap_or_else(|| {
            let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &raw);
            format!("<{id}@mailbox>")
        });
        let pairs = fields.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        Self {
            message_id,
            recipients,
            subject: field("Subject").unwrap_or_default(),
            order_id: field(ORDER_HEADER),
            kind: field(KIND_HEADER),
            trace: TraceContext::from_pairs(pairs),
            raw,
        }
    }
}

/// The fields of the header, each on one line again, in order.
fn fields(raw: &[u8]) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in raw.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let line = String::from_utf8_lossy(line);
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push_str(&line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim_end().to_owned(), value.to_owned()));
        }
    }
    for (_, value) in &mut fields {
        *value = value.trim().to_owned();
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Mail {
        Mail::read(text.as_bytes().to_vec(), vec!["a@example.org".to_owned()])
    }

    #[test]
    fn a_folded_field_is_read_as_it_was_before_it_was_folded() {
        let mail = read("baggage: msvc=r.s.1,\r\n other = %20x ;p\r\nSubject: hi\r\n\r\nbody");
        assert_eq!(
            mail.trace.baggage.as_deref(),
            Some("msvc=r.s.1, other = %20x ;p")
        );
        assert_eq!(mail.subject, "hi");
    }

    #[test]
    fn what_looks_like_a_field_in_the_body_is_none() {
        let mail = read("Subject: hi\r\n\r\nMessage-ID: <no@body>\r\n");
        assert!(mail.message_id.ends_with("@mailbox>"));
    }

    #[test]
    fn a_mail_without_message_id_gets_the_same_one_each_time_it_comes() {
        assert_eq!(read("Subject: a\r\n\r\n"), read("Subject: a\r\n\r\n"));
        let other = read("Subject: b\r\n\r\n");
        assert_ne!(read("Subject: a\r\n\r\n").message_id, other.message_id);
    }

    #[test]
    fn a_mail_of_nothing_is_read_too() {
        assert_eq!(read("").subject, "");
        assert_eq!(read(" folded onto nothing\r\nno field").subject, "");
    }
}
