//! The fields, level by level, in alphabetical order: the top level and a service here, what stands
//! below them in the rooms beside. Shapes that stand in several places are in [`shapes`].

use super::{
    Cast, Field, Items, Level, Long, Map, Merged, NOTHING, NUMBER, NameRule, Names, Out, Same,
    Shape, TEXT, WHOLE, Words,
};
use build::BUILD;
use mounts::{DEVICE, FILE_MOUNT, MOUNT};
use sections::{CONFIGS, INCLUDES, MODELS, NETWORKS, SECRETS, VOLUMES};
use service::{
    BLKIO_CONFIG, CREDENTIAL_SPEC, DEPENDENCY, DEVELOPMENT, EXTENDS, HEALTHCHECK, HOOK, LIMIT,
    LOGGING, PORT, PRE_START_HOOK, PROVIDER, SERVICE_MODEL, SERVICE_NETWORK,
};
use shapes::{
    COMMAND, FLAG_ONLY, FLAG_OR_TEXT, HOSTS, LIMITS, LIST_OR_DICT, NUMBER_OR_TEXT, TEXT_ONLY,
    TEXT_OR_UNIQUE_TEXTS, UNIQUE_TEXTS, UNIQUE_TEXTS_AND_NUMBERS, WHOLE_OR_TEXT,
};

mod build;
mod deploy;
mod mounts;
mod sections;
mod service;
mod shapes;

/// The top level.
pub(crate) static FILE: Level = Level {
    what: "the file",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("name", TEXT_ONLY, Out::Text),
        Field::new("configs", CONFIGS, Out::Entries(&sections::CONFIG)),
        Field::new("include", INCLUDES, Out::Hidden),
        Field::new("models", MODELS, Out::Entries(&sections::MODEL)),
        Field::new("networks", NETWORKS, Out::Entries(&sections::NETWORK)),
        Field::new("secrets", SECRETS, Out::Entries(&sections::SECRET)),
        Field::new("services", SERVICES, Out::Entries(&SERVICE)),
        Field::new("version", TEXT_ONLY, Out::Hidden),
        Field::new("volumes", VOLUMES, Out::Entries(&sections::VOLUME)),
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
    };
    &OF
}));

/// A whole number of the cgroup's own, which a text may say too.
const fn cpu(name: &'static str) -> Field {
    Field::new(name, NUMBER_OR_TEXT, Out::Whole).cast(Cast::Whole)
}

/// A switch.
const fn flag(name: &'static str) -> Field {
    Field::new(name, FLAG_OR_TEXT, Out::Flag).cast(Cast::Flag)
}

/// A text.
const fn text(name: &'static str) -> Field {
    Field::new(name, TEXT_ONLY, Out::Text)
}

/// `NAME=VALUE`, as mapping or list, of which a later file says more.
const fn settings(name: &'static str, out: Out) -> Field {
    Field::new(name, LIST_OR_DICT, out)
        .merged(Merged::Listed)
        .same(Same::Name)
}

