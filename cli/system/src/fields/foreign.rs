//! Keys of other tools: of the first Compose files, of `docker run`, of Kubernetes. People copy from there.
//!
//! What comes in: a key that nobody knows where it stands. What leaves: what is meant by it here. What must not
//! enter: keys that are misspelt, or that only stand in the wrong place.

use Meant::{Key, Write};

/// What is meant by a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Meant {
    /// Another key of the same mapping.
    Key(&'static str),
    /// Something that is written elsewhere: what to do.
    Write(&'static str),
}

/// Words by where they stand.
const WORDS: [(&str, &[(&str, Meant)]); 12] = [
    ("the file", &FILE),
    ("a service", &SERVICE),
    (
        "`build`",
        &[("file", Key("dockerfile")), ("path", Key("context"))],
    ),
    (
        "`healthcheck`",
        &[("command", Key("test")), ("cmd", Key("test"))],
    ),
    (
        "a port",
        &[
            ("containerPort", Key("target")),
            ("container", Key("target")),
            ("port", Key("target")),
            ("hostPort", Key("published")),
            ("host", Key("published")),
            ("ip", Key("host_ip")),
        ],
    ),
    ("an entry of `env_file`", &[("file", Key("path"))]),
    ("a mount", &MOUNT),
    (
        "a secret or config of a service",
        &[("src", Key("source")), ("dst", Key("target"))],
    ),
    (
        "`logging`",
        &[
            ("max-size", Write(OPTION)),
            ("max-file", Write(OPTION)),
            ("tag", Write(OPTION)),
        ],
    ),
    (
        "`resources`",
        &[("memory", Write(LIMIT)), ("cpus", Write(LIMIT))],
    ),
    (
        "a network",
        &[("subnet", Write(POOL)), ("gateway", Write(POOL))],
    ),
    (
        "a volume",
        &[
            ("device", Write(DRIVER_OPTION)),
            ("type", Write(DRIVER_OPTION)),
            ("o", Write(DRIVER_OPTION)),
        ],
    ),
];

const KUBERNETES: &str =
    "it is Kubernetes': a Compose file has `services`, `volumes` and `networks`";
const OPTION: &str = "write it below `options`, further to the right";
const LIMIT: &str = "write it below `limits`, further to the right";
const POOL: &str = "write it as `ipam: { config: [{ subnet: 172.28.0.0/16 }] }`";
const DRIVER_OPTION: &str = "write it below `driver_opts`, further to the right";

const FILE: [(&str, Meant); 4] = [
    ("apiVersion", Write(KUBERNETES)),
    ("kind", Write(KUBERNETES)),
    ("metadata", Write(KUBERNETES)),
    ("spec", Write(KUBERNETES)),
];

const NETWORK: &str = "a network has it: networks stand under the top-level `networks`";
const NETWORK_OR_VOLUME: &str =
    "a network or volume has it: those stand under the top-level `networks` and `volumes`";

const SERVICE: [(&str, Meant); 31] = [
    ("env", Key("environment")),
    ("cmd", Key("command")),
    ("name", Key("container_name")),
    ("mem", Key("mem_limit")),
    ("memory", Key("mem_limit")),
    ("limits", Write("write it below `deploy: { resources: … }`")),
    ("add_host", Key("extra_hosts")),
    ("publish", Key("ports")),
    ("net", Key("network_mode")),
    ("log_driver", Write("write it as `logging: { driver: … }`")),
    ("log_opt", Write("write it as `logging: { options: … }`")),
    (
        "volume_driver",
        Write("write it as the `driver` of a volume, under the top-level `volumes`"),
    ),
    (
        "driver",
        Write("write it below `logging`; a network's stands under the top-level `networks`"),
    ),
    ("driver_opts", Write(NETWORK_OR_VOLUME)),
    ("external", Write(NETWORK_OR_VOLUME)),
    ("attachable", Write(NETWORK)),
    ("enable_ipv4", Write(NETWORK)),
    ("enable_ipv6", Write(NETWORK)),
    ("internal", Write(NETWORK)),
    ("ipam", Write(NETWORK)),
    ("interactive", Key("stdin_open")),
    ("detach", Write("take it away: `up -d` says that")),
    ("rm", Write("take it away: `down` removes containers")),
    ("imagePullPolicy", Key("pull_policy")),
    ("livenessProbe", Key("healthcheck")),
    ("readinessProbe", Key("healthcheck")),
    ("restartPolicy", Key("restart")),
    ("volumeMounts", Key("volumes")),
    ("containerPort", Key("ports")),
    ("workingDir", Key("working_dir")),
    (
        "condition",
        Write("write it below `depends_on` and a service there"),
    ),
];

const MOUNT: [(&str, Meant); 6] = [
    ("src", Key("source")),
    ("dst", Key("target")),
    ("destination", Key("target")),
    ("mountPath", Key("target")),
    ("readonly", Key("read_only")),
    ("ro", Key("read_only")),
];

/// What is meant by a key of another tool in what is called `level`.
pub(super) fn meant(level: &str, key: &str) -> Option<Meant> {
    let (_, words) = WORDS.iter().find(|(what, _)| *what == level)?;
    let word = words.iter().find(|(word, _)| *word == key);
    word.map(|(_, meant)| *meant)
}

#[cfg(test)]
mod tests {
    use super::super::{FILE as FILE_LEVEL, Level, Map, Shape};
    use super::*;

    fn levels_below(level: &'static Level, found: &mut Vec<&'static Level>) {
        if found.iter().any(|it| std::ptr::eq(*it, level)) {
            return;
        }
        found.push(level);
        for field in level.fields {
            through(&field.shape, found);
        }
    }

    fn through(shape: &'static Shape, found: &mut Vec<&'static Level>) {
        match shape.map {
            Map::Level(level) => levels_below(level, found),
            Map::Names(names) => through(&names.entry, found),
            Map::No | Map::Free => {}
        }
        shape.item().into_iter().for_each(|it| through(it, found));
    }

    #[test]
    fn every_word_is_unknown_where_it_stands_and_what_is_meant_by_it_is_known_there() {
        let mut levels = Vec::new();
        levels_below(&FILE_LEVEL, &mut levels);
        for (what, words) in WORDS {
            let level = levels.iter().find(|level| level.what == what);
            let level = level.unwrap_or_else(|| panic!("{what}"));
            for (word, meant) in words {
                assert!(level.field(word).is_none(), "{what}: {word}");
                if let Key(key) = meant {
                    assert!(level.field(key).is_some(), "{what}: {key}");
                }
            }
        }
    }
}
