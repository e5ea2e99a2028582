//! Shapes that stand in several places.

use super::super::{
    Cast, FLAG, Items, Map, Merged, NOTHING, NUMBER, NameRule, Names, Shape, TEXT, WHOLE,
};
use super::service::LIMIT;

pub(super) const TEXT_ONLY: Shape = Shape::of(TEXT);
pub(super) const FLAG_ONLY: Shape = Shape::of(FLAG);
pub(super) const FLAG_OR_TEXT: Shape = Shape::of(FLAG | TEXT);
pub(super) const NUMBER_OR_TEXT: Shape = Shape::of(NUMBER | TEXT);
pub(super) const WHOLE_OR_TEXT: Shape = Shape::of(WHOLE | TEXT);

/// The most that Docker Compose keeps of a number in two bytes; what is more becomes another number.
pub(super) const TWO_BYTES: i64 = 65_535;
/// The same in four bytes.
pub(super) const FOUR_BYTES: i64 = 4_294_967_295;

pub(super) const TEXTS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: TEXT_ONLY,
        unique: false,
    };
    &OF
});

pub(super) const UNIQUE_TEXTS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: TEXT_ONLY,
        unique: true,
    };
    &OF
});

pub(super) const TEXT_OR_UNIQUE_TEXTS: Shape = TEXT_ONLY.list({
    static OF: Items = Items {
        shape: TEXT_ONLY,
        unique: true,
    };
    &OF
});

pub(super) const UNIQUE_TEXTS_AND_NUMBERS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(TEXT | NUMBER),
        unique: true,
    };
    &OF
});

/// `NAME=VALUE`, as a mapping or a list.
pub(super) const LIST_OR_DICT: Shape = UNIQUE_TEXTS.map(Map::Names({
    static OF: Names = Names {
        rule: NameRule::Any,
        strict: true,
        entry: Shape::of(TEXT | NUMBER | FLAG | NOTHING),
        merged: Merged::Common,
        cast: Cast::No,
        what: "the setting",
        like: "value",
    };
    &OF
}));

/// A command: words, or one text.
pub(super) const COMMAND: Shape = Shape::of(TEXT | NOTHING).list({
    static OF: Items = Items {
        shape: TEXT_ONLY,
        unique: false,
    };
    &OF
});

/// `HOST:ADDRESS`, or a mapping to one address or several.
pub(super) const HOSTS: Shape = UNIQUE_TEXTS.map(Map::Names({
    static OF: Names = Names {
        rule: NameRule::Any,
        strict: true,
        entry: Shape::of(TEXT).list({
            static OF: Items = Items {
                shape: TEXT_ONLY,
                unique: false,
            };
            &OF
        }),
        merged: Merged::Common,
        cast: Cast::No,
        what: "the host",
        like: "10.0.0.5",
    };
    &OF
}));

/// A driver's options.
pub(super) const OPTIONS: Shape = Shape::of(0).map(Map::Names({
    static OF: Names = Names {
        rule: NameRule::Any,
        strict: false,
        entry: Shape::of(TEXT | NUMBER),
        merged: Merged::Common,
        cast: Cast::No,
        what: "the option",
        like: "value",
    };
    &OF
}));

/// Limits by name, each one number or a soft and a hard one.
const EACH_LIMIT: Names = Names {
    rule: NameRule::Letters,
    strict: false,
    entry: Shape::of(TEXT | WHOLE).map(Map::Level(&LIMIT)),
    merged: Merged::Replaced,
    cast: Cast::Whole,
    what: "the limit",
    like: "1024",
};

pub(super) const LIMITS: Shape = Shape::of(0).map(Map::Names({
    static OF: Names = EACH_LIMIT;
    &OF
}));

/// The same of a build, of which a text is no number.
pub(super) const BUILD_LIMITS: Shape = Shape::of(0).map(Map::Names({
    static OF: Names = Names {
        cast: Cast::No,
        ..EACH_LIMIT
    };
    &OF
}));
