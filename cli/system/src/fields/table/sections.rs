//! Below the top level: networks, volumes, secrets, configs, models, `include`.

use super::super::{
    Cast, FLAG, Field, Items, Level, Map, Merged, NOTHING, NameRule, Names, Out, Same, Shape, TEXT,
    WHOLE,
};
use super::shapes::{FLAG_OR_TEXT, LIST_OR_DICT, OPTIONS, TEXT_ONLY, TEXT_OR_UNIQUE_TEXTS, TEXTS};
use super::{flag, text};

/// Entries of a section by name.
macro_rules! entries {
    ($level:expr, $scalars:expr, $strict:expr, $what:expr, $like:expr) => {
        Shape::of(0).map(Map::Names({
            static OF: Names = Names {
                rule: NameRule::Identifier,
                strict: $strict,
                entry: Shape::of($scalars).map(Map::Level($level)),
                merged: Merged::Common,
                cast: Cast::No,
                what: $what,
                like: $like,
            };
            &OF
        }))
    };
}

pub(super) const CONFIGS: Shape = entries!(&CONFIG, 0, true, "the config", "{ file: ./site.conf }");
pub(super) const MODELS: Shape = entries!(&MODEL, 0, false, "the model", "{ model: ai/smollm2 }");
pub(super) const NETWORKS: Shape = entries!(&NETWORK, NOTHING, false, "the network", "{}");
pub(super) const SECRETS: Shape = entries!(&SECRET, 0, true, "the secret", "{ file: ./key.txt }");
pub(super) const VOLUMES: Shape = entries!(&VOLUME, NOTHING, true, "the volume", "{}");

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
    fields: &[text("name", "shop-data")],
};

/// The same of secrets and configs, for which other keys pass.
static LOOSE_EXTERNAL: Level = Level {
    what: "`external`",
    strict: false,
    extensions: true,
    fields: &[text("name", "shop-key")],
};

const fn external(level: &'static Level) -> Field {
    let shape = Shape::of(FLAG | TEXT).map(Map::Level(level));
    Field::new("external", shape, Out::Flag, "true").cast(Cast::Flag)
}

pub(super) static CONFIG: Level = Level {
    what: "a config",
    strict: true,
    extensions: true,
    fields: &[
        text("name", "shop-site"),
        text("file", "./site.conf").alone(),
        text("environment", "SITE"),
        text("content", "hello"),
        external(&LOOSE_EXTERNAL),
        Field::new(
            "labels",
            LIST_OR_DICT,
            Out::Settings,
            "{ com.example.team: shop }",
        ),
        text("template_driver", "golang"),
    ],
};

pub(super) static INCLUDE: Level = Level {
    what: "`include`",
    strict: true,
    extensions: false,
    fields: &[
        Field::new("env_file", TEXT_OR_UNIQUE_TEXTS, Out::Hidden, "other.env"),
        Field::new("path", TEXT_OR_UNIQUE_TEXTS, Out::Hidden, "other.yaml"),
        Field::new("project_directory", TEXT_ONLY, Out::Hidden, "./other"),
    ],
};

static IPAM: Level = Level {
    what: "`ipam`",
    strict: true,
    extensions: true,
    fields: &[
        text("driver", "default"),
        Field::new(
            "config",
            Shape::of(0).list({
                static OF: Items = Items {
                    shape: Shape::of(0).map(Map::Level(&POOL)),
                    unique: false,
                };
                &OF
            }),
            Out::Bare(&POOL),
            "[{ subnet: 172.28.0.0/16 }]",
        )
        .merged(Merged::Pools),
        Field::new("options", POOL_TEXTS, Out::Hidden, "{ name: value }").same(Same::Name),
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
        like: "value",
    };
    &OF
}));

static POOL: Level = Level {
    what: "an `ipam` config",
    strict: true,
    extensions: true,
    fields: &[
        text("subnet", "172.28.0.0/16").alone(),
        text("gateway", "172.28.0.1"),
        text("ip_range", "172.28.5.0/24"),
        Field::new(
            "aux_addresses",
            POOL_TEXTS,
            Out::Settings,
            "{ router: 172.28.1.5 }",
        ),
    ],
};

pub(super) static MODEL: Level = Level {
    what: "a model",
    strict: true,
    extensions: true,
    fields: &[
        text("name", "shop-llm"),
        text("model", "ai/smollm2").required().alone(),
        Field::new("context_size", Shape::of(WHOLE), Out::Whole, "4096"),
        Field::new(
            "runtime_flags",
            TEXTS,
            Out::Texts,
            r#"["--no-prefill-assistant"]"#,
        ),
    ],
};

pub(super) static NETWORK: Level = Level {
    what: "a network",
    strict: true,
    extensions: true,
    fields: &[
        text("name", "shop-back"),
        text("driver", "bridge"),
        Field::new(
            "driver_opts",
            OPTIONS,
            Out::Settings,
            "{ com.docker.network.driver.mtu: 1450 }",
        ),
        Field::new(
            "ipam",
            Shape::of(0).map(Map::Level(&IPAM)),
            Out::InAlways(&IPAM),
            "{ config: [{ subnet: 172.28.0.0/16 }] }",
        ),
        external(&EXTERNAL),
        flag("internal"),
        flag("attachable"),
        super::settings("labels", Out::Settings, "{ com.example.team: shop }"),
        Field::new("enable_ipv4", FLAG_OR_TEXT, Out::FlagSet, "true").cast(Cast::Flag),
        Field::new("enable_ipv6", FLAG_OR_TEXT, Out::FlagSet, "true").cast(Cast::Flag),
    ],
};

pub(super) static SECRET: Level = Level {
    what: "a secret",
    strict: true,
    extensions: true,
    fields: &[
        text("name", "shop-key"),
        text("file", "./key.txt").alone(),
        text("environment", "KEY"),
        external(&LOOSE_EXTERNAL),
        Field::new(
            "labels",
            LIST_OR_DICT,
            Out::Settings,
            "{ com.example.team: shop }",
        ),
        text("driver", "vault"),
        Field::new(
            "driver_opts",
            OPTIONS,
            Out::PlainSettings,
            "{ name: value }",
        ),
        text("template_driver", "golang"),
    ],
};

pub(super) static VOLUME: Level = Level {
    what: "a volume",
    strict: true,
    extensions: true,
    fields: &[
        text("name", "shop-data"),
        text("driver", "local"),
        Field::new("driver_opts", OPTIONS, Out::Settings, "{ type: tmpfs }"),
        external(&EXTERNAL),
        Field::new(
            "labels",
            LIST_OR_DICT,
            Out::Settings,
            "{ com.example.team: shop }",
        )
        .merged(Merged::Listed),
    ],
};
