//! Keys that stand a level above or beside where they belong: most likely only their indentation is wrong.
//!
//! What comes in: a key that means nothing where it stands, and its value. What leaves: where it most likely
//! belongs, in words. What must not enter: keys that are misspelt.

use super::check::{FILE_SHAPE, fits};
use super::{FILE, FLAG, Field, Level, Map, Names, SERVICE, Shape};
use crate::forms::scalar_text;
use crate::problem::{Place, Problem};
use crate::short_port;
use crate::unread::{SECTIONS, made_of};
use crate::yaml::{Key, Node, NodeValue, in_line, shorten};

/// Signs of a path that a hint repeats.
const MOST: usize = 60;

/// What stands where an entry of a section belongs, and is none.
#[derive(Debug, Clone)]
pub(super) struct Astray {
    name: String,
    place: Place,
    pub(super) kind: Kind,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A field of an entry.
    Field,
    /// Another section.
    Section,
    /// One of the two.
    Either,
}

/// What an entry of the section, or of the field of names, at `path` most likely is that cannot be one, where its
/// name is that of something else.
pub(super) fn in_section(
    path: &[String],
    names: &'static Names,
    key: &Key,
    value: &Node,
) -> Option<Astray> {
    let ([around @ .., section], Map::Level(level)) = (path, names.entry.map) else {
        return None;
    };
    let name = key.text.as_str();
    let field = level.field(name);
    let other = FILE.field(name).filter(|_| around.is_empty());
    let other = other.filter(|it| it.name != section && SECTIONS.contains(&it.name));
    // Who tries a value looks at all of it.
    if field.is_none() && other.is_none() || fits(value.clone(), &names.entry) {
        return None;
    }
    let is_made = made_of(&[section.clone(), name.to_owned()]).iter();
    let is_map = value.as_map().is_some();
    if is_map && is_made.clone().any(|field| value.get(field).is_some()) {
        return None;
    }
    let is_one = |it: &&'static Field| fits(value.clone(), &it.shape);
    let kind = match (
        field.filter(|it| !is_map || is_one(it)),
        other.filter(|it| is_map && is_one(it)),
    ) {
        (Some(_), Some(_)) => Kind::Either,
        (Some(_), None) => Kind::Field,
        (None, Some(_)) => Kind::Section,
        (None, None) => return None,
    };
    Some(Astray {
        name: name.to_owned(),
        place: key.place.clone(),
        kind,
    })
}

/// The problem that these stand in `section` below the entry `above`.
pub(super) fn told(
    astray: &[Astray],
    names: &Names,
    section: &[String],
    above: &str,
) -> Option<Problem> {
    let first = astray.first()?;
    let (one, section) = (names.what.trim_start_matches("the "), section.last()?);
    let all: Vec<String> = astray.iter().map(|it| format!("`{}`", it.name)).collect();
    let (are, it) = match all.as_slice() {
        [one_name] => (format!("{one_name} is no {one}: it is"), "it"),
        [others @ .., last] => {
            let others = others.join(", ");
            (
                format!("{others} and {last} are no {}: each is", several(one)),
                "them",
            )
        }
        [] => return None,
    };
    let below = match above {
        "" => format!("the name of the {one}"),
        above => format!("`{}`", shorten(above)),
    };
    let right = format!("write {it} below {below}, further to the right");
    let left = format!("as far to the left as `{section}`");
    let (what, hint) = match first.kind {
        Kind::Field => (format!("{are} a field of one"), right),
        Kind::Section => (
            format!("{are} a section of the file"),
            format!("write {it} {left}"),
        ),
        Kind::Either => (
            format!("{are} a field of one, or a section of the file"),
            format!("{right}, or {left}"),
        ),
    };
    Some(Problem::error(what).at(first.place.clone()).hint(hint))
}

/// Of a key at the top that is no section.
pub(super) fn at_the_top(name: &str, value: &Node) -> Option<String> {
    let is_service = || ["image", "build"].iter().any(|it| value.get(it).is_some());
    if SERVICE.field(name).is_some() {
        return Some(format!(
            "`{name}` is a field: write it below its service, further to the right"
        ));
    }
    is_service().then(|| "a service: write it below `services:`, further to the right".to_owned())
}

