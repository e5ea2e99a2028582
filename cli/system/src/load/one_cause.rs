//! One cause is one problem: what asks for something that cannot be read is not told to miss it.

use super::testing::{load_files, request};

/// The problems of files of `/system`, one a line.
fn told(files: &[(&str, &str)]) -> String {
    load_files(&request(), files).unwrap_err().to_string()
}

#[test]
fn what_is_declared_in_a_wrong_form_is_not_missed() {
    const USES: &str = "services:\n  a: {image: a, networks: [n], secrets: [s], configs: [c], \
                        volumes: ['vol:/x'], models: [m], depends_on: [b], x-msvc: {calls: [b]}}\n";
    for declared in [
        "networks: [n]\nsecrets: s\nconfigs: [c]\nvolumes: 5\nmodels: [m]\n",
        "networks: {n: 5}\nsecrets: {s: x}\nconfigs: {c: [x]}\nvolumes: {vol: true}\nmodels: {m: 1}\n",
        "network: {n: }\nsecret: {s: }\nconfig: {c: }\nvolums: {vol: }\nmodel: {m: }\n",
    ] {
        let text = format!("{USES}  b: 5\n{declared}");
        let told = told(&[("compose.yaml", &text)]);
        assert_eq!(told.lines().count(), 6, "{told}");
        assert!(!told.contains("compose.yaml:2"), "{told}");
    }
    // What is declared in no form is missed beside it.
    let told = told(&[(
        "compose.yaml",
        "services: {a: {image: a, networks: [n, other]}}\nnetworks: {n: 5}\n",
    )]);
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(
        told.contains("the network `other` is not declared"),
        "{told}"
    );
}

#[test]
fn what_a_file_of_settings_that_cannot_be_read_may_set_is_not_missed() {
    const SERVICE: &str = "image: 'a:$TAG', hostname: '${H:?needed}', ports: ['$P:80'], cpus: $N";
    let service = format!("services: {{a: {{{SERVICE}}}}}\nname: $NAME\n");
    let bad = "P=1\nno name=1\n";
    let said = told(&[("compose.yaml", &service), (".env", bad)]);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with(".env:2:1: `no name`"), "{said}");

    let text = "include: [x/i.yaml]\n\
                services: {b: {image: 'b:$B', env_file: [1.env, 2.env]}}\n";
    let included = format!("services: {{a: {{{SERVICE}}}}}\n");
    let files = [
        ("compose.yaml", text),
        ("x/i.yaml", &included),
        ("x/.env", bad),
        ("1.env", "no name=1\nX=1\n"),
        ("2.env", "Y=$X\n"),
    ];
    let said = told(&files);
    assert_eq!(said.lines().count(), 3, "{said}");
    // The file that includes has its own settings.
    assert!(
        said.contains("compose.yaml:2:26: the variable `B` is not set"),
        "{said}"
    );
    assert!(said.contains("\nx/.env:2:1: `no name`"), "{said}");
    assert!(said.contains("\n1.env:1:1: `no name`"), "{said}");
}

#[test]
fn what_a_file_that_cannot_be_included_may_declare_is_not_missed() {
    const USES: &str = "services: {a: {image: a, networks: [n], volumes: ['vol:/v'], secrets: [s], \
                        depends_on: [b], links: [b], x-msvc: {calls: [b], inputs: }}}\n";
    for include in [
        "[no.yaml]",
        "[{path: i.yaml, env_file: no.env}]",
        "[bad.yaml]",
        "[compose.yaml]",
    ] {
        let text = format!("include: {include}\n{USES}");
        let bad = ("bad.yaml", "services: [\n");
        let told = told(&[("compose.yaml", &text), ("i.yaml", "services: {}\n"), bad]);
        assert!(told.lines().count() <= 2, "{told}");
        assert!(
            !told.contains("not declared") && !told.contains("not exist"),
            "{told}"
        );
    }
}

#[test]
fn what_an_extended_service_leaves_behind_is_told_as_that() {
    let base = "services:\n  base:\n    image: b\n    networks: [n]\n    volumes: ['vol:/v']\n    \
                secrets: [s, t]\n    depends_on: [other]\n  other: {image: o}\n\
                networks: {n: }\nvolumes: {vol: }\nsecrets: {s: {file: s}}\n";
    let text = "services:\n  a: {extends: {file: base.yaml, service: base}}\n";
    let told = told(&[("compose.yaml", text), ("base.yaml", base)]);
    let left = ": `extends` takes a service of base.yaml without what else is there (declare it in \
                the file that extends, too)";
    let wanted = [
        format!(
            "base.yaml:4:16: the network `n` is not declared under the top-level `networks`{left}"
        ),
        format!(
            "base.yaml:5:15: the volume `vol` is not declared under the top-level `volumes`{left}"
        ),
        format!(
            "base.yaml:6:15: the secret `s` is not declared under the top-level `secrets`{left}"
        ),
        "base.yaml:6:18: the secret `t` is not declared under the top-level `secrets` \
         (declare it there)"
            .to_owned(),
        format!(
            "base.yaml:7:18: `depends_on` names the service `other`, which does not exist{left}"
        ),
    ];
    assert_eq!(told, wanted.join("\n"));
}

