//! Below a service.

use super::super::{Kind, Level};
use Kind::{Any, Each, Flag, In, Number, Settings, Text, TextOrTexts, Texts};

pub(super) static BLKIO_CONFIG: Level = Level {
    what: "`blkio_config`",
    keys: &[
        ("device_read_bps", Each(&BLKIO_LIMIT)),
        ("device_read_iops", Each(&BLKIO_LIMIT)),
        ("device_write_bps", Each(&BLKIO_LIMIT)),
        ("device_write_iops", Each(&BLKIO_LIMIT)),
        ("weight", Number),
        ("weight_device", Each(&BLKIO_WEIGHT)),
    ],
};

pub(super) static BLKIO_LIMIT: Level = Level {
    what: "a device limit",
    keys: &[("path", Text), ("rate", Number)],
};

pub(super) static BLKIO_WEIGHT: Level = Level {
    what: "a device weight",
    keys: &[("path", Text), ("weight", Number)],
};

pub(super) static BUILD: Level = Level {
    what: "`build`",
    keys: &[
        ("additional_contexts", Settings),
        ("args", Settings),
        ("cache_from", Texts),
        ("cache_to", Texts),
        ("context", Text),
        ("dockerfile", Text),
        ("dockerfile_inline", Text),
        ("entitlements", Texts),
        ("extra_hosts", Any),
        ("isolation", Text),
        ("labels", Settings),
        ("network", Text),
        ("no_cache", Flag),
        ("no_cache_filter", TextOrTexts),
        ("platforms", Texts),
        ("privileged", Flag),
        ("provenance", Flag),
        ("pull", Flag),
        ("sbom", Flag),
        ("secrets", Each(&SERVICE_CONFIG_OR_SECRET)),
        ("shm_size", Number),
        ("ssh", Settings),
        ("tags", Texts),
        ("target", Text),
        ("ulimits", Each(&ULIMITS)),
    ],
};

pub(super) static CREDENTIAL_SPEC: Level = Level {
    what: "`credential_spec`",
    keys: &[("config", Text), ("file", Text), ("registry", Text)],
};

pub(super) static DEPENDENCY: Level = Level {
    what: "an entry of `depends_on`",
    keys: &[("condition", Text), ("required", Flag), ("restart", Flag)],
};

pub(super) static DEPLOYMENT: Level = Level {
    what: "`deploy`",
    keys: &[
        ("endpoint_mode", Text),
        ("labels", Settings),
        ("mode", Text),
        ("placement", In(&PLACEMENT)),
        ("replicas", Number),
        ("resources", In(&RESOURCES)),
        ("restart_policy", In(&RESTART_POLICY)),
        ("rollback_config", In(&ROLLBACK_CONFIG)),
        ("update_config", In(&UPDATE_CONFIG)),
    ],
};

pub(super) static DEVELOPMENT: Level = Level {
    what: "`develop`",
    keys: &[("watch", Each(&WATCH))],
};

pub(super) static DEVICE: Level = Level {
    what: "a device",
    keys: &[("permissions", Text), ("source", Text), ("target", Text)],
};

pub(super) static DEVICES: Level = Level {
    what: "`devices`",
    keys: &[
        ("capabilities", Texts),
        ("count", Number),
        ("device_ids", Texts),
        ("driver", Text),
        ("options", Settings),
    ],
};

pub(super) static DISCRETE_RESOURCE_SPEC: Level = Level {
    what: "`discrete_resource_spec`",
    keys: &[("kind", Text), ("value", Number)],
};

pub(super) static ENV_FILE: Level = Level {
    what: "an entry of `env_file`",
    keys: &[("format", Text), ("path", Text), ("required", Flag)],
};

pub(super) static EXTENDS: Level = Level {
    what: "`extends`",
    keys: &[("file", Text), ("service", Text)],
};

pub(super) static GENERIC_RESOURCES: Level = Level {
    what: "a generic resource",
    keys: &[("discrete_resource_spec", In(&DISCRETE_RESOURCE_SPEC))],
};

pub(super) static GPUS: Level = Level {
    what: "an entry of `gpus`",
    keys: &[
        ("capabilities", Texts),
        ("count", Number),
        ("device_ids", Texts),
        ("driver", Text),
        ("options", Settings),
    ],
};

pub(super) static HEALTHCHECK: Level = Level {
    what: "`healthcheck`",
    keys: &[
        ("disable", Flag),
        ("interval", Text),
        ("retries", Number),
        ("start_interval", Text),
        ("start_period", Text),
        ("test", Any),
        ("timeout", Text),
    ],
};

pub(super) static LIMITS: Level = Level {
    what: "`limits`",
    keys: &[("cpus", Number), ("memory", Text), ("pids", Number)],
};

pub(super) static LOGGING: Level = Level {
    what: "`logging`",
    keys: &[("driver", Text), ("options", Any)],
};

