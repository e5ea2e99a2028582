//! Whole systems in containers, driven by the binary: every edge counted and broken as among host
//! processes, whatever names, networks and addresses the file gives its services.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

use serde_json::Value;

mod support;

use support::nodes::{self, nodes};
use support::{Runtime, System, skipped, until};

/// Whether an engine answers; says loudly when none does.
fn engine() -> bool {
    let probe =
        System::compose("services: {a: {image: a}}\n").with_variable("MSVC_RUNTIME", "docker");
    let found = probe.run(&["ps"]);
    if found.status.success() {
        return true;
    }
    skipped("a container engine");
    false
}

fn in_containers(system: System) -> System {
    system.with_variable("MSVC_RUNTIME", "docker")
}

/// Connections and bytes to the callee of an edge, as `ps` shows them.
fn passed(system: &System, edge: &str) -> (u64, u64) {
    let ps = system.ps();
    let edges = ps["edges"].as_array().unwrap();
    let found = edges.iter().find(|it| it["edge"] == edge);
    let counts = found.map(|it| it["counts"].clone()).unwrap_or(Value::Null);
    let count = |name: &str| counts[name].as_u64().unwrap_or_default();
    (count("connections"), count("bytes_to_callee"))
}

#[test]
fn the_shop_in_containers_is_played_proven_and_broken_on_its_edges() {
    if !engine() {
        return;
    }
    let system = in_containers(System::shop("shop-c", ""));
    let up = system.up();
    assert!(up.stdout.contains("is up"), "{}", up.stdout);
    system.run(&["journey", "run"]).expect(0);
    for edge in [
        "client->gateway:8080",
        "gateway->orders:8080",
        "orders->payments:8080",
        "orders->inventory:50051",
        "orders->broker:9092",
        "notifications->broker:9092",
        "notifications->mailbox:2525",
    ] {
        let (connections, bytes) = passed(&system, edge);
        assert!(
            connections > 0 && bytes > 0,
            "{edge}: {connections}, {bytes} B"
        );
    }
    let again = system.up();
    assert!(again.stdout.contains("nothing changed"), "{}", again.stdout);

    let late = [
        "chaos",
        "inject",
        "latency",
        "--edge",
        "orders->payments",
        "--delay",
        "200ms",
        "--",
    ];
    let play = system.command(&["journey", "run", "checkout"]);
    let mut words: Vec<&str> = late.to_vec();
    let play: Vec<String> = std::iter::once(play.get_program())
        .chain(play.get_args())
        .map(|word| word.to_str().unwrap().to_owned())
        .collect();
    words.extend(play.iter().map(String::as_str));
    let broken = system.run(&words).expect(0);
    // The checkout charges more than once, and who calls keeps no connection for long: whether it
    // takes one or two hangs on the pace of the machine.
    assert!(broken.stderr.contains("felt by "), "{}", broken.stderr);

    let killed = system
        .run(&["chaos", "kill", "payments", "--down", "500ms"])
        .expect(0);
    assert!(killed.stderr.contains("healthy after"), "{}", killed.stderr);
    system.run(&["contract", "verify"]).expect(0);
    let down = system.run(&["down", "--volumes"]).expect(0);
    assert!(down.stderr.contains("12 stopped"), "{}", down.stderr);
    assert_eq!(system.ps()["running"], false);
}

#[test]
fn a_kill_ends_with_the_msvc_that_holds_it_however_that_ends() {
    if !engine() {
        return;
    }
    let system = in_containers(nodes(
        "  b: {<<: *node}\n  a: {<<: *node, environment: {B: \"b:8080\"}}\n",
    ));
    system.up();
    let holding = system.start(&["chaos", "kill", "b", "--", "sleep", "600"]);
    let health = || {
        let ps = system.ps();
        let all = ps["instances"].as_array().unwrap().iter();
        let b = all.clone().find(|it| it["service"] == "b").unwrap();
        b["health"].as_str().unwrap().to_owned()
    };
    until("b to be held down", || {
        (health() == "held down").then_some(())
    });
    support::kill("KILL", holding.pid());
    until("b to be back", || (health() == "ready").then_some(()));
}

