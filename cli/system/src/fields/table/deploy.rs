//! Below `deploy`, and devices, which `gpus` has too.

use super::super::{Cast, Field, Items, Level, Map, Out, Shape, TEXT, WHOLE, Words};
use super::shapes::{LIST_OR_DICT, NUMBER_OR_TEXT, TEXT_ONLY, TEXTS, UNIQUE_TEXTS, WHOLE_OR_TEXT};
use super::{settings, text};

pub(super) static DEPLOYMENT: Level = Level {
    what: "`deploy`",
    strict: true,
    extensions: true,
    fields: &[
        text("mode"),
        Field::new("replicas", WHOLE_OR_TEXT, Out::WholeSet).cast(Cast::Whole),
        settings("labels", Out::Settings),
        Field::new(
            "update_config",
            Shape::of(0).map(Map::Level(&UPDATE_CONFIG)),
            Out::In(&UPDATE_CONFIG),
        ),
        Field::new(
            "rollback_config",
            Shape::of(0).map(Map::Level(&ROLLBACK_CONFIG)),
            Out::In(&ROLLBACK_CONFIG),
        ),
        Field::new(
            "resources",
            Shape::of(0).map(Map::Level(&RESOURCES)),
            Out::InAlways(&RESOURCES),
        ),
        Field::new(
            "restart_policy",
            Shape::of(0).map(Map::Level(&RESTART_POLICY)),
            Out::In(&RESTART_POLICY),
        ),
        Field::new(
            "placement",
            Shape::of(0).map(Map::Level(&PLACEMENT)),
            Out::InAlways(&PLACEMENT),
        ),
        text("endpoint_mode"),
    ],
};

/// Fields of devices; what they must say differs.
const fn device_fields(required: bool) -> [Field; 5] {
    let capabilities = Field::new("capabilities", UNIQUE_TEXTS, Out::Texts);
    [
        if required {
            capabilities.required()
        } else {
            capabilities
        },
        text("driver"),
        Field::new("count", Shape::of(TEXT | WHOLE), Out::DeviceCount),
        Field::new("device_ids", UNIQUE_TEXTS, Out::Texts),
        Field::new("options", LIST_OR_DICT, Out::Settings),
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
        Field::new("kind", TEXT_ONLY, Out::TextAlways),
        Field::new("value", NUMBER_OR_TEXT, Out::WholeSet),
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
    )],
};

static LIMITS: Level = Level {
    what: "`limits`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("cpus", NUMBER_OR_TEXT, Out::Number),
        Field::new("memory", TEXT_ONLY, Out::Bytes),
        Field::new("pids", WHOLE_OR_TEXT, Out::Whole),
    ],
};

static PLACEMENT: Level = Level {
    what: "`placement`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("constraints", TEXTS, Out::Texts),
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
        ),
        Field::new("max_replicas_per_node", WHOLE_OR_TEXT, Out::Count).cast(Cast::Whole),
    ],
};

static PREFERENCES: Level = Level {
    what: "a placement preference",
    strict: true,
    extensions: true,
    fields: &[text("spread")],
};

static RESERVATIONS: Level = Level {
    what: "`reservations`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("cpus", NUMBER_OR_TEXT, Out::Number),
        Field::new("memory", TEXT_ONLY, Out::Bytes),
        Field::new(
            "devices",
            Shape::of(0).list({
                static OF: Items = Items {
                    shape: Shape::of(0).map(Map::Level(&DEVICES)),
                    unique: false,
                };
                &OF
            }),
            Out::Each(&DEVICES),
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
        ),
        Field::new(
            "reservations",
            Shape::of(0).map(Map::Level(&RESERVATIONS)),
            Out::In(&RESERVATIONS),
        ),
    ],
};

static RESTART_POLICY: Level = Level {
    what: "`restart_policy`",
    strict: true,
    extensions: true,
    fields: &[
        text("condition"),
        Field::new("delay", TEXT_ONLY, Out::WaitSet),
        Field::new("max_attempts", WHOLE_OR_TEXT, Out::CountSet).cast(Cast::Whole),
        Field::new("window", TEXT_ONLY, Out::WaitSet),
    ],
};

/// Fields of how an update or its taking back is made.
const fn update_fields() -> [Field; 6] {
    [
        Field::new("parallelism", WHOLE_OR_TEXT, Out::CountSet).cast(Cast::Whole),
        Field::new("delay", TEXT_ONLY, Out::Wait),
        text("failure_action"),
        Field::new("monitor", TEXT_ONLY, Out::Wait),
        Field::new("max_failure_ratio", NUMBER_OR_TEXT, Out::Number).cast(Cast::Number),
        Field::new(
            "order",
            TEXT_ONLY.words(Words::OneOf(&["start-first", "stop-first"])),
            Out::Text,
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
