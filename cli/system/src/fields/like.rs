//! What a value should look like, for a hint: what the person wrote in a form that is taken, where that
//! can be told, else the field's example.
//!
//! What comes in: a value that may not stand where it does, and its field. What leaves: one line of YAML.
//! What must not enter: what a variable was replaced by, which can be a secret.

use std::net::IpAddr;

use super::check::fits;
use super::taken::is_taken;
use super::{Cast, FLAG, Field, Level, Long, Map, NameRule, Names, Out, Shape, TEXT, WHOLE};
use crate::duration;
use crate::forms::scalar_text;
use crate::normal_form::bytes;
use crate::typed;
use crate::yaml::{Key, Node, NodeValue, in_line, shorten};
use crate::{short_port, volume_text};

/// Signs of what the person wrote that a hint repeats.
const MOST: usize = 60;
/// Items of what the person wrote that can have room in a hint.
const FEW: usize = 5;

/// What is known of the value of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    shape: &'static Shape,
    /// The field whose value it is, or an entry of whose value.
    field: Option<&'static Field>,
    is_entry: bool,
    /// An example.
    like: &'static str,
    long: Long,
    out: Out,
    cast: Cast,
}

impl Look {
    /// That of a value without a field.
    pub(super) const fn at(shape: &'static Shape) -> Self {
        Self {
            shape,
            field: None,
            is_entry: false,
            like: "",
            long: Long::Same,
            out: Out::Hidden,
            cast: Cast::No,
        }
    }

    pub(super) const fn of_field(field: &'static Field) -> Self {
        Self {
            shape: &field.shape,
            field: Some(field),
            is_entry: false,
            like: field.like,
            long: field.long,
            out: field.out,
            cast: field.cast,
        }
    }

    /// That of the value of a name that the user gives, in what `self` is of.
    pub(super) fn of_entry(self, names: &'static Names) -> Self {
        let is_own =
            |field: &&Field| matches!(field.shape.map, Map::Names(own) if std::ptr::eq(own, names));
        Self {
            field: self.field.filter(is_own),
            is_entry: true,
            like: names.like,
            cast: names.cast,
            ..Self::at(&names.entry)
        }
    }

    /// What to write at `key`, where `node`, or a list with it as an item, cannot stand.
    pub(super) fn hint(self, key: &str, node: &Node, is_item: bool) -> String {
        if is_item {
            return self.hint_of_item(key, node);
        }
        if self.is_list_without_blanks(node) {
            return "write a space behind each `-`: YAML takes these lines for one text".to_owned();
        }
        let own = self.own(key, node);
        let value = match (own.as_ref().and_then(shown), self.out) {
            (Some(own), _) => own,
            (None, Out::Wait | Out::WaitSet) => {
                return duration::ADVICE.to_owned();
            }
            (None, Out::Bytes) => {
                let hint = self.field.map_or(Field::A_SIZE, Field::size_hint);
                return hint.to_owned();
            }
            (None, Out::Mode) => return "write it in octal, as `\"0440\"`".to_owned(),
            (None, _) => self.like.to_owned(),
        };
        let name = Node::new(node.place.clone(), NodeValue::String(shorten(key)));
        match in_line(&name) {
            // One of the two alone would be advice to take it.
            Some(name) if own.is_none() && matches!(self.like, "true" | "false") => {
                format!("write `{name}: true` or `{name}: false`")
            }
            Some(name) => format!("write `{name}: {value}`"),
            None => format!("write `{value}`"),
        }
    }

    /// The same in place of one item: the others stay as they are.
    fn hint_of_item(self, key: &str, node: &Node) -> String {
        let is_setting = matches!(self.out, Out::Environment | Out::Settings);
        if is_setting && node.as_map().is_some() {
            return "write `NAME=VALUE`, or `NAME: VALUE` without the `-`".to_owned();
        }
        let own = self.texts(node, true).unwrap_or_default();
        let items = own.iter().map(|text| self.item(text));
        let items = items.map(|text| Node::new(node.place.clone(), NodeValue::String(text)));
        let items: Vec<Node> = items
            .filter(|item| self.is_taken(key, item.clone(), true))
            .collect();
        let lines: Option<Vec<String>> = items.iter().map(shown).collect();
        match lines.as_deref() {
            Some([one]) if own.len() == 1 => format!("write `{one}`"),
            Some(lines @ [_, _, ..]) if own.len() == lines.len() => {
                format!("make each an item of its own: `{}`", lines.join("`, `"))
            }
            _ => match self.item_like().as_ref().and_then(in_line) {
                Some(like) => format!("write `{like}`"),
                None if is_setting => "write `NAME=VALUE`".to_owned(),
                None => {
                    let key = shorten(key);
                    format!("write `{key}: {}` in place of the list", self.like)
                }
            },
        }
    }