pub(super) static MOUNT: Level = Level {
    what: "a mount",
    keys: &[
        ("bind", In(&MOUNT_BIND)),
        ("consistency", Text),
        ("image", In(&MOUNT_IMAGE)),
        ("read_only", Flag),
        ("source", Text),
        ("target", Text),
        ("tmpfs", In(&MOUNT_TMPFS)),
        ("type", Text),
        ("volume", In(&MOUNT_VOLUME)),
    ],
};

pub(super) static MOUNT_BIND: Level = Level {
    what: "`bind`",
    keys: &[
        ("create_host_path", Flag),
        ("propagation", Text),
        ("recursive", Text),
        ("selinux", Text),
    ],
};

pub(super) static MOUNT_IMAGE: Level = Level {
    what: "`image`",
    keys: &[("subpath", Text)],
};

pub(super) static MOUNT_TMPFS: Level = Level {
    what: "`tmpfs`",
    keys: &[("mode", Number), ("size", Number)],
};

pub(super) static MOUNT_VOLUME: Level = Level {
    what: "`volume`",
    keys: &[("labels", Settings), ("nocopy", Flag), ("subpath", Text)],
};

pub(super) static PLACEMENT: Level = Level {
    what: "`placement`",
    keys: &[
        ("constraints", Texts),
        ("max_replicas_per_node", Number),
        ("preferences", Each(&PREFERENCES)),
    ],
};

pub(super) static PORT: Level = Level {
    what: "a port",
    keys: &[
        ("app_protocol", Text),
        ("host_ip", Text),
        ("mode", Text),
        ("name", Text),
        ("protocol", Text),
        ("published", Number),
        ("target", Number),
    ],
};

pub(super) static PREFERENCES: Level = Level {
    what: "a placement preference",
    keys: &[("spread", Text)],
};

pub(super) static PRE_START_HOOK: Level = Level {
    what: "a `pre_start` hook",
    keys: &[
        ("command", Any),
        ("environment", Settings),
        ("image", Text),
        ("per_replica", Flag),
        ("privileged", Flag),
        ("user", Text),
        ("working_dir", Text),
    ],
};

pub(super) static PROVIDER: Level = Level {
    what: "`provider`",
    keys: &[("options", Any), ("type", Text)],
};

pub(super) static RESERVATIONS: Level = Level {
    what: "`reservations`",
    keys: &[
        ("cpus", Number),
        ("devices", Each(&DEVICES)),
        ("generic_resources", Each(&GENERIC_RESOURCES)),
        ("memory", Text),
    ],
};

pub(super) static RESOURCES: Level = Level {
    what: "`resources`",
    keys: &[("limits", In(&LIMITS)), ("reservations", In(&RESERVATIONS))],
};

pub(super) static RESTART_POLICY: Level = Level {
    what: "`restart_policy`",
    keys: &[
        ("condition", Text),
        ("delay", Text),
        ("max_attempts", Number),
        ("window", Text),
    ],
};

pub(super) static ROLLBACK_CONFIG: Level = Level {
    what: "`rollback_config`",
    keys: &[
        ("delay", Text),
        ("failure_action", Text),
        ("max_failure_ratio", Number),
        ("monitor", Text),
        ("order", Text),
        ("parallelism", Number),
    ],
};

pub(super) static SERVICE_CONFIG_OR_SECRET: Level = Level {
    what: "a secret or config of a service",
    keys: &[
        ("gid", Text),
        ("mode", Number),
        ("source", Text),
        ("target", Text),
        ("uid", Text),
    ],
};

pub(super) static SERVICE_HOOK: Level = Level {
    what: "a hook",
    keys: &[
        ("command", Any),
        ("environment", Settings),
        ("privileged", Flag),
        ("user", Text),
        ("working_dir", Text),
    ],
};

pub(super) static SERVICE_MODEL: Level = Level {
    what: "a service's model",
    keys: &[("endpoint_var", Text), ("model_var", Text)],
};

pub(super) static SERVICE_NETWORK: Level = Level {
    what: "a service's network",
    keys: &[
        ("aliases", Texts),
        ("driver_opts", Any),
        ("gw_priority", Number),
        ("interface_name", Text),
        ("ipv4_address", Text),
        ("ipv6_address", Text),
        ("link_local_ips", Texts),
        ("mac_address", Text),
        ("priority", Number),
    ],
};

pub(super) static ULIMITS: Level = Level {
    what: "a ulimit",
    keys: &[("hard", Number), ("soft", Number)],
};

pub(super) static UPDATE_CONFIG: Level = Level {
    what: "`update_config`",
    keys: &[
        ("delay", Text),
        ("failure_action", Text),
        ("max_failure_ratio", Number),
        ("monitor", Text),
        ("order", Text),
        ("parallelism", Number),
    ],
};

pub(super) static WATCH: Level = Level {
    what: "an entry of `watch`",
    keys: &[
        ("action", Text),
        ("exec", In(&SERVICE_HOOK)),
        ("ignore", TextOrTexts),
        ("include", TextOrTexts),
        ("initial_sync", Flag),
        ("path", Text),
        ("target", Text),
    ],
};
