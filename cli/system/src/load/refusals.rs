//! What must not load, and what is said of it.

use super::testing::{load_files, problems_of, request};

#[test]
fn whatever_is_wrong_in_a_service_is_said_with_its_place() {
    for (service, wanted) in [
        (
            "imge: x",
            "compose.yaml:2:7: a service has no key `imge` (did you mean `image`?)",
        ),
        (
            "image: x, healthcheck: {tset: y}",
            "a `healthcheck` has no key|`healthcheck` has no key `tset` (did you mean `test`?)",
        ),
        (
            "tty: true",
            "compose.yaml:2:3: the service `a` has neither `image` nor `build`",
        ),
        (
            "image: ''",
            "compose.yaml:2:14: the `image` of the service `a` is empty",
        ),
        ("image: x, ports: 80", "ports` must be a list, not a number"),
        (
            "image: x, ports: ['70000']",
            "`ports` has `70000`: `70000` is no port",
        ),
        (
            "image: x, ports: [0]",
            "`ports` has `0`: 0 is no port of the service",
        ),
        ("image: x, ports: ['80-81:0-1/udp']", "0 is no port"),
        (
            "image: x, ports: [{target: 4294967296}]",
            "target` cannot be 4294967296 (write a number from 0 to 4294967295)",
        ),
        (
            "image: x, ports: [{target: 80, published: 9223372036854775808}]",
            "`published` must be text",
        ),
        (
            "image: x, expose: [9223372036854775808]",
            "an item here must be a whole number",
        ),
        (
            "image: x, blkio_config: {weight: 65536}",
            "weight` cannot be 65536 (write a number from 0 to 65535)",
        ),
        (
            "image: x, blkio_config: {weight_device: [{path: /a, weight: 65536}]}",
            "cannot be 65536 (write a number from 0 to 65535)",
        ),
        (
            "image: x, volumes: [{type: tmpfs, target: /t, tmpfs: {mode: 4294967296}}]",
            "mode` cannot be 4294967296",
        ),
        (
            "image: x, cpu_count: 18446744073709551616",
            "1.8446744073709552e+19 is too large",
        ),
        ("image: x, cpu_shares: .nan", "`.nan` is no number"),
        ("image: x, cpus: .nan", "`.nan` is no number"),
        (
            "image: x, ports: ['1-3:1-2']",
            "the ranges `1-3` and `1-2` are not equally long",
        ),
        (
            "image: x, ports: ['5/sctp']",
            "the protocol `sctp` is not supported yet",
        ),
        (
            "image: x, restart: sometimes",
            "`restart` has no policy `sometimes`",
        ),
        ("image: x, restart: alway", "did you mean `always`?"),
        (
            "image: x, stop_grace_period: '10'",
            "`10` is no duration: a number in it has no unit (write `10s`)",
        ),
        (
            "image: x, healthcheck: {test: [a]}",
            "`healthcheck.test` as a list begins with CMD, CMD-SHELL or NONE",
        ),
        (
            "image: x, command: 'a \"b'",
            "`command` cannot be split into words: a quote or backslash in it has no end",
        ),
        (
            "image: x, volumes: ['data:/x']",
            "the volume `data` is not declared under the top-level `volumes`",
        ),
        (
            "image: x, networks: [n]",
            "the network `n` is not declared under the top-level `networks`",
        ),
        (
            "image: x, depends_on: [b]",
            "`depends_on` names the service `b`, which does not exist",
        ),
        (
            "image: x, depends_on: {a: {condition: service_helthy}}",
            "a.condition` cannot be `service_helthy` (did you mean `service_healthy`?)",
        ),
        (
            "image: x, depends_on: [a]",
            "services wait for each other in a circle: a -> a",
        ),
        (
            "image: x, env_file: no.env",
            "compose.yaml:2:27: the `env_file` /system/no.env cannot be read: no such file",
        ),
        (
            "image: x, secrets: [s]",
            "compose.yaml:2:27: the secret `s` is not declared under the top-level `secrets`",
        ),
        (
            "image: x, configs: [{target: /s}]",
            "compose.yaml:2:27: this config has no `source`",
        ),
        (
            "image: x, links: ['b:']",
            "`links` names the service `b`, which does not exist",
        ),
        (
            "image: x, deploy: {replicas: -1}",
            "-1 replicas are less than none (write 0 or more)",
        ),
        (
            "image: x, deploy: {replicas: 1.5}",
            "deploy.replicas` must be text or a whole number, not 1.5",
        ),
        (
            "image: x, environment: 5",
            "environment` must be a list or a mapping, not a number",
        ),
        (
            "image: x, environment: {A: [1]}",
            "the setting `A` must be text, a number, `true` or `false` or nothing, not a list",
        ),
        (
            "image: '${X:?needed}'",
            "compose.yaml:2:15: the variable `X` must be set: needed",
        ),
        ("image: '${X'", "`${X` is no variable"),
        (
            "image: x, x-msvc: {ower: y}",
            "`x-msvc` of a service has no key `ower` (did you mean `owner`?)",
        ),
        (
            "image: x, x-msvc: {calls: [b]}",
            "`x-msvc.calls` names the service `b`, which does not exist",
        ),
        (
            "image: x, x-msvc: {process: {port: LISTEN}}",
            "which port that carries is not clear",
        ),
        (
            "image: x, x-msvc: {process: {build: {bin: x}}}",
            "`x-msvc.process.build` has no key `bin`",
        ),
        (
            "image: x, x-msvc: {contract: {states: y}}",
            "`x-msvc.contract.states` is `y`, which is no path",
        ),
        (
            "image: x, x-msvc: {probe: y}",
            "`x-msvc.probe` is not supported yet",
        ),
    ] {
        let problems = problems_of(&format!("services:\n  a: {{{service}}}\n"));
        let fits = wanted.split('|').any(|wanted| problems.contains(wanted));
        assert!(fits, "{service}\n{problems}");
        assert!(problems.starts_with("compose.yaml:2:"), "{problems}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let problems = problems_of(
        "services:\n  a: {imag: x, ports: [x]}\n  b: {image: b, depends_on: [c], restart: x}\nvolums: {}\n",
    );
    assert_eq!(problems.lines().count(), 5, "{problems}");
}

#[test]
fn a_circle_of_very_many_services_is_told_without_its_middle() {
    let services = (0..2_000).map(|i| {
        let next = (i + 1) % 2_000;
        format!("  s{i}: {{image: a, depends_on: [s{next}]}}\n")
    });
    let problems = problems_of(&format!("services:\n{}", services.collect::<String>()));
    assert!(problems.contains("circle: s0 -> s1 ->"), "{problems}");
    assert!(problems.contains("-> … ->"), "{problems}");
    assert!(problems.len() < 1_000, "{} bytes", problems.len());
}

#[test]
fn a_circle_of_services_is_named_in_order() {
    let text = "services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, depends_on: [c]}\n  c: {image: c, depends_on: [b]}\n";
    assert_eq!(
        problems_of(text),
        "compose.yaml:4:30: services wait for each other in a circle: b -> c -> b (take one of these away, for example this one of `c`)"
    );
}

#[test]
fn what_is_no_compose_file_is_one_clear_problem() {
    for (text, wanted) in [
        (
            "",
            "compose.yaml:1:1: the file is empty (fill it, or name another file)",
        ),
        (
            "version: '3'\ninclude: []",
            "compose.yaml:1:1: nothing is declared in the file (add `services`, or name another file)",
        ),
        (
            "[]",
            "compose.yaml:1:1: a Compose file must be a mapping with `services`, not a list (begin \
             it with `services:`, each service below that by its name)",
        ),
        (
            "hello",
            "compose.yaml:1:1: a Compose file must be a mapping with `services`, not text (begin \
             it with `services:`, each service below that by its name)",
        ),
        (
            "services: {}\n",
            "compose.yaml:1:1: the system has no services (write them under `services:`)",
        ),
        (
            "services:\n  msvc-mesh: {image: a}\n",
            "compose.yaml:2:3: the service name `msvc-mesh` is taken: what carries the calls has it \
             (give the service another name)",
        ),
        (
            "services: [a]\n",
            "compose.yaml:1:11: `services` must be a mapping, not a list (write \
             `services: { a: { image: nginx } }`)",
        ),
        (
            "services: {a: }\n",
            "compose.yaml:1:13: the service `a` must be a mapping, not nothing (write `a: { image: \
             nginx }`)",
        ),
        (
            "include: [x.yaml]\nservices: {a: {image: a}}\n",
            "compose.yaml:1:11: the included file /system/x.yaml cannot be read: no such file \
             (a relative path counts from the folder of the file that names it)",
        ),
    ] {
        assert_eq!(problems_of(text), wanted, "{text}");
    }
}

#[test]
fn a_missing_file_names_where_it_was_looked_for() {
    let problems = load_files(&request(), &[]).unwrap_err().to_string();
    assert!(
        problems.starts_with(
            "no Compose file in /system or the folders above it (looked for compose.yaml, "
        ),
        "{problems}"
    );
    let named = super::LoadRequest {
        files: vec!["other.yaml".into()],
        ..request()
    };
    let problems = load_files(&named, &[]).unwrap_err().to_string();
    assert!(
        problems.starts_with("the Compose file /system/other.yaml cannot be read: no such file"),
        "{problems}"
    );
}

#[test]
fn thousands_of_problems_are_cut_short_and_take_no_time() {
    let keys: String = (0..50_000).map(|i| format!("  key{i}: x\n")).collect();
    let problems = problems_of(&format!("services:\n a: {{image: a}}\nx: 1\nb:\n{keys}"));
    assert!(problems.lines().count() < 10);
    let keys: String = (0..50_000).map(|i| format!("   imag{i}: x\n")).collect();
    let problems = problems_of(&format!("services:\n  a:\n{keys}"));
    assert!(
        problems.ends_with("more problems"),
        "{}",
        problems.lines().last().unwrap_or_default()
    );
    assert_eq!(problems.lines().count(), 201);
}

proptest::proptest! {
    #[test]
    fn no_file_makes_loading_panic(text in "(services|image|ports|environment|volumes|command|depends_on|x-msvc|a|[0-9]|:|-|\\[|\\]|\\{|\\}|,| |\n|\\$|&|\\*|<<|!|\"|'|/|\\.){0,60}") {
        let files = std::collections::BTreeMap::from([("/system/compose.yaml".into(), text.clone().into_bytes())]);
        let _ = super::load(&request(), &crate::files::Files::in_memory(files));
        let wrapped = format!("services:\n  a:\n    image: x\n    {text}\n");
        let files = std::collections::BTreeMap::from([("/system/compose.yaml".into(), wrapped.into_bytes())]);
        let _ = super::load(&request(), &crate::files::Files::in_memory(files));
    }
}
