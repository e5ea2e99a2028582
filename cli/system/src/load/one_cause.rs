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
        said.contains("compose.yaml:2:23: the variable `B` is not set"),
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
