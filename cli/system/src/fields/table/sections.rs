//! Below the top level: networks, volumes, secrets, configs, models, `include`.

use super::super::{
    Cast, FLAG, Field, Items, Level, Map, Merged, NOTHING, NameRule, Names, Out, Same, Shape, TEXT,
    WHOLE,
};
use super::shapes::{FLAG_OR_TEXT, LIST_OR_DICT, OPTIONS, TEXT_ONLY, TEXT_OR_UNIQUE_TEXTS, TEXTS};
use super::{flag, text};

/// Entries of a section by name.
macro_rules! entries {
    ($level:expr, $scalars:expr, $strict:expr, $what:expr) => {
        Shape::of(0).map(Map::Names({
            static OF: Names = Names {
                rule: NameRule::Identifier,
                strict: $strict,
                entry: Shape::of($scalars).map(Map::Level($level)),
                merged: Merged::Common,
                cast: Cast::No,
                what: $what,
            };
            &OF
        }))
    };
}

pub(super) const CONFIGS: Shape = entries!(&CONFIG, 0, true, "the config");
pub(super) const MODELS: Shape = entries!(&MODEL, 0, false, "the model");
pub(super) const NETWORKS: Shape = entries!(&NETWORK, NOTHING, false, "the network");
pub(super) const SECRETS: Shape = entries!(&SECRET, 0, true, "the secret");
pub(super) const VOLUMES: Shape = entries!(&VOLUME, NOTHING, true, "the volume");

pub(super) const INCLUDES: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(TEXT).map(Map::Level(&INCLUDE)),
        unique: false,
    };
    &OF
});

/// `external` as a mapping, with nothing but a name.
static EXTERNAL: Level = Level {
    what: "`external`",
    strict: true,
    extensions: true,
    fields: &[text("name")],
};

/// The same of secrets and configs, for which other keys pass.
static LOOSE_EXTERNAL: Level = Level {
    what: "`external`",
    strict: false,
    extensions: true,
    fields: &[text("name")],
};

const fn external(level: &'static Level) -> Field {
    let shape = Shape::of(FLAG | TEXT).map(Map::Level(level));
    Field::new("external", shape, Out::Flag).cast(Cast::Flag)
}

pub(super) static CONFIG: Level = Level {
    what: "a config",
    strict: true,
    extensions: true,
    fields: &[
        text("name"),
        text("file"),
        text("environment"),
        text("content"),
        external(&LOOSE_EXTERNAL),
        Field::new("labels", LIST_OR_DICT, Out::Settings),
        text("template_driver"),
    ],
};

pub(super) static INCLUDE: Level = Level {
    what: "`include`",
    strict: true,
    extensions: false,
    fields: &[
        Field::new("env_file", TEXT_OR_UNIQUE_TEXTS, Out::Hidden),
        Field::new("path", TEXT_OR_UNIQUE_TEXTS, Out::Hidden),
        Field::new("project_directory", TEXT_ONLY, Out::Hidden),
    ],
};

static IPAM: Level = Level {
    what: "`ipam`",
    strict: true,
    extensions: true,
    fields: &[
        text("driver"),
        Field::new(
            "config",
            Shape::of(0).list({
                static OF: Items = Items {
                    shape: Shape::of(0).map(Map::Level(&POOL)),
                    unique: false,
                };
                &OF
            }),
            Out::Each(&POOL),
        )
        .merged(Merged::Pools),
        Field::new("options", POOL_TEXTS, Out::Hidden).same(Same::Name),
    ],
};

const POOL_TEXTS: Shape = Shape::of(0).map(Map::Names({
    static OF: Names = Names {
        rule: NameRule::Any,
        strict: true,
        entry: TEXT_ONLY,
        merged: Merged::Common,
        cast: Cast::No,
        what: "the option",
    };
    &OF
}));

static POOL: Level = Level {
    what: "an `ipam` config",
    strict: true,
    extensions: true,
    fields: &[
        text("subnet"),
        text("gateway"),
        text("ip_range"),
        Field::new("aux_addresses", POOL_TEXTS, Out::Settings),
    ],
};

pub(super) static MODEL: Level = Level {
    what: "a model",
    strict: true,
    extensions: true,
    fields: &[
        text("name"),
        text("model").required(),
        Field::new("context_size", Shape::of(WHOLE), Out::Whole),
        Field::new("runtime_flags", TEXTS, Out::Texts),
    ],
};

pub(super) static NETWORK: Level = Level {
    what: "a network",
    strict: true,
    extensions: true,
    fields: &[
        text("name"),
        text("driver"),
        Field::new("driver_opts", OPTIONS, Out::Settings),
        Field::new(
            "ipam",
            Shape::of(0).map(Map::Level(&IPAM)),
            Out::InAlways(&IPAM),
        ),
        external(&EXTERNAL),
        flag("internal"),
        flag("attachable"),
        super::settings("labels", Out::Settings),
        Field::new("enable_ipv4", FLAG_OR_TEXT, Out::FlagSet).cast(Cast::Flag),
        Field::new("enable_ipv6", FLAG_OR_TEXT, Out::FlagSet).cast(Cast::Flag),
    ],
};

pub(super) static SECRET: Level = Level {
    what: "a secret",
    strict: true,
    extensions: true,
    fields: &[
        text("name"),
        text("file"),
        text("environment"),
        external(&LOOSE_EXTERNAL),
        Field::new("labels", LIST_OR_DICT, Out::Settings),
        text("driver"),
        Field::new("driver_opts", OPTIONS, Out::PlainSettings),
        text("template_driver"),
    ],
};

pub(super) static VOLUME: Level = Level {
    what: "a volume",
    strict: true,
    extensions: true,
    fields: &[
        text("name"),
        text("driver"),
        Field::new("driver_opts", OPTIONS, Out::Settings),
        external(&EXTERNAL),
        Field::new("labels", LIST_OR_DICT, Out::Settings).merged(Merged::Listed),
    ],
};
