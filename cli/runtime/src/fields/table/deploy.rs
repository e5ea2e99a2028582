//! `deploy`.

use super::{FOR_A_SWARM, Row, YES, nothing, refused, row, told};

pub(super) const ROWS: &[Row] = &[
    row("deploy.endpoint_mode", FOR_A_SWARM, FOR_A_SWARM),
    row("deploy.labels", FOR_A_SWARM, FOR_A_SWARM),
    row("deploy.mode", FOR_A_SWARM, FOR_A_SWARM),
    row("deploy.placement.constraints", FOR_A_SWARM, FOR_A_SWARM),
    row(
        "deploy.placement.max_replicas_per_node",
        FOR_A_SWARM,
        FOR_A_SWARM,
    ),
    row(
        "deploy.placement.preferences.spread",
        FOR_A_SWARM,
        FOR_A_SWARM,
    ),
    row("deploy.replicas", YES, YES),
    row(
        "deploy.resources.limits.cpus",
        YES,
        refused("nothing limits a host process"),
    ),
    row(
        "deploy.resources.limits.memory",
        YES,
        refused("nothing limits a host process"),
    ),
    row(
        "deploy.resources.limits.pids",
        YES,
        refused("nothing limits a host process"),
    ),
    row(
        "deploy.resources.reservations.cpus",
        FOR_A_SWARM,
        FOR_A_SWARM,
    ),
    row(
        "deploy.resources.reservations.devices.capabilities",
        YES,
        told("it has this machine's devices as any process"),
    ),
    row(
        "deploy.resources.reservations.devices.count",
        YES,
        told("it has this machine's devices as any process"),
    ),
    row(
        "deploy.resources.reservations.devices.device_ids",
        YES,
        told("it has this machine's devices as any process"),
    ),
    row(
        "deploy.resources.reservations.devices.driver",
        YES,
        told("it has this machine's devices as any process"),
    ),
    row(
        "deploy.resources.reservations.devices.options",
        YES,
        told("it has this machine's devices as any process"),
    ),
    row(
        "deploy.resources.reservations.generic_resources.discrete_resource_spec.kind",
        refused("only a swarm has any"),
        FOR_A_SWARM,
    ),
    row(
        "deploy.resources.reservations.generic_resources.discrete_resource_spec.value",
        refused("only a swarm has any"),
        FOR_A_SWARM,
    ),
    row(
        "deploy.resources.reservations.memory",
        YES,
        told("no memory is kept for it"),
    ),
    row("deploy.restart_policy.condition", YES, YES),
    row(
        "deploy.restart_policy.delay",
        nothing("the engine has a rhythm of its own"),
        nothing("msvc has a rhythm of its own"),
    ),
    row("deploy.restart_policy.max_attempts", YES, YES),
    row("deploy.restart_policy.window", FOR_A_SWARM, FOR_A_SWARM),
    row("deploy.rollback_config.delay", FOR_A_SWARM, FOR_A_SWARM),
    row(
        "deploy.rollback_config.failure_action",
        FOR_A_SWARM,
        FOR_A_SWARM,
    ),
    row(
        "deploy.rollback_config.max_failure_ratio",
        FOR_A_SWARM,
        FOR_A_SWARM,
    ),
    row("deploy.rollback_config.monitor", FOR_A_SWARM, FOR_A_SWARM),
    row("deploy.rollback_config.order", FOR_A_SWARM, FOR_A_SWARM),
    row(
        "deploy.rollback_config.parallelism",
        FOR_A_SWARM,
        FOR_A_SWARM,
    ),
    row("deploy.update_config.delay", FOR_A_SWARM, FOR_A_SWARM),
    row(
        "deploy.update_config.failure_action",
        FOR_A_SWARM,
        FOR_A_SWARM,
    ),
    row(
        "deploy.update_config.max_failure_ratio",
        FOR_A_SWARM,
        FOR_A_SWARM,
    ),
    row("deploy.update_config.monitor", FOR_A_SWARM, FOR_A_SWARM),
    row("deploy.update_config.order", FOR_A_SWARM, FOR_A_SWARM),
    row("deploy.update_config.parallelism", FOR_A_SWARM, FOR_A_SWARM),
];
