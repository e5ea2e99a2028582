//! Joins the values that `serde_yaml` read with the positions of the first pass.

use indexmap::IndexMap;

use super::marks::{Mark, Marks, Shape};
use super::scalar::Said;
use super::value::Value;
use super::{Key, Node, NodeValue, binary, merge_key, scalar};
use crate::problem::{Place, Problem, Problems};

/// Signs that a port has at most that a hint repeats.
const LONGEST_PORT: usize = 20;

/// What is wrong.
#[derive(Default)]
pub(super) struct Told {
    /// Of what follows nobody knows what it means.
    pub(super) wrong: Problems,
    /// What follows can be told all the same.
    pub(super) beside: Problems,
}

impl Told {
    fn push(&mut self, problem: Problem) {
        self.wrong.push(problem);
    }
}

/// The tree. Depth is bounded by the first pass, so recursion is too.
pub(super) fn join(start: &Place, marks: &Marks, value: Value, problems: &mut Told) -> Node {
    node(start, marks, marks.root(), value, problems)
}

/// One node; where the two readings differ in shape, a child takes its parent's place.
fn node(
    parent: &Place,
    marks: &Marks,
    mark: Option<&Mark>,
    value: Value,
    problems: &mut Told,
) -> Node {
    let place = mark.map_or_else(
        || parent.clone(),
        |mark| Place {
            file: parent.file.clone(),
            line: mark.line,
            column: mark.column,
        },
    );
    let value = match value {
        Value::String(text) if marks.is_compose => scalar_of(mark, text, &place, problems),
        _ if let Some(text) = mark.and_then(own_text) => NodeValue::String(text.to_owned()),
        Value::Null => NodeValue::Null,
        Value::Bool(b) => NodeValue::Bool(b),
        Value::Int(number) => NodeValue::Int(number),
        Value::Large(number) => NodeValue::Large(number),
        Value::Beyond(number) => beyond(mark, number),
        Value::Float(number) => NodeValue::Float(number),
        Value::String(text) => NodeValue::String(match mark {
            Some(mark) if mark.is_binary => binary::text(text, &place, &mut problems.wrong),
            _ => text,
        }),
        Value::Seq(items) => NodeValue::Seq(sequence(&place, marks, mark, items, problems)),
        Value::Map(map) => NodeValue::Map(mapping(&place, marks, mark, map, problems)),
    };
    Node {
        place,
        value,
        tag: mark.and_then(|mark| mark.tag.clone()),
        plain: mark.is_some_and(|mark| mark.plain),
        short: false,
        replaced: None,
    }
}

/// A scalar of a Compose file.
fn scalar_of(mark: Option<&Mark>, text: String, place: &Place, problems: &mut Told) -> NodeValue {
    let (said, is_binary) = mark.map_or((Said::Text, false), |it| (it.said, it.is_binary));
    if is_binary {
        return NodeValue::String(binary::text(text, place, &mut problems.wrong));
    }
    scalar::read(&text, said).unwrap_or_else(|| {
        let what = format!("`{}` is not what its tag says", super::shorten(&text));
        let problem = Problem::error(what).at(place.clone());
        problems.push(problem.hint("take the tag away"));
        NodeValue::String(text)
    })
}

/// The text of a scalar with a tag of one's own: YAML knows no other type for it.
fn own_text(mark: &Mark) -> Option<&str> {
    match &mark.shape {
        Shape::Scalar(text) if mark.tag.is_some() => Some(text),
        _ => None,
    }
}

/// A whole number of more than 64 bits: the nearest number where it is written in tens, else text.
fn beyond(mark: Option<&Mark>, number: f64) -> NodeValue {
    match mark.map(|mark| &mark.shape) {
        Some(Shape::Scalar(text)) if text.contains(['x', 'o', 'b']) => {
            NodeValue::String(text.to_string())
        }
        _ => NodeValue::Float(number),
    }
}

