//! `msvc config` where variables stay as they are written.

use serde_json::Value;

use super::{TWO, config, folder};

#[test]
fn variables_stay_where_nothing_is_to_be_replaced() {
    let two = folder(&[("compose.yaml", TWO)]);
    let done = config(two.path(), &["--no-interpolate"]).expect(0);
    assert!(done.stdout.contains("web:${TAG:-1}"), "{}", done.stdout);
    let old = folder(&[("compose.yaml", &format!("version: \"3\"\n{TWO}"))]);
    let words = ["--no-interpolate", "--no-normalize", "--format", "json"];
    let printed = config(old.path(), &words).expect(0).json();
    let keys: Vec<&String> = printed.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["name", "services", "volumes"]);
}

#[test]
fn variables_that_are_not_replaced_need_not_be_set() {
    let text = "name: p-${NO:?must}\nservices: {a: {image: \"x:$TAG\", networks: [n]}, b: {image: y, profiles: [p]}}\nnetworks: {n: }\nvolumes: {v: }\n";
    let files = folder(&[("compose.yaml", text)]);
    let printed = config(files.path(), &["--no-interpolate"]).expect(0).stdout;
    assert_eq!(
        printed,
        "name: p-nomust\nnetworks:\n  default:\n    name: p-nomust_default\n  \"n\":\n    name: p-nomust_n\nservices:\n  a:\n    image: x:$TAG\n    networks:\n      \"n\": null\n  b:\n    image: \"y\"\n    networks:\n      default: null\n    profiles:\n      - p\nvolumes:\n  v:\n    name: p-nomust_v\n"
    );
    for (words, wanted) in [
        (&["--images"][..], "x:$TAG\n"),
        (&["--networks"], "n\n"),
        (&["--services"], "a\nb\n"),
        (
            &["--hash", "a"],
            "a cfe348c1c4d8158d3cc2d79f9659e612c9797cc9efa19427489ba43cdb4903c2\n",
        ),
    ] {
        let words = [words, &["--no-interpolate"]].concat();
        assert_eq!(config(files.path(), &words).expect(0).stdout, wanted);
    }
    assert_eq!(
        config(files.path(), &["--variables"]).expect(0).stdout,
        "NAME  REQUIRED\nTAG   no\n"
    );
    let written = config(files.path(), &["--no-interpolate", "--no-normalize"]).expect(0);
    assert!(
        written
            .stdout
            .starts_with("name: p-${NO:?must}\nnetworks:\n  \"n\": null\n"),
        "{}",
        written.stdout
    );
    let resting = config(files.path(), &["--no-interpolate", "--hash", "b"]).expect(2);
    assert!(
        resting.stderr.contains("runs only with its profile"),
        "{}",
        resting.stderr
    );
}

#[test]
fn a_name_alone_has_its_value_but_where_variables_stay_as_they_are_written() {
    let text = "services: {a: {image: x, environment: {ONE: , NO: }, build: {args: {ONE: , NO: }}}, b: {image: x, environment: [ONE]}}\n";
    let files = folder(&[("compose.yaml", text), (".env", "ONE=1\n")]);
    let printed = |words: &[&str]| {
        let words = [words, &["--format", "json"]].concat();
        let services = config(files.path(), &words).expect(0).json()["services"].clone();
        let (a, b) = (&services["a"], &services["b"]);
        let [one, other] = [&a["environment"], &b["environment"]].map(Value::to_string);
        format!("{one} {other} {}", a["build"]["args"])
    };
    let all = r#"{"NO":null,"ONE":"1"} {"ONE":"1"}"#;
    assert_eq!(printed(&[]), format!(r#"{all} {{"ONE":"1"}}"#));
    assert_eq!(
        printed(&["--no-normalize"]),
        format!(r#"{all} {{"NO":null,"ONE":null}}"#)
    );
    assert_eq!(
        printed(&["--no-interpolate"]),
        r#"{"NO":null,"ONE":null} {"ONE":null} {"NO":null,"ONE":null}"#
    );
}

#[test]
fn a_colon_inside_a_variable_parts_no_volume() {
    let text = "services: {a: {image: a, volumes: [\"${DATA:-/srv}/db:/db\", \"${MUST:?set it}:/r:ro\"]}}\n";
    let files = folder(&[("compose.yaml", text)]);
    let words = ["--no-interpolate", "--no-normalize", "--format", "json"];
    let printed = config(files.path(), &words).expect(0).json();
    let volumes = &printed["services"]["a"]["volumes"];
    assert_eq!(volumes[0]["source"], "${DATA:-/srv}/db");
    assert_eq!(volumes[0]["target"], "/db");
    assert_eq!(volumes[1]["source"], "${MUST:?set it}");
    assert_eq!(volumes[1]["read_only"], true);
    let named = config(files.path(), &["--variables"]).expect(0).stdout;
    assert_eq!(
        named,
        "NAME  REQUIRED  DEFAULT\nDATA  no        /srv\nMUST  yes\n"
    );
}

#[test]
fn numbers_and_dates_stay_what_they_are_where_no_field_is_known() {
    let text =
        "name: p\nservices: {a: {image: x, network_mode: none, x-own: [1.0, .inf, 2001-12-14]}}\n";
    let files = folder(&[("compose.yaml", text)]);
    let printed = config(files.path(), &["--no-interpolate"]).expect(0).stdout;
    // What Docker Compose 2.40.3 prints.
    assert_eq!(
        printed,
        "name: p\nservices:\n  a:\n    image: x\n    network_mode: none\n    x-own:\n      - 1\n      - .inf\n      - 2001-12-14T00:00:00Z\n"
    );
    let json = config(files.path(), &["--no-interpolate", "--format", "json"]).expect(4);
    assert_eq!(json.stderr.matches("JSON has no word").count(), 1);
}
