//! The keys, level by level, in alphabetical order.

use super::{Kind, Level};
use Kind::{Any, Each, Flag, In, Number, Settings, Text, TextOrTexts, Texts};

/// The top level.
pub(crate) static FILE: Level = Level {
    what: "the file",
    keys: &[
        ("configs", Each(&CONFIG)),
        ("include", Each(&INCLUDE)),
        ("models", Each(&MODEL)),
        ("name", Text),
        ("networks", Each(&NETWORK)),
        ("secrets", Each(&SECRET)),
        ("services", Each(&SERVICE)),
        ("version", Text),
        ("volumes", Each(&VOLUME)),
    ],
};

/// A service.
pub(crate) static SERVICE: Level = Level {
    what: "a service",
    keys: &[
        ("annotations", Settings),
        ("attach", Flag),
        ("blkio_config", In(&BLKIO_CONFIG)),
        ("build", In(&BUILD)),
        ("cap_add", Texts),
        ("cap_drop", Texts),
        ("cgroup", Text),
        ("cgroup_parent", Text),
        ("command", Any),
        ("configs", Each(&SERVICE_CONFIG_OR_SECRET)),
        ("container_name", Text),
        ("cpu_count", Number),
        ("cpu_percent", Number),
        ("cpu_period", Number),
        ("cpu_quota", Number),
        ("cpu_rt_period", Number),
        ("cpu_rt_runtime", Number),
        ("cpu_shares", Number),
        ("cpus", Number),
        ("cpuset", Text),
        ("credential_spec", In(&CREDENTIAL_SPEC)),
        ("depends_on", Each(&DEPENDENCY)),
        ("deploy", In(&DEPLOYMENT)),
        ("develop", In(&DEVELOPMENT)),
        ("device_cgroup_rules", Texts),
        ("devices", Each(&DEVICE)),
        ("dns", TextOrTexts),
        ("dns_opt", Texts),
        ("dns_search", TextOrTexts),
        ("domainname", Text),
        ("entrypoint", Any),
        ("env_file", Each(&ENV_FILE)),
        ("environment", Settings),
        ("expose", Texts),
        ("extends", In(&EXTENDS)),
        ("external_links", Texts),
        ("extra_hosts", Any),
        ("gpus", Each(&GPUS)),
        ("group_add", Texts),
        ("healthcheck", In(&HEALTHCHECK)),
        ("hostname", Text),
        ("image", Text),
        ("init", Flag),
        ("ipc", Text),
        ("isolation", Text),
        ("label_file", TextOrTexts),
        ("labels", Settings),
        ("links", Texts),
        ("logging", In(&LOGGING)),
        ("mac_address", Text),
        ("mem_limit", Number),
        ("mem_reservation", Number),
        ("mem_swappiness", Number),
        ("memswap_limit", Number),
        ("models", Each(&SERVICE_MODEL)),
        ("network_mode", Text),
        ("networks", Each(&SERVICE_NETWORK)),
        ("oom_kill_disable", Flag),
        ("oom_score_adj", Number),
        ("pid", Text),
        ("pids_limit", Number),
        ("platform", Text),
        ("ports", Each(&PORT)),
        ("post_start", Each(&SERVICE_HOOK)),
        ("pre_start", Each(&PRE_START_HOOK)),
        ("pre_stop", Each(&SERVICE_HOOK)),
        ("privileged", Flag),
        ("profiles", Texts),
        ("provider", In(&PROVIDER)),
        ("pull_policy", Text),
        ("pull_refresh_after", Text),
        ("read_only", Flag),
        ("restart", Text),
        ("runtime", Text),
        ("scale", Number),
        ("secrets", Each(&SERVICE_CONFIG_OR_SECRET)),
        ("security_opt", Texts),
        ("shm_size", Number),
        ("stdin_open", Flag),
        ("stop_grace_period", Text),
        ("stop_signal", Text),
        ("storage_opt", Any),
        ("sysctls", Settings),
        ("tmpfs", TextOrTexts),
        ("tty", Flag),
        ("ulimits", Each(&ULIMITS)),
        ("use_api_socket", Flag),
        ("user", Text),
        ("userns_mode", Text),
        ("uts", Text),
        ("volumes", Each(&MOUNT)),
        ("volumes_from", Texts),
        ("working_dir", Text),
    ],
};

