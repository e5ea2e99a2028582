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

use support::{Finished, Runtime, System, finish, root, skipped};

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

fn respect(runner: &Path, journey: &Path, gateway: &str, run: &str) -> Finished {
    let mut command = Command::new("node");
    command
        .arg(runner)
        .arg("respect")
        .arg(journey)
        .args(["-S", &format!("gateway={gateway}")])
        .args(["-i", &format!("run={run}")])
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
    let gateway = system.url("gateway");
    let journeys = root().join("sample-system/journeys");
    for (number, name) in ["checkout", "declined"].into_iter().enumerate() {
        let journey = journeys.join(format!("{name}.arazzo.yaml"));
        respect(&runner, &journey, &gateway, &format!("second{number}")).expect(0);
    }

    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.arazzo.yaml");
    let description = root().join("contracts/openapi/gateway.yaml");
    let text = support::read(&journeys.join("declined.arazzo.yaml"))
        .replace(
            "../../contracts/openapi/gateway.yaml",
            description.to_str().unwrap(),
        )
        .replace(
            "$response.body#/available == 12",
            "$response.body#/available == 11",
        );
    std::fs::write(&wrong, text).unwrap();
    respect(&runner, &wrong, &gateway, "wrong").expect(1);
    system
        .run(&["journey", "run", wrong.to_str().unwrap()])
        .expect(1);
}
