//! The top level.

use super::{FOR_A_SWARM, NO_NETWORK, Row, WRITTEN, YES, is_true, nothing, partly, refused, row};

pub(super) const ROWS: &[Row] = &[
    row("/configs.content", YES, WRITTEN),
    row("/configs.environment", YES, WRITTEN),
    row(
        "/configs.external",
        refused("only a swarm has any: give it a `file`, `environment` or `content`"),
        refused("only a swarm has any: give it a `file`, `environment` or `content`"),
    ),
    row("/configs.file", YES, YES),
    row("/configs.labels", FOR_A_SWARM, FOR_A_SWARM),
    row("/configs.name", FOR_A_SWARM, FOR_A_SWARM),
    row(
        "/configs.template_driver",
        refused("only a swarm has any: give it a `file`, `environment` or `content`"),
        refused("only a swarm has any: give it a `file`, `environment` or `content`"),
    ),
    row("/include.env_file", YES, YES),
    row("/include.path", YES, YES),
    row("/include.project_directory", YES, YES),
    row(
        "/models.context_size",
        nothing("no service can name one"),
        nothing("the same"),
    ),
    row(
        "/models.model",
        nothing("no service can name one"),
        nothing("the same"),
    ),
    row(
        "/models.name",
        nothing("no service can name one"),
        nothing("the same"),
    ),
    row(
        "/models.runtime_flags",
        nothing("no service can name one"),
        nothing("the same"),
    ),
    row("/name", YES, YES),
    row("/networks.attachable", YES, NO_NETWORK),
    row("/networks.driver", YES, NO_NETWORK),
    row("/networks.driver_opts", YES, NO_NETWORK),
    row(
        "/networks.enable_ipv4",
        partly("`true`", is_true),
        NO_NETWORK,
    ),
    row("/networks.enable_ipv6", YES, NO_NETWORK),
    row("/networks.external", YES, NO_NETWORK),
    row("/networks.internal", YES, NO_NETWORK),
    row("/networks.ipam.config.aux_addresses", YES, NO_NETWORK),
    row("/networks.ipam.config.gateway", YES, NO_NETWORK),
    row("/networks.ipam.config.ip_range", YES, NO_NETWORK),
    row("/networks.ipam.config.subnet", YES, NO_NETWORK),
    row("/networks.ipam.driver", YES, NO_NETWORK),
    row("/networks.ipam.options", YES, NO_NETWORK),
    row("/networks.labels", YES, NO_NETWORK),
    row("/networks.name", YES, NO_NETWORK),
    row(
        "/secrets.driver",
        refused("only a swarm has any: give it a `file` or `environment`"),
        refused("only a swarm has any: give it a `file` or `environment`"),
    ),
    row(
        "/secrets.driver_opts",
        refused("only a swarm has any: give it a `file` or `environment`"),
        refused("only a swarm has any: give it a `file` or `environment`"),
    ),
    row("/secrets.environment", YES, WRITTEN),
    row(
        "/secrets.external",
        refused("only a swarm has any: give it a `file` or `environment`"),
        refused("only a swarm has any: give it a `file` or `environment`"),
    ),
    row("/secrets.file", YES, YES),
    row("/secrets.labels", FOR_A_SWARM, FOR_A_SWARM),
    row("/secrets.name", FOR_A_SWARM, FOR_A_SWARM),
    row(
        "/secrets.template_driver",
        refused("only a swarm has any: give it a `file` or `environment`"),
        refused("only a swarm has any: give it a `file` or `environment`"),
    ),
    row(
        "/version",
        nothing("says nothing any more"),
        nothing("the same"),
    ),
    row(
        "/volumes.driver",
        YES,
        refused("mount a folder of the host instead"),
    ),
    row(
        "/volumes.driver_opts",
        YES,
        refused("mount a folder of the host instead"),
    ),
    row(
        "/volumes.external",
        YES,
        refused("a process cannot use an engine's volume: declare it without `external`"),
    ),
    row("/volumes.labels", YES, nothing("a folder has none")),
    row(
        "/volumes.name",
        YES,
        nothing("the folder is the project's own"),
    ),
];
