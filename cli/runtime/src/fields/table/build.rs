//! How an image is made.

use super::{BUILDER, NO_IMAGE, Row, YES, is_default, nothing, one, one_host, partly, row};

pub(super) const ROWS: &[Row] = &[
    row("build.additional_contexts", BUILDER, NO_IMAGE),
    row("build.args", YES, NO_IMAGE),
    row("build.cache_from", YES, NO_IMAGE),
    row("build.cache_to", nothing("a cache for others"), NO_IMAGE),
    row("build.context", YES, YES),
    row("build.dockerfile", YES, NO_IMAGE),
    row("build.dockerfile_inline", YES, NO_IMAGE),
    row("build.entitlements", BUILDER, NO_IMAGE),
    row("build.extra_hosts", partly("one host", one_host), NO_IMAGE),
    row("build.isolation", partly("`default`", is_default), NO_IMAGE),
    row("build.labels", YES, NO_IMAGE),
    row("build.network", YES, NO_IMAGE),
    row("build.no_cache", YES, NO_IMAGE),
    row("build.no_cache_filter", BUILDER, NO_IMAGE),
    row(
        "build.platforms",
        partly("one platform: an image of the engine is for one", one),
        NO_IMAGE,
    ),
    row("build.privileged", BUILDER, NO_IMAGE),
    row(
        "build.provenance",
        nothing("a note beside the image"),
        NO_IMAGE,
    ),
    row("build.pull", YES, NO_IMAGE),
    row("build.sbom", nothing("a note beside the image"), NO_IMAGE),
    row("build.secrets.gid", BUILDER, NO_IMAGE),
    row("build.secrets.mode", BUILDER, NO_IMAGE),
    row("build.secrets.source", BUILDER, NO_IMAGE),
    row("build.secrets.target", BUILDER, NO_IMAGE),
    row("build.secrets.uid", BUILDER, NO_IMAGE),
    row("build.shm_size", YES, NO_IMAGE),
    row("build.ssh", BUILDER, NO_IMAGE),
    row("build.tags", YES, NO_IMAGE),
    row("build.target", YES, NO_IMAGE),
    row("build.ulimits.hard", BUILDER, NO_IMAGE),
    row("build.ulimits.soft", BUILDER, NO_IMAGE),
];
