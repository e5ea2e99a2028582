//! What a person wrote, in a form that is taken.

use std::net::IpAddr;

use super::super::check::{fits, word_meant};
use super::super::taken::is_taken;
use super::super::{Cast, FLAG, Field, Level, Long, Map, NameRule, Out, TEXT, WHOLE, Words};
use super::{Look, MOST, example, shown};
use crate::duration;
use crate::forms::scalar_text;
use crate::normal_form::bytes;
use crate::typed;
use crate::yaml::{Key, Node, NodeValue};
use crate::{short_port, volume_text};

/// Items of what the person wrote that can have room in a hint.
const FEW: usize = 5;

impl Look {
    /// The texts of what was written, where each means something here; each knows what stood there before a variable
    /// was replaced.
    pub(super) fn texts(self, node: &Node, are_items: bool) -> Option<Vec<Node>> {
        let written = written(node);
        if written.len() > FEW || written.iter().any(Node::is_null) {
            return None;
        }
        let text_of = |it: &Node| {
            let said = scalar_text(it)?;
            let text = self.mended(said.clone());
            // What is left out is nowhere in what was written.
            let is_own = it.replaced.is_none() || said == text && self.item(&text) == text;
            let replaced = it.replaced.clone();
            let made = Node::new(it.place.clone(), NodeValue::String(text));
            is_own.then_some(Node { replaced, ..made })
        };
        let texts: Option<Vec<Node>> = written.iter().map(text_of).collect();
        // A number alone is no program.
        let is_program = |text: &str| are_items || !self.is_words() || is_word(text);
        let is_one = |it: &Node| {
            let text = it.as_str().unwrap_or_default();
            is_program(text) && self.takes(text)
        };
        texts.filter(|texts| texts.iter().all(is_one))
    }

    /// Whether a text that is to be an item of a list is most likely several.
    fn is_several(self, node: &Node) -> bool {
        let has_more = |text: &str| text.contains(|c: char| c.is_whitespace() || "[],".contains(c));
        let is_list = self.shape.list.is_some() && !self.is_words();
        is_list && node.as_str().is_some_and(has_more)
    }

    /// What was written, in the first form that fits.
    pub(super) fn own(self, key: &str, node: &Node) -> Option<Node> {
        if let Some(entries) = node.as_map() {
            return self.own_of_map(key, node, entries);
        }
        if self.is_several(node) {
            return None;
        }
        let is_list = node.as_seq().is_some();
        let (written, texts) = (written(node), self.texts(node, false)?);
        let made = |value| Node::new(node.place.clone(), value);
        let mut ways = Vec::new();
        // A text in place of a healthcheck's words is a shell's.
        if !is_list && self.shape.list.is_some() && !matches!(self.out, Out::Test) {
            let items = texts.iter().map(|it| self.as_item(it)).collect();
            ways.push(made(NodeValue::Seq(items)));
        }
        if let ([one], [said]) = (written, texts.as_slice()) {
            if is_list {
                ways.push(one.clone());
            }
            if self.shape.scalars & FLAG != 0 && said.replaced.is_none() {
                let flag = said.as_str().unwrap_or_default().parse();
                ways.extend(flag.map(|flag| made(NodeValue::Bool(flag))));
            }
            ways.push(said.clone());
            if let Map::Level(level) = self.shape.map
                && let Some(field) = level.alone()
            {
                let word = match (field.shape.words, said.as_str()) {
                    (Words::OneOf(words), Some(text)) => word_meant(text, words),
                    _ => None,
                };
                let meant = word.filter(|_| said.replaced.is_none());
                let value = meant.map(|it| made(NodeValue::String(it.to_owned())));
                let entry = (key_of(field.name, one), value.unwrap_or(said.clone()));
                ways.push(made(NodeValue::Map(vec![entry])));
            }
        }
        if let (Map::Names(names), true, true) = (self.shape.map, is_list, self.is_section()) {
            let entry = |it: &Node| {
                // No variable is replaced in a key.
                let name = it.as_str().filter(|_| it.replaced.is_none())?;
                let value = Node::new(it.place.clone(), example(names.like)?.value);
                Some((key_of(name, it), value))
            };
            let entries: Option<Vec<_>> = texts.iter().map(entry).collect();
            ways.extend(entries.map(|entries| made(NodeValue::Map(entries))));
        }
        if let (Map::Names(_) | Map::Free, None) = (self.shape.map, self.shape.list) {
            let entry = |it: &Node| {
                let (name, value) = it
                    .as_str()
                    .filter(|_| it.replaced.is_none())?
                    .split_once('=')?;
                let value = NodeValue::String(value.to_owned());
                Some((key_of(name, it), Node::new(it.place.clone(), value)))
            };
            let entries: Option<Vec<_>> = texts.iter().map(entry).collect();
            ways.extend(entries.map(|entries| made(NodeValue::Map(entries))));
        }
        self.first_taken(key, ways)
    }

    /// The first of several forms that fits.
    fn first_taken(self, key: &str, ways: Vec<Node>) -> Option<Node> {
        ways.into_iter()
            .filter(|way| shown(way).is_some())
            .find(|way| self.is_taken(key, way.clone(), false))
    }

