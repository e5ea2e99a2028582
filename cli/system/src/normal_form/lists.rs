//! Lists as the normal form prints them: texts, words of a command, hosts, keys, files of settings.

use serde_json::{Value, json};

use super::Printing;
use crate::fields::Level;
use crate::forms::scalar_text;
use crate::interpolate::cast::flag;
use crate::typed::words;
use crate::yaml::{Node, NodeValue, shorten};

impl Printing<'_> {
    /// Mappings of a level.
    pub(super) fn each(&mut self, node: &Node, level: &'static Level) -> Option<Value> {
        let items = node.items().iter();
        let all: Vec<Value> = items.map(|it| self.level(it, level).into()).collect();
        (!all.is_empty()).then(|| Value::Array(all))
    }

    pub(super) fn texts(&mut self, node: &Node) -> Option<Value> {
        if let NodeValue::String(text) = &node.value {
            return Some(json!([text]));
        }
        let mut all = Vec::new();
        for item in node.items() {
            match (&item.value, scalar_text(item)) {
                (NodeValue::Float(_), _) | (_, None) => {
                    self.problems.push(item.expected("an item here", "text"));
                }
                (_, Some(text)) => all.push(text),
            }
        }
        filled(all.into_iter())
    }

    pub(super) fn texts_and_numbers(&mut self, node: &Node) -> Option<Value> {
        for item in node.items() {
            if matches!(item.value, NodeValue::Float(_) | NodeValue::Large(_)) {
                self.problems
                    .push(item.expected("an item here", "a whole number"));
            }
        }
        filled(node.items().iter().filter_map(scalar_text))
    }

    pub(super) fn words(&mut self, node: &Node, name: &str) -> Value {
        match &node.value {
            NodeValue::String(text) => match words::split(text) {
                Ok(split) => split.words.into(),
                Err(error) => {
                    let what = format!("`{name}` cannot be split into words: {error}");
                    self.wrong(node, what, "write a list of words");
                    Value::Null
                }
            },
            NodeValue::Seq(items) => items.iter().filter_map(scalar_text).collect(),
            _ => Value::Null,
        }
    }

    /// `HOST=ADDRESS`, sorted.
    pub(super) fn hosts(&mut self, node: &Node) -> Option<Value> {
        let mut pairs: Vec<(String, Vec<String>, &Node)> = Vec::new();
        for (key, value) in node.entries() {
            let addresses = match value.as_seq() {
                Some(items) => items.iter().filter_map(scalar_text).collect(),
                None => scalar_text(value).into_iter().collect(),
            };
            pairs.push((key.text.clone(), addresses, value));
        }
        for item in node.items() {
            let text = scalar_text(item).unwrap_or_default();
            match text.split_once('=').or_else(|| text.split_once(':')) {
                Some((host, addresses)) => {
                    let addresses = addresses.split(',').map(str::to_owned).collect();
                    pairs.push((host.to_owned(), addresses, item));
                }
                None => {
                    let what = format!("`{}` names no address", shorten(&text));
                    self.wrong(item, what, "write `HOST=ADDRESS`");
                }
            }
        }
        if pairs.is_empty() {
            return None;
        }
        let mut all = Vec::new();
        for (host, addresses, node) in pairs {
            if host.is_empty() || host.contains([':', '=']) {
                let what = format!("`{}` cannot name a host", shorten(&host));
                self.wrong(node, what, "write `HOST=ADDRESS`");
            }
            for address in addresses {
                let bare = address
                    .strip_prefix('[')
                    .and_then(|rest| rest.strip_suffix(']'))
                    .filter(|bare| !bare.is_empty());
                all.push(format!("{host}={}", bare.unwrap_or(&address)));
            }
        }
        all.sort();
        Some(all.into())
    }
}

/// Keys for SSH: `ID`, or `ID: PATH` where it has one.
pub(super) fn ssh(node: &Node) -> Option<Value> {
    filled(node.entries().iter().map(|(key, value)| {
        match scalar_text(value).filter(|path| !path.is_empty()) {
            Some(path) => format!("{}: {path}", key.text),
            None => key.text.clone(),
        }
    }))
}

/// Paths of files of settings; one that need not be there says so.
pub(super) fn env_files(node: &Node) -> Option<Value> {
    let of = |item: &Node| {
        let path = item.get("path").and_then(scalar_text).unwrap_or_default();
        let required = item.get("required").and_then(|it| match &it.value {
            NodeValue::String(text) => flag(text).map(|(flag, _)| flag),
            _ => it.as_bool(),
        });
        if required.unwrap_or(true) {
            return Value::from(path);
        }
        let mut file = json!({"path": path, "required": false});
        if let Some(format) = item.get("format").and_then(Node::as_str) {
            file["format"] = format.into();
        }
        file
    };
    let all: Vec<Value> = node.items().iter().map(of).collect();
    (!all.is_empty()).then_some(Value::Array(all))
}

/// A healthcheck's command: a text is a shell's.
pub(super) fn test(node: &Node) -> Option<Value> {
    match &node.value {
        NodeValue::String(text) => Some(json!(["CMD-SHELL", text])),
        _ => filled(node.items().iter().filter_map(scalar_text)),
    }
}

fn filled(texts: impl Iterator<Item = String>) -> Option<Value> {
    let all: Vec<Value> = texts.map(Value::from).collect();
    (!all.is_empty()).then_some(Value::Array(all))
}