#[test]
fn a_container_that_somebody_paused_is_told_as_that_with_what_ends_it() {
    if !support::an_engine_answers() {
        return;
    }
    let system = in_containers(nodes(
        "  b: {<<: *node}\n  a: {<<: *node, depends_on: {b: {condition: service_healthy}}}\n",
    ));
    system.up();
    let name = format!("{}-b-1", system.project);
    support::docker(&["pause", &name]);
    let way = format!("docker unpause {name}");
    let up = system.run(&["up", "-d"]).expect(0);
    assert!(up.stdout.contains(&way), "{}", up.stdout);
    assert!(!up.stdout.contains("another command"), "{}", up.stdout);
    let kill = system
        .run(&["chaos", "kill", "b", "--down", "1s"])
        .expect(5);
    assert!(kill.stderr.contains(&way), "{}", kill.stderr);
    // Whoever waits for it is told as well, long before its patience ends.
    let file = system.directory.join("compose.yaml");
    let text = support::read(&file).replace("  a: {<<: *node,", "  a: {<<: *node, tty: true,");
    std::fs::write(&file, text).unwrap();
    let up = system.run(&["up", "-d", "--timeout", "60s"]).expect(1);
    assert!(up.stderr.contains(&way), "{}", up.stderr);
    support::docker(&["unpause", &name]);
    system.up();
}

