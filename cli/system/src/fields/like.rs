//! What a value should look like, for a hint: what the person wrote in a form that is taken, where that
//! can be told, else the field's example.
//!
//! What comes in: a value that may not stand where it does, and its field. What leaves: one line of YAML.
//! What must not enter: what a variable was replaced by, which can be a secret.

use super::check::fits;
use super::{Cast, Field, Level, Long, Map, NameRule, Names, Out, Shape, TEXT};
use crate::duration;
use crate::forms::scalar_text;
use crate::normal_form::bytes;
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
            like: "",
            long: Long::Same,
            out: Out::Hidden,
            cast: Cast::No,
        }
    }

    pub(super) const fn of_field(field: &'static Field) -> Self {
        Self {
            shape: &field.shape,
            like: field.like,
            long: field.long,
            out: field.out,
            cast: field.cast,
        }
    }

    /// That of the value of a name that the user gives.
    pub(super) const fn of_entry(names: &'static Names) -> Self {
        Self {
            like: names.like,
            cast: names.cast,
            ..Self::at(&names.entry)
        }
    }

    /// What to write at `key`, where `node`, or a list with it as an item, cannot stand.
    pub(super) fn hint(self, key: &str, node: &Node, is_item: bool) -> String {
        let is_setting = matches!(self.out, Out::Environment | Out::Settings);
        if is_setting && is_item && node.as_map().is_some() {
            return "write `NAME=VALUE`, or `NAME: VALUE` without the `-`".to_owned();
        }
        let own = self.own(node, is_item);
        let own = own.and_then(|own| in_line(&own).filter(|line| line.chars().count() <= MOST));
        let value = match (&own, self.out) {
            (Some(own), _) => own,
            (None, Out::Wait | Out::WaitSet) => {
                return "write it as 500ms, 30s or 1m30s".to_owned();
            }
            (None, Out::Bytes) => return "write it as 512m, 1.5g or in bytes".to_owned(),
            (None, Out::Mode) => return "write it in octal, as `\"0440\"`".to_owned(),
            (None, _) => self.like,
        };
        let name = Node::new(node.place.clone(), NodeValue::String(shorten(key)));
        match in_line(&name) {
            Some(name) => format!("write `{name}: {value}`"),
            None => format!("write `{value}`"),
        }
    }

    /// What was written, in the first form that fits.
    fn own(self, node: &Node, is_item: bool) -> Option<Node> {
        let is_list = node.as_seq().is_some();
        let written: &[Node] = match node.as_seq() {
            Some(items) => items,
            None => std::slice::from_ref(node),
        };
        if written.len() > FEW || written.iter().any(|it| it.replaced || it.is_null()) {
            return None;
        }
        let text_of = |it| scalar_text(it).map(|text| self.mended(text));
        let texts: Option<Vec<String>> = written.iter().map(text_of).collect();
        let texts = texts.filter(|texts| texts.iter().all(|text| self.takes(text)))?;
        let made = |value| Node::new(node.place.clone(), value);
        let text = |text: &String| made(NodeValue::String(text.clone()));
        let mut ways = Vec::new();
        if is_item || !is_list && self.shape.list.is_some() {
            let items = texts.iter().map(|it| text(&self.item(it))).collect();
            ways.push(NodeValue::Seq(items));
        }
        if let ([one], [said], false) = (written, texts.as_slice(), is_item) {
            if is_list {
                ways.push(one.value.clone());
            }
            ways.push(NodeValue::String(said.clone()));
            if let Map::Level(level) = self.shape.map
                && let Some(field) = level.alone()
            {
                ways.push(NodeValue::Map(vec![(key(field.name, one), text(said))]));
            }
        }
        if let (Map::Names(names), true, true) = (self.shape.map, is_list, self.is_section()) {
            let entry = |(it, said): (&Node, &String)| {
                let value = Node::new(it.place.clone(), names.like_value()?);
                Some((key(said, it), value))
            };
            let entries: Option<Vec<_>> = written.iter().zip(&texts).map(entry).collect();
            ways.extend(entries.map(NodeValue::Map));
        }
        ways.into_iter()
            .map(made)
            .find(|way| fits(way.clone(), self.shape))
    }

    /// Whether names with what they are stand there.
    fn is_section(self) -> bool {
        matches!(self.shape.map, Map::Names(names) if names.rule == NameRule::Identifier)
            && self.shape.list.is_none()
    }

    /// A text with what is most likely left out of it.
    fn mended(self, text: String) -> String {
        let is_count = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match self.out {
            Out::Wait | Out::WaitSet if is_count => text + "s",
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
        !text.is_empty()
            && text.len() <= MOST
            && (!self.is_section() || is_name)
            && is_form
            && is_value
            && is_cast
    }
}

impl Names {
    /// The example of an entry, as a value.
    fn like_value(&self) -> Option<NodeValue> {
        let node = crate::yaml::parse("example".as_ref(), self.like.as_bytes()).ok()?;
        Some(node.value)
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

fn key(text: &str, node: &Node) -> Key {
    Key {
        text: text.to_owned(),
        place: node.place.clone(),
    }
}