    /// The example of an item.
    fn item_like(self) -> Option<Node> {
        let like = example(self.like)?;
        let item = match like.value {
            NodeValue::Seq(items) => items.into_iter().next()?,
            _ => like,
        };
        fits(item.clone(), self.shape.item()?).then_some(item)
    }

    /// The texts of what was written, where each means something here.
    fn texts(self, node: &Node, are_items: bool) -> Option<Vec<String>> {
        let written = written(node);
        if written.len() > FEW || written.iter().any(|it| it.replaced || it.is_null()) {
            return None;
        }
        let text_of = |it| scalar_text(it).map(|text| self.mended(text));
        let texts: Option<Vec<String>> = written.iter().map(text_of).collect();
        texts
            // A number alone is no program.
            .filter(|texts| are_items || texts.iter().all(|text| !self.is_words() || is_word(text)))
            .filter(|texts| texts.iter().all(|text| self.takes(text)))
    }

    /// Whether a text is most likely a list whose dashes no space follows.
    fn is_list_without_blanks(self, node: &Node) -> bool {
        let begins = |text: &str| text.starts_with('-') && !text.starts_with("- ");
        self.shape.list.is_some() && !node.replaced && node.as_str().is_some_and(begins)
    }

    /// Whether a text that is to be an item of a list is most likely several.
    fn is_several(self, node: &Node) -> bool {
        let has_more = |text: &str| text.contains(|c: char| c.is_whitespace() || "[],".contains(c));
        let is_list = self.shape.list.is_some() && !self.is_words();
        is_list && node.as_str().is_some_and(has_more)
    }

    /// Whether what stands there is run.
    pub(super) fn is_words(self) -> bool {
        matches!(self.out, Out::Test | Out::Words)
    }

    /// What was written, in the first form that fits.
    fn own(self, key: &str, node: &Node) -> Option<Node> {
        if self.is_several(node) {
            return None;
        }
        let is_list = node.as_seq().is_some();
        let (written, texts) = (written(node), self.texts(node, false)?);
        let made = |value| Node::new(node.place.clone(), value);
        let text = |text: &String| made(NodeValue::String(text.clone()));
        let mut ways = Vec::new();
        // A text in place of a healthcheck's words is a shell's.
        if !is_list && self.shape.list.is_some() && !matches!(self.out, Out::Test) {
            let items = texts.iter().map(|it| text(&self.item(it))).collect();
            ways.push(NodeValue::Seq(items));
        }
        if let ([one], [said]) = (written, texts.as_slice()) {
            if is_list {
                ways.push(one.value.clone());
            }
            if self.shape.scalars & FLAG != 0 {
                ways.extend(said.parse().map(NodeValue::Bool));
            }
            ways.push(NodeValue::String(said.clone()));
            if let Map::Level(level) = self.shape.map
                && let Some(field) = level.alone()
            {
                ways.push(NodeValue::Map(vec![(key_of(field.name, one), text(said))]));
            }
        }
        if let (Map::Names(names), true, true) = (self.shape.map, is_list, self.is_section()) {
            let entry = |(it, said): (&Node, &String)| {
                let value = Node::new(it.place.clone(), example(names.like)?.value);
                Some((key_of(said, it), value))
            };
            let entries: Option<Vec<_>> = written.iter().zip(&texts).map(entry).collect();
            ways.extend(entries.map(NodeValue::Map));
        }
        ways.into_iter()
            .map(made)
            .filter(|way| shown(way).is_some())
            .find(|way| self.is_taken(key, way.clone(), false))
    }

    /// Whether a value, or an item of one, would be taken at `key`.
    fn is_taken(self, key: &str, value: Node, is_item: bool) -> bool {
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

/// A value in one line that is short enough for a hint.
fn shown(node: &Node) -> Option<String> {
    in_line(node).filter(|line| line.chars().count() <= MOST)
}

/// An example, as a value.
fn example(like: &str) -> Option<Node> {
    crate::yaml::parse("example".as_ref(), like.as_bytes()).ok()
}

fn key_of(text: &str, node: &Node) -> Key {
    Key {
        text: text.to_owned(),
        place: node.place.clone(),
    }
}
