//! Below `deploy`, and devices, which `gpus` has too.

use super::super::{Cast, Field, Items, Level, Map, Out, Shape, TEXT, WHOLE, Words};
use super::shapes::{LIST_OR_DICT, NUMBER_OR_TEXT, TEXT_ONLY, TEXTS, UNIQUE_TEXTS, WHOLE_OR_TEXT};
use super::{settings, text};

pub(super) static DEPLOYMENT: Level = Level {
    what: "`deploy`",
    strict: true,
    extensions: true,
    fields: &[
        text("mode", "replicated"),
        Field::new("replicas", WHOLE_OR_TEXT, Out::WholeSet, "2").cast(Cast::Whole),
        settings("labels", Out::Settings, "{ com.example.team: shop }"),
        Field::new(
            "update_config",
            Shape::of(0).map(Map::Level(&UPDATE_CONFIG)),
            Out::In(&UPDATE_CONFIG),
            "{ parallelism: 1 }",
        ),
        Field::new(
            "rollback_config",
            Shape::of(0).map(Map::Level(&ROLLBACK_CONFIG)),
            Out::In(&ROLLBACK_CONFIG),
            "{ parallelism: 1 }",
        ),
        Field::new(
            "resources",
            Shape::of(0).map(Map::Level(&RESOURCES)),
            Out::InAlways(&RESOURCES),
            "{ limits: { memory: 512m } }",
        ),
        Field::new(
            "restart_policy",
            Shape::of(0).map(Map::Level(&RESTART_POLICY)),
            Out::In(&RESTART_POLICY),
            "{ condition: on-failure }",
        ),
        Field::new(
            "placement",
            Shape::of(0).map(Map::Level(&PLACEMENT)),
            Out::InAlways(&PLACEMENT),
            "{ constraints: [node.role==worker] }",
        ),
        text("endpoint_mode", "vip"),
    ],
};

/// Fields of devices; what they must say differs.
const fn device_fields(required: bool) -> [Field; 5] {
    let capabilities = Field::new("capabilities", UNIQUE_TEXTS, Out::Texts, "[gpu]");
    [
        if required {
            capabilities.required()
        } else {
            capabilities
        },
        text("driver", "nvidia"),
        Field::new("count", Shape::of(TEXT | WHOLE), Out::DeviceCount, "1"),
        Field::new("device_ids", UNIQUE_TEXTS, Out::Texts, r#"["0"]"#),
        Field::new("options", LIST_OR_DICT, Out::Settings, "{ name: value }"),
    ]
}

static DEVICES: Level = Level {
    what: "`devices`",
    strict: true,
    extensions: true,
    fields: &device_fields(true),
};

/// An entry of `gpus`, for which other keys pass.
pub(super) static GPU: Level = Level {
    what: "an entry of `gpus`",
    strict: false,
    extensions: true,
    fields: &device_fields(false),
};

static DISCRETE_RESOURCE_SPEC: Level = Level {
    what: "`discrete_resource_spec`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("kind", TEXT_ONLY, Out::TextAlways, "SSD"),
        Field::new("value", NUMBER_OR_TEXT, Out::WholeAlways, "2"),
    ],
};

static GENERIC_RESOURCES: Level = Level {
    what: "a generic resource",
    strict: true,
    extensions: true,
    fields: &[Field::new(
        "discrete_resource_spec",
        Shape::of(0).map(Map::Level(&DISCRETE_RESOURCE_SPEC)),
        Out::In(&DISCRETE_RESOURCE_SPEC),
        "{ kind: SSD, value: 2 }",
    )],
};

static LIMITS: Level = Level {
    what: "`limits`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("cpus", NUMBER_OR_TEXT, Out::Number, r#""0.5""#),
        Field::new("memory", TEXT_ONLY, Out::Bytes, "512m"),
        Field::new("pids", WHOLE_OR_TEXT, Out::Whole, "100"),
    ],
};

static PLACEMENT: Level = Level {
    what: "`placement`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("constraints", TEXTS, Out::Texts, "[node.role==worker]"),
        Field::new(
            "preferences",
            Shape::of(0).list({
                static OF: Items = Items {
                    shape: Shape::of(0).map(Map::Level(&PREFERENCES)),
                    unique: false,
                };
                &OF
            }),
            Out::Each(&PREFERENCES),
            "[{ spread: node.labels.zone }]",
        ),
        Field::new("max_replicas_per_node", WHOLE_OR_TEXT, Out::Count, "1").cast(Cast::Whole),
    ],
};

static PREFERENCES: Level = Level {
    what: "a placement preference",
    strict: true,
    extensions: true,
    fields: &[text("spread", "node.labels.zone").alone()],
};

static RESERVATIONS: Level = Level {
    what: "`reservations`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("cpus", NUMBER_OR_TEXT, Out::Number, r#""0.5""#),
        Field::new("memory", TEXT_ONLY, Out::Bytes, "512m"),
        Field::new(
            "devices",
            Shape::of(0).list({
                static OF: Items = Items {
                    shape: Shape::of(0).map(Map::Level(&DEVICES)),
                    unique: false,
                };
                &OF
            }),
            Out::Bare(&DEVICES),
            "[{ capabilities: [gpu], count: 1 }]",
        ),
        Field::new(
            "generic_resources",
            Shape::of(0).list({
                static OF: Items = Items {
                    shape: Shape::of(0).map(Map::Level(&GENERIC_RESOURCES)),
                    unique: false,
                };
                &OF
            }),
            Out::Each(&GENERIC_RESOURCES),
            "[{ discrete_resource_spec: { kind: SSD, value: 2 } }]",
        ),
    ],
};

static RESOURCES: Level = Level {
    what: "`resources`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new(
            "limits",
            Shape::of(0).map(Map::Level(&LIMITS)),
            Out::In(&LIMITS),
            "{ memory: 512m }",
        ),
        Field::new(
            "reservations",
            Shape::of(0).map(Map::Level(&RESERVATIONS)),
            Out::In(&RESERVATIONS),
            "{ memory: 256m }",
        ),
    ],
};

static RESTART_POLICY: Level = Level {
    what: "`restart_policy`",
    strict: true,
    extensions: true,
    fields: &[
        text("condition", "on-failure").alone(),
        Field::new("delay", TEXT_ONLY, Out::WaitSet, "5s"),
        Field::new("max_attempts", WHOLE_OR_TEXT, Out::CountSet, "3").cast(Cast::Whole),
        Field::new("window", TEXT_ONLY, Out::WaitSet, "2m"),
    ],
};

/// Fields of how an update or its taking back is made.
const fn update_fields() -> [Field; 6] {
    [
        Field::new("parallelism", WHOLE_OR_TEXT, Out::CountSet, "1").cast(Cast::Whole),
        Field::new("delay", TEXT_ONLY, Out::Wait, "10s"),
        text("failure_action", "pause"),
        Field::new("monitor", TEXT_ONLY, Out::Wait, "30s"),
        Field::new("max_failure_ratio", NUMBER_OR_TEXT, Out::Number, "0.2").cast(Cast::Number),
        Field::new(
            "order",
            TEXT_ONLY.words(Words::OneOf(&["start-first", "stop-first"])),
            Out::Text,
            "start-first",
        ),
    ]
}

static ROLLBACK_CONFIG: Level = Level {
    what: "`rollback_config`",
    strict: true,
    extensions: true,
    fields: &update_fields(),
};

static UPDATE_CONFIG: Level = Level {
    what: "`update_config`",
    strict: true,
    extensions: true,
    fields: &update_fields(),
};
