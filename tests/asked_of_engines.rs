//! What the files ask of an engine and it cannot give: images that nobody can have or make, machines
//! and containers that are not there, networks without room. Told at its line with what to do; before
//! anything is made where that can be known.

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

use support::{Runtime, System, an_engine_answers, docker, runs, skipped};

/// A system in containers, and beside it a Dockerfile.
fn system(text: &str, dockerfile: &str) -> Option<System> {
    if !an_engine_answers() {
        skipped("an engine");
        return None;
    }
    let system = System::compose(text).on(Runtime::Containers);
    let tools = system.environment().find(|(name, _)| *name == "TOOLS");
    let dockerfile = dockerfile.replace("TOOLS", tools.unwrap().1);
    std::fs::write(system.directory.join("Dockerfile"), dockerfile).unwrap();
    Some(system)
}

/// Fails unless `up` ends with `code` and one error, which holds all of `words`; nothing is left.
#[track_caller]
fn told(system: &System, arguments: &[&str], code: i32, words: &[&str]) {
    let said = system.run(arguments).expect(code).stderr;
    assert_eq!(said.matches("error:").count(), 1, "{said}");
    let plain = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(plain.contains(word), "no `{word}` in {said}");
    }
    assert_eq!(system.left(), Vec::<String>::new());
}

const UP: [&str; 2] = ["up", "-d"];

#[test]
fn a_name_that_no_image_can_have_is_told_before_anything_is_made() {
    for (service, words) in [
        (
            "    image: \"Bad Name\"\n",
            &[
                "compose.yaml:3:12: web: no image can be called `Bad Name`",
                "hint: [HOST[:PORT]/]NAME",
            ][..],
        ),
        (
            "    image: BadName:1\n",
            &[
                "compose.yaml:3:12: web: no image can be called `BadName:1`",
                "write `badname:1`",
            ],
        ),
        (
            "    build: {context: ., tags: [fine, \"a b\"]}\n",
            &["compose.yaml:3:25: web: no image can be called `a b`"],
        ),
        (
            "    image: fine\n    platform: nonsense\n",
            &[
                "compose.yaml:4:5: web: `platform` is `nonsense`",
                "write OS/ARCHITECTURE",
            ],
        ),
    ] {
        let text = format!("services:\n  web:\n{service}  db: {{image: \"${{TOOLS}}\"}}\n");
        let Some(system) = system(&text, "FROM TOOLS\n") else {
            return;
        };
        for arguments in [&["up", "--dry-run"][..], &UP, &["up", "-d", "--lenient"]] {
            told(&system, arguments, 4, words);
        }
        assert!(!system.home().join("runtime.json").exists());
    }
    let Some(unnamed) = system("services:\n  _web: {build: .}\n", "FROM TOOLS\n") else {
        return;
    };
    told(
        &unnamed,
        &UP,
        4,
        &[
            "compose.yaml:2:3: _web: no image can be called",
            "name it in its `image`",
        ],
    );
}

#[test]
fn what_a_dockerfile_gets_wrong_is_told_where_the_file_says_that_it_is_built() {
    for (dockerfile, code, words) in [
        (
            "FROM TOOLS\nUSER nosuch\nCMD [\"sleep\", \"60\"]\n",
            1,
            &[
                "unable to find user nosuch",
                "its image says so (`USER`)",
                "write another `user`",
            ][..],
        ),
        (
            "FROM TOOLS\nNOSUCH 3\n",
            1,
            &["the build of web failed", "correct its Dockerfile"],
        ),
        (
            "FROM BadName\n",
            1,
            &["the build of web failed", "correct its Dockerfile"],
        ),
        (
            "FROM localhost:1/base:1\nLABEL a=b\n",
            3,
            &["image localhost:1/base:1 of web cannot be had:"],
        ),
    ] {
        let Some(system) = system("services:\n  web:\n    build: .\n", dockerfile) else {
            return;
        };
        let place = ["compose.yaml:3:5: "];
        told(&system, &UP, code, &[&place, words].concat());
    }
    let Some(had) = system("services:\n  web: {image: \"localhost:1/none:1\"}\n", "") else {
        return;
    };
    told(
        &had,
        &UP,
        3,
        &["compose.yaml:2:16: image localhost:1/none:1 of web cannot be had:"],
    );
    // Older engines take no host with a capital; newer ones have no such image.
    let host = system("services:\n  web: {image: Nosuch/name}\n", "").unwrap();
    told(
        &host,
        &UP,
        3,
        &["compose.yaml:2:16: image Nosuch/name of web cannot be had:"],
    );
}