fn sequence(
    place: &Place,
    marks: &Marks,
    mark: Option<&Mark>,
    items: Vec<Value>,
    problems: &mut Told,
) -> Vec<Node> {
    let children = match mark {
        Some(Mark {
            shape: Shape::Seq(children),
            ..
        }) => children.as_slice(),
        _ => &[],
    };
    let mut children = children.iter();
    items
        .into_iter()
        .map(|item| {
            let child = children.next().and_then(|index| marks.get(*index));
            node(place, marks, child, item, problems)
        })
        .collect()
}

fn mapping(
    place: &Place,
    marks: &Marks,
    mark: Option<&Mark>,
    map: Vec<(Value, Value)>,
    problems: &mut Told,
) -> Vec<(Key, Node)> {
    let pairs = match mark {
        Some(Mark {
            shape: Shape::Map(pairs),
            ..
        }) => pairs.as_slice(),
        _ => &[],
    };
    let mut pairs = pairs.iter();
    let mut entries = Vec::with_capacity(map.len());
    let mut merges = Vec::new();
    let mut has_aliases = false;
    for (name, value) in map {
        let pair = pairs.next();
        let at = pair.and_then(|(key, _)| marks.written(*key));
        let key_mark = pair.and_then(|(key, _)| marks.get(*key));
        let is_alias = at.and_then(Mark::target).is_some();
        has_aliases |= is_alias;
        let key_place = at.map_or_else(
            || place.clone(),
            |at| Place {
                file: place.file.clone(),
                line: at.line,
                column: at.column,
            },
        );
        let child = node(
            &key_place,
            marks,
            pair.and_then(|(_, v)| marks.get(*v)),
            value,
            problems,
        );
        let (text, is_text) = match name {
            Value::String(name) if marks.is_compose => {
                match scalar_of(key_mark, name.clone(), &key_place, problems) {
                    NodeValue::String(text) => (text, true),
                    _ => (name, false),
                }
            }
            name => match key_text(key_mark, &name) {
                Some(text) => (text, true),
                None => {
                    let what = "a list or mapping cannot be a key here";
                    let problem = Problem::error(what).at(key_place);
                    problems.push(problem.hint("write the key as text"));
                    continue;
                }
            },
        };
        if !is_text {
            let what = format!("the key `{}` is no text to YAML", super::shorten(&text));
            let problem = Problem::error(what).at(key_place.clone());
            // As short a port is written with a space too many.
            let is_port = |it: &String| it.starts_with(|c: char| c.is_ascii_digit());
            let port = child.text().filter(|it| is_port(&text) && is_port(it));
            let port = port.filter(|it| it.len() <= LONGEST_PORT);
            problems.beside.push(problem.hint(match port {
                Some(port) => format!(
                    "write `\"{text}:{port}\"` if that is a port, else put the key in quotes"
                ),
                None => "put it in quotes".to_owned(),
            }));
        }
        if text == "<<" && !is_alias && key_mark.is_none_or(|mark| mark.plain) {
            merges.push(child);
        } else {
            entries.push((
                Key {
                    text,
                    place: key_place,
                },
                child,
            ));
        }
    }
    // What an alias says may be said again, where it is no duplicate: the last one counts.
    if has_aliases {
        let all = entries
            .into_iter()
            .map(|(key, node)| (key.text.clone(), (key, node)));
        let last: IndexMap<_, _> = all.collect();
        entries = last.into_values().collect();
    }
    for merge in merges {
        merge_key::merge(&mut entries, merge, &mut problems.wrong);
    }
    entries
}

/// A key as it is spelled; `None` when it is no scalar.
fn key_text(mark: Option<&Mark>, name: &Value) -> Option<String> {
    if let Some(Mark {
        shape: Shape::Scalar(text),
        ..
    }) = mark
    {
        return Some(text.to_string());
    }
    match name {
        Value::String(text) => Some(text.clone()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::Large(number) => Some(number.to_string()),
        Value::Beyond(number) | Value::Float(number) => Some(number.to_string()),
        Value::Null => Some("null".to_owned()),
        Value::Seq(_) | Value::Map(_) => None,
    }
}