#[test]
fn three_replicas_are_down_together_and_hardly_longer_than_was_asked() {
    if !engine() {
        return;
    }
    let system = in_containers(nodes("  b: {<<: *node, deploy: {replicas: 3}}\n"));
    system.up();
    let kill = ["--format", "json", "chaos", "kill", "b", "--down", "2s"];
    let killed = system.run(&kill);
    let recovery = &killed.json()["detail"]["recovery"];
    let at = |name: &str| {
        recovery[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{recovery:#}"))
    };
    let down = std::time::Duration::from_nanos(at("released_at_ns") - at("killed_at_ns"));
    // Counted from when the engine had ended the last of them.
    assert!(down.as_secs_f64() >= 2.0, "{down:?}");
    assert!(at("released_at_ns") < at("up_at_ns"), "{recovery:#}");
    let ps = system.ps();
    let mut all = ps["instances"].as_array().unwrap().iter();
    assert!(all.all(|it| it["health"] == "ready"), "{ps:#}");
}

#[test]
fn after_a_killed_up_the_next_one_takes_over_and_down_finds_everything() {
    if !engine() {
        return;
    }
    let system = nodes("  b: {<<: *node}\n  a: {<<: *node, environment: {B: \"b:8080\"}}\n")
        .on(Runtime::Containers);
    let mut up = system.start(&["up"]);
    up.wait_for("is up");
    let pids = || -> Vec<Value> {
        let ps = system.ps();
        let all = ps["instances"].as_array().unwrap().iter();
        all.map(|it| it["pid"].clone()).collect()
    };
    let before = pids();
    up.signal("KILL");
    let _ = up.finish();
    assert_eq!(pids(), before);
    let again = system.up();
    assert!(again.stdout.contains("nothing changed"), "{}", again.stdout);
    assert_eq!(pids(), before);
    system.run(&["down"]).expect(0);
    assert_eq!(system.left(), Vec::<String>::new());
}

#[test]
fn edges_are_carried_whatever_names_networks_and_addresses_the_file_gives() {
    if !engine() {
        return;
    }
    let number = std::process::id();
    let subnet = format!("10.{}.{}", 230 + number % 20, number % 250);
    let system = in_containers(nodes(&format!(
        "  \
  store: {{<<: *node, container_name: dk{number}-front, networks: [inner]}}\n  \
  front: {{<<: *node, container_name: dk{number}-store, networks: [inner, outer]}}\n  \
  fixed: {{<<: *node, expose: [], networks: {{outer: {{ipv4_address: {subnet}.77, aliases: [shelf]}}}}}}\n  \
  guest: {{<<: *node, network_mode: \"service:front\", environment: {{S: \"store:8080\"}}, command: [*w, *x, *y, *z, serve, \"9090\"], healthcheck: {{test: [CMD, *w, *x, *y, *z, check, \"127.0.0.1:9090\"]}}}}\n  \
  caller: {{<<: *node, networks: [inner, outer], depends_on: {{store: &healthy {{condition: service_healthy}}, front: *healthy, fixed: *healthy, guest: *healthy}}, command: [*w, *x, *y, *z, call-once, \"store:8080\", \"front:8080\", \"shelf:8080\", \"dk{number}-front:8080\"]}}\n\
networks:\n  inner: {{internal: true}}\n  outer: {{ipam: {{config: [{{subnet: {subnet}.0/24}}]}}}}\n"
    )));
    system.up();
    for (edge, calls) in [
        ("caller->store:8080", 2),
        ("caller->front:8080", 1),
        ("caller->fixed:8080", 1),
    ] {
        let found = until(edge, || {
            let found = passed(&system, edge);
            (found.0 >= calls).then_some(found)
        });
        assert_eq!(found, (calls, 5 * calls), "{edge}");
    }
    for edge in ["guest->store", "guest->store:8080"] {
        let late = [
            "chaos", "inject", "latency", "--edge", edge, "--delay", "1ms",
        ];
        let refused = system.run(&[&late[..], &["--", "true"]].concat()).expect(2);
        assert!(
            refused.stderr.contains("`front->store"),
            "{}",
            refused.stderr
        );
        assert!(
            !refused.stderr.contains("did you mean"),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn service() {
    nodes::play();
}

#[test]
fn services_of_one_image_have_it_built_once_and_are_not_made_anew_by_a_second_up() {
    if !engine() {
        return;
    }
    let services =
        "  web: {<<: *node, image: \"${IMAGE}\"}\n  worker: {<<: *node, image: \"${IMAGE}\"}\n";
    let system = in_containers(nodes(services));
    let image = format!("{}:1", system.project);
    let system = system.with_variable("IMAGE", &image);
    let first = system.run(&["up", "-d"]).expect(0);
    let built = format!("image {image}");
    assert_eq!(first.stderr.matches(&built).count(), 1, "{}", first.stderr);
    let again = system.run(&["up", "-d"]).expect(0);
    assert!(
        again.stdout.contains("was up already; nothing changed"),
        "{}{}",
        again.stdout,
        again.stderr
    );
    // One of them alone finds the image that all of them had made.
    let alone = system.run(&["up", "-d", "worker"]).expect(0);
    assert!(!alone.stderr.contains("ready "), "{}", alone.stderr);
}

#[test]
fn what_somebody_else_builds_of_the_same_steps_makes_nothing_of_this_system_anew() {
    if !engine() {
        return;
    }
    let system = in_containers(nodes("  b: {<<: *node}\n"));
    system.up();
    // The builder goes on from the newest steps that it has, whoever had them made.
    let again = "{context: ., dockerfile: Dockerfile, no_cache: true}";
    let other = in_containers(nodes(&format!("  c: {{<<: *node, build: {again}}}\n")));
    other.up();
    let second = system.run(&["up", "-d"]).expect(0);
    assert!(
        second.stdout.contains("was up already; nothing changed"),
        "{}{}",
        second.stdout,
        second.stderr
    );
    // What is asked to be made anew always is.
    let anew = other.run(&["up", "-d"]).expect(0);
    assert!(anew.stderr.contains("ready "), "{}", anew.stderr);
}

#[test]
fn a_worker_that_was_stopped_comes_back_and_a_job_that_is_done_does_not() {
    let (true, Some(shared)) = (engine(), support::engine()) else {
        return;
    };
    let own = "image: \"${IMAGE}\", build: {context: ., dockerfile: Dockerfile}";
    let system = in_containers(nodes(&format!(
        "  web: {{<<: *node, image: \"${{IMAGE}}\"}}\n  \
         worker: {{{own}, command: [*w, *x, *y, *z, obey]}}\n  \
         again: {{{own}, command: [*w, *x, *y, *z, obey], restart: on-failure}}\n  \
         job: {{{own}, command: [*w, *x, *y, *z, done]}}\n"
    )));
    // An image that no test beside this one makes as well: the engine would give either of them.
    let dockerfile = system.directory.join("Dockerfile");
    let text = std::fs::read_to_string(&dockerfile).unwrap();
    let layers = format!("scratch\nLABEL of={}\n", system.project);
    std::fs::write(&dockerfile, text.replace("scratch\n", &layers)).unwrap();
    let image = format!("{}:1", system.project);
    let system = system.with_variable("IMAGE", &image);
    system.up();
    let health = |service: &str| {
        let ps = system.ps();
        let mut all = ps["instances"].as_array().unwrap().iter();
        let found = all.find(|it| it["service"] == service).unwrap();
        found["health"].as_str().unwrap().to_owned()
    };
    until("the job to be done", || {
        (health("job") == "exited").then_some(())
    });
    let again = system.run(&["up", "-d"]).expect(0);
    assert!(again.stdout.contains("nothing changed"), "{}", again.stderr);
    for service in ["worker", "again"] {
        shared.stop(&format!("{}-{service}-1", system.project));
        assert_eq!(health(service), "exited");
    }
    let back = system.run(&["up", "-d"]).expect(0);
    assert_eq!(
        (health("worker"), health("again")),
        ("ready".to_owned(), "ready".to_owned())
    );
    assert_eq!(health("job"), "exited", "{}", back.stderr);
    let mut ready = back.stderr.lines().filter(|it| it.starts_with("ready"));
    assert!(!ready.any(|it| it.contains("job")), "{}", back.stderr);
    let again = system.run(&["up", "-d"]).expect(0);
    assert!(again.stdout.contains("nothing changed"), "{}", again.stderr);
}

#[test]
fn a_replica_is_called_by_its_containers_name_past_the_mesh_which_is_told() {
    if !engine() {
        return;
    }
    let system = in_containers(nodes(
        "  b: {<<: *node, deploy: {replicas: 2}}\n  \
         a: {<<: *node, depends_on: {b: {condition: service_healthy}}, command: [*w, *x, *y, *z, call-once, \"b:8080\", \"${COMPOSE_PROJECT_NAME}-b-2:8080\", \"b:8080\"]}\n",
    ));
    let up = system.up();
    let one = format!(
        "not carried by the mesh: b: calls to one replica by its container's name, as {}-b-1",
        system.project
    );
    assert!(up.stderr.contains(&one), "{}", up.stderr);
    assert_eq!(passed(&system, "a->b:8080"), (2, 10));
}

#[test]
fn a_network_that_is_too_small_to_be_carried_is_told() {
    if !engine() {
        return;
    }
    let number = std::process::id();
    // Beside the ranges that msvc itself chooses, 10.192.0.0/11.
    let subnet = format!("10.{}.{}", 150 + number % 20, number % 250);
    let system = in_containers(nodes(&format!(
        "  b: {{<<: *node, networks: [small]}}\n  \
         a: {{<<: *node, networks: [small], environment: {{B: \"b:8080\"}}}}\n\
         networks: {{small: {{ipam: {{config: [{{subnet: {subnet}.0/28}}]}}}}}}\n"
    )));
    let up = system.up();
    let told = "not carried by the mesh: a: network";
    assert!(up.stderr.contains(told), "{}", up.stderr);
    let late = ["chaos", "inject", "latency", "--edge", "a->b", "--delay"];
    let broken = system.run(&[&late[..], &["1ms", "--", "true"]].concat());
    let broken = broken.expect(3);
    assert!(broken.stderr.contains(told), "{}", broken.stderr);
}
