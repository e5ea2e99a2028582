//! What of an engine's refusal is the service's own: its program, or what the files say of it.

use msvc_system::id::InstanceId;

use crate::contract::{Blame, RuntimeError};
use crate::docker::engine::{EngineError, NO_SPACE};

/// While what a container was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum While {
    /// It was made.
    Making,
    /// It was started.
    Starting,
}

/// Signs of a program that is not there or is none.
const PROGRAM: [&str; 4] = [
    "no command specified",
    "executable file not found",
    "exec: \"",
    "exec format error",
];

/// What an engine says of a field, in lowercase, and the field; `address` stands for the addresses
/// that a service asks for on its networks. Of several the first that stands in the file is meant.
const WORDS: [(&str, &str); 63] = [
    ("capadd", "cap_add"),
    ("capdrop", "cap_drop"),
    ("capability", "cap_add"),
    ("apply caps", "cap_add"),
    ("log opt", "logging"),
    ("log-opt", "logging"),
    ("logging", "logging"),
    ("log driver", "logging"),
    ("bind source path", "volumes"),
    ("mount path must be", "tmpfs"),
    ("mount path must be", "volumes"),
    ("mount config", "volumes"),
    ("specified platform", "platform"),
    ("mac-address", "mac_address"),
    ("mac address", "mac_address"),
    ("working directory", "working_dir"),
    ("chdir to cwd", "working_dir"),
    ("healthcheck", "healthcheck"),
    ("cpuset", "cpuset"),
    ("requested cpus", "cpuset"),
    ("memoryswap", "memswap_limit"),
    ("memory reservation", "mem_reservation"),
    ("memory reservation", "deploy/resources/reservations/memory"),
    ("swappiness", "mem_swappiness"),
    ("memory limit", "mem_limit"),
    ("memory limit", "deploy/resources/limits/memory"),
    ("number of cpus", "cpus"),
    ("range of cpus", "cpus"),
    ("range of cpus", "deploy/resources/limits/cpus"),
    ("cfs period", "cpu_period"),
    ("cfs quota", "cpu_quota"),
    ("rt_runtime", "cpu_rt_runtime"),
    ("rt_period", "cpu_rt_period"),
    ("cpu-shares", "cpu_shares"),
    ("shares:", "cpu_shares"),
    ("blkio", "blkio_config"),
    ("sysctl", "sysctls"),
    ("/proc/sys/", "sysctls"),
    ("rlimit", "ulimits"),
    ("unable to find user", "user"),
    ("unable to find group", "group_add"),
    ("unable to find group", "user"),
    ("gathering device information", "devices"),
    ("stat /dev/", "blkio_config"),
    ("ipc mode", "ipc"),
    ("can't join ipc", "ipc"),
    ("pid mode", "pid"),
    ("uts mode", "uts"),
    ("user namespace", "userns_mode"),
    ("security-opt", "security_opt"),
    ("security opt", "security_opt"),
    ("storage-opt", "storage_opt"),
    ("shm size", "shm_size"),
    ("runtime name", "runtime"),
    ("unknown runtime", "runtime"),
    ("tmpfs option", "tmpfs"),
    ("destination can't be '/'", "tmpfs"),
    ("destination can't be '/'", "volumes"),
    ("device cgroup rule", "device_cgroup_rules"),
    ("seccomp profile", "security_opt"),
    ("link-local ip", "address"),
    ("address already in use", "address"),
    ("does not belong to the sequence", "address"),
];

/// The fields that an engine's words are about, the likeliest first.
pub fn fields_meant(why: &str) -> impl Iterator<Item = &'static str> + use<> {
    let why = why.to_lowercase();
    let said = WORDS.iter().filter(move |(words, _)| why.contains(words));
    said.map(|(_, field)| *field)
}

/// An engine's refusal of a container, as what it is about.
pub(super) fn refusal(instance: &InstanceId, error: EngineError, while_: While) -> RuntimeError {
    let EngineError::Refused { what, status, why } = error else {
        return error.into();
    };
    let instance = instance.clone();
    let words = why.to_lowercase();
    let is_program = PROGRAM.iter().any(|sign| words.contains(sign));
    let is_its_own = status == 400 || why.contains("OCI runtime");
    // While it is started an engine calls bad also what the machine does not let it do.
    let blame = match (is_its_own, while_) {
        (true, While::Making) => Blame::File,
        (true, While::Starting) => Blame::Service,
        (false, _) => Blame::Nobody,
    };
    if is_program && is_its_own {
        RuntimeError::Start { instance, why }
    } else if is_its_own || fields_meant(&why).next().is_some() {
        RuntimeError::NotTaken {
            instance,
            why,
            blame,
        }
    } else {
        EngineError::Refused { what, status, why }.into()
    }
}

