//! The normal form: a tree in long form as the JSON that `docker compose config --format json`
//! prints, so that anybody can compare the two.
//!
//! What comes in: a checked tree in long form ([`crate::canonical`]). What leaves: JSON, and an error
//! for each text that is not what is meant there (a duration, a size, a number). What must not enter:
//! defaults and references ([`normalize`] adds those), files.
//!
//! How each field is printed the table says ([`crate::fields::Out`]). What Docker Compose leaves out
//! (what is empty, zero or `false`, mostly) is left out here.

use serde_json::{Map as Object, Value, json};

use crate::fields::{FILE, Field, Level, Out};
use crate::forms::scalar_text;
use crate::interpolate::cast::flag;
use crate::problem::{Problem, Problems};
use crate::typed::words;
use crate::yaml::{Node, NodeValue, shorten};

pub mod bytes;
pub mod hash;
pub(crate) mod normalize;
mod number;
pub mod selection;
pub(crate) mod settings;
pub(crate) mod wait;
pub mod yaml;

/// A whole file, with every service.
pub(crate) fn project(tree: &Node, problems: &mut Problems) -> Object<String, Value> {
    let mut printing = Printing { problems };
    let mut project = printing.level(tree, &FILE);
    for (key, value) in tree.entries() {
        if key.text.starts_with("x-") {
            project.insert(key.text.clone(), value.to_json());
        }
    }
    project
}

/// The `x-…` keys of a service, which JSON leaves out and YAML prints.
#[must_use]
pub(crate) fn extensions(node: &Node) -> Vec<(String, Value)> {
    node.entries()
        .iter()
        .filter(|(key, _)| key.text.starts_with("x-"))
        .map(|(key, value)| (key.text.clone(), value.to_json()))
        .collect()
}

struct Printing<'p> {
    problems: &'p mut Problems,
}

