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
        Field::new(
            "weight",
            WHOLE_OR_TEXT.range(0, TWO_BYTES),
            Out::Count,
            "300",
        ),
        limits(
            "weight_device",
            &BLKIO_WEIGHT,
            "[{ path: /dev/sda, weight: 400 }]",
        ),
        limits(
            "device_read_bps",
            &BLKIO_LIMIT,
            "[{ path: /dev/sda, rate: 12mb }]",
        ),
        limits(
            "device_read_iops",
            &BLKIO_LIMIT,
            "[{ path: /dev/sda, rate: 120 }]",
        ),
        limits(
            "device_write_bps",
            &BLKIO_LIMIT,
            "[{ path: /dev/sda, rate: 12mb }]",
        ),
        limits(
            "device_write_iops",
            &BLKIO_LIMIT,
            "[{ path: /dev/sda, rate: 120 }]",
        ),
    ],
};

const fn limits(name: &'static str, level: &'static Level, like: &'static str) -> Field {
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
    Field::new(name, shape, Out::Blkio(level), like)
}

pub(super) static BLKIO_LIMIT: Level = Level {
    what: "a device limit",
    strict: true,
    extensions: false,
    fields: &[
        Field::new("path", TEXT_ONLY, Out::TextAlways, "/dev/sda"),
        Field::new("rate", WHOLE_OR_TEXT, Out::Bytes, "12mb"),
    ],
};

pub(super) static BLKIO_WEIGHT: Level = Level {
    what: "a device weight",
    strict: true,
    extensions: false,
    fields: &[
        Field::new("path", TEXT_ONLY, Out::TextAlways, "/dev/sda"),
        Field::new(
            "weight",
            WHOLE_OR_TEXT.range(0, TWO_BYTES),
            Out::Count,
            "400",
        ),
    ],
};

pub(super) static CREDENTIAL_SPEC: Level = Level {
    what: "`credential_spec`",
    strict: true,
    extensions: true,
    fields: &[
        text("config", "site"),
        text("file", "spec.json").alone(),
        text("registry", "spec"),
    ],
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
            "service_healthy",
        )
        .required()
        .alone(),
        Field::new("restart", FLAG_OR_TEXT, Out::Flag, "true"),
        Field::new("required", FLAG_ONLY, Out::FlagAlways, "false"),
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
        "[{ path: ./src, action: rebuild }]",
    )],
};

pub(super) static ENV_FILE: Level = Level {
    what: "an entry of `env_file`",
    strict: true,
    extensions: false,
    fields: &[
        text("path", "web.env").required(),
        Field::new("required", FLAG_OR_TEXT, Out::FlagAlways, "false"),
        text("format", "raw"),
    ],
};

pub(super) static EXTENDS: Level = Level {
    what: "`extends`",
    strict: true,
    extensions: false,
    fields: &[
        text("file", "base.yaml"),
        text("service", "base").required(),
    ],
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
            r#"["CMD", "curl", "-f", "http://localhost/"]"#,
        )
        .merged(Merged::Replaced)
        .alone(),
        Field::new("timeout", TEXT_ONLY, Out::WaitSet, "5s"),
        Field::new("interval", TEXT_ONLY, Out::WaitSet, "30s"),
        Field::new("retries", NUMBER_OR_TEXT, Out::CountSet, "3").cast(Cast::Whole),
        Field::new("start_period", TEXT_ONLY, Out::WaitSet, "10s"),
        Field::new("start_interval", TEXT_ONLY, Out::WaitSet, "1s"),
        flag("disable"),
    ],
};

pub(super) static HOOK: Level = Level {
    what: "a hook",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("command", COMMAND, Out::Words, r#"["program", "argument"]"#)
            .required()
            .alone(),
        text("user", "root"),
        Field::new("privileged", FLAG_OR_TEXT, Out::Flag, "true"),
        text("working_dir", "/app"),
        Field::new(
            "environment",
            LIST_OR_DICT,
            Out::Environment,
            "{ NAME: value }",
        ),
    ],
};

