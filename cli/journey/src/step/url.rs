//! The text of URLs and header lines.

use serde_json::Value;

use crate::template;

/// The whole URL: path parameters put in, the query behind it.
pub(super) fn write(
    base: &str,
    path: &str,
    parameters: &[(String, Value)],
    query: &[(String, Value)],
) -> String {
    let mut url = base.to_owned();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        url.push_str(before);
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        if let Some((_, value)) = parameters.iter().find(|(n, _)| n == name) {
            encode(&template::as_text(value), &mut url);
        }
        rest = behind;
    }
    url.push_str(rest);
    for (number, (name, value)) in query.iter().enumerate() {
        url.push(if number == 0 { '?' } else { '&' });
        encode(name, &mut url);
        url.push('=');
        encode(&template::as_text(value), &mut url);
    }
    url
}

/// A text as a URL spells it.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    encode(text, &mut encoded);
    encoded
}

/// Everything but RFC 3986's unreserved characters as `%XX`.
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// Whether HTTP takes the name and value as a header line.
pub(super) fn is_header(name: &str, value: &str) -> bool {
    reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok()
        && reqwest::header::HeaderValue::from_str(value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn path_and_query_values_cannot_leave_their_place() {
        let path = [
            ("id".to_owned(), json!("a/b?c")),
            ("n".to_owned(), json!(7)),
        ];
        let query = [
            ("to".to_owned(), json!("a&b=c d@é")),
            ("q".to_owned(), json!(true)),
        ];
        assert_eq!(
            write("http://h:1", "/orders/{id}/lines/{n}", &path, &query),
            "http://h:1/orders/a%2Fb%3Fc/lines/7?to=a%26b%3Dc%20d%40%C3%A9&q=true"
        );
    }
}
