//! Below `build`.

use super::super::{Field, Level, Long, Merged, Out, Same};
use super::mounts::FILE_MOUNT;
use super::service::LIMIT;
use super::shapes::{
    BUILD_LIMITS, FLAG_OR_TEXT, HOSTS, LIST_OR_DICT, TEXT_OR_UNIQUE_TEXTS, TEXTS, WHOLE_OR_TEXT,
};
use super::{settings, text};

pub(super) static BUILD: Level = Level {
    what: "`build`",
    strict: true,
    extensions: true,
    fields: &[
        text("context"),
        text("dockerfile"),
        text("dockerfile_inline"),
        Field::new("entitlements", TEXTS, Out::Texts),
        settings("args", Out::Environment),
        Field::new("provenance", FLAG_OR_TEXT, Out::Text).long(Long::Text),
        Field::new("sbom", FLAG_OR_TEXT, Out::Text).long(Long::Text),
        Field::new("ssh", LIST_OR_DICT, Out::Ssh).long(Long::Ssh),
        settings("labels", Out::Settings),
        Field::new("cache_from", TEXTS, Out::Texts),
        Field::new("cache_to", TEXTS, Out::Texts),
        Field::new("no_cache", FLAG_OR_TEXT, Out::Flag),
        settings("additional_contexts", Out::Settings).long(Long::Settings),
        Field::new("pull", FLAG_OR_TEXT, Out::Flag),
        Field::new("extra_hosts", HOSTS, Out::Hosts).merged(Merged::Hosts),
        text("isolation"),
        text("network"),
        text("target"),
        Field::new("secrets", super::FILE_MOUNTS, Out::Each(&FILE_MOUNT)).long(Long::Files),
        Field::new("shm_size", WHOLE_OR_TEXT, Out::Bytes),
        Field::new("tags", TEXTS, Out::Texts).same(Same::Name),
        Field::new("ulimits", BUILD_LIMITS, Out::Limits(&LIMIT)),
        Field::new("platforms", TEXTS, Out::Texts),
        Field::new("privileged", FLAG_OR_TEXT, Out::Flag),
        // Newer than Docker Compose 2.40.
        Field::new("no_cache_filter", TEXT_OR_UNIQUE_TEXTS, Out::Texts),
    ],
};