pub(super) static LIMIT: Level = Level {
    what: "a limit",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("soft", WHOLE_OR_TEXT, Out::Whole, "1024")
            .cast(Cast::Whole)
            .required(),
        Field::new("hard", WHOLE_OR_TEXT, Out::Whole, "2048")
            .cast(Cast::Whole)
            .required(),
    ],
};

pub(super) static LOGGING: Level = Level {
    what: "`logging`",
    strict: true,
    extensions: true,
    fields: &[
        text("driver", "json-file").alone(),
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
                    like: "value",
                };
                &OF
            })),
            Out::Settings,
            "{ max-size: 10m }",
        ),
    ],
};

pub(super) static PORT: Level = Level {
    what: "a port",
    strict: true,
    extensions: true,
    fields: &[
        text("name", "http"),
        text("mode", "host"),
        text("host_ip", "127.0.0.1"),
        Field::new(
            "target",
            WHOLE_OR_TEXT.range(0, FOUR_BYTES),
            Out::Count,
            "80",
        )
        .cast(Cast::Whole)
        .required(),
        Field::new("published", WHOLE_OR_TEXT, Out::Text, r#""8080""#),
        text("protocol", "tcp"),
        text("app_protocol", "http"),
    ],
};

pub(super) static PRE_START_HOOK: Level = Level {
    what: "a `pre_start` hook",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("command", COMMAND, Out::Words, r#"["program", "argument"]"#),
        Field::new(
            "environment",
            LIST_OR_DICT,
            Out::Environment,
            "{ NAME: value }",
        ),
        text("image", "nginx"),
        Field::new("per_replica", FLAG_OR_TEXT, Out::Flag, "true"),
        Field::new("privileged", FLAG_OR_TEXT, Out::Flag, "true"),
        text("user", "root"),
        text("working_dir", "/app"),
    ],
};

pub(super) static PROVIDER: Level = Level {
    what: "`provider`",
    strict: true,
    extensions: true,
    fields: &[
        text("type", "model").required().alone(),
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
                    like: "value",
                };
                &OF
            })),
            Out::MultiSettings,
            "{ name: value }",
        ),
    ],
};

pub(super) static SERVICE_MODEL: Level = Level {
    what: "a service's model",
    strict: true,
    extensions: true,
    fields: &[
        text("endpoint_var", "MODEL_URL"),
        text("model_var", "MODEL_NAME"),
    ],
};

pub(super) static SERVICE_NETWORK: Level = Level {
    what: "a service's network",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("aliases", UNIQUE_TEXTS, Out::Texts, "[shop]").same(Same::Name),
        Field::new("driver_opts", OPTIONS, Out::Settings, "{ name: value }"),
        Field::new("gw_priority", Shape::of(NUMBER), Out::Whole, "1"),
        text("interface_name", "eth1"),
        text("ipv4_address", "172.28.0.10"),
        text("ipv6_address", r#""2001:db8::10""#),
        Field::new("link_local_ips", UNIQUE_TEXTS, Out::Texts, "[169.254.1.1]").same(Same::Name),
        text("mac_address", r#""02:42:ac:11:00:03""#),
        Field::new("priority", Shape::of(NUMBER), Out::Whole, "100"),
    ],
};

pub(super) static WATCH: Level = Level {
    what: "an entry of `watch`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("path", TEXT_ONLY, Out::TextAlways, "./src").required(),
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
            "rebuild",
        )
        .required(),
        text("target", "/app/src"),
        Field::new(
            "exec",
            Shape::of(0).map(Map::Level(&HOOK)),
            Out::InAlways(&HOOK),
            r#"{ command: ["program", "argument"] }"#,
        ),
        Field::new("include", TEXT_OR_UNIQUE_TEXTS, Out::Texts, r#"["*.rs"]"#).long(Long::List),
        Field::new("ignore", TEXT_OR_UNIQUE_TEXTS, Out::Texts, "[target/]").long(Long::List),
        Field::new("initial_sync", FLAG_ONLY, Out::Flag, "true"),
    ],
};