impl Printing<'_> {
    fn level(&mut self, node: &Node, level: &'static Level) -> Object<String, Value> {
        let mut out = Object::new();
        for field in level.fields {
            let found = node.get(field.name);
            if let Some(value) = self.field(found, field) {
                out.insert(field.name.to_owned(), value);
            }
        }
        out
    }

    fn field(&mut self, node: Option<&Node>, field: &Field) -> Option<Value> {
        let Some(node) = node else {
            return absent(field.out);
        };
        match field.out {
            Out::Hidden => None,
            Out::EnvFiles => env_files(node),
            Out::Text => self
                .text(node, field)
                .filter(|it| !it.is_empty())
                .map(Value::from),
            Out::TextAlways => Some(self.text(node, field).unwrap_or_default().into()),
            Out::Flag => self.flag(node).filter(|flag| *flag).map(Value::from),
            Out::FlagSet => self.flag(node).map(Value::from),
            Out::FlagAlways => Some(self.flag(node).unwrap_or_default().into()),
            Out::Whole => self.whole(node).filter(|it| *it != 0).map(Value::from),
            Out::WholeSet => self.whole(node).map(Value::from),
            Out::Count if node.as_str().is_some() => {
                let what = format!("`{}`", field.name);
                self.problems.push(node.expected(&what, "a whole number"));
                None
            }
            Out::Count => self.count(node).filter(|it| *it != 0).map(Value::from),
            Out::CountSet => self.count(node).map(Value::from),
            Out::Number => self.number(node),
            Out::Bytes => self.bytes(node),
            Out::Wait => self
                .wait(node)
                .filter(|it| *it != 0)
                .map(|it| wait::text(it).into()),
            Out::WaitSet => self.wait(node).map(|it| wait::text(it).into()),
            Out::Texts => self.texts(node),
            Out::TextsAndNumbers => {
                for item in node.items() {
                    if matches!(item.value, NodeValue::Float(_)) {
                        self.problems
                            .push(item.expected("an item here", "a whole number"));
                    }
                }
                filled(node.items().iter().filter_map(scalar_text))
            }
            Out::Words => Some(self.words(node, field.name)),
            Out::Test => test(node),
            Out::Settings => filled_object(settings(node)),
            Out::PlainSettings => {
                for (key, value) in node.entries() {
                    if !matches!(
                        value.value,
                        NodeValue::String(_) | NodeValue::Int(_) | NodeValue::Null
                    ) {
                        let what = format!("`{}`", shorten(&key.text));
                        self.problems.push(value.expected(&what, "text"));
                    }
                }
                filled_object(settings(node))
            }
            Out::Environment => filled_object(environment(node)),
            Out::MultiSettings => filled_object(multi_settings(node)),
            Out::Hosts => self.hosts(node),
            Out::Mode => self.mode(node),
            Out::Ssh => filled(node.entries().iter().map(|(key, value)| {
                match scalar_text(value).filter(|path| !path.is_empty()) {
                    Some(path) => format!("{}: {path}", key.text),
                    None => key.text.clone(),
                }
            })),
            Out::DeviceCount => self.device_count(node),
            Out::Blkio(level) => self.blkio(node, level),
            Out::In(level) => (!node.is_null()).then(|| self.level(node, level).into()),
            Out::InAlways(level) => Some(self.level(node, level).into()),
            Out::Each(level) => {
                let items = node.items().iter();
                let all: Vec<Value> = items.map(|it| self.level(it, level).into()).collect();
                (!all.is_empty()).then(|| Value::Array(all))
            }
            Out::Entries(level) => filled_object(self.entries(node, level, false)),
            Out::EntriesOrNull(level) => filled_object(self.entries(node, level, true)),
            Out::Limits(level) => self.limits(node, level),
        }
    }

    fn entries(&mut self, node: &Node, level: &'static Level, null: bool) -> Object<String, Value> {
        let mut all = Object::new();
        for (key, entry) in node.entries() {
            let value = if entry.is_null() && null {
                Value::Null
            } else {
                self.level(entry, level).into()
            };
            all.insert(key.text.clone(), value);
        }
        all
    }

    fn wrong(&mut self, node: &Node, what: impl Into<String>, hint: &str) {
        let problem = Problem::error(what).at(node.place.clone());
        self.problems.push(problem.hint(hint));
    }

    fn text(&mut self, node: &Node, field: &Field) -> Option<String> {
        if let NodeValue::Float(_) | NodeValue::Bool(_) = node.value {
            self.problems
                .push(node.expected(&format!("`{}`", field.name), "text"));
            return None;
        }
        scalar_text(node)
    }

    fn flag(&mut self, node: &Node) -> Option<bool> {
        match &node.value {
            NodeValue::Bool(flag) => Some(*flag),
            NodeValue::String(text) => {
                let said = flag(text).map(|(flag, _)| flag);
                if said.is_none() {
                    let what = format!("`{}` is not `true` or `false`", shorten(text));
                    self.wrong(node, what, "write `true` or `false`");
                }
                said
            }
            _ => None,
        }
    }

    fn whole(&mut self, node: &Node) -> Option<i64> {
        match &node.value {
            NodeValue::Int(number) => Some(*number),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "what Docker Compose makes of it"
            )]
            NodeValue::Float(number) if number.abs() < 9e18 => Some(*number as i64),
            NodeValue::Float(_) => Some(i64::MIN),
            NodeValue::String(text) => {
                let number = text.parse().ok();
                if number.is_none() {
                    let what = format!("`{}` is not a whole number", shorten(text));
                    self.wrong(node, what, "write it in digits");
                }
                number
            }
            _ => None,
        }
    }

    fn count(&mut self, node: &Node) -> Option<i64> {
        let number = self.whole(node)?;
        if number < 0 {
            let what = format!("{number} is less than nothing");
            self.wrong(node, what, "write 0 or more");
            return None;
        }
        Some(number)
    }

    fn number(&mut self, node: &Node) -> Option<Value> {
        let number = match &node.value {
            NodeValue::String(text) => {
                let number = text.parse::<f64>().ok();
                if number.is_none() {
                    let what = format!("`{}` is not a number", shorten(text));
                    self.wrong(node, what, "write it in digits");
                }
                number?
            }
            _ => node.as_f64()?,
        };
        if number.is_infinite() {
            self.wrong(node, format!("{number} is too much"), "write it in digits");
        }
        number::single(number)
    }

    fn bytes(&mut self, node: &Node) -> Option<Value> {
        let bytes = match &node.value {
            NodeValue::Int(number) => *number,
            NodeValue::String(text) => match bytes::parse(text) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let what = format!("`{}` is no size: {error}", shorten(text));
                    self.wrong(node, what, "write it as 512m, 1.5g or in bytes");
                    return None;
                }
            },
            _ => return None,
        };
        (bytes != 0).then(|| bytes.to_string().into())
    }

    /// In nanoseconds.
    fn wait(&mut self, node: &Node) -> Option<i64> {
        let text = scalar_text(node)?;
        match wait::parse(&text) {
            Ok(nanos) => Some(nanos),
            Err(error) => {
                let what = format!("`{}` is no duration: {error}", shorten(&text));
                self.wrong(node, what, "write it as 500ms, 30s or 1m30s");
                None
            }
        }
    }

    fn texts(&mut self, node: &Node) -> Option<Value> {
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

    fn words(&mut self, node: &Node, name: &str) -> Value {
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

    fn hosts(&mut self, node: &Node) -> Option<Value> {
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

    fn mode(&mut self, node: &Node) -> Option<Value> {
        let mode = match &node.value {
            NodeValue::Int(mode) => *mode,
            NodeValue::String(text) => match i64::from_str_radix(text, 8) {
                Ok(mode) => mode,
                Err(_) => {
                    let what = format!("`{}` is no file mode", shorten(text));
                    self.wrong(node, what, "write it in octal, as `\"0440\"`");
                    return None;
                }
            },
            _ => {
                self.problems
                    .push(node.expected("`mode`", "a whole number"));
                return None;
            }
        };
        let sign = if mode < 0 { "-" } else { "" };
        Some(format!("0{sign}{:o}", mode.unsigned_abs()).into())
    }

    fn device_count(&mut self, node: &Node) -> Option<Value> {
        if node
            .as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case("all"))
        {
            return Some(json!(-1));
        }
        if let NodeValue::Float(_) = node.value {
            self.problems
                .push(node.expected("`count`", "`all` or a whole number"));
            return None;
        }
        self.whole(node).filter(|it| *it != 0).map(Value::from)
    }

    /// Devices with their limits, whose names begin with capitals.
    fn blkio(&mut self, node: &Node, level: &'static Level) -> Option<Value> {
        let mut all = Vec::new();
        for item in node.items() {
            let mut one = Object::new();
            for field in level.fields {
                let value = self.field(item.get(field.name), field);
                let mut name = field.name.to_owned();
                if let Some(first) = name.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                let nothing = match field.out {
                    Out::Bytes => json!("0"),
                    Out::Whole | Out::Count => json!(0),
                    _ => json!(""),
                };
                one.insert(name, value.unwrap_or(nothing));
            }
            all.push(Value::Object(one));
        }
        (!all.is_empty()).then_some(Value::Array(all))
    }

    fn limits(&mut self, node: &Node, level: &'static Level) -> Option<Value> {
        let mut all = Object::new();
        for (key, limit) in node.entries() {
            let value = match limit.value {
                // A limit of 0 is none that Docker Compose keeps.
                NodeValue::Int(0) => json!({}),
                NodeValue::Int(number) => json!(number),
                NodeValue::Map(_) => {
                    for (_, one) in limit.entries() {
                        if !matches!(one.value, NodeValue::Int(_)) {
                            self.problems
                                .push(one.expected("a limit", "a whole number"));
                        }
                    }
                    self.level(limit, level).into()
                }
                NodeValue::Float(_) | NodeValue::String(_) => {
                    self.problems
                        .push(limit.expected(&format!("`{}`", key.text), "a whole number"));
                    continue;
                }
                _ => {
                    self.whole(limit);
                    continue;
                }
            };
            all.insert(key.text.clone(), value);
        }
        filled_object(all)
    }
}

/// What is printed of a field that is not there.
fn absent(out: Out) -> Option<Value> {
    match out {
        Out::Words => Some(Value::Null),
        Out::TextAlways => Some("".into()),
        Out::FlagAlways => Some(false.into()),
        Out::InAlways(level) => {
            let fields = level.fields.iter();
            let fields = fields.filter_map(|it| Some((it.name.to_owned(), absent(it.out)?)));
            Some(Value::Object(fields.collect()))
        }
        _ => None,
    }
}

/// Paths of files of settings; one that need not be there says so.
fn env_files(node: &Node) -> Option<Value> {
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

/// A mapping sorted by its names, as Docker Compose prints those that the user gives.
fn sorted(mut all: Object<String, Value>) -> Object<String, Value> {
    all.sort_keys();
    all
}

fn filled(texts: impl Iterator<Item = String>) -> Option<Value> {
    let all: Vec<Value> = texts.map(Value::from).collect();
    (!all.is_empty()).then_some(Value::Array(all))
}

fn filled_object(all: Object<String, Value>) -> Option<Value> {
    (!all.is_empty()).then(|| Value::Object(sorted(all)))
}

/// A mapping to texts; a name without a value has the empty one.
fn settings(node: &Node) -> Object<String, Value> {
    let entries = node.entries().iter();
    entries
        .map(|(key, value)| {
            let text = scalar_text(value).unwrap_or_else(|| value.to_json().to_string());
            (key.text.clone(), text.into())
        })
        .collect()
}

/// A mapping to texts; a name without a value has none.
fn environment(node: &Node) -> Object<String, Value> {
    let entries = node.entries().iter();
    entries
        .map(|(key, value)| {
            let text = scalar_text(value).filter(|_| !value.is_null());
            (key.text.clone(), text.map_or(Value::Null, Value::from))
        })
        .collect()
}

fn multi_settings(node: &Node) -> Object<String, Value> {
    let entries = node.entries().iter();
    entries
        .map(|(key, value)| {
            let texts: Vec<Value> = match value.as_seq() {
                Some(items) => items
                    .iter()
                    .filter_map(scalar_text)
                    .map(Value::from)
                    .collect(),
                None => scalar_text(value).map(Value::from).into_iter().collect(),
            };
            (key.text.clone(), texts.into())
        })
        .collect()
}

/// A healthcheck's command: a text is a shell's.
fn test(node: &Node) -> Option<Value> {
    match &node.value {
        NodeValue::String(text) => Some(json!(["CMD-SHELL", text])),
        _ => filled(node.items().iter().filter_map(scalar_text)),
    }
}