/// Of an item `./a: /b`, `data: /b` or `8080: 80`, which a space makes a mapping where a mount, device or port is
/// meant; or `/a:`, of which the colon alone does.
pub(super) fn split_by_a_space(item: &Node, shape: &'static Shape) -> Option<Problem> {
    let Some([(key, value)]) = item.as_map() else {
        return None;
    };
    let told = |why: &str, hint: String| {
        let what = format!("`{}` is a key to YAML, since {why}", shorten(&key.text));
        Some(Problem::error(what).at(key.place.clone()).hint(hint))
    };
    let is_path = key.text.starts_with(['.', '/', '~']);
    if is_path && value.is_null() {
        return told("it ends with a colon", "take the colon away".to_owned());
    }
    let other = scalar_text(value).filter(|it| value.replaced.is_none() && !it.is_empty())?;
    let is_text = value.as_str().is_some();
    let is_volume = || other.starts_with('/') && is_unknown_to_a_mount(&key.text, shape);
    let is_port = || short_port::read(&format!("{}:{other}", key.text)).is_ok();
    if !(is_text && (is_path || is_volume())) && !is_port() {
        return None;
    }
    let meant = NodeValue::String(format!("{}:{other}", key.text));
    let meant = in_line(&Node::new(item.place.clone(), meant));
    let hint = match meant.filter(|meant| meant.len() <= MOST) {
        Some(meant) => format!("write `{meant}`"),
        None => "take the space away".to_owned(),
    };
    told("a space follows its colon", hint)
}

/// Whether an item of that shape is a mount, of which nothing is called that.
fn is_unknown_to_a_mount(name: &str, shape: &'static Shape) -> bool {
    let Map::Level(level) = shape.map else {
        return false;
    };
    let knows = |name: &str| level.field(name).is_some();
    knows("source") && knows("read_only") && !knows(name)
}

/// Of a key that a mapping around the one at `path` knows: which one.
pub(super) fn further_left(path: &[String], key: &str, value: &Node) -> Option<&'static str> {
    let mut shape = &FILE_SHAPE;
    let mut around = Vec::new();
    for part in path {
        around.extend(level_of(shape));
        let item = || shape.item().and_then(|item| item.below(part).shape);
        shape = shape.below(part).shape.or_else(item)?;
    }
    let mut around = around.into_iter().rev();
    let level = around.find(|level| level.field(key).is_some())?;
    let is_one = fits(value.clone(), &level.field(key)?.shape);
    is_one.then_some(level.what)
}

fn level_of(shape: &'static Shape) -> Option<&'static Level> {
    match shape.map {
        Map::Level(level) => Some(level),
        _ => shape.item().and_then(level_of),
    }
}

/// Of a key that one mapping in `level` knows, and no other: the way there.
pub(super) fn further_right(
    level: &'static Level,
    key: &str,
    value: &Node,
) -> Option<Vec<&'static str>> {
    let below = |level: &'static Level, way: &[&'static str]| {
        let inner = level
            .fields
            .iter()
            .filter_map(|field| match field.shape.map {
                Map::Level(inner) if field.shape.scalars & FLAG == 0 => {
                    Some((inner, [way, &[field.name]].concat()))
                }
                _ => None,
            });
        inner.collect::<Vec<_>>()
    };
    let near = below(level, &[]);
    let far = near.iter().flat_map(|(level, way)| below(level, way));
    let knows = |(level, _): &(&'static Level, Vec<&'static str>)| {
        let field = level.field(key);
        field.is_some_and(|field| fits(value.clone(), &field.shape))
    };
    for levels in [near.clone(), far.collect()] {
        let mut known = levels.into_iter().filter(knows);
        if let Some((_, way)) = known.next() {
            return known.next().is_none().then_some(way);
        }
    }
    None
}

/// More than one of them.
fn several(one: &str) -> String {
    match one.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{one}s"),
    }
}
