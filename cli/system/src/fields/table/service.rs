//! Below a service, but for its build and its mounts.

use super::super::{
    Cast, FLAG, Field, Items, Level, Long, Map, Merged, NUMBER, NameRule, Names, Out, Same, Shape,
    TEXT, Words,
};
use super::shapes::{
    COMMAND, FLAG_ONLY, FLAG_OR_TEXT, FOUR_BYTES, LIST_OR_DICT, NUMBER_OR_TEXT, OPTIONS, TEXT_ONLY,
    TEXT_OR_UNIQUE_TEXTS, TWO_BYTES, UNIQUE_TEXTS, WHOLE_OR_TEXT,
};
use super::{flag, text};

pub(super) static BLKIO_CONFIG: Level = Level {
    what: "`blkio_config`",
    strict: true,
    extensions: false,
    fields: &[
        Field::new("weight", WHOLE_OR_TEXT.range(0, TWO_BYTES), Out::Count),
        limits("weight_device", &BLKIO_WEIGHT),
        limits("device_read_bps", &BLKIO_LIMIT),
        limits("device_read_iops", &BLKIO_LIMIT),
        limits("device_write_bps", &BLKIO_LIMIT),
        limits("device_write_iops", &BLKIO_LIMIT),
    ],
};

const fn limits(name: &'static str, level: &'static Level) -> Field {
    let shape = Shape::of(0).list(match name.as_bytes() {
        [b'w', ..] => {
            static OF: Items = Items {
                shape: Shape::of(0).map(Map::Level(&BLKIO_WEIGHT)),
                unique: false,
            };
            &OF
        }
        _ => {
            static OF: Items = Items {
                shape: Shape::of(0).map(Map::Level(&BLKIO_LIMIT)),
                unique: false,
            };
            &OF
        }
    });
    Field::new(name, shape, Out::Blkio(level))
}

pub(super) static BLKIO_LIMIT: Level = Level {
    what: "a device limit",
    strict: true,
    extensions: false,
    fields: &[
        Field::new("path", TEXT_ONLY, Out::TextAlways),
        Field::new("rate", WHOLE_OR_TEXT, Out::Bytes),
    ],
};

pub(super) static BLKIO_WEIGHT: Level = Level {
    what: "a device weight",
    strict: true,
    extensions: false,
    fields: &[
        Field::new("path", TEXT_ONLY, Out::TextAlways),
        Field::new("weight", WHOLE_OR_TEXT.range(0, TWO_BYTES), Out::Count),
    ],
};

pub(super) static CREDENTIAL_SPEC: Level = Level {
    what: "`credential_spec`",
    strict: true,
    extensions: true,
    fields: &[text("config"), text("file"), text("registry")],
};

pub(super) static DEPENDENCY: Level = Level {
    what: "an entry of `depends_on`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new(
            "condition",
            TEXT_ONLY.words(Words::OneOf(&[
                "service_started",
                "service_healthy",
                "service_completed_successfully",
            ])),
            Out::Text,
        )
        .required(),
        Field::new("restart", FLAG_OR_TEXT, Out::Flag),
        Field::new("required", FLAG_ONLY, Out::FlagAlways),
    ],
};

pub(super) static DEVELOPMENT: Level = Level {
    what: "`develop`",
    strict: true,
    extensions: true,
    fields: &[Field::new(
        "watch",
        Shape::of(0).list({
            static OF: Items = Items {
                shape: Shape::of(0).map(Map::Level(&WATCH)),
                unique: false,
            };
            &OF
        }),
        Out::Each(&WATCH),
    )],
};

pub(super) static ENV_FILE: Level = Level {
    what: "an entry of `env_file`",
    strict: true,
    extensions: false,
    fields: &[
        text("path").required(),
        Field::new("required", FLAG_OR_TEXT, Out::FlagAlways),
        text("format"),
    ],
};

pub(super) static EXTENDS: Level = Level {
    what: "`extends`",
    strict: true,
    extensions: false,
    fields: &[text("file"), text("service").required()],
};

pub(super) static HEALTHCHECK: Level = Level {
    what: "`healthcheck`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new(
            "test",
            TEXT_ONLY.list({
                static OF: Items = Items {
                    shape: TEXT_ONLY,
                    unique: false,
                };
                &OF
            }),
            Out::Test,
        )
        .merged(Merged::Replaced),
        Field::new("timeout", TEXT_ONLY, Out::WaitSet),
        Field::new("interval", TEXT_ONLY, Out::WaitSet),
        Field::new("retries", NUMBER_OR_TEXT, Out::CountSet).cast(Cast::Whole),
        Field::new("start_period", TEXT_ONLY, Out::WaitSet),
        Field::new("start_interval", TEXT_ONLY, Out::WaitSet),
        flag("disable"),
    ],
};