#[test]
fn an_image_for_another_machine_than_the_file_asks_for_counts_for_nothing() {
    let here = match std::env::consts::ARCH {
        "aarch64" => ("arm64", "amd64"),
        _ => ("amd64", "arm64"),
    };
    let asking = |machine: &str, more: &str| {
        let idle = runs(r#"["sleep", "600"]"#, "");
        let text = format!("services:\n  web:\n    platform: linux/{machine}\n{more}{idle}");
        system(&text, "")
    };
    let Some(same) = asking(here.0, "") else {
        return;
    };
    same.up();
    same.run(&["down"]).expect(0);
    let why = format!(
        "the one that is there is for linux/{}, and `platform` asks for linux/{}",
        here.0, here.1
    );
    // `${TOOLS}` is at no registry.
    let other = asking(here.1, "").unwrap();
    told(
        &other,
        &UP,
        3,
        &[
            "compose.yaml:4:12: image msvc-tests-tools",
            &why,
            "its registry says:",
        ],
    );
    let never = asking(here.1, "    pull_policy: never\n").unwrap();
    told(&never, &UP, 3, &[&why, "`pull_policy: never`"]);
}

#[test]
fn a_container_that_is_not_there_and_a_network_without_room_are_told_before_anything_is_made() {
    let idle = runs(r#"["sleep", "600"]"#, "");
    let with = |line: &str, more: &str| {
        let text = format!("services:\n  web:\n    {line}\n{idle}  db:\n{idle}{more}");
        system(&text, "")
    };
    for field in [
        "network_mode: \"container:",
        "pid: \"container:",
        "volumes_from: [\"container:",
    ] {
        let end = if field.contains('[') { "]" } else { "" };
        let Some(absent) = with(&format!("{field}msvc-tests-nobody\"{end}"), "") else {
            return;
        };
        let words = [
            "compose.yaml:3:",
            "web: there is no container msvc-tests-nobody",
            "start it before",
        ];
        told(&absent, &UP, 3, &words);
        assert!(!absent.run(&UP).stderr.contains("started"));
    }
    let external = with(
        "networks: [far]",
        "networks: {far: {external: true, name: msvc-tests-far}}\n",
    );
    told(
        &external.unwrap(),
        &UP,
        3,
        &[
            "compose.yaml:13:12: the network msvc-tests-far (`far`)",
            "docker network create",
        ],
    );
    let ranged = |config: &str, code: i32| {
        let more = format!("networks:\n  n:\n    ipam: {{config: [{{{config}}}]}}\n");
        let small = with("networks: [n]", &more).unwrap();
        match code {
            0 => drop(small.up()),
            code => told(
                &small,
                &UP,
                code,
                &["compose.yaml:15:", "room for no container"],
            ),
        }
    };
    let own = std::process::id();
    // Beside the ranges that msvc itself chooses, 10.192.0.0/11.
    let net = format!("10.{}.{}", 130 + own % 20, own % 250);
    let small = format!("subnet: {net}.0/24, ip_range: {net}.9/32");
    ranged(&small, 4);
    // What is told is what the engine does.
    ranged(&format!("{small}, gateway: {net}.1"), 0);
}

#[test]
fn what_is_not_there_to_be_shared_or_to_stand_on_is_told_at_its_line() {
    let idle = runs(r#"["sleep", "600"]"#, "");
    let with = |lines: &str| {
        let text = format!("services:\n  web:\n    {lines}\n{idle}  db:\n{idle}");
        system(&text, "")
    };
    for (lines, code, words) in [
        (
            "network_mode: msvc-tests-nowhere",
            3,
            [
                "compose.yaml:3:5: web: there is no network msvc-tests-nowhere",
                "`docker network create msvc-tests-nowhere` makes it",
            ],
        ),
        (
            "network_mode: \"service:db\"\n    hostname: other",
            4,
            [
                "compose.yaml:4:5: web: `hostname` needs a network of its own",
                "take it out",
            ],
        ),
        (
            "ports: [\"203.0.113.7:18080:80\"]",
            3,
            [
                "compose.yaml:3:13: web: a port is published at 203.0.113.7",
                "no address of this machine",
            ],
        ),
        (
            "ipc: \"service:db\"",
            4,
            [
                "compose.yaml:3:5: web cannot be started: the engine says:",
                "write `ipc: shareable` at the service",
            ],
        ),
        (
            "sysctls: {net.nosuch.setting: 1}",
            4,
            [
                "compose.yaml:3:5: web cannot be started: the engine says:",
                "the kernel of the engine's machine has no such setting",
            ],
        ),
    ] {
        let Some(system) = with(lines) else {
            return;
        };
        told(&system, &UP, code, &words);
        system.run(&["config", "-q"]).expect(0);
    }
    let others = with("ipc: private").unwrap();
    others.up();
    let web = format!("{}-web-1", others.project);
    let kept = with(&format!("ipc: \"container:{web}\"")).unwrap();
    let words = format!("compose.yaml:3:5: web: the container {web}, which `ipc` names, shares");
    told(&kept, &UP, 3, &[&words, "`--ipc shareable`"]);
    docker(&["stop", "--time", "0", &web]);
    let resting = with(&format!("network_mode: \"container:{web}\"")).unwrap();
    let words = format!("compose.yaml:3:5: web: the container {web}, which `network_mode` names,");
    told(&resting, &UP, 3, &[&words, "does not run", "`docker start"]);
}

#[test]
fn a_healthcheck_that_writes_nothing_is_told_by_how_it_ends() {
    let idle = runs(r#"["sleep", "600"]"#, "");
    let probe = "    healthcheck: {test: [CMD, \"false\"], interval: 200ms, retries: 2}\n";
    let Some(system) = system(&format!("services:\n  web:\n{idle}{probe}"), "") else {
        return;
    };
    let words = [
        "web never became ready: its healthcheck failed: it ended with status 1 and wrote nothing",
    ];
    told(&system, &UP, 1, &words);
}

#[test]
fn an_address_of_hardware_is_a_containers_own_whatever_the_engines_version() {
    const ADDRESS: &str = "02:42:ac:11:65:43";
    let idle = runs(r#"["sleep", "600"]"#, "");
    for (fields, network) in [
        (format!("    mac_address: \"{ADDRESS}\"\n"), "_default"),
        (
            format!("    networks: {{n: {{mac_address: \"{ADDRESS}\"}}}}\n"),
            "_n",
        ),
        (
            format!("    network_mode: bridge\n    mac_address: \"{ADDRESS}\"\n"),
            "",
        ),
    ] {
        let text = format!("services:\n  web:\n{fields}{idle}networks: {{n: {{}}}}\n");
        let Some(system) = system(&text, "") else {
            return;
        };
        system.up();
        let network = match network {
            "" => "bridge".to_owned(),
            end => format!("{}{end}", system.project),
        };
        let form = format!("{{{{(index .NetworkSettings.Networks \"{network}\").MacAddress}}}}");
        let container = format!("{}-web-1", system.project);
        assert_eq!(
            docker(&["inspect", "--format", &form, &container]),
            [ADDRESS]
        );
        let again = system.run(&UP).expect(0).stderr;
        assert!(
            !again.contains("web is ready") && !again.contains("started"),
            "{again}"
        );
    }
}