/// A service.
pub(crate) static SERVICE: Level = Level {
    what: "a service",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("profiles", UNIQUE_TEXTS, Out::Texts).same(Same::Name),
        settings("annotations", Out::Settings),
        Field::new("attach", FLAG_OR_TEXT, Out::FlagSet),
        Field::new("build", BUILD_OR_CONTEXT, Out::In(&BUILD))
            .merged(Merged::Builds)
            .long(Long::Build),
        Field::new(
            "develop",
            Shape::of(NOTHING).map(Map::Level(&DEVELOPMENT)),
            Out::In(&DEVELOPMENT),
        ),
        Field::new(
            "blkio_config",
            Shape::of(0).map(Map::Level(&BLKIO_CONFIG)),
            Out::In(&BLKIO_CONFIG),
        ),
        Field::new("cap_add", UNIQUE_TEXTS, Out::Texts).same(Same::Name),
        Field::new("cap_drop", UNIQUE_TEXTS, Out::Texts).same(Same::Name),
        text("cgroup_parent"),
        Field::new(
            "cgroup",
            TEXT_ONLY.words(Words::OneOf(&["host", "private"])),
            Out::Text,
        ),
        Field::new(
            "cpu_count",
            Shape::of(TEXT | WHOLE).range(0, i64::MAX),
            Out::Whole,
        )
        .cast(Cast::Whole),
        Field::new(
            "cpu_percent",
            Shape::of(TEXT | WHOLE).range(0, 100),
            Out::Number,
        )
        .cast(Cast::Number),
        cpu("cpu_period"),
        cpu("cpu_quota"),
        cpu("cpu_rt_period"),
        cpu("cpu_rt_runtime"),
        Field::new("cpus", NUMBER_OR_TEXT, Out::Number).cast(Cast::Number),
        text("cpuset"),
        cpu("cpu_shares"),
        Field::new("command", COMMAND, Out::Words).merged(Merged::Replaced),
        Field::new("configs", FILE_MOUNTS, Out::Each(&FILE_MOUNT))
            .same(Same::File(""))
            .long(Long::Files),
        Field::new(
            "container_name",
            TEXT_ONLY.words(Words::ContainerName),
            Out::Text,
        ),
        Field::new(
            "credential_spec",
            Shape::of(0).map(Map::Level(&CREDENTIAL_SPEC)),
            Out::In(&CREDENTIAL_SPEC),
        ),
        Field::new("depends_on", DEPENDENCIES, Out::Entries(&DEPENDENCY))
            .merged(Merged::Dependencies)
            .long(Long::Dependencies),
        Field::new(
            "deploy",
            Shape::of(NOTHING).map(Map::Level(&deploy::DEPLOYMENT)),
            Out::In(&deploy::DEPLOYMENT),
        ),
        Field::new("device_cgroup_rules", UNIQUE_TEXTS, Out::Texts),
        Field::new("devices", DEVICES, Out::Each(&DEVICE))
            .same(Same::Device)
            .long(Long::Devices),
        Field::new("dns", TEXT_OR_UNIQUE_TEXTS, Out::Texts)
            .merged(Merged::Listed)
            .same(Same::Name)
            .long(Long::List),
        Field::new("dns_opt", UNIQUE_TEXTS, Out::Texts)
            .merged(Merged::Listed)
            .same(Same::Name),
        Field::new("dns_search", TEXT_OR_UNIQUE_TEXTS, Out::Texts)
            .merged(Merged::Listed)
            .same(Same::Name)
            .long(Long::List),
        text("domainname"),
        Field::new("entrypoint", COMMAND, Out::Words).merged(Merged::Replaced),
        Field::new(
            "provider",
            Shape::of(0).map(Map::Level(&PROVIDER)),
            Out::In(&PROVIDER),
        ),
        settings("environment", Out::Environment),
        Field::new("env_file", ENV_FILES, Out::EnvFiles)
            .merged(Merged::Listed)
            .same(Same::Path)
            .long(Long::EnvFiles),
        Field::new("expose", UNIQUE_TEXTS_AND_NUMBERS, Out::TextsAndNumbers).same(Same::Text),
        Field::new("extends", EXTENDED, Out::Hidden).long(Long::Extends),
        Field::new("external_links", UNIQUE_TEXTS, Out::Texts),
        Field::new("extra_hosts", HOSTS, Out::Hosts).merged(Merged::Hosts),
        Field::new("group_add", UNIQUE_TEXTS_AND_NUMBERS, Out::Texts),
        Field::new("gpus", GPUS, Out::Each(&deploy::GPU)).long(Long::Gpus),
        text("hostname"),
        Field::new(
            "healthcheck",
            Shape::of(0).map(Map::Level(&HEALTHCHECK)),
            Out::In(&HEALTHCHECK),
        ),
        text("image"),
        Field::new("init", FLAG_OR_TEXT, Out::FlagSet).cast(Cast::Flag),
        text("ipc"),
        text("isolation"),
        settings("labels", Out::Settings),
        Field::new(
            "label_file",
            Shape::of(TEXT).list({
                static OF: Items = Items {
                    shape: TEXT_ONLY,
                    unique: false,
                };
                &OF
            }),
            Out::Texts,
        )
        .merged(Merged::Listed)
        .long(Long::List),
        Field::new("links", UNIQUE_TEXTS, Out::Texts).same(Same::Name),
        Field::new(
            "logging",
            Shape::of(0).map(Map::Level(&LOGGING)),
            Out::In(&LOGGING),
        )
        .merged(Merged::Logging),
        Field::new("mem_limit", NUMBER_OR_TEXT, Out::Bytes),
        Field::new("mem_reservation", WHOLE_OR_TEXT, Out::Bytes),
        Field::new("memswap_limit", NUMBER_OR_TEXT, Out::Bytes),
        Field::new("mem_swappiness", WHOLE_OR_TEXT, Out::Bytes),
        text("mac_address"),
        Field::new("models", SERVICE_MODELS, Out::EntriesOrNull(&SERVICE_MODEL))
            .merged(Merged::Named)
            .long(Long::Names),
        text("network_mode"),
        Field::new(
            "networks",
            SERVICE_NETWORKS,
            Out::EntriesOrNull(&SERVICE_NETWORK),
        )
        .merged(Merged::Named)
        .long(Long::Names),
        flag("oom_kill_disable"),
        Field::new(
            "oom_score_adj",
            Shape::of(TEXT | WHOLE).range(-1000, 1000),
            Out::Whole,
        )
        .cast(Cast::Whole),
        Field::new("pid", Shape::of(TEXT | NOTHING), Out::Text),
        cpu("pids_limit"),
        text("platform"),
        Field::new("ports", PORTS, Out::Each(&PORT))
            .same(Same::Port)
            .long(Long::Ports),
        flag("privileged"),
        Field::new("pull_policy", TEXT_ONLY.words(Words::PullPolicy), Out::Text),
        flag("read_only"),
        text("restart"),
        text("runtime"),
        Field::new("scale", WHOLE_OR_TEXT, Out::WholeSet).cast(Cast::Whole),
        Field::new("secrets", FILE_MOUNTS, Out::Each(&FILE_MOUNT))
            .same(Same::File("/run/secrets"))
            .long(Long::Files),
        Field::new("security_opt", UNIQUE_TEXTS, Out::Texts),
        Field::new("shm_size", NUMBER_OR_TEXT, Out::Bytes),
        flag("stdin_open"),
        Field::new("stop_grace_period", TEXT_ONLY, Out::WaitSet),
        text("stop_signal"),
        Field::new(
            "storage_opt",
            Shape::of(0).map(Map::Free),
            Out::PlainSettings,
        ),
        settings("sysctls", Out::Settings),
        Field::new("tmpfs", TEXT_OR_UNIQUE_TEXTS, Out::Texts)
            .merged(Merged::Listed)
            .same(Same::Name)
            .long(Long::List),
        flag("tty"),
        Field::new("ulimits", LIMITS, Out::Limits(&LIMIT)),
        Field::new("use_api_socket", FLAG_ONLY, Out::Flag),
        text("user"),
        text("userns_mode"),
        text("uts"),
        Field::new("volumes", MOUNTS, Out::Each(&MOUNT))
            .same(Same::Mount)
            .long(Long::Mounts),
        Field::new("volumes_from", UNIQUE_TEXTS, Out::Texts),
        text("working_dir"),
        Field::new("post_start", HOOKS, Out::Each(&HOOK)),
        Field::new("pre_stop", HOOKS, Out::Each(&HOOK)),
        // Newer than Docker Compose 2.40.
        Field::new("pre_start", PRE_START_HOOKS, Out::Each(&PRE_START_HOOK)),
        Field::new("pull_refresh_after", TEXT_ONLY, Out::Hidden),
    ],
};

