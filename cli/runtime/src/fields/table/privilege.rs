//! What a service may do and how much it may take.

use super::{LIMITS, OF_THE_HOST, Row, YES, is_default, nothing, partly, refused, row, told};

pub(super) const ROWS: &[Row] = &[
    row(
        "blkio_config.device_read_bps.path",
        YES,
        told("it shares the disk as any process"),
    ),
    row(
        "blkio_config.device_read_bps.rate",
        YES,
        told("it shares the disk as any process"),
    ),
    row(
        "blkio_config.device_read_iops.path",
        YES,
        told("it shares the disk as any process"),
    ),
    row(
        "blkio_config.device_read_iops.rate",
        YES,
        told("it shares the disk as any process"),
    ),
    row(
        "blkio_config.device_write_bps.path",
        YES,
        told("it shares the disk as any process"),
    ),
    row(
        "blkio_config.device_write_bps.rate",
        YES,
        told("it shares the disk as any process"),
    ),
    row(
        "blkio_config.device_write_iops.path",
        YES,
        told("it shares the disk as any process"),
    ),
    row(
        "blkio_config.device_write_iops.rate",
        YES,
        told("it shares the disk as any process"),
    ),
    row(
        "blkio_config.weight",
        YES,
        told("it shares the disk as any process"),
    ),
    row(
        "blkio_config.weight_device.path",
        YES,
        told("it shares the disk as any process"),
    ),
    row(
        "blkio_config.weight_device.weight",
        YES,
        told("it shares the disk as any process"),
    ),
    row("cap_add", YES, refused("it has your own privileges")),
    row("cap_drop", YES, told("it has your own privileges")),
    row("cgroup", YES, OF_THE_HOST),
    row(
        "cgroup_parent",
        YES,
        refused("it has no control group of its own"),
    ),
    row("cpu_count", YES, refused("nothing limits a host process")),
    row("cpu_percent", YES, refused("nothing limits a host process")),
    row("cpu_period", YES, refused("nothing limits a host process")),
    row("cpu_quota", YES, refused("nothing limits a host process")),
    row(
        "cpu_rt_period",
        YES,
        refused("nothing limits a host process"),
    ),
    row(
        "cpu_rt_runtime",
        YES,
        refused("nothing limits a host process"),
    ),
    row(
        "cpu_shares",
        YES,
        told("it shares the processor as any process"),
    ),
    row("cpus", YES, refused("nothing limits a host process")),
    row("cpuset", YES, refused("nothing limits a host process")),
    row(
        "credential_spec.config",
        refused("for Windows containers"),
        refused("for Windows containers"),
    ),
    row(
        "credential_spec.file",
        refused("for Windows containers"),
        refused("for Windows containers"),
    ),
    row(
        "credential_spec.registry",
        refused("for Windows containers"),
        refused("for Windows containers"),
    ),
    row(
        "device_cgroup_rules",
        YES,
        refused("it has no control group of its own"),
    ),
    row("group_add", YES, refused("it has your own privileges")),
    row("ipc", YES, OF_THE_HOST),
    row(
        "isolation",
        partly("`default`", is_default),
        partly("`default`", is_default),
    ),
    row("mem_limit", YES, refused("nothing limits a host process")),
    row("mem_reservation", YES, told("no memory is kept for it")),
    row("mem_swappiness", YES, told("it swaps as any process")),
    row(
        "memswap_limit",
        YES,
        nothing("goes with `mem_limit`, which is an error; alone it is one itself"),
    ),
    row(
        "oom_kill_disable",
        YES,
        refused("it is killed for memory as any process"),
    ),
    row(
        "oom_score_adj",
        YES,
        told("it is killed for memory as any process"),
    ),
    row("pid", YES, OF_THE_HOST),
    row("pids_limit", YES, refused("nothing limits a host process")),
    row("privileged", YES, refused("it has your own privileges")),
    row("read_only", YES, refused("it writes where you may write")),
    row("runtime", YES, refused("no container is made")),
    row("security_opt", YES, refused("it has your own privileges")),
    row("shm_size", YES, told("it has this machine's /dev/shm")),
    row("sysctls", YES, refused("it has this machine's")),
    row("ulimits.hard", YES, LIMITS),
    row("ulimits.soft", YES, LIMITS),
    row(
        "use_api_socket",
        refused("mount the engine's socket under `volumes`"),
        refused("give it the socket's path in `DOCKER_HOST`"),
    ),
    row("userns_mode", YES, OF_THE_HOST),
    row("uts", YES, OF_THE_HOST),
];
