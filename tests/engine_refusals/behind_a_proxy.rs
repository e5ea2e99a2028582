//! An engine that leaves requests without an answer, or refuses them: a proxy stands before it.

use crate::support::{Instead, Proxy, Runtime, System, docker, runs, skipped};
use crate::told;

/// A system of one service that does nothing, and what stands between its msvc and the engine.
fn behind_a_proxy() -> Option<(Proxy, System)> {
    let Some(engine) = crate::support::engine() else {
        skipped("an engine");
        return None;
    };
    let proxy = Proxy::of(engine.socket());
    let idle = runs(r#"["sleep", "600"]"#, "");
    let system = System::compose(&format!("services:\n  idle:\n{idle}"))
        .on(Runtime::Containers)
        .with_variable("DOCKER_HOST", &proxy.host());
    Some((proxy, system))
}

/// Fails where something is called by what only an engine knows it by.
#[track_caller]
fn names_no_id(said: &str) {
    let mut words = said.split(|sign: char| !sign.is_ascii_hexdigit());
    assert!(!words.any(|word| word.len() == 64), "{said}");
}

#[test]
fn an_engine_that_does_not_answer_is_told_with_what_it_was_asked_and_for_how_long() {
    let Some((proxy, system)) = behind_a_proxy() else {
        return;
    };
    proxy.treat("POST", "/start", Instead::Silence);
    let up = system.run(&["up", "-d", "--no-mesh", "--timeout", "30s"]);
    let asked = format!("starting container {}-idle-1 (idle)", system.project);
    let at = format!(
        "the container engine at {}",
        proxy.host().trim_start_matches("unix://")
    );
    // While it waits, and at its end.
    assert!(
        up.stderr
            .lines()
            .any(|line| line.starts_with(&at) && line.ends_with(&asked)),
        "{}",
        up.stderr
    );
    names_no_id(&up.stderr);
    let within = format!("not up within 30s: {at}");
    told(up, 3, &[&within, "has not answered for", &asked]);
    assert_eq!(system.left(), Vec::<String>::new());
}

#[test]
fn an_engine_that_has_locked_itself_up_is_there_and_is_told_with_what_to_do() {
    let Some((proxy, system)) = behind_a_proxy() else {
        return;
    };
    proxy.treat("GET", "/info", Instead::Silence);
    let what = "asking for the engine's state (`docker info`): the container engine at";
    let words = [what, "did not answer within 10 s", "locked itself up"];
    told(system.run(&["up", "-d"]), 3, &words);
    assert_eq!(system.left(), Vec::<String>::new());
    let doctor = system.run(&["doctor"]).expect(0).stdout;
    let plain = doctor.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        plain.contains("limited container engine: version"),
        "{doctor}"
    );
    assert!(plain.contains(what), "{doctor}");

    // What asks for no addresses does what the engine does still.
    proxy.let_be();
    system.up();
    proxy.treat("GET", "/info", Instead::Silence);
    system.run(&["logs"]).expect(0);
    system.run(&["ps"]).expect(0);
    system.run(&["down"]).expect(0);
    assert_eq!(system.left(), Vec::<String>::new());
}

#[test]
fn what_an_engine_refuses_is_told_by_the_names_of_people_and_with_what_to_do() {
    let Some((proxy, system)) = behind_a_proxy() else {
        return;
    };
    system.run(&["up", "-d"]).expect(0);
    let idle = format!("container {}-idle-1 (idle)", system.project);
    let mesh = format!(
        "container {0}-msvc-mesh-1 (the mesh of {0})",
        system.project
    );
    let refusal = |why: &str| Instead::Refusal(why.to_owned());
    let ids = docker(&["ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}"]);
    let own = format!("{}-idle-1", system.project);
    let id = ids.iter().find_map(|line| {
        let (id, name) = line.split_once(' ')?;
        (name == own).then_some(id)
    });
    let did = format!("container {}: did not end", id.unwrap());

    proxy.treat("POST", "/exec", refusal("exec refused"));
    let ps = system.run(&["ps"]);
    names_no_id(&ps.stderr);
    let silent = format!("{mesh} does not answer: the engine says: exec refused");
    told(ps, 3, &[&silent, "`msvc", "docker logs"]);

    proxy.treat("POST", "/kill", refusal(&did));
    let kill = system.run(&["chaos", "kill", "idle", "--", "true"]);
    let kill = kill.expect(3).stderr;
    names_no_id(&kill);
    let plain = kill.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = format!("killing {idle}: the engine says: {idle}: did not end");
    assert!(plain.contains(&said), "{kill}");
    assert!(plain.contains("journalctl --unit docker"), "{kill}");

    for (method, end, said) in [
        (
            "POST",
            "/stop",
            format!("stopping {idle}: the engine says: {idle}: did not end"),
        ),
        (
            "GET",
            "/containers/json",
            "listing containers: the engine says: container".to_owned(),
        ),
    ] {
        proxy.treat(method, end, refusal(&did));
        let down = system.run(&["down"]);
        names_no_id(&down.stderr);
        told(down, 3, &[&said, "journalctl --unit docker"]);
    }

    proxy.let_be();
    system.run(&["down"]).expect(0);
    assert_eq!(system.left(), Vec::<String>::new());
}

#[test]
fn a_range_that_an_engine_has_given_away_unseen_is_asked_for_once() {
    let Some((proxy, system)) = behind_a_proxy() else {
        return;
    };
    let range = || {
        let network = format!("{}_default", system.project);
        let shown = "{{range .IPAM.Config}}{{.Subnet}}{{end}}";
        docker(&["network", "inspect", "--format", shown, &network])
    };
    system.up();
    let first = range();
    system.run(&["down"]).expect(0);

    // Whoever has it is in no list yet, or in none any more.
    let overlaps = "Pool overlaps with other one on this address space".to_owned();
    let refusals = Instead::Refusals(5, 403, overlaps.clone());
    proxy.treat("POST", "/networks/create", refusals);
    system.up();
    assert_ne!(range(), first);
    system.run(&["down"]).expect(0);

    // There is an end to it.
    proxy.treat("POST", "/networks/create", Instead::Refusal(overlaps));
    let up = system.run(&["up", "-d"]);
    told(
        up,
        3,
        &["the network `default` cannot be made:", "overlaps"],
    );
    assert_eq!(system.left(), Vec::<String>::new());
}

#[test]
fn a_network_that_somebody_clears_up_before_anybody_is_on_it_is_made_again() {
    let Some((proxy, system)) = behind_a_proxy() else {
        return;
    };
    let gone = format!("network {}_default not found", system.project);
    proxy.treat("POST", "/start", Instead::Refusals(2, 404, gone.clone()));
    system.up();
    system.run(&["down"]).expect(0);

    proxy.treat("POST", "/start", Instead::Refusals(u32::MAX, 404, gone));
    let up = system.run(&["up", "-d"]);
    told(
        up,
        3,
        &["took away what was there a moment ago", "try again"],
    );
    assert_eq!(system.left(), Vec::<String>::new());
}
