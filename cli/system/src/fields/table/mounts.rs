//! What a service finds in its files and devices: mounts, secrets and configs, devices.

use super::super::{Field, Level, Map, Out, Shape, TEXT, WHOLE, Words};
use super::shapes::{FLAG_OR_TEXT, FOUR_BYTES, LIST_OR_DICT, NUMBER_OR_TEXT, TEXT_ONLY};
use super::{flag, text};

pub(super) static DEVICE: Level = Level {
    what: "a device",
    strict: true,
    extensions: true,
    fields: &[
        text("source", "/dev/ttyUSB0").required(),
        text("target", "/dev/ttyUSB0").required(),
        text("permissions", "rw"),
    ],
};

pub(super) static FILE_MOUNT: Level = Level {
    what: "a secret or config of a service",
    strict: true,
    extensions: true,
    fields: &[
        text("source", "key"),
        text("target", "key.txt"),
        text("uid", r#""1000""#),
        text("gid", r#""1000""#),
        Field::new("mode", NUMBER_OR_TEXT, Out::Mode, r#""0440""#),
    ],
};

pub(super) static MOUNT: Level = Level {
    what: "a mount",
    strict: true,
    extensions: true,
    fields: &[
        Field::new(
            "type",
            TEXT_ONLY.words(Words::OneOf(&[
                "bind", "volume", "tmpfs", "cluster", "npipe", "image",
            ])),
            Out::Text,
            "bind",
        )
        .required(),
        text("source", "./data"),
        text("target", "/data").required(),
        flag("read_only"),
        text("consistency", "cached"),
        Field::new(
            "bind",
            Shape::of(0).map(Map::Level(&MOUNT_BIND)),
            Out::In(&MOUNT_BIND),
            "{ propagation: rslave }",
        ),
        Field::new(
            "volume",
            Shape::of(0).map(Map::Level(&MOUNT_VOLUME)),
            Out::In(&MOUNT_VOLUME),
            "{ nocopy: true }",
        ),
        Field::new(
            "tmpfs",
            Shape::of(0).map(Map::Level(&MOUNT_TMPFS)),
            Out::In(&MOUNT_TMPFS),
            "{ size: 64m }",
        ),
        Field::new(
            "image",
            Shape::of(0).map(Map::Level(&MOUNT_IMAGE)),
            Out::In(&MOUNT_IMAGE),
            "{ subpath: public }",
        ),
    ],
};

pub(super) static MOUNT_BIND: Level = Level {
    what: "`bind`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new(
            "selinux",
            TEXT_ONLY.words(Words::OneOf(&["z", "Z"])),
            Out::Text,
            "z",
        ),
        text("propagation", "rslave"),
        Field::new("create_host_path", FLAG_OR_TEXT, Out::Flag, "true"),
        Field::new(
            "recursive",
            TEXT_ONLY.words(Words::OneOf(&[
                "enabled", "disabled", "writable", "readonly",
            ])),
            Out::Text,
            "enabled",
        ),
    ],
};

pub(super) static MOUNT_IMAGE: Level = Level {
    what: "`image`",
    strict: true,
    extensions: true,
    fields: &[text("subpath", "public")],
};

pub(super) static MOUNT_TMPFS: Level = Level {
    what: "`tmpfs`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new(
            "size",
            Shape::of(TEXT | WHOLE).range(0, i64::MAX),
            Out::Bytes,
            "64m",
        ),
        Field::new(
            "mode",
            NUMBER_OR_TEXT.range(0, FOUR_BYTES),
            Out::Count,
            "01777",
        ),
    ],
};

pub(super) static MOUNT_VOLUME: Level = Level {
    what: "`volume`",
    strict: true,
    extensions: true,
    fields: &[
        Field::new(
            "labels",
            LIST_OR_DICT,
            Out::Settings,
            "{ com.example.team: shop }",
        ),
        flag("nocopy"),
        text("subpath", "public"),
    ],
};
