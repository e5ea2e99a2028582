//! The fields, level by level, in alphabetical order: a service here, what stands
//! below them in the rooms beside. Shapes that stand in several places are in [`shapes`].

use super::{
    Cast, Field, Items, Level, Long, Map, Merged, NOTHING, Out, Same, Shape, TEXT, WHOLE, Words,
};
use build::BUILD;
use mounts::{DEVICE, FILE_MOUNT, MOUNT};
use service::{
    BLKIO_CONFIG, CREDENTIAL_SPEC, DEPENDENCY, DEVELOPMENT, HEALTHCHECK, HOOK, LIMIT, LOGGING,
    PORT, PRE_START_HOOK, PROVIDER, SERVICE_MODEL, SERVICE_NETWORK,
};
use shapes::{
    COMMAND, FLAG_ONLY, FLAG_OR_TEXT, HOSTS, LIMITS, LIST_OR_DICT, NUMBER_OR_TEXT, TEXT_ONLY,
    TEXT_OR_UNIQUE_TEXTS, UNIQUE_TEXTS, UNIQUE_TEXTS_AND_NUMBERS, WHOLE_OR_TEXT,
};
use short::{
    BUILD_OR_CONTEXT, DEPENDENCIES, DEVICES, ENV_FILES, EXTENDED, FILE_MOUNTS, GPUS, HOOKS, MOUNTS,
    PORTS, PRE_START_HOOKS, SERVICE_MODELS, SERVICE_NETWORKS,
};

pub(crate) use file::FILE;

mod build;
mod deploy;
mod file;
mod mounts;
mod sections;
mod service;
mod shapes;
mod short;

/// A whole number of the cgroup's own, which a text may say too.
const fn cpu(name: &'static str, like: &'static str) -> Field {
    Field::new(name, NUMBER_OR_TEXT, Out::Whole, like).cast(Cast::Whole)
}

/// A switch.
const fn flag(name: &'static str) -> Field {
    Field::new(name, FLAG_OR_TEXT, Out::Flag, "true").cast(Cast::Flag)
}

/// A text.
const fn text(name: &'static str, like: &'static str) -> Field {
    Field::new(name, TEXT_ONLY, Out::Text, like)
}

/// `NAME=VALUE`, as mapping or list, of which a later file says more.
const fn settings(name: &'static str, out: Out, like: &'static str) -> Field {
    Field::new(name, LIST_OR_DICT, out, like)
        .merged(Merged::Listed)
        .same(Same::Name)
}

/// Names that a service, or its build, finds addresses by.
const fn extra_hosts() -> Field {
    let like = r#"["db.example.com:10.0.0.5"]"#;
    Field::new("extra_hosts", HOSTS, Out::Hosts, like).merged(Merged::Hosts)
}

