//! What a value may be: scalars, lists, mappings, and levels of fields.

use super::{Below, Cast, Field, Merged};

/// What a value may be: any of the kinds named, each under its own rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// The scalars allowed, a sum of [`TEXT`], [`WHOLE`], [`NUMBER`], [`FLAG`] and [`NOTHING`].
    pub(crate) scalars: u8,
    /// Which texts.
    pub(crate) words: Words,
    /// Which whole numbers, least and most.
    pub(crate) range: Option<(i64, i64)>,
    /// A list of what.
    pub(crate) list: Option<&'static Items>,
    /// A mapping of what.
    pub(crate) map: Map,
}

/// Text.
pub(crate) const TEXT: u8 = 1;
/// A whole number.
pub(crate) const WHOLE: u8 = 2;
/// Any number, whole or not.
pub(crate) const NUMBER: u8 = 4;
/// `true` or `false`.
pub(crate) const FLAG: u8 = 8;
/// Nothing, `null`.
pub(crate) const NOTHING: u8 = 16;

/// Which texts are allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Words {
    /// Any.
    Any,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Any that has two letters, digits, `_`, `.` or `-` in a row, the first a letter or digit.
    ContainerName,
    /// Any that has one of the words of `pull_policy` in it.
    PullPolicy,
}

/// What a list is made of.
#[derive(Debug)]
pub(crate) struct Items {
    /// Each item.
    pub(crate) shape: Shape,
    /// No two items are equal.
    pub(crate) unique: bool,
}

/// What a mapping is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Map {
    /// No mapping.
    No,
    /// Anything at all.
    Free,
    /// The fields of a level.
    Level(&'static Level),
    /// Names that the user gives, each with a value of one shape.
    Names(&'static Names),
}

/// A mapping from names that the user gives.
#[derive(Debug)]
pub(crate) struct Names {
    /// What the names are like.
    pub(crate) rule: NameRule,
    /// Whether other names are refused; else they pass unseen.
    pub(crate) strict: bool,
    /// Each value.
    pub(crate) entry: Shape,
    /// How a later file's value of one name meets an earlier one's.
    pub(crate) merged: Merged,
    /// What a text there is taken for.
    pub(crate) cast: Cast,
    /// What such an entry is called in messages.
    pub(crate) what: &'static str,
    /// What a value looks like.
    pub(crate) like: &'static str,
}

/// What names are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// Letters, digits, `.`, `_` and `-`.
    Identifier,
    /// Small letters.
    Letters,
    /// Not empty.
    Any,
}

/// One level of the file: which fields a mapping there may have.
#[derive(Debug)]
pub(crate) struct Level {
    /// What such a mapping is called in messages.
    pub(crate) what: &'static str,
    /// Its fields, in the order in which they are printed.
    pub(crate) fields: &'static [Field],
    /// Whether other keys are refused.
    pub(crate) strict: bool,
    /// Whether `x-…` keys may stand there.
    pub(crate) extensions: bool,
}

impl Shape {
    /// Scalars of these kinds.
    pub(super) const fn of(scalars: u8) -> Self {
        Self {
            scalars,
            words: Words::Any,
            range: None,
            list: None,
            map: Map::No,
        }
    }

    pub(super) const fn words(mut self, words: Words) -> Self {
        self.words = words;
        self
    }

    pub(super) const fn range(mut self, least: i64, most: i64) -> Self {
        self.range = Some((least, most));
        self
    }

    pub(super) const fn list(mut self, items: &'static Items) -> Self {
        self.list = Some(items);
        self
    }

    pub(super) const fn map(mut self, map: Map) -> Self {
        self.map = map;
        self
    }

    /// A mapping of a level.
    pub(crate) const fn level(level: &'static Level) -> Self {
        Self::of(0).map(Map::Level(level))
    }

    /// Whether it is that of `NAME=VALUE`, as list or mapping.
    pub(crate) fn is_settings(&self) -> bool {
        self.list.is_some()
            && matches!(self.map, Map::Names(names)
                if names.rule == NameRule::Any && names.entry.scalars & NOTHING != 0)
    }

    /// What stands below a key of a mapping of this shape: its field, where it is one, and its
    /// shape.
    pub(crate) fn below(&self, key: &str) -> Below {
        match self.map {
            Map::Level(level) => match level.field(key) {
                Some(field) => Below {
                    shape: Some(&field.shape),
                    merged: field.merged,
                    same: field.same,
                    long: field.long,
                    cast: field.cast,
                    like: field.like,
                },
                None => Below::NONE,
            },
            Map::Names(names) => Below {
                shape: Some(&names.entry),
                merged: names.merged,
                cast: names.cast,
                like: names.like,
                ..Below::NONE
            },
            Map::No | Map::Free => Below::NONE,
        }
    }

    /// The shape of a list's items.
    pub(crate) fn item(&self) -> Option<&'static Shape> {
        self.list.map(|items| &items.shape)
    }
}

impl Level {
    /// The field of that name.
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name)
    }
}
