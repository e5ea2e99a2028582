//! Networks and containers of others that have a name that a system wants, or stand on its networks:
//! nobody touches them, and who they are is told with what to do.

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

use support::{Finished, Runtime, System, an_engine_answers, docker, runs, skipped};

/// A system of one service that does nothing, with these lines below it.
fn idle(more: &str) -> System {
    let idle = runs(r#"["sleep", "600"]"#, "");
    System::compose(&format!("services:\n  web:\n{idle}{more}")).on(Runtime::Containers)
}

/// What it wrote to the error stream, in one line.
fn said(finished: &Finished) -> String {
    let words: Vec<&str> = finished.stderr.split_whitespace().collect();
    words.join(" ")
}

/// The names of the containers on a network, and its id.
fn stands(network: &str) -> Vec<String> {
    let form = "{{.Id}}{{range .Containers}} {{.Name}}{{end}}";
    let mut all: Vec<String> = docker(&["network", "inspect", "--format", form, network])
        .concat()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    all.sort();
    all
}

#[test]
fn a_network_of_somebody_else_is_neither_taken_nor_removed() {
    if !an_engine_answers() {
        return skipped("an engine");
    }
    let owner = idle("");
    owner.up();
    let by_label = format!("{}_default", owner.project);
    let by_hand = format!("{}-by-hand", owner.project);
    docker(&["network", "create", &by_hand]);
    let own = format!("made for the project {}", owner.project);
    for (name, whose, what_to_do) in [
        (by_label.as_str(), own.as_str(), "`external: true`"),
        (&by_hand, "made by hand", "`external: true`"),
        ("bridge", "the engine's own", "`network_mode: bridge`"),
    ] {
        let before = (name != "bridge").then(|| stands(name));
        let system = idle(&format!("networks:\n  default:\n    name: {name}\n"));
        let all = [
            &["up", "--dry-run"][..],
            &["up", "-d"],
            &["up", "-d", "--no-mesh"],
        ];
        // Who is on the engine's own is nobody's to risk, were it not refused.
        let tried = if name == "bridge" { &all[..1] } else { &all };
        for words in tried {
            let refused = system.run(words).expect(3);
            let said = said(&refused);
            assert!(said.contains(whose) && said.contains(what_to_do), "{said}");
            assert!(said.contains("compose.yaml:8:3"), "{said}");
        }
        system.run(&["down"]).expect(0);
        assert_eq!(system.left(), [""; 0]);
        assert_eq!((name != "bridge").then(|| stands(name)), before);
    }
    docker(&["network", "rm", &by_hand]);
    owner.run(&["down"]).expect(0);
    assert_eq!(owner.left(), [""; 0]);
}

#[test]
fn a_network_on_which_somebody_else_stands_is_neither_made_anew_nor_removed() {
    if !an_engine_answers() {
        return skipped("an engine");
    }
    let system = idle("networks:\n  default:\n    internal: false\n");
    system.up();
    let network = format!("{}_default", system.project);
    let guest = idle(&format!(
        "networks:\n  default:\n    external: true\n    name: {network}\n"
    ));
    guest.up();
    let before = stands(&network);
    let stranger = format!("{}-web-1, which is not this project's", guest.project);
    let takes_off = format!(
        "`docker network disconnect {network} {}-web-1`",
        guest.project
    );
    let told = |finished: &Finished| {
        let said = said(finished);
        assert!(
            said.contains(&stranger) && said.contains(&takes_off),
            "{said}"
        );
        said
    };

    let file = system.directory.join("compose.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("internal: false", "internal: true")).unwrap();
    for words in [&["up", "-d"][..], &["up", "--dry-run"]] {
        let said = told(&system.run(words).expect(3));
        assert!(said.contains("compose.yaml:8:3"), "{said}");
        assert_eq!(stands(&network), before);
    }

    for _ in 0..2 {
        let said = told(&system.run(&["down"]).expect(0));
        assert!(said.contains("is kept"), "{said}");
        assert_eq!(system.left(), [format!("network {network}")]);
    }
    // Nobody stands on it any more.
    guest.run(&["down"]).expect(0);
    system.run(&["down"]).expect(0);
    assert_eq!(system.left(), [""; 0]);
}

#[test]
fn a_container_name_that_somebody_elses_container_has_is_told_at_its_line() {
    if !an_engine_answers() {
        return skipped("an engine");
    }
    let owner = idle("");
    owner.up();
    let name = format!("{}-web-1", owner.project);
    let before = docker(&["inspect", "--format", "{{.Id}}", &name]);
    let system = idle(&format!("    container_name: {name}\n"));
    for words in [&["up", "-d"][..], &["up", "--dry-run"]] {
        let said = said(&system.run(words).expect(3));
        let whose = format!(
            "{name} is there already and was made for the project {}",
            owner.project
        );
        assert!(
            said.contains(&whose) && said.contains("compose.yaml:7:5"),
            "{said}"
        );
        assert!(said.contains("another `container_name`"), "{said}");
    }
    assert_eq!(system.left(), [""; 0]);
    assert_eq!(docker(&["inspect", "--format", "{{.Id}}", &name]), before);
}
