//! What the tree must hold, and what must be refused.

use std::fmt::Write as _;
use std::path::Path;

use super::*;

fn read(text: &str) -> Node {
    parse(Path::new("f.yaml"), text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn refused(text: &str) -> String {
    parse(Path::new("f.yaml"), text.as_bytes())
        .expect_err("must be refused")
        .to_string()
}

#[test]
fn every_node_and_key_knows_its_line_and_column() {
    let node = read("services:\n  web:\n    ports:\n      - \"80:80\"\n      - 443\n");
    let (key, ports) = node
        .at("/services/web")
        .and_then(|n| n.entry("ports"))
        .unwrap();
    assert_eq!(key.place.to_string(), "f.yaml:3:5");
    let places: Vec<_> = ports.items().iter().map(|n| n.place.to_string()).collect();
    assert_eq!(places, ["f.yaml:4:9", "f.yaml:5:9"]);
}

#[test]
fn values_keep_their_types_and_order() {
    let node = read("b: 1\na: [true, null, 1.5, '1', no, 0444, {x: y}]\n200: ok\n");
    assert_eq!(
        node.to_json().to_string(),
        r#"{"b":1,"a":[true,null,1.5,"1","no","0444",{"x":"y"}],"200":"ok"}"#
    );
}

#[test]
fn merge_keys_are_resolved_nested_and_in_lists() {
    let node =
        read("x: &x {a: 1, b: 1}\ny: &y {<<: *x, b: 2, c: 2}\nz: {<<: [*y, {d: 4, a: 9}], c: 3}\n");
    assert_eq!(
        node.get("z").unwrap().to_json(),
        serde_json::json!({"c": 3, "b": 2, "a": 1, "d": 4})
    );
    let places = node
        .get("z")
        .unwrap()
        .entry("b")
        .unwrap()
        .0
        .place
        .to_string();
    assert_eq!(
        places, "f.yaml:2:16",
        "a merged key stands where it was written"
    );
}

#[test]
fn a_quoted_merge_key_is_an_ordinary_key() {
    assert_eq!(read("'<<': 1\n").to_json(), serde_json::json!({"<<": 1}));
}

#[test]
fn an_alias_as_a_key_is_the_same_as_itself_alone_and_the_last_value_counts() {
    for (text, wanted) in [
        ("{k: &k b, m: {*k : 1, c: 2, b: 3}}", r#"{"b":3,"c":2}"#),
        ("{k: &k b, m: {b: 1, c: 2, *k : 3}}", r#"{"b":3,"c":2}"#),
        ("m:\n  &k b: 1\n  *k : 2", r#"{"b":2}"#),
        ("{k: &k b, l: &l b, m: {*k : 1, *l : 2}}", r#"{"b":2}"#),
        (
            "{k: &k <<, b: &b {c: 1}, m: {*k : *b}}",
            r#"{"<<":{"c":1}}"#,
        ),
    ] {
        let read = read(text);
        assert_eq!(read.get("m").unwrap().to_json().to_string(), wanted);
    }
    let last = read("k: &k b\nm:\n  b: 1\n  *k : 2\n");
    assert_eq!(last.at("/m").unwrap().entries()[0].0.place.line, 4);
    let twice = "k: &k b\nm:\n  *k : 1\n  *k : 2\n";
    let wanted = "f.yaml:4:3: the key `b` stands here a second time (it stands first in line 3)";
    assert_eq!(refused(twice), wanted);
}

#[test]
fn tags_of_ones_own_are_kept_and_yaml_types_are_applied() {
    let node = read("a: !reset null\nb: !override [1]\nc: !!str 5\n");
    assert_eq!(node.get("a").unwrap().tag.as_deref(), Some("!reset"));
    assert_eq!(node.get("b").unwrap().tag.as_deref(), Some("!override"));
    assert_eq!(node.get("b").unwrap().items().len(), 1);
    assert_eq!(node.get("c").unwrap().value, NodeValue::String("5".into()));
    assert_eq!(node.get("c").unwrap().tag, None);
}

#[test]
fn a_scalar_with_a_tag_of_ones_own_is_text_and_with_none_in_it_what_it_looks_like() {
    let text = "{a: !x 1.50, b: !x null, c: !x , !x 1: ! 12}";
    let trees = parse_documents("f".as_ref(), text.as_bytes()).unwrap();
    let tree = trees.into_iter().next().unwrap();
    assert_eq!(
        tree.to_json(),
        serde_json::json!({"a": "1.50", "b": "null", "c": "", "1": 12})
    );
}

#[test]
fn a_scalar_of_a_compose_file_is_what_its_tag_says_or_an_error_with_its_place() {
    let read = |text: &str| {
        let trees = parse_documents(Path::new("f"), text.as_bytes());
        let first = trees.map_err(|problems| problems.to_string())?;
        Ok::<_, String>(first[0].to_json())
    };
    let text = "{a: !!null '', b: !!int \"1_000\", c: !!float 1, d: !!str 2001-12-14, e: !!bool 'true', f: !!binary eA==, g: !!timestamp '2001-12-14', h: 2001-12-14, i: ! 017, j: ! '017', !!str 5: k, !!binary eQ==: l}";
    assert_eq!(
        read(text).unwrap(),
        serde_json::json!({
            "a": null, "b": 1000, "c": 1.0, "d": "2001-12-14", "e": true, "f": "x",
            "g": "2001-12-14T00:00:00Z", "h": "2001-12-14T00:00:00Z", "i": 15, "j": "017",
            "5": "k", "y": "l",
        })
    );
    for (text, wanted) in [
        (
            "a: !!null x",
            "f:1:11: `x` is not what its tag says (take the tag away)",
        ),
        (
            "a: !!bool yes",
            "f:1:11: `yes` is not what its tag says (take the tag away)",
        ),
        (
            "a: !!int",
            "f:1:9: `` is not what its tag says (take the tag away)",
        ),
        (
            "a: {1e3: b}",
            "f:1:5: the key `1e3` is no text to YAML (put it in quotes)",
        ),
        (
            "a: {2001-12-14: b}",
            "f:1:5: the key `2001-12-14` is no text to YAML (put it in quotes)",
        ),
        (
            "a: {~: b}",
            "f:1:5: the key `~` is no text to YAML (put it in quotes)",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), wanted);
    }
}

#[test]
fn what_is_no_document_is_refused_with_its_place() {
    for (text, wanted) in [
        (
            "",
            "f.yaml:1:1: the file is empty (fill it, or name another file)",
        ),
        (
            "# only a comment\n",
            "f.yaml:1:1: the file is empty (fill it, or name another file)",
        ),
        (
            "a: 1\nb: 2\na: 3\n",
            "f.yaml:3:1: the key `a` stands here a second time (it stands first in line 1)",
        ),
        (
            "a: {<<: {}, <<: {}}\n",
            "f.yaml:1:13: the key `<<` stands here a second time (it stands first in line 1)",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "f.yaml:2:1: a second document begins here (one document per file is read: move it to a file of its own)",
        ),
        (
            "a: {<<: 5}\n",
            "f.yaml:1:9: `<<` takes a mapping or a list of mappings (name the anchor of one: `<<: *defaults`)",
        ),
        (
            "? [a, b]\n: 1\n",
            "f.yaml:1:3: a list or mapping cannot be a key here (write the key as text)",
        ),
        (
            "a: &a [*a]\n",
            "f.yaml:1:8: this alias stands inside the very node that it names (name another anchor, or write out what is meant)",
        ),
    ] {
        assert_eq!(refused(text), wanted, "{text:?}");
    }
}

#[test]
fn documents_of_a_file_are_read_one_after_the_other() {
    let documents = |text: &str| {
        let read = parse_documents(Path::new("f.yaml"), text.as_bytes());
        read.unwrap_or_else(|problems| panic!("{problems}"))
    };
    let two = documents("# one\na: &x {k: 1}\n---\nb: 2\n...\n--- {c: 3}\n");
    let json: Vec<_> = two.iter().map(|it| it.to_json().to_string()).collect();
    assert_eq!(json, [r#"{"a":{"k":1}}"#, r#"{"b":2}"#, r#"{"c":3}"#]);
    assert_eq!(two[1].entries()[0].0.place.to_string(), "f.yaml:4:1");
    assert!(documents("# nothing\n").is_empty());
    assert!(documents("a: 1\n---\n")[1].is_null());
}

#[test]
fn an_anchor_is_known_in_later_documents_of_its_file() {
    let text = "%YAML 1.1\n---\na: &x\n  k: |\n    t\n\n    u\n# c\n--- # d\nb: *x\n---\nc: {<<: *x, q: 'r\n  s'}\n";
    let documents = parse_documents(Path::new("f.yaml"), text.as_bytes());
    let documents = documents.unwrap_or_else(|problems| panic!("{problems}"));
    let json: Vec<_> = documents
        .iter()
        .map(|it| it.to_json().to_string())
        .collect();
    assert_eq!(
        json,
        [
            r#"{"a":{"k":"t\n\nu\n"}}"#,
            r#"{"b":{"k":"t\n\nu\n"}}"#,
            r#"{"c":{"q":"r s","k":"t\n\nu\n"}}"#
        ]
    );
    let (key, value) = documents[2].entry("c").unwrap();
    assert_eq!(key.place.to_string(), "f.yaml:12:1");
    assert_eq!(value.get("q").unwrap().place.to_string(), "f.yaml:12:16");
    for wrong in ["a: 1\n---\nb: *x\n", "a: &x 1\n---\nb: [*x\n"] {
        assert!(parse_documents(Path::new("f.yaml"), wrong.as_bytes()).is_err());
    }
}

#[test]
fn documents_are_bounded_together() {
    let bomb = format!("a: &a [{}]\nb: [*a, *a]\n", "x,".repeat(40_000));
    let read = |text: &str| parse_documents(Path::new("f.yaml"), text.as_bytes());
    assert!(read(&bomb).is_ok());
    for many in [
        format!("{bomb}---\n{bomb}---\n{bomb}"),
        "---\n".repeat(300_000),
    ] {
        let told = read(&many).unwrap_err().to_string();
        assert!(told.contains("250000 nodes"), "{told}");
    }
}

#[test]
fn numbers_of_any_length_are_read() {
    let text = "[9223372036854775807, 9223372036854775808, 18446744073709551616, -9223372036854775809, 0xffffffffffffffffff]";
    assert_eq!(
        read(text).to_json().to_string(),
        r#"[9223372036854775807,9223372036854775808,1.8446744073709552e+19,-9.223372036854776e+18,"0xffffffffffffffffff"]"#
    );
}

#[test]
fn a_number_beyond_all_is_text_and_what_is_without_end_is_said_so() {
    let texts = "[1e400, -1_0.5e+400, 1e308]";
    let numbers = parse_documents(Path::new("f.yaml"), texts.as_bytes());
    assert_eq!(
        numbers.unwrap()[0].to_json(),
        serde_json::json!(["1e400", "-1_0.5e+400", 1e308])
    );
    let endless = read("[.inf, -.INF]");
    let is_endless = |it: &Node| matches!(it.value, NodeValue::Float(it) if it.is_infinite());
    assert!(endless.items().iter().all(is_endless));
}

#[test]
fn what_is_not_yaml_is_refused_with_its_place() {
    for (text, line) in [
        ("a: [1, 2\nb: 3\n", "f.yaml:2:"),
        ("a: b: c\n", "f.yaml:1:"),
        ("a:\n\t- b\n", "f.yaml:2:"),
    ] {
        let message = refused(text);
        assert!(
            message.starts_with(line) && message.contains("this is not YAML"),
            "{text:?}: {message}"
        );
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    let latin = parse(Path::new("f.yaml"), b"a: 1\nb: \xe9\n")
        .expect_err("latin 1")
        .to_string();
    assert!(
        latin.starts_with("f.yaml:2:4: the file is not UTF-8 text"),
        "{latin}"
    );
}

#[test]
fn an_alias_bomb_is_refused_before_it_is_expanded() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..30 {
        let refs = vec![format!("*a{}", i - 1); 9].join(", ");
        writeln!(text, "a{i}: &a{i} [{refs}]").unwrap();
    }
    let message = refused(&text);
    assert!(message.starts_with("f.yaml:6:"), "{message}");
    assert!(message.contains("more than 250000 nodes"), "{message}");
}

#[test]
fn long_texts_repeated_by_aliases_are_refused() {
    let mut text = format!("a: &a \"{}\"\nb:\n", "x".repeat(900_000));
    for _ in 0..40 {
        text.push_str("  - *a\n");
    }
    assert!(refused(&text).contains("bytes of text"));
}

#[test]
fn deep_nesting_huge_texts_and_huge_files_are_refused() {
    for deep in [
        "[".repeat(5000),
        "{a: ".repeat(5000),
        "- ".repeat(5000),
        "? ".repeat(5000),
    ] {
        let message = refused(&deep);
        assert!(
            message.contains("deep") || message.contains("not YAML"),
            "{message}"
        );
    }
    let mut nested = "a0: &a0 [x]\n".to_owned();
    for i in 1..150 {
        writeln!(nested, "a{i}: &a{i} [*a{}]", i - 1).unwrap();
    }
    assert!(refused(&nested).contains("100 levels"));
    assert!(refused(&format!("a: {}\n", "x".repeat(1_000_001))).contains("at most 1000000"));
    assert!(refused(&"#\n".repeat(5_000_001)).contains("at most 10000000"));
    assert!(refused(&format!("[{}]", "a,".repeat(300_000))).contains("250000 nodes"));
}

#[test]
fn json_reads_as_yaml() {
    let text = "{\n\t\"openapi\": \"3.0.3\",\n\t\"paths\": {\"/a\": {\"get\": {\"x\": 1e3}}}\n}\n";
    assert_eq!(
        read(text).to_json(),
        serde_json::from_str::<serde_json::Value>(text).unwrap()
    );
}

#[test]
fn an_unknown_key_is_named_with_its_neighbour() {
    let node = read("prots: 1\nx-mine: 2\nimage: 3\n");
    let problems = node.unknown_keys("a service", &["image", "ports"]);
    assert_eq!(
        Problems(problems).to_string(),
        "f.yaml:1:1: a service has no key `prots` (did you mean `ports`?)"
    );
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = parse(Path::new("f"), &bytes);
    }

    #[test]
    fn no_text_of_yaml_signs_makes_the_parser_panic(text in "[a-c0-9:\\-\\[\\]{},&*!<|>'\"#?%@ \\n\\t~.]{0,80}") {
        let _ = parse(Path::new("f"), text.as_bytes());
    }

    #[test]
    fn what_serde_json_writes_is_read_back(value in json()) {
        let node = parse(Path::new("f"), value.to_string().as_bytes());
        proptest::prop_assert_eq!(node.unwrap().to_json(), value);
    }
}

fn json() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[ -~\\n]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..6)
                .prop_map(|m| m.into_iter().collect::<serde_json::Value>()),
        ]
    })
}
