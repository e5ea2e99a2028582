//! The shop's journeys in a runner that is not ours: they keep to what the format says, so
//! whoever leaves msvc takes them along. Needs Node 20.19 or later and npm.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use support::{Finished, Runtime, System, finish, read, root, skipped};

support::in_both! {
    the_shops_journeys_hold_in_a_second_runner_and_one_that_does_not_hold_fails_in_both,
}

/// The oldest Node that the runner of `tests/redocly/package.json` starts with.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// The runner, installed as its lock file says; `None` where Node is missing.
fn runner() -> Option<PathBuf> {
    static INSTALLED: OnceLock<Option<PathBuf>> = OnceLock::new();
    INSTALLED.get_or_init(install).clone()
}

fn install() -> Option<PathBuf> {
    let version = Command::new("node").arg("--version").output().ok()?;
    let version = String::from_utf8(version.stdout).ok()?;
    let mut numbers = version.trim().trim_start_matches('v').split('.');
    let mut number = || numbers.next()?.parse::<u32>().ok();
    if (number()?, number()?) < OLDEST_NODE {
        return None;
    }
    Command::new("npm").arg("--version").output().ok()?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("redocly");
    std::fs::create_dir_all(&folder).unwrap();
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(root().join("tests/redocly").join(file), folder.join(file)).unwrap();
    }
    let mut install = Command::new("npm");
    install
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder);
    finish(install).expect(0);
    Some(folder.join("node_modules/@redocly/cli/bin/cli.js"))
}

/// A shop as a runner that is not ours is told of it.
struct Told {
    gateway: String,
    tls: String,
    /// The certificate that vouches for the gateway, as a file.
    ca: PathBuf,
    operator_password: String,
    _folder: tempfile::TempDir,
}

impl Told {
    fn of(system: &System) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ca = match system.runtime() {
            Runtime::Processes => system.home().join("main/volumes/gateway-data/tls/ca.pem"),
            Runtime::Containers => {
                let ca = folder.path().join("ca.pem");
                let from = format!("{}-gateway-1:/data/tls/ca.pem", system.project);
                let mut copy = Command::new("docker");
                copy.args(["cp", from.as_str()]).arg(&ca);
                finish(copy).expect(0);
                ca
            }
        };
        let tls = system.url_of("gateway", 8443);
        let tls = tls.replace("127.0.0.1", "localhost");
        Self {
            gateway: system.url_of("gateway", 8080),
            tls,
            ca,
            operator_password: read(&system.directory.join("secrets/operator-password")),
            _folder: folder,
        }
    }
}

fn respect(runner: &Path, journey: &Path, told: &Told, run: &str) -> Finished {
    let mut command = Command::new("node");
    command
        .arg(runner)
        .arg("respect")
        .arg(journey)
        .args(["-S", &format!("gateway={}", told.gateway)])
        .args(["-S", &format!("gateway-tls={}", told.tls)])
        .args(["-i", &format!("run={run}")])
        .args([
            "-i",
            &format!("operator_password={}", told.operator_password),
        ])
        .env("NODE_EXTRA_CA_CERTS", &told.ca)
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .env("NO_PROXY", "127.0.0.1")
        .env("NO_COLOR", "1");
    finish(command)
}

fn the_shops_journeys_hold_in_a_second_runner_and_one_that_does_not_hold_fails_in_both(
    runtime: Runtime,
) {
    let Some(runner) = runner() else {
        return skipped("Node 20.19 or later and npm");
    };
    let system = System::shop("second-runner", "").on(runtime);
    system.up();
    let told = Told::of(&system);
    let journeys = root().join("sample-system/journeys");
    let mut played = 0;
    for entry in std::fs::read_dir(&journeys).unwrap().flatten() {
        played += 1;
        let run = format!("second{played}");
        respect(&runner, &entry.path(), &told, &run).expect(0);
    }
    assert_eq!(played, 7);

    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.arazzo.yaml");
    let description = root().join("contracts/openapi/gateway.yaml");
    let text = read(&journeys.join("declined.arazzo.yaml"))
        .replace(
            "../../contracts/openapi/gateway.yaml",
            description.to_str().unwrap(),
        )
        .replace(
            "$response.body#/available == 12",
            "$response.body#/available == 11",
        );
    std::fs::write(&wrong, text).unwrap();
    respect(&runner, &wrong, &told, "wrong").expect(1);
    system
        .run(&["journey", "run", wrong.to_str().unwrap()])
        .expect(1);
}
