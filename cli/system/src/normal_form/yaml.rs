//! The normal form as YAML, which leaves out what JSON cannot: unset commands, and mappings with
//! nothing in them that are always printed there. `x-…` fields of services are kept.

use serde_json::{Map as Object, Value};

use crate::fields::is_date;
use crate::forms::old_number;

/// The project as a tree to be written in YAML. `extensions` gives the `x-…` fields of a service.
#[must_use]
pub fn of(project: Value, mut extensions: impl FnMut(&str) -> Vec<(String, Value)>) -> Value {
    let Value::Object(project) = project else {
        return project;
    };
    let mut out = Object::new();
    let rank = |key: &str| {
        const ORDER: [&str; 7] = [
            "name", "services", "networks", "volumes", "secrets", "configs", "models",
        ];
        ORDER
            .iter()
            .position(|it| *it == key)
            .unwrap_or(ORDER.len())
    };
    let mut fields: Vec<_> = project.into_iter().collect();
    fields.sort_by_key(|(key, _)| rank(key));
    for (key, mut value) in fields {
        match key.as_str() {
            "services" => {
                for (name, service) in value.as_object_mut().into_iter().flatten() {
                    if let Value::Object(service) = service {
                        of_service(service);
                        service.extend(extensions(name));
                    }
                }
            }
            "networks" => {
                for (_, network) in value.as_object_mut().into_iter().flatten() {
                    if let Value::Object(network) = network {
                        without_empty(network, &["ipam"]);
                    }
                }
            }
            _ => {}
        }
        out.insert(key, value);
    }
    Value::Object(out)
}

/// A tree as YAML's text. What is a text, and a number or a date to YAML 1.1, stands in quotes.
#[must_use]
pub fn text(value: &Value) -> String {
    let written = written(value);
    // A character of nobody's stands before these texts while they are written.
    let Some(mark) = ('\u{e000}'..='\u{f8ff}').find(|it| !written.contains(*it)) else {
        return written;
    };
    let is_plain = |text: &str| {
        let written = self::written(&Value::from(text));
        !written.starts_with(['\'', '"', '|', '>'])
    };
    let is_old = |text: &str| (old_number(text).is_some() || is_date(text)) && is_plain(text);
    if !has_text(value, &is_old) {
        return written;
    }
    let mut marked = value.clone();
    mark_texts(&mut marked, mark, &is_old);
    let mut quoted = String::with_capacity(written.len());
    for line in self::written(&marked).split_inclusive('\n') {
        match line.split_once(mark) {
            Some((before, number)) => {
                for part in [before, "\"", number.trim_end(), "\"\n"] {
                    quoted.push_str(part);
                }
            }
            None => quoted.push_str(line),
        }
    }
    quoted
}

/// What ends a line to YAML 1.1 beside the newline.
const BREAKS: [char; 4] = ['\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// Its text, where texts with such ends of lines are escaped: as they are they are not read back.
fn written(value: &Value) -> String {
    let plain = serialized(value);
    let is_broken = |text: &str| text.contains(BREAKS);
    if !has_text(value, &is_broken) {
        return plain;
    }
    // Whatever has a character in it that is none is escaped by the writer.
    for (mark, beginning) in [('\u{ffff}', "\"\\uFFFF"), ('\u{fffe}', "\"\\uFFFE")] {
        if !plain.contains(beginning) {
            let mut marked = value.clone();
            mark_texts(&mut marked, mark, &is_broken);
            return serialized(&marked).replace(beginning, "\"");
        }
    }
    plain
}

fn serialized(value: &Value) -> String {
    // A tree of texts and numbers can always be written.
    serde_yaml::to_string(value).unwrap_or_default()
}

/// Whether there is a text that is meant.
fn has_text(value: &Value, is_meant: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_meant(text),
        Value::Array(items) => items.iter().any(|it| has_text(it, is_meant)),
        Value::Object(fields) => fields.values().any(|it| has_text(it, is_meant)),
        _ => false,
    }
}

/// Puts `mark` before the texts that are meant.
fn mark_texts(value: &mut Value, mark: char, is_meant: &impl Fn(&str) -> bool) {
    match value {
        Value::String(text) if is_meant(text) => text.insert(0, mark),
        Value::Array(items) => {
            for it in items {
                mark_texts(it, mark, is_meant);
            }
        }
        Value::Object(fields) => {
            for it in fields.values_mut() {
                mark_texts(it, mark, is_meant);
            }
        }
        _ => {}
    }
}

fn of_service(service: &mut Object<String, Value>) {
    without_commands(service);
    if let Some(Value::Object(deploy)) = service.get_mut("deploy") {
        without_empty(deploy, &["resources", "placement"]);
    }
    for hook in ["post_start", "pre_stop"] {
        for hook in items(service, hook) {
            without_commands(hook);
        }
    }
    if let Some(Value::Object(develop)) = service.get_mut("develop") {
        for trigger in items(develop, "watch") {
            if let Some(Value::Object(exec)) = trigger.get_mut("exec") {
                without_commands(exec);
            }
            without_empty(trigger, &["exec"]);
        }
    }
    if let Some(Value::Object(blkio)) = service.get_mut("blkio_config") {
        let devices = blkio.values_mut().filter_map(Value::as_array_mut).flatten();
        for device in devices.filter_map(Value::as_object_mut) {
            *device = std::mem::take(device)
                .into_iter()
                .map(|(key, value)| (key.to_lowercase(), value))
                .collect();
        }
    }
}

fn items<'v>(
    fields: &'v mut Object<String, Value>,
    key: &str,
) -> impl Iterator<Item = &'v mut Object<String, Value>> {
    let items = fields.get_mut(key).and_then(Value::as_array_mut);
    items.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn without_commands(fields: &mut Object<String, Value>) {
    for key in ["command", "entrypoint"] {
        if fields.get(key).is_some_and(Value::is_null) {
            fields.shift_remove(key);
        }
    }
}

fn without_empty(fields: &mut Object<String, Value>, keys: &[&str]) {
    for key in keys {
        if fields
            .get(*key)
            .and_then(Value::as_object)
            .is_some_and(Object::is_empty)
        {
            fields.shift_remove(*key);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_text_that_is_a_number_or_a_date_to_yaml_of_old_is_quoted() {
        let tree = json!({"a": "1_000", "b": ["0o17", "80", 80], "c": "1_000 \u{e000}"});
        let text = super::text(&tree);
        assert!(text.contains("a: \"1_000\"\n"), "{text}");
        let date = super::text(&json!({"a": "2020-01-01"}));
        assert_eq!(date, "a: \"2020-01-01\"\n");
        let mut again = crate::yaml::parse("f".as_ref(), text.as_bytes()).unwrap();
        crate::forms::old_numbers(&mut again);
        assert_eq!(again.to_json(), tree, "{text}");
    }
    #[test]
    fn a_text_with_any_end_of_a_line_in_it_reads_back() {
        for one in ["\r", "\u{85}", "\u{2028}", "\u{2029}"] {
            for (before, after) in [
                ("", ""),
                ("", "\n"),
                ("\n", ""),
                ("a ", " b\n c"),
                ("\t", "#"),
            ] {
                let text = format!("{before}{one}{after}");
                let tree =
                    json!({"a": text, "b": [{"c": text, "d": "\"\\uFFFF"}], "e": "\u{ffff}x"});
                let written = super::text(&tree);
                let again = crate::yaml::parse("f".as_ref(), written.as_bytes()).unwrap();
                assert_eq!(again.to_json(), tree, "{written}");
            }
        }
    }
}
