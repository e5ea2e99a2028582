//! The client's log: one JSON object a line for each key that was sent, before it was.

use std::path::Path;

use serde_json::{Map, Value};

use super::ReadError;
use crate::facts::Sent;

/// Reads the log at `path`.
pub(super) fn read(path: &Path) -> Result<Vec<Sent>, ReadError> {
    let shown = path.display().to_string();
    let failed = |place: String, why: String| ReadError::Log {
        path: shown.clone(),
        place,
        why,
    };
    let text =
        std::fs::read_to_string(path).map_err(|error| failed(String::new(), error.to_string()))?;
    let lines = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty());
    let sent = lines.map(|(line, number)| {
        // A list of values would pass for an object's.
        let object = serde_json::from_str::<Map<String, Value>>(line).map(Value::Object);
        let sent = object.and_then(serde_json::from_value);
        sent.map_err(|error| failed(format!(":{number}"), error.to_string()))
    });
    let sent = sent.collect::<Result<Vec<_>, _>>()?;
    if sent.is_empty() {
        let why = "no key in it: nothing can be compared with it".to_owned();
        return Err(failed(String::new(), why));
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_key_and_one_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sent.ndjson");
        let good = "{\"account_id\":\"a\",\"key\":\"k\"}\n\n\
                    {\"account_id\":\"a\",\"key\":\"l\",\"order_id\":\"o\",\"status\":201}\n";
        std::fs::write(&path, good).unwrap();
        let sent = read(&path).unwrap();
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[1].order_id.as_deref(), Some("o"));
        std::fs::write(&path, format!("{good}{{\"key\":\"m\"}}\n")).unwrap();
        let refused = read(&path).unwrap_err().to_string();
        assert!(
            refused.contains("sent.ndjson:4: missing field `account_id`"),
            "{refused}"
        );
        assert!(read(&folder.path().join("none")).is_err());
        std::fs::write(&path, "[\"a\", \"k\", null]\n").unwrap();
        let refused = read(&path).unwrap_err().to_string();
        assert!(refused.contains("sent.ndjson:1: "), "{refused}");
        std::fs::write(&path, "\n").unwrap();
        let refused = read(&path).unwrap_err().to_string();
        assert!(refused.contains("no key in it"), "{refused}");
    }

    #[test]
    fn no_text_makes_the_reader_panic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sent.ndjson");
        let good = serde_json::json!({"account_id": "a", "key": "k", "order_id": "o"});
        outside::each(200, outside::body(good), |text| {
            std::fs::write(&path, text).unwrap();
            let _read = read(&path);
        });
    }
}