static BLKIO_CONFIG: Level = Level {
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

static BLKIO_LIMIT: Level = Level {
    what: "a device limit",
    keys: &[("path", Text), ("rate", Number)],
};

static BLKIO_WEIGHT: Level = Level {
    what: "a device weight",
    keys: &[("path", Text), ("weight", Number)],
};

static BUILD: Level = Level {
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

static CONFIG: Level = Level {
    what: "a config",
    keys: &[
        ("content", Text),
        ("environment", Text),
        ("external", Any),
        ("file", Text),
        ("labels", Settings),
        ("name", Text),
        ("template_driver", Text),
    ],
};

static CREDENTIAL_SPEC: Level = Level {
    what: "`credential_spec`",
    keys: &[("config", Text), ("file", Text), ("registry", Text)],
};

static DEPENDENCY: Level = Level {
    what: "an entry of `depends_on`",
    keys: &[("condition", Text), ("required", Flag), ("restart", Flag)],
};

static DEPLOYMENT: Level = Level {
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

static DEVELOPMENT: Level = Level {
    what: "`develop`",
    keys: &[("watch", Each(&WATCH))],
};

static DEVICE: Level = Level {
    what: "a device",
    keys: &[("permissions", Text), ("source", Text), ("target", Text)],
};

static DEVICES: Level = Level {
    what: "`devices`",
    keys: &[
        ("capabilities", Texts),
        ("count", Number),
        ("device_ids", Texts),
        ("driver", Text),
        ("options", Settings),
    ],
};

static DISCRETE_RESOURCE_SPEC: Level = Level {
    what: "`discrete_resource_spec`",
    keys: &[("kind", Text), ("value", Number)],
};

static ENV_FILE: Level = Level {
    what: "an entry of `env_file`",
    keys: &[("format", Text), ("path", Text), ("required", Flag)],
};

static EXTENDS: Level = Level {
    what: "`extends`",
    keys: &[("file", Text), ("service", Text)],
};

static GENERIC_RESOURCES: Level = Level {
    what: "a generic resource",
    keys: &[("discrete_resource_spec", In(&DISCRETE_RESOURCE_SPEC))],
};

static GPUS: Level = Level {
    what: "an entry of `gpus`",
    keys: &[
        ("capabilities", Texts),
        ("count", Number),
        ("device_ids", Texts),
        ("driver", Text),
        ("options", Settings),
    ],
};

static HEALTHCHECK: Level = Level {
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

static INCLUDE: Level = Level {
    what: "`include`",
    keys: &[
        ("env_file", TextOrTexts),
        ("path", TextOrTexts),
        ("project_directory", Text),
    ],
};

static IPAM: Level = Level {
    what: "`ipam`",
    keys: &[
        ("config", Each(&IPAM_CONFIG)),
        ("driver", Text),
        ("options", Any),
    ],
};

static IPAM_CONFIG: Level = Level {
    what: "an `ipam` config",
    keys: &[
        ("aux_addresses", Any),
        ("gateway", Text),
        ("ip_range", Text),
        ("subnet", Text),
    ],
};

static LIMITS: Level = Level {
    what: "`limits`",
    keys: &[("cpus", Number), ("memory", Text), ("pids", Number)],
};

static LOGGING: Level = Level {
    what: "`logging`",
    keys: &[("driver", Text), ("options", Any)],
};

static MODEL: Level = Level {
    what: "a model",
    keys: &[
        ("context_size", Number),
        ("model", Text),
        ("name", Text),
        ("runtime_flags", Texts),
    ],
};

static MOUNT: Level = Level {
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

static MOUNT_BIND: Level = Level {
    what: "`bind`",
    keys: &[
        ("create_host_path", Flag),
        ("propagation", Text),
        ("recursive", Text),
        ("selinux", Text),
    ],
};

static MOUNT_IMAGE: Level = Level {
    what: "`image`",
    keys: &[("subpath", Text)],
};

static MOUNT_TMPFS: Level = Level {
    what: "`tmpfs`",
    keys: &[("mode", Number), ("size", Number)],
};

static MOUNT_VOLUME: Level = Level {
    what: "`volume`",
    keys: &[("labels", Settings), ("nocopy", Flag), ("subpath", Text)],
};

static NETWORK: Level = Level {
    what: "a network",
    keys: &[
        ("attachable", Flag),
        ("driver", Text),
        ("driver_opts", Any),
        ("enable_ipv4", Flag),
        ("enable_ipv6", Flag),
        ("external", Any),
        ("internal", Flag),
        ("ipam", In(&IPAM)),
        ("labels", Settings),
        ("name", Text),
    ],
};

static PLACEMENT: Level = Level {
    what: "`placement`",
    keys: &[
        ("constraints", Texts),
        ("max_replicas_per_node", Number),
        ("preferences", Each(&PREFERENCES)),
    ],
};

static PORT: Level = Level {
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

static PREFERENCES: Level = Level {
    what: "a placement preference",
    keys: &[("spread", Text)],
};

static PRE_START_HOOK: Level = Level {
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

static PROVIDER: Level = Level {
    what: "`provider`",
    keys: &[("options", Any), ("type", Text)],
};

static RESERVATIONS: Level = Level {
    what: "`reservations`",
    keys: &[
        ("cpus", Number),
        ("devices", Each(&DEVICES)),
        ("generic_resources", Each(&GENERIC_RESOURCES)),
        ("memory", Text),
    ],
};

static RESOURCES: Level = Level {
    what: "`resources`",
    keys: &[("limits", In(&LIMITS)), ("reservations", In(&RESERVATIONS))],
};

static RESTART_POLICY: Level = Level {
    what: "`restart_policy`",
    keys: &[
        ("condition", Text),
        ("delay", Text),
        ("max_attempts", Number),
        ("window", Text),
    ],
};

static ROLLBACK_CONFIG: Level = Level {
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

static SECRET: Level = Level {
    what: "a secret",
    keys: &[
        ("driver", Text),
        ("driver_opts", Any),
        ("environment", Text),
        ("external", Any),
        ("file", Text),
        ("labels", Settings),
        ("name", Text),
        ("template_driver", Text),
    ],
};

static SERVICE_CONFIG_OR_SECRET: Level = Level {
    what: "a secret or config of a service",
    keys: &[
        ("gid", Text),
        ("mode", Number),
        ("source", Text),
        ("target", Text),
        ("uid", Text),
    ],
};

static SERVICE_HOOK: Level = Level {
    what: "a hook",
    keys: &[
        ("command", Any),
        ("environment", Settings),
        ("privileged", Flag),
        ("user", Text),
        ("working_dir", Text),
    ],
};

static SERVICE_MODEL: Level = Level {
    what: "a service's model",
    keys: &[("endpoint_var", Text), ("model_var", Text)],
};

static SERVICE_NETWORK: Level = Level {
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

static ULIMITS: Level = Level {
    what: "a ulimit",
    keys: &[("hard", Number), ("soft", Number)],
};

static UPDATE_CONFIG: Level = Level {
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

static VOLUME: Level = Level {
    what: "a volume",
    keys: &[
        ("driver", Text),
        ("driver_opts", Any),
        ("external", Any),
        ("labels", Settings),
        ("name", Text),
    ],
};

static WATCH: Level = Level {
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
