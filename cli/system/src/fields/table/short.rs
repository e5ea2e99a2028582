//! Shapes of a service's fields that stand in one place: short forms beside levels.

use super::super::{
    Cast, Items, Map, Merged, NOTHING, NUMBER, NameRule, Names, Shape, TEXT, Words,
};
use super::build::BUILD;
use super::deploy;
use super::mounts::{DEVICE, FILE_MOUNT, MOUNT};
use super::service::{
    self, DEPENDENCY, EXTENDS, HOOK, PORT, PRE_START_HOOK, SERVICE_MODEL, SERVICE_NETWORK,
};
use super::shapes::{TEXT_ONLY, UNIQUE_TEXTS};

pub(super) const BUILD_OR_CONTEXT: Shape = Shape::of(TEXT).map(Map::Level(&BUILD));

pub(super) const FILE_MOUNTS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(TEXT).map(Map::Level(&FILE_MOUNT)),
        unique: false,
    };
    &OF
});

pub(super) const DEPENDENCIES: Shape = UNIQUE_TEXTS.map(Map::Names({
    static OF: Names = Names {
        rule: NameRule::Identifier,
        strict: true,
        entry: Shape::of(0).map(Map::Level(&DEPENDENCY)),
        merged: Merged::Common,
        cast: Cast::No,
        what: "the dependency",
        like: "{ condition: service_started }",
    };
    &OF
}));

pub(super) const DEVICES: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(TEXT).map(Map::Level(&DEVICE)),
        unique: false,
    };
    &OF
});

pub(super) const ENV_FILES: Shape = Shape::of(TEXT).list({
    static OF: Items = Items {
        shape: Shape::of(TEXT).map(Map::Level(&service::ENV_FILE)),
        unique: false,
    };
    &OF
});

pub(super) const EXTENDED: Shape = Shape::of(TEXT).map(Map::Level(&EXTENDS));

pub(super) const GPUS: Shape = TEXT_ONLY.words(Words::OneOf(&["all"])).list({
    static OF: Items = Items {
        shape: Shape::of(0).map(Map::Level(&deploy::GPU)),
        unique: false,
    };
    &OF
});

pub(super) const SERVICE_MODELS: Shape = UNIQUE_TEXTS.map(Map::Names({
    static OF: Names = Names {
        rule: NameRule::Identifier,
        strict: false,
        entry: Shape::of(NOTHING).map(Map::Level(&SERVICE_MODEL)),
        merged: Merged::Common,
        cast: Cast::No,
        what: "the model",
        like: "{ endpoint_var: MODEL_URL }",
    };
    &OF
}));

pub(super) const SERVICE_NETWORKS: Shape = UNIQUE_TEXTS.map(Map::Names({
    static OF: Names = Names {
        rule: NameRule::Identifier,
        strict: true,
        entry: Shape::of(NOTHING).map(Map::Level(&SERVICE_NETWORK)),
        merged: Merged::Common,
        cast: Cast::No,
        what: "the network",
        like: "{ aliases: [shop] }",
    };
    &OF
}));

pub(super) const PORTS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(NUMBER | TEXT).map(Map::Level(&PORT)),
        unique: true,
    };
    &OF
});

pub(super) const HOOKS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(0).map(Map::Level(&HOOK)),
        unique: false,
    };
    &OF
});

pub(super) const PRE_START_HOOKS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(0).map(Map::Level(&PRE_START_HOOK)),
        unique: false,
    };
    &OF
});

pub(super) const MOUNTS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(TEXT).map(Map::Level(&MOUNT)),
        unique: true,
    };
    &OF
});
