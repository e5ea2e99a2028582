//! A record as it is written to a topic and read from it.

use rdkafka::{
    Message as _,
    message::{BorrowedMessage, Header, Headers as _, OwnedHeaders},
};

/// What is published: its topic, its key (records of one key stay in order), its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The topic it belongs to.
    pub topic: String,
    /// Records with the same key keep their order.
    pub key: String,
    /// The event itself; JSON in this shop.
    pub payload: Vec<u8>,
    /// Name and value of each header, in order; values pass unchanged.
    pub headers: Vec<(String, String)>,
}

impl Record {
    /// The value of the first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn owned_headers(&self) -> OwnedHeaders {
        let none = OwnedHeaders::new_with_capacity(self.headers.len());
        self.headers.iter().fold(none, |headers, (key, value)| {
            headers.insert(Header {
                key,
                value: Some(value),
            })
        })
    }

    /// Reads a message; a key or header that is no UTF-8 is shown with replacement characters,
    /// since nobody in this shop writes such a one and a record must never stop its reader.
    pub(super) fn read(message: &BorrowedMessage<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            topic: message.topic().to_owned(),
            key: message.key().map(text).unwrap_or_default(),
            payload: message.payload().map(<[u8]>::to_vec).unwrap_or_default(),
            headers: message.headers().map_or_else(Vec::new, |headers| {
                headers
                    .iter()
                    .map(|header| {
                        (
                            header.key.to_owned(),
                            header.value.map(text).unwrap_or_default(),
                        )
                    })
                    .collect()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::message::Headers as _;

    use super::Record;

    #[test]
    fn headers_travel_unchanged_and_in_order() {
        let record = Record {
            topic: "orders".to_owned(),
            key: "o-1".to_owned(),
            payload: Vec::new(),
            headers: vec![
                ("traceparent".to_owned(), "00-ab-cd-01".to_owned()),
                ("baggage".to_owned(), "msvc=r.s.1, user=\u{e9}".to_owned()),
            ],
        };
        let headers = record.owned_headers();
        let seen: Vec<_> = headers
            .iter()
            .map(|header| (header.key, header.value.unwrap()))
            .collect();
        assert_eq!(
            seen,
            [
                ("traceparent", "00-ab-cd-01".as_bytes()),
                ("baggage", "msvc=r.s.1, user=\u{e9}".as_bytes()),
            ]
        );
        assert_eq!(record.header("baggage"), Some("msvc=r.s.1, user=\u{e9}"));
    }
}