#[test]
fn what_something_is_made_of_is_not_missed_where_that_is_wrong() {
    for (text, wanted) in [
        (
            "services: {a: {imag: x}}\n",
            "compose.yaml:1:16: a service has no key `imag`",
        ),
        (
            "services: {a: {image: [x]}}\n",
            "compose.yaml:1:23: `services.a.image` must be text",
        ),
        (
            "services: {a: {biuld: .}}\n",
            "compose.yaml:1:16: a service has no key `biuld`",
        ),
        (
            "services: {a: {image: a}}\nsecrets: {s: {fil: x}}\n",
            "compose.yaml:2:15: a secret has no key `fil`",
        ),
        (
            "services: {a: {image: a}}\nconfigs: {c: {content: [x]}}\n",
            "compose.yaml:2:24: `configs.c.content` must be text",
        ),
    ] {
        let told = told(&[("compose.yaml", text)]);
        assert!(told.starts_with(wanted), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
    // Nor after so many that no name near to one is looked for any more.
    let mut text = "services:\n  first: {image: x}\n".to_owned();
    for number in 0..101 {
        text.push_str(&format!("  s{number}: {{imag: x}}\n"));
    }
    let many = self::told(&[("compose.yaml", &text)]);
    assert_eq!(many.lines().count(), 101, "{many}");
    // Where an unknown key is no error, it is nothing in its place either.
    let lenient = crate::load::LoadRequest {
        lenient: true,
        ..request()
    };
    let text = "services: {a: {imag: x, networks: [n]}}\nnetwork: {n: }\n";
    let told = load_files(&lenient, &[("compose.yaml", text)]).unwrap_err();
    assert_eq!(told.errors(), 2, "{told}");
}

#[test]
fn a_value_that_may_not_stand_there_is_not_said_to_be_no_match_for_an_earlier_one() {
    let text = "services: {a: {image: a, ports: [80], healthcheck: {test: x}}}\n---\n\
                services: {a: {ports: {x: y}, healthcheck: [x]}}\n";
    let told = told(&[("compose.yaml", text)]);
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(!told.contains("merged"), "{told}");
    let text = "services:\n  a: {extends: b, ports: {x: y}}\n  b: {image: b, ports: [80]}\n";
    let told = self::told(&[("compose.yaml", text)]);
    assert_eq!(
        told,
        "compose.yaml:2:26: `services.a.ports` must be a list, not a mapping (write `ports: \
         [\"8080:80\"]`)"
    );
}

#[test]
fn why_an_extended_file_cannot_be_had_is_told_once() {
    let text = "services:\n  a: {extends: {file: b.yaml, service: b}}\n  c: {extends: {file: \
                b.yaml, service: c}}\n";
    let missing = told(&[("compose.yaml", text)]);
    assert!(
        missing.starts_with("compose.yaml:2:23: the extended file"),
        "{missing}"
    );
    assert_eq!(missing.lines().count(), 1, "{missing}");
    let wrong = told(&[("compose.yaml", text), ("b.yaml", "services: [\n")]);
    assert!(
        wrong.starts_with("b.yaml:1:11: this is not YAML"),
        "{wrong}"
    );
    assert_eq!(wrong.lines().count(), 1, "{wrong}");
}

#[test]
fn services_that_are_nothing_are_an_error_in_each_of_several_files() {
    let text = "services: {a: {image: a}}\n---\nservices:\n";
    let hint = "(write `services: { web: { image: nginx } }`)";
    let wanted = format!("compose.yaml:3:9: `services` must be a mapping, not nothing {hint}");
    assert_eq!(told(&[("compose.yaml", text)]), wanted);
    let text = "include: [i.yaml]\nservices:\n";
    let included = ("i.yaml", "services: {a: {image: a}}\n");
    let wanted = format!("compose.yaml:2:9: `services` must be a mapping, not nothing {hint}");
    assert_eq!(told(&[("compose.yaml", text), included]), wanted);
}

#[test]
fn what_an_empty_file_does_not_declare_is_missed() {
    let text = "include: [i.yaml]\nservices: {a: {image: a, depends_on: [b]}}\n";
    for empty in ["", "# nothing\n"] {
        let told = told(&[("compose.yaml", text), ("i.yaml", empty)]);
        let wanted = "compose.yaml:2:39: `depends_on` names the service `b`, which does not exist";
        assert!(told.starts_with(wanted), "{told}");
    }
}

#[test]
fn who_extends_what_is_included_is_told_to_name_the_file() {
    let text = "include: [i.yaml]\nservices: {a: {extends: base}}\n";
    let included = ("i.yaml", "services: {base: {image: b}}\n");
    let wanted = "compose.yaml:2:25: `extends` names the service `base`, which compose.yaml does \
                  not have (name the `file` too, if it stands in one that is included)";
    assert_eq!(told(&[("compose.yaml", text), included]), wanted);
}

#[test]
fn what_is_of_the_wrong_kind_is_not_said_to_be_missing() {
    for service in [
        "{image: a, configs: [{source: 80}]}",
        "{image: a, secrets: [{source: [a], mode: 0o444}]}",
        "{image: a, env_file: [{path: 80}]}",
        "{image: a, volumes: [{type: bind, source: 80, target: /x}]}",
        "{image: a, volumes: [{type: bind, source: ./a, target: [5]}]}",
        "{image: a, develop: {watch: [{path: ./x, action: 5}]}}",
        "{image: a, healthcheck: {test: [CMD, 80]}}",
        "{build: {context: ., secrets: [{source: 80}]}}",
        "{extends: {service: 80}}",
        "{extends: {service: [b]}}",
        "{extends: {service: b, file: [b.yaml]}}",
        "{extends: 80}",
        "{extends: [b]}",
        "{image: a, x-msvc: {calls: [{service: [a]}]}}",
        "{image: a, x-msvc: {process: {build: {command: 5}}}}",
    ] {
        let text = format!("services:\n  a: {service}\n  b: {{image: b}}\n");
        let told = told(&[("compose.yaml", &text)]);
        assert_eq!(told.lines().count(), 1, "{service}: {told}");
        assert!(told.contains(" must be "), "{service}: {told}");
    }
}
