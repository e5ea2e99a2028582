//! Chains of `extends`, in one file and across files.

use crate::load::testing::{load_files, request};

fn resolved(files: &[(&str, &str)]) -> Result<serde_json::Value, String> {
    let loaded = load_files(&request(), files).map_err(|problems| problems.to_string())?;
    Ok(loaded.system.written.resolved()["services"]["a"].clone())
}

#[test]
fn a_service_lays_its_own_over_what_it_extends() {
    let same = "services:\n  a: {extends: b, environment: {Y: 2}, expose: ['2']}\n  b: {extends: {service: c}, expose: ['1'], command: x}\n  c: {image: c, environment: [X=1, Y=1], command: y}\n";
    assert_eq!(
        resolved(&[("compose.yaml", same)]).unwrap(),
        serde_json::json!({"image": "c", "environment": {"X": "1", "Y": "2"}, "command": "x", "expose": ["1", "2"]})
    );
}

#[test]
fn paths_of_another_file_start_at_its_folder() {
    let other = "services:\n  base: {build: ., env_file: [e.env], label_file: l.env, volumes: ['./d:/d']}\n";
    let files = [
        (
            "compose.yaml",
            "services: {a: {extends: {file: sub/base.yaml, service: base}}}\nvolumes: {v: }\n",
        ),
        ("sub/base.yaml", other),
        ("sub/e.env", "A=1\n"),
        ("sub/l.env", "a=1\n"),
    ];
    assert_eq!(
        resolved(&files).unwrap(),
        serde_json::json!({"build": {"context": "/system/sub"}, "env_file": [{"path": "/system/sub/e.env", "required": true}], "label_file": ["/system/sub/l.env"], "volumes": [{"type": "bind", "source": "/system/sub/d", "target": "/d", "bind": {"create_host_path": true}}]})
    );
}

#[test]
fn circles_and_missing_bases_are_named() {
    for (text, wanted) in [
        (
            "a: {extends: b}\n  b: {extends: a}",
            "compose.yaml:3:16: services extend each other in a circle: a -> b -> a",
        ),
        (
            "a: {image: a, extends: {service: web}}\n  wb: {image: b}",
            "compose.yaml:2:36: `extends` names the service `web`, which compose.yaml does not have (did you mean `wb`?)",
        ),
        (
            "a: {image: a, extends: {service: b, file: no.yaml}}",
            "compose.yaml:2:45: the extended file /system/no.yaml cannot be read: no such file (a relative",
        ),
        (
            "a: {image: a, extends: {file: no.yaml}}",
            "compose.yaml:2:26: `extends` does not say which `service`",
        ),
    ] {
        let problems =
            resolved(&[("compose.yaml", &format!("services:\n  {text}\n"))]).unwrap_err();
        assert!(problems.contains(wanted), "{problems}");
    }
}

#[test]
fn a_circle_through_files_names_them_and_a_long_one_its_ends() {
    let files = [
        (
            "compose.yaml",
            "services: {a: {extends: {file: sub/b.yaml, service: b}}}\n",
        ),
        (
            "sub/b.yaml",
            "services:\n  b: {extends: {file: ../sub/b.yaml, service: c}}\n  c: {extends: {service: b}}\n",
        ),
    ];
    assert_eq!(
        resolved(&files).unwrap_err(),
        "sub/b.yaml:3:26: services extend each other in a circle: b -> c -> b (take one of these \
         `extends` away)"
    );
    let files = [
        (
            "compose.yaml",
            "services: {a: {extends: {file: b.yaml, service: b}}}\n",
        ),
        (
            "b.yaml",
            "services: {b: {extends: {file: c.yaml, service: c}}}\n",
        ),
        (
            "c.yaml",
            "services: {c: {extends: {file: b.yaml, service: b}}}\n",
        ),
    ];
    assert_eq!(
        resolved(&files).unwrap_err(),
        "c.yaml:1:49: services extend each other in a circle: b (b.yaml) -> c (c.yaml) -> b (b.yaml) (take one of these `extends` away)"
    );
    let mut text = "services:\n".to_owned();
    for i in 0..30 {
        text.push_str(&format!("  s{i}: {{extends: s{}}}\n", (i + 1) % 30));
    }
    let problems = resolved(&[("compose.yaml", &text)]).unwrap_err();
    let circle = "s0 -> s1 -> s2 -> s3 -> … -> s28 -> s29 -> s0";
    assert!(problems.contains(circle), "{problems}");
}

#[test]
fn a_file_that_is_missing_may_be_one_beside_it() {
    let main = "services: {a: {extends: {file: sub/bsae.yaml, service: b}}}\n";
    let files = [
        ("compose.yaml", main),
        ("sub/base.yml", "services: {b: }\n"),
    ];
    let problems = resolved(&files).unwrap_err();
    assert_eq!(
        problems,
        "compose.yaml:1:32: the extended file /system/sub/bsae.yaml cannot be read: no such file (did you mean `base.yml`?)"
    );
    let main = "include: [sub/bsae.yaml]\nservices: {a: {image: a}}\n";
    let files = [
        ("compose.yaml", main),
        ("sub/base.yml", "services: {b: }\n"),
    ];
    let problems = resolved(&files).unwrap_err();
    assert!(
        problems.ends_with("(did you mean `base.yml`?)"),
        "{problems}"
    );
}

