//! The top level.

use super::super::{Cast, Field, Level, Map, Merged, NameRule, Names, Out, SERVICE, Shape};
use super::sections::{self, CONFIGS, INCLUDES, MODELS, NETWORKS, SECRETS, VOLUMES};
use super::shapes::TEXT_ONLY;

/// The top level.
pub(crate) static FILE: Level = Level {
    what: "the file",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("name", TEXT_ONLY, Out::Text, "shop"),
        Field::new(
            "configs",
            CONFIGS,
            Out::Entries(&sections::CONFIG),
            "{ site: { file: ./site.conf } }",
        ),
        Field::new("include", INCLUDES, Out::Hidden, "[other.yaml]"),
        Field::new(
            "models",
            MODELS,
            Out::Entries(&sections::MODEL),
            "{ llm: { model: ai/smollm2 } }",
        ),
        Field::new(
            "networks",
            NETWORKS,
            Out::Entries(&sections::NETWORK),
            "{ back: {} }",
        ),
        Field::new(
            "secrets",
            SECRETS,
            Out::Entries(&sections::SECRET),
            "{ key: { file: ./key.txt } }",
        ),
        Field::new(
            "services",
            SERVICES,
            Out::Entries(&SERVICE),
            "{ web: { image: nginx } }",
        ),
        Field::new("version", TEXT_ONLY, Out::Hidden, r#""3.8""#),
        Field::new(
            "volumes",
            VOLUMES,
            Out::Entries(&sections::VOLUME),
            "{ data: {} }",
        ),
    ],
};

const SERVICES: Shape = Shape::of(0).map(Map::Names({
    static OF: Names = Names {
        rule: NameRule::Identifier,
        strict: true,
        entry: Shape::of(0).map(Map::Level(&SERVICE)),
        merged: Merged::Common,
        cast: Cast::No,
        what: "the service",
        like: "{ image: nginx }",
    };
    &OF
}));
