//! What a file and one that it includes both declare. The verdicts are Docker Compose's (2.40).

use crate::load::testing::{load_files, request};

/// The problems that `own` has beside an included `i.yaml`; empty where there are none.
fn told(own: &str, files: &[(&str, &str)]) -> String {
    let mut all = vec![("compose.yaml", own), (".env", "SET=1\nON=true\n")];
    all.extend(files);
    match load_files(&request(), &all) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}

fn both(own: &str, included: &str) -> String {
    const MORE: &str = "volumes: {vol: }\nsecrets: {s: {external: true}}\nnetworks: {n: }\n";
    let own = format!(
        "include: [i.yaml]\nservices: {{a: {{image: a}}, b: {{image: b, {own}}}, c: {{image: c}}}}\n{MORE}"
    );
    let included = format!("services: {{b: {{image: b, {included}}}}}\n");
    told(&own, &[("i.yaml", &included)])
}

#[test]
fn what_is_declared_twice_is_compared_as_it_is_written_with_the_long_form() {
    for (own, included) in [
        ("environment: [A=1, B]", "environment: [A=1, B]"),
        ("environment: {A: 1, B: }", "environment: {B: , A: 1}"),
        ("environment: [SET=1]", "environment: [SET]"),
        ("labels: {a: x}, tty: '${ON}'", "tty: true, labels: {a: x}"),
        ("cpus: '1.5'", "cpus: '1.5'"),
        ("tmpfs: /x, dns_search: x", "tmpfs: /x, dns_search: x"),
        ("dns: [1.1.1.1]", "dns: 1.1.1.1"),
        (
            "volumes: [{type: volume, source: vol, target: /v, volume: {}}]",
            "volumes: ['vol:/v']",
        ),
        (
            "env_file: [{path: /dev/null, required: false}]",
            "env_file: [{path: /dev/null, required: false}]",
        ),
        (
            "depends_on: {c: {condition: service_started, required: true}}",
            "depends_on: [c]",
        ),
        ("networks: {n: }", "networks: [n]"),
        (
            "secrets: [{source: s, target: /run/secrets/s}]",
            "secrets: [s]",
        ),
        ("command: 'a b'", "command: 'a b'"),
        ("ports: !reset []", "labels: !reset []"),
        ("cap_add: !override [A]", "cap_add: [A]"),
        (
            "cap_add: [], ports: [], environment: []",
            "cap_add: [], ports: [], environment: []",
        ),
    ] {
        assert_eq!(both(own, included), "", "{own}");
    }
    for (own, included, differ) in [
        (
            "environment: {A: '1'}",
            "environment: [A=1]",
            "the form of `environment`",
        ),
        (
            "environment: [A=1]",
            "environment: {A: '1'}",
            "the form of `environment`",
        ),
        ("environment: [SET]", "environment: [SET]", "`environment`"),
        (
            "environment: [A=1, B=2]",
            "environment: [B=2, A=1]",
            "the form of `environment`",
        ),
        (
            "ports: ['80:80']",
            "ports: ['80:80']",
            "the form of `ports`",
        ),
        (
            "ports: [{target: 80, published: '80', mode: ingress, protocol: tcp}]",
            "ports: ['80:80']",
            "the form of `ports`",
        ),
        (
            "volumes: ['vol:/v']",
            "volumes: ['vol:/v']",
            "the form of `volumes`",
        ),
        (
            "depends_on: [c]",
            "depends_on: [c]",
            "the form of `depends_on`",
        ),
        ("tmpfs: [/x]", "tmpfs: /x", "the form of `tmpfs`"),
        ("dns: 1.1.1.1", "dns: 1.1.1.1", "the form of `dns`"),
        ("cpus: '1.5'", "cpus: 1.5", "the form of `cpus`"),
        ("cpus: 1", "cpus: 1.0", "`cpus`"),
        ("labels: {a: 1}", "labels: {a: '1'}", "`labels`"),
        ("command: [a, b]", "command: 'a b'", "`command`"),
        ("command: []", "command: []", "the form of `command`"),
        (
            "gpus: [], x-a: [{b: []}]",
            "gpus: [], x-a: [{b: []}]",
            "the form of `gpus`, `x-a`",
        ),
        (
            "tty: true, labels: {a: b}, cap_add: [A], init: true",
            "cap_drop: [A]",
            "`tty`, `labels`, `cap_add` and more",
        ),
    ] {
        let wanted = format!(
            "compose.yaml:2:27: `b` is declared here and, in another way, in line 1 of i.yaml, \
             which is included: they differ in {differ} ("
        );
        let told = both(own, included);
        assert!(told.starts_with(&wanted), "{told}\n{wanted}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[test]
fn two_included_files_may_declare_the_same_in_short_form() {
    let own = "include: [i.yaml, j.yaml]\nservices: {a: {image: a}}\n";
    let b = "services: {b: {image: b, ports: ['80:80'], environment: [A=1], command: []}}\n";
    assert_eq!(told(own, &[("i.yaml", b), ("j.yaml", b)]), "");
    let long = "services: {b: {image: b, ports: [{target: 80, published: '80'}], \
                environment: [A=1], command: []}}\n";
    let said = told(own, &[("i.yaml", b), ("j.yaml", long)]);
    let wanted = "i.yaml:1:12: `b` is declared here and, in another way, in line 1 of j.yaml, \
                  which is included: they differ in the form of `ports` (take this one away";
    assert!(said.starts_with(wanted), "{said}");
}

#[test]
fn every_file_that_declares_it_in_another_way_is_named() {
    let own = "include: [{path: [i.yaml, j.yaml]}, k.yaml]\nservices: {b: {image: b}}\n";
    let files = [
        ("i.yaml", "services:\n  b: {image: b}\n"),
        ("j.yaml", "# over it\nservices:\n  b: {labels: {a: b}}\n"),
        ("k.yaml", "services: {b: {image: c}}\n"),
    ];
    let b = "compose.yaml:2:12: `b` is declared here and, in another way, in";
    let advice = "(give one of them another name, or name both files in one `path` list)";
    assert_eq!(
        told(own, &files),
        format!(
            "{b} line 2 of i.yaml and line 3 of j.yaml, which are included: they differ in `labels` \
             {advice}\n\
             {b} line 1 of k.yaml, which is included: they differ in `image` {advice}"
        )
    );
}

#[test]
fn what_is_reset_beside_an_include_is_what_is_included() {
    let included = ("i.yaml", "services: {b: {image: included, ports: [80]}}\n");
    let earlier = "services: {b: {image: b, command: x}, a: {image: a}}\n---\n";
    for own in [
        "services: {b: !reset null, c: {image: c}}\n",
        "services: !reset {b: {image: c}}\n",
    ] {
        let text = format!("{earlier}include: [i.yaml]\n{own}");
        let loaded = load_files(&request(), &[("compose.yaml", &text), included]).unwrap();
        let b = loaded.system.service("b").unwrap();
        assert_eq!(b.image.as_ref().unwrap().value, "included");
        assert!(b.command.is_none() && b.ports.len() == 1, "{own}");
    }
}

#[test]
fn a_path_that_cannot_be_included_is_shown_where_it_stands() {
    for (include, columns) in [
        ("[no.yaml, i.yaml, gone.yaml]", &[11, 28][..]),
        ("[{path: no.yaml}]", &[18]),
        ("[{path: [i.yaml, no.yaml, gone.yaml]}]", &[27, 36]),
        ("[{path: i.yaml, env_file: no.env}]", &[36]),
        ("[{path: i.yaml, env_file: [/dev/null, no.env]}]", &[48]),
        ("[{path: [compose.yaml, i.yaml]}]", &[19]),
    ] {
        let text = format!("include: {include}\nservices: {{a: {{image: a}}}}\n");
        let null = ("/dev/null", "");
        let told = told(&text, &[("i.yaml", "services: {}\n"), null]);
        let places: Vec<String> = told
            .lines()
            .filter_map(|line| Some(line.split_once(": ")?.0.to_owned()))
            .collect();
        let wanted = columns
            .iter()
            .map(|column| format!("compose.yaml:1:{column}"));
        assert_eq!(places, wanted.collect::<Vec<_>>(), "{told}");
    }
}

#[test]
fn a_chain_of_includes_that_is_too_long_is_told_as_no_circle() {
    let names: Vec<String> = (0..60).map(|i| format!("i{i}.yaml")).collect();
    let texts = (1..=60).map(|i| format!("include: [i{i}.yaml]\n"));
    let texts: Vec<String> = texts.collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .zip(&texts)
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let problems = told("include: [i0.yaml]\n", &files);
    assert!(problems.contains("more than 50 deep"), "{problems}");
    assert!(!problems.contains("circle"), "{problems}");
}