pub(super) static HOOK: Level = Level {
    what: "a hook",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("command", COMMAND, Out::Words).required(),
        text("user"),
        Field::new("privileged", FLAG_OR_TEXT, Out::Flag),
        text("working_dir"),
        Field::new("environment", LIST_OR_DICT, Out::Environment),
    ],
};

pub(super) static LIMIT: Level = Level {
    what: "a limit",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("soft", WHOLE_OR_TEXT, Out::Whole)
            .cast(Cast::Whole)
            .required(),
        Field::new("hard", WHOLE_OR_TEXT, Out::Whole)
            .cast(Cast::Whole)
            .required(),
    ],
};

pub(super) static LOGGING: Level = Level {
    what: "`logging`",
    strict: true,
    extensions: true,
    fields: &[
        text("driver"),
        Field::new(
            "options",
            Shape::of(0).map(Map::Names({
                static OF: Names = Names {
                    rule: NameRule::Any,
                    strict: false,
                    entry: Shape::of(TEXT | NUMBER | super::super::NOTHING),
                    merged: Merged::Common,
                    cast: Cast::No,
                    what: "the option",
                };
                &OF
            })),
            Out::Settings,
        ),
    ],
};

pub(super) static PORT: Level = Level {
    what: "a port",
    strict: true,
    extensions: true,
    fields: &[
        text("name"),
        text("mode"),
        text("host_ip"),
        Field::new("target", WHOLE_OR_TEXT.range(0, FOUR_BYTES), Out::Count)
            .cast(Cast::Whole)
            .required(),
        Field::new("published", WHOLE_OR_TEXT, Out::Text),
        text("protocol"),
        text("app_protocol"),
    ],
};

pub(super) static PRE_START_HOOK: Level = Level {
    what: "a `pre_start` hook",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("command", COMMAND, Out::Words),
        Field::new("environment", LIST_OR_DICT, Out::Environment),
        text("image"),
        Field::new("per_replica", FLAG_OR_TEXT, Out::Flag),
        Field::new("privileged", FLAG_OR_TEXT, Out::Flag),
        text("user"),
        text("working_dir"),
    ],
};

pub(super) static PROVIDER: Level = Level {
    what: "`provider`",
    strict: true,
    extensions: true,
    fields: &[
        text("type").required(),
        Field::new(
            "options",
            Shape::of(0).map(Map::Names({
                static OF: Names = Names {
                    rule: NameRule::Any,
                    strict: false,
                    entry: Shape::of(TEXT | NUMBER | FLAG).list({
                        static OF: Items = Items {
                            shape: Shape::of(TEXT | NUMBER | FLAG),
                            unique: false,
                        };
                        &OF
                    }),
                    merged: Merged::Common,
                    cast: Cast::No,
                    what: "the option",
                };
                &OF
            })),
            Out::MultiSettings,
        ),
    ],
};

pub(super) static SERVICE_MODEL: Level = Level {
    what: "a service's model",
    strict: true,
    extensions: true,
    fields: &[text("endpoint_var"), text("model_var")],
};

pub(super) static SERVICE_NETWORK: Level = Level {
    what: "a service's network",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("aliases", UNIQUE_TEXTS, Out::Texts).same(Same::Name),
        Field::new("driver_opts", OPTIONS, Out::Settings),
        Field::new("gw_priority", Shape::of(NUMBER), Out::Whole),
        text("interface_name"),
        text("ipv4_address"),
        text("ipv6_address"),
        Field::new("link_local_ips", UNIQUE_TEXTS, Out::Texts).same(Same::Name),
        text("mac_address"),
        Field::new("priority", Shape::of(NUMBER), Out::Whole),
    ],
};

pub(super) static WATCH: Level = Level {
    what: "an entry of `watch`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("path", TEXT_ONLY, Out::TextAlways).required(),
        Field::new(
            "action",
            TEXT_ONLY.words(Words::OneOf(&[
                "rebuild",
                "sync",
                "restart",
                "sync+restart",
                "sync+exec",
            ])),
            Out::TextAlways,
        )
        .required(),
        text("target"),
        Field::new(
            "exec",
            Shape::of(0).map(Map::Level(&HOOK)),
            Out::InAlways(&HOOK),
        ),
        Field::new("include", TEXT_OR_UNIQUE_TEXTS, Out::Texts).long(Long::List),
        Field::new("ignore", TEXT_OR_UNIQUE_TEXTS, Out::Texts).long(Long::List),
        Field::new("initial_sync", FLAG_ONLY, Out::Flag),
    ],
};
