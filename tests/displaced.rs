//! Containers that somebody moved with the engine's own commands, or that were left behind: `ps` says
//! so, and `up` puts them where they belong.

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

use std::process::Command;

use support::{Runtime, System, an_engine_answers, docker, runs, skipped, until};

/// What `ps` says beside its table.
fn said(system: &System) -> String {
    system.run(&["ps"]).expect(0).stderr
}

/// The engine's id of a service's container.
fn id(system: &System, service: &str) -> String {
    let name = format!("{}-{service}-1", system.project);
    docker(&["inspect", "--format", "{{.Id}}", &name]).concat()
}

#[test]
fn a_container_that_was_taken_off_its_network_is_told_and_made_whole_by_up() {
    if !an_engine_answers() {
        return skipped("an engine");
    }
    let idle = runs(r#"["sleep", "600"]"#, "");
    let text = format!(
        "services:\n  web:\n    networks: [a, b]\n{idle}  db:\n    networks: [b]\n{idle}networks: {{a: {{}}, b: {{}}}}\n"
    );
    let system = System::compose(&text).on(Runtime::Containers);
    system.up();
    let (web, db) = (id(&system, "web"), id(&system, "db"));
    assert_eq!(said(&system), "");
    let network = format!("{}_b", system.project);
    let moved = |deed: &[&str]| docker(&[&["network"], deed, &[&network, &web]].concat());

    moved(&["disconnect"]);
    let off = format!("web: it was taken off its network {network}");
    assert!(said(&system).contains(&off), "{}", said(&system));
    let ps = system.ps();
    assert!(
        ps["instances"]
            .to_string()
            .contains("taken off its network"),
        "{ps:#}"
    );
    // Put back by hand it has another address than the one that its callers know.
    moved(&["connect"]);
    let place = format!("web: on the network {network} it has ");
    assert!(said(&system).contains(&place), "{}", said(&system));
    moved(&["disconnect"]);

    system.up();
    assert_eq!(said(&system), "");
    let now = id(&system, "web");
    assert_ne!(now, web);
    assert_eq!(id(&system, "db"), db);
    let form = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
    let on = docker(&["inspect", "--format", form, &now]).concat();
    assert!(on.contains(&network), "{on}");
    system.up();
    assert_eq!(id(&system, "web"), now);
}

#[test]
fn a_guest_of_a_container_that_the_engine_started_again_is_told_and_follows_it_by_up() {
    if !an_engine_answers() {
        return skipped("an engine");
    }
    let ends =
        "trap 'exit 0' TERM; rm -f /tmp/end; while [ ! -e /tmp/end ]; do sleep 0.05; done; exit 1";
    let host = runs(&format!(r#"["sh", "-c", "{ends}"]"#), "");
    let idle = runs(r#"["sleep", "600"]"#, "");
    let text = format!(
        "services:\n  front:\n    restart: always\n    tmpfs: /tmp\n{host}  guest:\n    network_mode: \"service:front\"\n{idle}"
    );
    let system = System::compose(&text).on(Runtime::Containers);
    system.up();
    assert_eq!(said(&system), "");
    let (front, guest) = (id(&system, "front"), id(&system, "guest"));
    let ended = Command::new("docker")
        .args(["exec", &front, "touch", "/tmp/end"])
        .status();
    assert!(ended.unwrap().success());
    until("front, started again by the engine", || {
        let restarts = docker(&[
            "inspect",
            "--format",
            "{{.RestartCount}} {{.State.Status}}",
            &front,
        ]);
        (restarts == ["1 running"]).then_some(())
    });
    let left = "guest: front, whose network it shares, was started again without it";
    assert!(said(&system).contains(left), "{}", said(&system));
    assert_eq!(system.ps()["instances"][1]["health"], "unhealthy");
    system.up();
    assert_eq!(said(&system), "");
    assert_eq!(id(&system, "front"), front);
    assert_ne!(id(&system, "guest"), guest);
}

#[test]
fn a_guest_of_anothers_container_is_told_once_that_began_anew_and_follows_it_by_up() {
    if !an_engine_answers() {
        return skipped("an engine");
    }
    let idle = runs(r#"["sleep", "600"]"#, "");
    let others = System::compose(&format!("services:\n  far:\n{idle}")).on(Runtime::Containers);
    others.up();
    let far = format!("{}-far-1", others.project);
    let text = format!("services:\n  guest:\n    network_mode: \"container:{far}\"\n{idle}");
    let system = System::compose(&text).on(Runtime::Containers);
    system.up();
    assert_eq!(said(&system), "");
    let stands = |health: &str, why: &str| {
        let ps = system.ps();
        let guest = &ps["instances"][0];
        assert_eq!(guest["health"], health, "{ps:#}");
        assert!(said(&system).contains(why), "{}", said(&system));
    };

    docker(&["restart", "--time", "0", &far]);
    let began = format!("guest: {far}, whose network it shares, was started again without it");
    stands("unhealthy", &began);
    let before = id(&system, "guest");
    system.up();
    stands("ready", "");
    assert_ne!(id(&system, "guest"), before);

    others.run(&["down"]).expect(0);
    stands(
        "unhealthy",
        "guest: the container whose network it shares is gone",
    );
    others.up();
    system.up();
    stands("ready", "");
    assert_eq!(said(&system), "");
    let shared = docker(&[
        "inspect",
        "--format",
        "{{.HostConfig.NetworkMode}}",
        &id(&system, "guest"),
    ]);
    assert_eq!(shared, [format!("container:{}", id(&others, "far"))]);
}

/// A system that runs: `web` has a port, `db` may call it. Each has these fields, and the file these lines.
fn called(web: &str, db: &str, more: &str) -> System {
    let serve = "import http.server; http.server.HTTPServer(('', 80), http.server.BaseHTTPRequestHandler).serve_forever()";
    let serving = runs(&format!(r#"["python3", "-c", "{serve}"]"#), "");
    let idle = runs(r#"["sleep", "600"]"#, "");
    let text = format!(
        "services:\n  web:\n    expose: [\"80\"]\n{web}{serving}  db:\n    depends_on: [web]\n{db}{idle}{more}"
    );
    let system = System::compose(&text).on(Runtime::Containers);
    system.up();
    assert_eq!(said(&system), "");
    system
}

#[test]
fn a_mesh_that_was_taken_off_a_network_is_told_and_put_back_by_up() {
    if !an_engine_answers() {
        return skipped("an engine");
    }
    let networks = "networks: {a: {}, b: {}}\n";
    let system = called("    networks: [a, b]\n", "    networks: [b]\n", networks);
    let network = format!("{}_b", system.project);
    let mesh = format!("{}-msvc-mesh-1", system.project);
    let moved = |deed: &[&str]| docker(&[&["network"], deed, &[&network, &mesh]].concat());
    let told = |how: &str| {
        let said = said(&system);
        let plain = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let what = format!("the mesh ({mesh}) was {how} its network {network}");
        assert!(
            plain.contains(&what) && plain.contains("puts it back"),
            "{said}"
        );
        let ps = system.ps();
        let all = ps["mesh_displaced"].as_array().unwrap();
        assert!(all[0].as_str().unwrap().starts_with(&what), "{ps:#}");
    };
    let db = id(&system, "db");
    let call = "import socket; socket.create_connection(('web', 80), 2)";
    let reaches = || {
        let mut called = Command::new("docker");
        called.args(["exec", &db, "python3", "-c", call]);
        called.output().unwrap().status.success()
    };
    assert!(reaches());

    let form = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
    let own = docker(&["inspect", "--format", &form, &mesh]).concat();
    moved(&["disconnect"]);
    told("taken off");
    assert!(!reaches());
    // At its own address it has its edges' again, without anybody's doing.
    moved(&["connect", "--ip", &own]);
    assert_eq!(said(&system), "");
    until("the edges' addresses", || reaches().then_some(()));

    moved(&["disconnect"]);
    moved(&["connect"]);
    told("put back on");
    system.up();
    assert_eq!(said(&system), "");
    assert_eq!(id(&system, "db"), db);
    assert_eq!(system.ps()["mesh_displaced"], serde_json::json!([]));
    until("web, as before", || reaches().then_some(()));
}

#[test]
fn a_mesh_that_is_paused_stopped_or_gone_is_told_and_made_anew_by_up() {
    if !an_engine_answers() {
        return skipped("an engine");
    }
    let system = called("", "", "");
    let db = id(&system, "db");
    let mesh = format!("{}-msvc-mesh-1", system.project);
    let named = format!("the mesh ({mesh}) ");
    for (deed, told) in [
        (&["pause", &mesh][..], format!("{named}is paused: ")),
        (&["kill", &mesh], format!("{named}does not run: ")),
        (&["rm", "--force", &mesh], "the mesh is gone: ".to_owned()),
    ] {
        docker(deed);
        let said_now = said(&system);
        let plain = said_now.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plain.contains(&told), "{said_now}");
        assert!(plain.contains("up` puts it back"), "{said_now}");
        let is_paused = deed.first() == Some(&"pause");
        assert_eq!(plain.contains("docker unpause"), is_paused, "{said_now}");
        let ps = system.ps();
        let all = ps["mesh_displaced"].as_array().unwrap();
        assert!(all[0].as_str().unwrap().starts_with(&told), "{ps:#}");
        system.up();
        assert_eq!(said(&system), "");
        assert_eq!(id(&system, "db"), db);
    }
    docker(&["pause", &db]);
    let paused = format!(
        "db is held down by a pause (`docker unpause {}-db-1` ends it)",
        system.project
    );
    let said_now = said(&system);
    let plain = said_now.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plain.contains(&paused), "{said_now}");
    docker(&["unpause", &db]);
    assert_eq!(said(&system), "");
}

#[test]
fn a_guest_by_the_name_of_a_container_of_the_same_file_follows_it_also_where_that_alone_is_named() {
    if !an_engine_answers() {
        return skipped("an engine");
    }
    let idle = runs(r#"["sleep", "600"]"#, "");
    let text = format!(
        "services:\n  guest:\n    network_mode: \"container:${{NAME}}\"\n{idle}  front:\n    container_name: ${{NAME}}\n    environment: {{ V: first }}\n{idle}"
    );
    let system = System::compose(&text).on(Runtime::Containers);
    let front = format!("{}-by-name", system.project);
    let system = system.with_variable("NAME", &front);
    system.up();
    let shared = || {
        assert_eq!(said(&system), "");
        let form = "{{.HostConfig.NetworkMode}}";
        let mode = docker(&["inspect", "--format", form, &id(&system, "guest")]).concat();
        let id = docker(&["inspect", "--format", "{{.Id}}", &front]).concat();
        assert_eq!(mode, format!("container:{id}"));
        id
    };
    let mut before = shared();
    let file = system.directory.join("compose.yaml");
    for (value, words) in [
        ("second", &["up", "-d"][..]),
        ("third", &["up", "-d", "front"]),
    ] {
        std::fs::write(&file, text.replace("first", value)).unwrap();
        system.run(words).expect(0);
        let now = shared();
        assert_ne!(now, before);
        before = now;
    }
}