const BUILD_OR_CONTEXT: Shape = Shape::of(TEXT).map(Map::Level(&BUILD));

const FILE_MOUNTS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(TEXT).map(Map::Level(&FILE_MOUNT)),
        unique: false,
    };
    &OF
});

const DEPENDENCIES: Shape = UNIQUE_TEXTS.map(Map::Names({
    static OF: Names = Names {
        rule: NameRule::Identifier,
        strict: true,
        entry: Shape::of(0).map(Map::Level(&DEPENDENCY)),
        merged: Merged::Common,
        cast: Cast::No,
        what: "the dependency",
    };
    &OF
}));

const DEVICES: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(TEXT).map(Map::Level(&DEVICE)),
        unique: false,
    };
    &OF
});

const ENV_FILES: Shape = Shape::of(TEXT).list({
    static OF: Items = Items {
        shape: Shape::of(TEXT).map(Map::Level(&service::ENV_FILE)),
        unique: false,
    };
    &OF
});

const EXTENDED: Shape = Shape::of(TEXT).map(Map::Level(&EXTENDS));

const GPUS: Shape = TEXT_ONLY.words(Words::OneOf(&["all"])).list({
    static OF: Items = Items {
        shape: Shape::of(0).map(Map::Level(&deploy::GPU)),
        unique: false,
    };
    &OF
});

const SERVICE_MODELS: Shape = UNIQUE_TEXTS.map(Map::Names({
    static OF: Names = Names {
        rule: NameRule::Identifier,
        strict: false,
        entry: Shape::of(NOTHING).map(Map::Level(&SERVICE_MODEL)),
        merged: Merged::Common,
        cast: Cast::No,
        what: "the model",
    };
    &OF
}));

const SERVICE_NETWORKS: Shape = UNIQUE_TEXTS.map(Map::Names({
    static OF: Names = Names {
        rule: NameRule::Identifier,
        strict: true,
        entry: Shape::of(NOTHING).map(Map::Level(&SERVICE_NETWORK)),
        merged: Merged::Common,
        cast: Cast::No,
        what: "the network",
    };
    &OF
}));

const PORTS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(NUMBER | TEXT).map(Map::Level(&PORT)),
        unique: true,
    };
    &OF
});

const HOOKS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(0).map(Map::Level(&HOOK)),
        unique: false,
    };
    &OF
});

const PRE_START_HOOKS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(0).map(Map::Level(&PRE_START_HOOK)),
        unique: false,
    };
    &OF
});

const MOUNTS: Shape = Shape::of(0).list({
    static OF: Items = Items {
        shape: Shape::of(TEXT).map(Map::Level(&MOUNT)),
        unique: true,
    };
    &OF
});
