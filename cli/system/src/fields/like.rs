//! What a value should look like, for a hint: what the person wrote in a form that is taken, where that
//! can be told, else the field's example.
//!
//! What comes in: a value that may not stand where it does, and its field. What leaves: one line of YAML.
//! What must not enter: what a variable was replaced by, which can be a secret.

use super::check::fits;
use super::{Cast, Field, Long, Map, Names, Out, Shape, TEXT};
use crate::duration;
use crate::forms::scalar_text;
use crate::yaml::{Node, NodeValue, in_line, shorten};

mod own;

/// Signs of what the person wrote that a hint repeats.
const MOST: usize = 60;

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
        if let Some(mended) = self.mended_sign(node) {
            return mended;
        }
        let own = self.own(key, node);
        let value = match (own.as_ref().and_then(shown), self.out) {
            (Some(own), _) => own,
            (None, Out::Wait | Out::WaitSet) => {
                let text = scalar_text(node).filter(|_| node.replaced.is_none());
                return duration::advice(&text.unwrap_or_default());
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
            Some(name) if self.lacks_unit(node, own.as_ref()) => {
                format!("write its unit too: `{name}: {value}`")
            }
            Some(name) => format!("write `{name}: {value}`"),
            None => format!("write `{value}`"),
        }
    }

    /// Whether `own` is what was written with the unit behind it that was left out.
    fn lacks_unit(self, node: &Node, own: Option<&Node>) -> bool {
        let has_unit = matches!(self.out, Out::Bytes | Out::Wait | Out::WaitSet);
        has_unit
            && node.is_scalar()
            && own.is_some_and(|own| own.as_str() != scalar_text(node).as_deref())
    }

    /// The same in place of one item: the others stay as they are.
    fn hint_of_item(self, key: &str, node: &Node) -> String {
        let is_setting = matches!(self.out, Out::Environment | Out::Settings);
        if is_setting && node.as_map().is_some() {
            return "write `NAME=VALUE`, or `NAME: VALUE` without the `-`".to_owned();
        }
        if let (Map::Names(names), Some(_)) = (self.shape.map, node.as_map()) {
            let own = shown(node).filter(|_| self.is_taken(key, node.clone(), false));
            let own = own.unwrap_or_else(|| format!("{{ NAME: {} }}", names.like));
            let key = shorten(key);
            return format!("write a mapping in place of the list: `{key}: {own}`");
        }
        let own = self.texts(node, true).unwrap_or_default();
        let items: Vec<Node> = own
            .iter()
            .map(|text| self.as_item(text))
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

    /// Whether a text is most likely a list whose dashes no space follows.
    fn is_list_without_blanks(self, node: &Node) -> bool {
        let begins = |text: &str| text.starts_with('-') && !text.starts_with("- ");
        self.shape.list.is_some() && node.replaced.is_none() && node.as_str().is_some_and(begins)
    }

    /// What to write where one sign stands in a wrong place: `a:b` for `a: b`, `{$A}` for `${A}`.
    fn mended_sign(self, node: &Node) -> Option<String> {
        if let (Map::Level(level), Some(text)) = (self.shape.map, node.as_str())
            && let Some((key, value)) = text.split_once(':')
            && level.field(key).is_some()
            && node.replaced.is_none()
        {
            let value = shorten(value.trim());
            return Some(format!("write a space behind the colon: `{key}: {value}`"));
        }
        let [(key, value)] = node.as_map()? else {
            return None;
        };
        let inside = key.text.strip_prefix('$').filter(|_| value.is_null())?;
        let is_short = inside.len() <= MOST && self.shape.scalars & TEXT != 0;
        is_short.then(|| format!("write `${{{inside}}}`"))
    }

    /// Whether what stands there is run.
    pub(super) fn is_words(self) -> bool {
        matches!(self.out, Out::Test | Out::Words)
    }
}

/// A value in one line that is short enough for a hint.
fn shown(node: &Node) -> Option<String> {
    in_line(&node.as_written()?).filter(|line| line.chars().count() <= MOST)
}

/// An example, as a value.
fn example(like: &str) -> Option<Node> {
    crate::yaml::parse("example".as_ref(), like.as_bytes()).ok()
}