/// A service.
pub(crate) static SERVICE: Level = Level {
    what: "a service",
    strict: true,
    extensions: true,
    fields: &[
        Field::new("profiles", UNIQUE_TEXTS, Out::Texts, "[later]").same(Same::Name),
        settings("annotations", Out::Settings, "{ com.example.team: shop }"),
        Field::new("attach", FLAG_OR_TEXT, Out::FlagSet, "false"),
        Field::new("build", BUILD_OR_CONTEXT, Out::In(&BUILD), ".")
            .merged(Merged::Builds)
            .long(Long::Build),
        Field::new(
            "develop",
            Shape::of(NOTHING).map(Map::Level(&DEVELOPMENT)),
            Out::In(&DEVELOPMENT),
            "{ watch: [{ path: ./src, action: rebuild }] }",
        ),
        Field::new(
            "blkio_config",
            Shape::of(0).map(Map::Level(&BLKIO_CONFIG)),
            Out::In(&BLKIO_CONFIG),
            "{ weight: 300 }",
        ),
        Field::new("cap_add", UNIQUE_TEXTS, Out::Texts, "[NET_ADMIN]").same(Same::Name),
        Field::new("cap_drop", UNIQUE_TEXTS, Out::Texts, "[ALL]").same(Same::Name),
        text("cgroup_parent", "shop.slice"),
        Field::new(
            "cgroup",
            TEXT_ONLY.words(Words::OneOf(&["host", "private"])),
            Out::Text,
            "private",
        ),
        Field::new(
            "cpu_count",
            Shape::of(TEXT | WHOLE).range(0, i64::MAX),
            Out::Whole,
            "2",
        )
        .cast(Cast::Whole),
        Field::new(
            "cpu_percent",
            Shape::of(TEXT | WHOLE).range(0, 100),
            Out::Number,
            "50",
        )
        .cast(Cast::Number),
        cpu("cpu_period", "100000"),
        cpu("cpu_quota", "50000"),
        cpu("cpu_rt_period", "100000"),
        cpu("cpu_rt_runtime", "50000"),
        Field::new("cpus", NUMBER_OR_TEXT, Out::Number, "0.5").cast(Cast::Number),
        text("cpuset", "0-1"),
        cpu("cpu_shares", "512"),
        Field::new("command", COMMAND, Out::Words, r#"["program", "argument"]"#)
            .merged(Merged::Replaced),
        Field::new("configs", FILE_MOUNTS, Out::Each(&FILE_MOUNT), "[site]")
            .same(Same::File(""))
            .long(Long::Files),
        Field::new(
            "container_name",
            TEXT_ONLY.words(Words::ContainerName),
            Out::Text,
            "shop-web",
        ),
        Field::new(
            "credential_spec",
            Shape::of(0).map(Map::Level(&CREDENTIAL_SPEC)),
            Out::In(&CREDENTIAL_SPEC),
            "{ file: spec.json }",
        ),
        Field::new(
            "depends_on",
            DEPENDENCIES,
            Out::Entries(&DEPENDENCY),
            "[db]",
        )
        .merged(Merged::Dependencies)
        .long(Long::Dependencies),
        Field::new(
            "deploy",
            Shape::of(NOTHING).map(Map::Level(&deploy::DEPLOYMENT)),
            Out::In(&deploy::DEPLOYMENT),
            "{ replicas: 2 }",
        ),
        Field::new(
            "device_cgroup_rules",
            UNIQUE_TEXTS,
            Out::Texts,
            r#"["c 1:3 mr"]"#,
        ),
        Field::new(
            "devices",
            DEVICES,
            Out::Each(&DEVICE),
            r#"["/dev/ttyUSB0:/dev/ttyUSB0"]"#,
        )
        .same(Same::Device)
        .long(Long::Devices),
        Field::new("dns", TEXT_OR_UNIQUE_TEXTS, Out::Texts, "[1.1.1.1]")
            .merged(Merged::Listed)
            .same(Same::Name)
            .long(Long::List),
        Field::new("dns_opt", UNIQUE_TEXTS, Out::Texts, "[use-vc]")
            .merged(Merged::Listed)
            .same(Same::Name),
        Field::new(
            "dns_search",
            TEXT_OR_UNIQUE_TEXTS,
            Out::Texts,
            "[example.com]",
        )
        .merged(Merged::Listed)
        .same(Same::Name)
        .long(Long::List),
        text("domainname", "example.com"),
        Field::new(
            "entrypoint",
            COMMAND,
            Out::Words,
            r#"["program", "argument"]"#,
        )
        .merged(Merged::Replaced),
        Field::new(
            "provider",
            Shape::of(0).map(Map::Level(&PROVIDER)),
            Out::In(&PROVIDER),
            "{ type: model }",
        ),
        settings("environment", Out::Environment, "{ NAME: value }"),
        Field::new("env_file", ENV_FILES, Out::EnvFiles, "[web.env]")
            .merged(Merged::Listed)
            .same(Same::Path)
            .long(Long::EnvFiles),
        Field::new(
            "expose",
            UNIQUE_TEXTS_AND_NUMBERS,
            Out::TextsAndNumbers,
            r#"["8080"]"#,
        )
        .same(Same::Text),
        Field::new(
            "extends",
            EXTENDED,
            Out::Hidden,
            "{ file: base.yaml, service: base }",
        )
        .long(Long::Extends),
        Field::new("external_links", UNIQUE_TEXTS, Out::Texts, "[database:db]"),
        extra_hosts(),
        Field::new("group_add", UNIQUE_TEXTS_AND_NUMBERS, Out::Texts, "[audio]"),
        Field::new("gpus", GPUS, Out::Bare(&deploy::GPU), "all").long(Long::Gpus),
        text("hostname", "web"),
        Field::new(
            "healthcheck",
            Shape::of(0).map(Map::Level(&HEALTHCHECK)),
            Out::In(&HEALTHCHECK),
            r#"{ test: ["CMD", "curl", "-f", "http://localhost/"] }"#,
        ),
        text("image", "nginx").alone(),
        Field::new("init", FLAG_OR_TEXT, Out::FlagSet, "true").cast(Cast::Flag),
        text("ipc", "host"),
        text("isolation", "default"),
        settings("labels", Out::Settings, "{ com.example.team: shop }"),
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
            "[labels.env]",
        )
        .merged(Merged::Listed)
        .long(Long::List),
        Field::new("links", UNIQUE_TEXTS, Out::Texts, "[db]").same(Same::Name),
        Field::new(
            "logging",
            Shape::of(0).map(Map::Level(&LOGGING)),
            Out::In(&LOGGING),
            "{ driver: json-file }",
        )
        .merged(Merged::Logging),
        Field::new("mem_limit", NUMBER_OR_TEXT, Out::Bytes, "512m"),
        Field::new("mem_reservation", WHOLE_OR_TEXT, Out::Bytes, "256m"),
        Field::new("memswap_limit", NUMBER_OR_TEXT, Out::Bytes, "1g"),
        Field::new("mem_swappiness", WHOLE_OR_TEXT, Out::Bytes, "60"),
        text("mac_address", r#""02:42:ac:11:00:03""#),
        Field::new(
            "models",
            SERVICE_MODELS,
            Out::EntriesOrNull(&SERVICE_MODEL),
            "[llm]",
        )
        .merged(Merged::Named)
        .long(Long::Names),
        text("network_mode", "host"),
        Field::new(
            "networks",
            SERVICE_NETWORKS,
            Out::EntriesOrNull(&SERVICE_NETWORK),
            "[back]",
        )
        .merged(Merged::Named)
        .long(Long::Names),
        flag("oom_kill_disable"),
        Field::new(
            "oom_score_adj",
            Shape::of(TEXT | WHOLE).range(-1000, 1000),
            Out::Whole,
            "500",
        )
        .cast(Cast::Whole),
        Field::new("pid", Shape::of(TEXT | NOTHING), Out::Text, "host"),
        cpu("pids_limit", "100"),
        text("platform", "linux/amd64"),
        Field::new("ports", PORTS, Out::Each(&PORT), r#"["8080:80"]"#)
            .same(Same::Port)
            .long(Long::Ports),
        flag("privileged"),
        Field::new(
            "pull_policy",
            TEXT_ONLY.words(Words::PullPolicy),
            Out::Text,
            "always",
        ),
        flag("read_only"),
        text("restart", "unless-stopped"),
        text("runtime", "runc"),
        Field::new("scale", WHOLE_OR_TEXT, Out::WholeSet, "2").cast(Cast::Whole),
        Field::new("secrets", FILE_MOUNTS, Out::Each(&FILE_MOUNT), "[key]")
            .same(Same::File("/run/secrets"))
            .long(Long::Files),
        Field::new(
            "security_opt",
            UNIQUE_TEXTS,
            Out::Texts,
            r#"["no-new-privileges:true"]"#,
        ),
        Field::new("shm_size", NUMBER_OR_TEXT, Out::Bytes, "64m"),
        flag("stdin_open"),
        Field::new("stop_grace_period", TEXT_ONLY, Out::WaitSet, "30s"),
        text("stop_signal", "SIGTERM"),
        Field::new(
            "storage_opt",
            Shape::of(0).map(Map::Free),
            Out::PlainSettings,
            "{ size: 1G }",
        ),
        settings("sysctls", Out::Settings, "{ net.core.somaxconn: 1024 }"),
        Field::new("tmpfs", TEXT_OR_UNIQUE_TEXTS, Out::Texts, "[/run]")
            .merged(Merged::Listed)
            .same(Same::Name)
            .long(Long::List),
        flag("tty"),
        Field::new("ulimits", LIMITS, Out::Limits(&LIMIT), "{ nofile: 1024 }"),
        Field::new("use_api_socket", FLAG_ONLY, Out::Flag, "true"),
        text("user", r#""1000:1000""#),
        text("userns_mode", "host"),
        text("uts", "host"),
        Field::new("volumes", MOUNTS, Out::Each(&MOUNT), r#"["./data:/data"]"#)
            .same(Same::Mount)
            .long(Long::Mounts),
        Field::new("volumes_from", UNIQUE_TEXTS, Out::Texts, "[db]"),
        text("working_dir", "/app"),
        Field::new(
            "post_start",
            HOOKS,
            Out::Each(&HOOK),
            r#"[{ command: ["program", "argument"] }]"#,
        ),
        Field::new(
            "pre_stop",
            HOOKS,
            Out::Each(&HOOK),
            r#"[{ command: ["program", "argument"] }]"#,
        ),
        // Newer than Docker Compose 2.40.
        Field::new(
            "pre_start",
            PRE_START_HOOKS,
            Out::Each(&PRE_START_HOOK),
            r#"[{ command: ["program", "argument"] }]"#,
        ),
        Field::new("pull_refresh_after", TEXT_ONLY, Out::Hidden, "24h"),
    ],
};