    /// A mapping where a list belongs: as its only item, or each entry as an item `NAME:VALUE`.
    fn own_of_map(self, key: &str, node: &Node, entries: &[(Key, Node)]) -> Option<Node> {
        self.shape.list.filter(|_| !entries.is_empty())?;
        let list = |items| Node::new(node.place.clone(), NodeValue::Seq(items));
        let text = |(key, value): &(Key, Node)| {
            let said = scalar_text(value).filter(|_| value.replaced.is_none())?;
            let text = match said.as_str() {
                "" => key.text.clone(),
                said => format!("{}:{said}", key.text),
            };
            let is_one = said.is_empty() || is_of_parts(self.long);
            let text = Some(text).filter(|text| is_one && self.takes(text))?;
            Some(Node::new(key.place.clone(), NodeValue::String(text)))
        };
        let few = entries.len() <= FEW;
        let texts: Option<Vec<Node>> = entries.iter().map(text).collect();
        let texts = texts.filter(|_| few && !self.is_words()).map(list);
        let ways = [Some(list(vec![node.clone()])), texts];
        self.first_taken(key, ways.into_iter().flatten().collect())
    }

    /// A text as an item of a list.
    pub(super) fn as_item(self, text: &Node) -> Node {
        let item = self.item(text.as_str().unwrap_or_default());
        Node {
            value: NodeValue::String(item),
            ..text.clone()
        }
    }

    /// Whether a value, or an item of one, would be taken at `key`.
    pub(super) fn is_taken(self, key: &str, value: Node, is_item: bool) -> bool {
        let place = value.place.clone();
        let value = match is_item {
            true => Node::new(place.clone(), NodeValue::Seq(vec![value])),
            false => value,
        };
        let Some(field) = self.field else {
            return fits(value, self.shape);
        };
        if !self.is_entry {
            return is_taken(value, field);
        }
        let entries = vec![(key_of(key, &value), value)];
        is_taken(Node::new(place, NodeValue::Map(entries)), field)
    }

    /// Whether names with what they are stand there.
    fn is_section(self) -> bool {
        matches!(self.shape.map, Map::Names(names) if names.rule == NameRule::Identifier)
            && self.shape.list.is_none()
    }

    /// A text with what is most likely left out of it.
    fn mended(self, text: String) -> String {
        let is_count = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_switch = self.shape.scalars & (FLAG | WHOLE) == FLAG;
        match (self.out, text.as_str()) {
            (Out::Wait | Out::WaitSet, _) if is_count => text + "s",
            (Out::Bytes, _) if !self.field.is_some_and(Field::is_share) => {
                let unit = bytes::unit_left_out(&text).unwrap_or_default();
                text + unit
            }
            (_, "0") if is_switch => "false".to_owned(),
            (_, "1") if is_switch => "true".to_owned(),
            _ => text,
        }
    }

    /// What a text is as an item of a list.
    fn item(self, text: &str) -> String {
        match self.long {
            // A name alone is a volume that somebody wants to have mounted.
            Long::Mounts if NameRule::Identifier.fits(text) => format!("{text}:/{text}"),
            // A device alone is most likely meant to be called the same inside.
            Long::Devices if !text.contains(':') => format!("{text}:{text}"),
            _ => text.to_owned(),
        }
    }

    /// Whether a text means something there.
    fn takes(self, text: &str) -> bool {
        let is_name =
            NameRule::Identifier.fits(text) && !text.starts_with(|c: char| c.is_ascii_digit());
        let is_form = match self.long {
            Long::Ports => short_port::read(text).is_ok(),
            Long::Mounts => {
                is_name || volume_text::parts(text).is_ok_and(|parts| parts.source.is_some())
            }
            Long::Devices => text.starts_with('/'),
            Long::Names | Long::Dependencies | Long::Files => is_name,
            Long::Ssh | Long::Settings => text.contains('='),
            _ => true,
        };
        let is_value = match self.out {
            Out::Wait | Out::WaitSet => duration::parse(text).is_ok(),
            Out::Bytes => bytes::parse(text).is_ok(),
            Out::Hosts => text.contains([':', '=']),
            Out::Environment | Out::Settings | Out::PlainSettings | Out::MultiSettings => {
                text.contains('=')
            }
            Out::TextsAndNumbers => short_port::read(text).is_ok(),
            Out::Mode => false,
            _ => true,
        };
        let is_cast = match self.cast {
            Cast::No => true,
            Cast::Whole => text.parse::<i64>().is_ok(),
            Cast::Number => text.parse::<f64>().is_ok(),
            Cast::Flag => matches!(text, "true" | "false"),
        };
        let is_known = match self.field.map(|field| field.name) {
            Some("restart") => typed::is_restart_policy(text),
            Some("host_ip") => text.parse::<IpAddr>().is_ok(),
            Some("format") => text == "raw",
            Some("published") => text.split('-').all(|port| port.parse::<u16>().is_ok()),
            _ => true,
        };
        !text.is_empty()
            && is_known
            && text.len() <= MOST
            && (!self.is_section() || is_name)
            && is_form
            && is_value
            && is_cast
    }
}

impl Level {
    /// The field that a text in place of the level is most likely meant for.
    fn alone(&self) -> Option<&'static Field> {
        self.fields
            .iter()
            .find(|field| field.alone && field.shape.scalars & TEXT != 0)
    }
}

/// What was written: the items of a list, else the value.
fn written(node: &Node) -> &[Node] {
    match node.as_seq() {
        Some(items) => items,
        None => std::slice::from_ref(node),
    }
}

/// Whether a text is neither a number nor a switch.
fn is_word(text: &str) -> bool {
    text.parse::<f64>().is_err() && !matches!(text, "true" | "false")
}

fn key_of(text: &str, node: &Node) -> Key {
    Key {
        text: text.to_owned(),
        place: node.place.clone(),
    }
}

/// Whether an item is made of parts with colons between them.
fn is_of_parts(long: Long) -> bool {
    matches!(long, Long::Ports | Long::Mounts | Long::Devices)
}
