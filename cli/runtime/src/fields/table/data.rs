//! What a service finds in its files and devices.

use super::{Row, YES, nothing, refused, row, since, told, yes};

pub(super) const ROWS: &[Row] = &[
    row(
        "configs.gid",
        yes("of `content` and `environment`; of a `file` told"),
        told("its file has those that it has"),
    ),
    row(
        "configs.mode",
        yes("of `content` and `environment`; of a `file` told"),
        told("its file has those that it has"),
    ),
    row(
        "configs.source",
        YES,
        yes("settings that name its target lead to it"),
    ),
    row("configs.target", YES, YES),
    row(
        "configs.uid",
        yes("of `content` and `environment`; of a `file` told"),
        told("its file has those that it has"),
    ),
    row(
        "devices.permissions",
        YES,
        refused("it has this machine's devices at their own paths"),
    ),
    row(
        "devices.source",
        YES,
        refused("it has this machine's devices at their own paths"),
    ),
    row(
        "devices.target",
        YES,
        refused("it has this machine's devices at their own paths"),
    ),
    row(
        "gpus.capabilities",
        YES,
        told("it has this machine's devices as any process"),
    ),
    row(
        "gpus.count",
        YES,
        told("it has this machine's devices as any process"),
    ),
    row(
        "gpus.device_ids",
        YES,
        told("it has this machine's devices as any process"),
    ),
    row(
        "gpus.driver",
        YES,
        told("it has this machine's devices as any process"),
    ),
    row(
        "gpus.options",
        YES,
        told("it has this machine's devices as any process"),
    ),
    row(
        "secrets.gid",
        yes("of `environment`; of a `file` told"),
        told("its file has those that it has"),
    ),
    row(
        "secrets.mode",
        yes("of `environment`; of a `file` told"),
        told("its file has those that it has"),
    ),
    row(
        "secrets.source",
        YES,
        yes("settings that name its target lead to it"),
    ),
    row("secrets.target", YES, YES),
    row(
        "secrets.uid",
        yes("of `environment`; of a `file` told"),
        told("its file has those that it has"),
    ),
    row("storage_opt", YES, refused("no container is made")),
    row("tmpfs", YES, told("its data is a folder of yours")),
    row(
        "volumes.bind.create_host_path",
        YES,
        nothing("nothing is mounted"),
    ),
    row(
        "volumes.bind.propagation",
        YES,
        told("its data is a folder of yours"),
    ),
    row(
        "volumes.bind.recursive",
        since(1, 44, ""),
        told("its data is a folder of yours"),
    ),
    row(
        "volumes.bind.selinux",
        YES,
        told("its data is a folder of yours"),
    ),
    row(
        "volumes.consistency",
        nothing("for engines in a virtual machine"),
        nothing("nothing is mounted"),
    ),
    row(
        "volumes.image.subpath",
        refused("build an image with them, or mount a folder of the host"),
        refused("mount a folder of the host"),
    ),
    row(
        "volumes.read_only",
        YES,
        told("its data is a folder of yours"),
    ),
    row("volumes.source", YES, YES),
    row("volumes.target", YES, YES),
    row(
        "volumes.tmpfs.mode",
        YES,
        told("its data is a folder of yours"),
    ),
    row("volumes.tmpfs.size", YES, told("a folder has no size")),
    row(
        "volumes.type",
        yes("`volume`, `bind` and `tmpfs`"),
        yes("`volume`, `bind` and `tmpfs`"),
    ),
    row(
        "volumes.volume.labels",
        yes("of a volume without a name"),
        told("its data is a folder of yours"),
    ),
    row(
        "volumes.volume.nocopy",
        YES,
        told("its data is a folder of yours"),
    ),
    row(
        "volumes.volume.subpath",
        since(1, 45, ""),
        refused("mount a folder of the host in place of the volume"),
    ),
    row(
        "volumes_from",
        YES,
        refused("name them in its own `volumes`"),
    ),
];