/// An engine's refusal to make the network that the files call `key`.
pub(in crate::docker) fn network(key: Option<&str>, error: EngineError) -> RuntimeError {
    const OF_THE_FILE: [&str; 5] = [
        "failed to allocate gateway",
        "failed to allocate secondary ip",
        "multiple subnets",
        "pool is empty",
        "invalid subnet",
    ];
    match (key, error) {
        (Some(key), EngineError::Refused { status, why, .. }) if !why.contains(NO_SPACE) => {
            let words = why.to_lowercase();
            let is_bad = status == 400 || OF_THE_FILE.iter().any(|it| words.contains(it));
            let blame = if is_bad { Blame::File } else { Blame::Nobody };
            let network = key.to_owned();
            RuntimeError::Network {
                network,
                why,
                blame,
            }
        }
        (_, error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, why: &str) -> EngineError {
        EngineError::Refused {
            what: "making container a".to_owned(),
            status,
            why: why.to_owned(),
        }
    }

    fn told(status: u16, why: &str, while_: While) -> String {
        let instance = InstanceId {
            project: "s".parse().unwrap(),
            lane: msvc_system::id::LaneName::main(),
            service: "a".parse().unwrap(),
            replica: 1,
            incarnation: 1,
        };
        match refusal(&instance, refused(status, why), while_) {
            RuntimeError::Start { .. } => "program".to_owned(),
            RuntimeError::NotTaken { blame, .. } => format!("{blame:?}"),
            RuntimeError::Engine(_) => "engine".to_owned(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn only_what_is_about_the_program_is_called_so() {
        use While::{Making, Starting};
        let oci = "OCI runtime create failed: runc create failed: ";
        let exec = format!(
            "{oci}unable to start container process: exec: \"no\": executable file not found in $PATH"
        );
        let limit = format!("{oci}wrong rlimit value: RLIMIT_NOSUCH");
        for (status, why, while_, wanted) in [
            (400, exec.as_str(), Starting, "program"),
            (400, "No command specified", Making, "program"),
            (
                400,
                "You should always set the Memory limit",
                Making,
                "File",
            ),
            (400, "some day said in other words", Making, "File"),
            (500, limit.as_str(), Starting, "Service"),
            (500, "Invalid IPC mode: nope", Starting, "Nobody"),
            (500, "a strange thing", Starting, "engine"),
            (404, "No such image: x", Making, "engine"),
        ] {
            assert_eq!(told(status, why, while_), wanted, "{why}");
        }
    }

    #[test]
    fn the_field_that_an_engine_means_is_found_by_its_words() {
        for (why, wanted) in [
            (
                "invalid CapAdd: unknown capability: \"CAP_NOSUCH\"",
                "cap_add",
            ),
            (
                "You should always set the Memory limit when using Memoryswap limit, see usage",
                "memswap_limit",
            ),
            (
                "invalid mount path: 'run' mount path must be absolute",
                "tmpfs",
            ),
            (
                "the working directory 'app' is invalid, it needs to be an absolute path",
                "working_dir",
            ),
            (
                "Interval in Healthcheck cannot be less than 1ms",
                "healthcheck",
            ),
            ("unknown log opt 'nope' for json-file log driver", "logging"),
            (
                "error looking up logging plugin nope: plugin \"nope\" not found",
                "logging",
            ),
            ("the minimum allowed cpu-shares is 2: unknown", "cpu_shares"),
            ("invalid --security-opt 1: \"nope\"", "security_opt"),
            ("Decoding seccomp profile failed: x", "security_opt"),
            ("invalid tmpfs option [\"nope\"]", "tmpfs"),
            (
                "invalid device cgroup rule format: 'nope'",
                "device_cgroup_rules",
            ),
            ("Unknown runtime specified nope", "runtime"),
            (
                "image with reference x was found but does not match the specified platform: wanted \
                 linux/arm64, actual: linux/amd64",
                "platform",
            ),
        ] {
            assert_eq!(fields_meant(why).next(), Some(wanted), "{why}");
        }
        assert_eq!(fields_meant("No such image: x").next(), None);
    }

    #[test]
    fn a_network_is_blamed_on_the_file_where_the_engine_calls_it_bad() {
        let blamed = |status, why: &str| match network(Some("n"), refused(status, why)) {
            RuntimeError::Network { blame, .. } => Some(blame),
            _ => None,
        };
        let subnets = "bridge driver doesn't support multiple subnets";
        assert_eq!(blamed(500, subnets), Some(Blame::File));
        let overlaps = "Pool overlaps with other one on this address space";
        assert_eq!(blamed(403, overlaps), Some(Blame::Nobody));
        assert_eq!(blamed(500, "no space left on device"), None);
    }
}