#[test]
fn long_chains_do_not_multiply() {
    let keys: String = (0..3000).map(|i| format!("K{i}: v, ")).collect();
    let mut text = format!("services:\n  s0: {{image: a, environment: {{{keys}}}}}\n");
    for i in 1..200 {
        text.push_str(&format!("  s{i}: {{extends: s{}}}\n", (i - 1) % 40));
    }
    assert!(
        resolved(&[("compose.yaml", &text)])
            .unwrap_err()
            .contains("more than 250000 nodes")
    );
}

#[test]
fn a_chain_of_any_length_is_followed_and_each_service_lays_its_own_over_the_next() {
    let mut text = "services:\n  s300: {image: a, environment: {K: 300}}\n".to_owned();
    for i in 1..300 {
        text.push_str(&format!(
            "  s{i}: {{extends: s{}, environment: {{K{i}: {i}}}}}\n",
            i + 1
        ));
    }
    text.push_str("  a: {extends: {service: s1}, environment: {K: 0}}\n");
    let resolved = resolved(&[("compose.yaml", &text)]).unwrap();
    let environment = resolved["environment"].as_object().unwrap();
    assert_eq!(environment.len(), 300);
    assert_eq!(
        (&environment["K"], &environment["K299"]),
        (&"0".into(), &"299".into())
    );
    assert_eq!(resolved["image"], "a");
}

#[test]
fn a_circle_is_told_once_whoever_comes_by_it() {
    let text =
        "services:\n  a: {extends: b}\n  b: {extends: c}\n  c: {extends: b}\n  d: {extends: a}\n";
    let problems = resolved(&[("compose.yaml", text)]).unwrap_err();
    assert_eq!(
        problems,
        "compose.yaml:4:16: services extend each other in a circle: b -> c -> b (take one of these \
         `extends` away)"
    );
}

#[test]
fn what_is_replaced_or_taken_back_is_so_for_extends_too() {
    let base = "services:\n  a: {image: y, labels: {q: 1}}\n";
    let over =
        "services:\n  a: !override {extends: c, tty: true}\n  c: {image: q, environment: {A: x}}\n";
    let files = [("compose.yaml", base), ("compose.override.yaml", over)];
    assert_eq!(
        resolved(&files).unwrap(),
        serde_json::json!({"image": "q", "environment": {"A": "x"}, "tty": true})
    );
    let reset = "services:\n  a: {extends: !reset c, image: z}\n  c: {image: q, tty: true}\n";
    assert_eq!(
        resolved(&[("compose.yaml", reset)]).unwrap(),
        serde_json::json!({"image": "z"})
    );
    let gone = "services:\n  a: {extends: c, image: z}\n  c: !reset {image: q}\n";
    let problems = resolved(&[("compose.yaml", gone)]).unwrap_err();
    assert!(problems.contains("names the service `c`"), "{problems}");
}

#[test]
fn what_a_base_takes_back_or_replaces_is_not_what_its_heir_does() {
    let base = "services: {b: {image: b, ports: !reset ['80:80'], expose: !override [1], labels: {a: 1, b: !reset 2}}}\n";
    let files = [
        ("b.yaml", base),
        (
            "compose.yaml",
            "services: {a: {image: a, expose: [2], labels: {c: 3}}}\n",
        ),
        (
            "compose.override.yaml",
            "services: {a: {extends: {file: b.yaml, service: b}, ports: ['81:81']}}\n",
        ),
    ];
    let resolved = resolved(&files).unwrap();
    assert_eq!(resolved["expose"], serde_json::json!([2, 1]));
    assert_eq!(resolved["labels"], serde_json::json!({"a": "1", "c": "3"}));
    assert_eq!(resolved["ports"].as_array().unwrap().len(), 1);
}

#[test]
fn what_stands_beside_the_tag_of_a_reset_is_not_read() {
    let text = "include: !reset [no.yaml]\nservices: {a: {image: a, deploy: {replicas: !reset , mode: !reset '${NO:?must}'}}}\n";
    assert_eq!(
        resolved(&[("compose.yaml", text)]).unwrap(),
        serde_json::json!({"image": "a", "deploy": {}})
    );
}

#[test]
fn a_base_is_a_mapping() {
    let files = [
        (
            "compose.yaml",
            "services: {a: {extends: {file: b.yaml, service: b}, image: x}}\n",
        ),
        ("b.yaml", "services: {b: hello}\n"),
    ];
    let problems = resolved(&files).unwrap_err();
    assert!(problems.contains("no mapping"), "{problems}");
}

#[test]
fn texts_that_extends_copies_are_counted() {
    let text = "x".repeat(1_000_000);
    let mut all = format!("services:\n  b: {{image: x, labels: {{q: {text}}}}}\n");
    for at in 0..30 {
        all += &format!("  s{at}: {{extends: b}}\n");
    }
    let problems = resolved(&[("compose.yaml", &all)]).unwrap_err();
    assert!(problems.contains("bytes of text"), "{problems}");
}

#[test]
fn a_merge_key_may_say_by_its_tag_that_it_is_one() {
    let text = "x-c: &c {image: x}\nservices:\n  a:\n    !!merge <<: *c\n    command: y\n";
    assert_eq!(
        resolved(&[("compose.yaml", text)]).unwrap(),
        serde_json::json!({"image": "x", "command": "y"})
    );
}
