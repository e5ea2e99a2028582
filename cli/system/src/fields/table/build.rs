//! Below `build`.

use super::super::{Field, Level, Long, Out, Same};
use super::mounts::FILE_MOUNT;
use super::service::LIMIT;
use super::shapes::{
    BUILD_LIMITS, FLAG_OR_TEXT, LIST_OR_DICT, TEXT_OR_UNIQUE_TEXTS, TEXTS, WHOLE_OR_TEXT,
};
use super::{extra_hosts, settings, text};

pub(super) static BUILD: Level = Level {
    what: "`build`",
    strict: true,
    extensions: true,
    fields: &[
        text("context", "."),
        text("dockerfile", "Dockerfile"),
        text("dockerfile_inline", "FROM nginx"),
        Field::new("entitlements", TEXTS, Out::Texts, "[network.host]"),
        settings("args", Out::Environment, "{ NAME: value }"),
        Field::new("provenance", FLAG_OR_TEXT, Out::Text, "true").long(Long::Text),
        Field::new("sbom", FLAG_OR_TEXT, Out::Text, "true").long(Long::Text),
        Field::new("ssh", LIST_OR_DICT, Out::Ssh, "[default]").long(Long::Ssh),
        settings("labels", Out::Settings, "{ com.example.team: shop }"),
        Field::new(
            "cache_from",
            TEXTS,
            Out::Texts,
            r#"["type=local,src=./cache"]"#,
        ),
        Field::new(
            "cache_to",
            TEXTS,
            Out::Texts,
            r#"["type=local,dest=./cache"]"#,
        ),
        Field::new("no_cache", FLAG_OR_TEXT, Out::Flag, "true"),
        settings("additional_contexts", Out::Settings, "{ base: ./base }").long(Long::Settings),
        Field::new("pull", FLAG_OR_TEXT, Out::Flag, "true"),
        extra_hosts(),
        text("isolation", "default"),
        text("network", "host"),
        text("target", "release"),
        Field::new(
            "secrets",
            super::FILE_MOUNTS,
            Out::Each(&FILE_MOUNT),
            "[key]",
        )
        .long(Long::Files),
        Field::new("shm_size", WHOLE_OR_TEXT, Out::Bytes, "64m"),
        Field::new("tags", TEXTS, Out::Texts, r#"["shop/web:1"]"#).same(Same::Name),
        Field::new(
            "ulimits",
            BUILD_LIMITS,
            Out::Limits(&LIMIT),
            "{ nofile: 1024 }",
        ),
        Field::new("platforms", TEXTS, Out::Texts, "[linux/amd64]"),
        Field::new("privileged", FLAG_OR_TEXT, Out::Flag, "true"),
        // Newer than Docker Compose 2.40.
        Field::new(
            "no_cache_filter",
            TEXT_OR_UNIQUE_TEXTS,
            Out::Texts,
            "[release]",
        ),
    ],
};
