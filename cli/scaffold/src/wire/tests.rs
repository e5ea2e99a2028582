//! Edits of Compose files as people write them, each shown whole.

use super::*;

const FRAGMENT: &str = "\
services:
  stock:
    build: ./stock
    environment:
      A: b

volumes:
  stock-data:
";

fn wired(before: &str) -> Result<String, WireError> {
    let additions = additions(FRAGMENT)?;
    let after = wire(before.as_bytes(), &additions, &|_| Ok(()))?;
    Ok(String::from_utf8(after).unwrap())
}

#[track_caller]
fn becomes(before: &str, after: &str) {
    match wired(before) {
        Ok(now) => assert_eq!(now, after, "\n--- is\n{now}\n--- should be\n{after}"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_fragment_is_taken_apart_by_its_keys() {
    let found = additions(FRAGMENT).unwrap();
    assert_eq!(found.len(), 2);
    let lines = ["stock:", "  build: ./stock", "  environment:", "    A: b"];
    assert_eq!(found[0].lines, lines);
    assert_eq!(
        (found[1].section.as_str(), found[1].key.as_str()),
        ("volumes", "stock-data")
    );
}

#[test]
fn comments_order_and_blank_lines_stay() {
    becomes(
        "# The shop.\nname: shop\n\nservices:\n  # First.\n  a:\n    image: x # why\n\n  b:\n    image: y\n    # last words of b\n\n# What is kept.\nvolumes:\n  b-data:\n# the end\n",
        "# The shop.\nname: shop\n\nservices:\n  # First.\n  a:\n    image: x # why\n\n  b:\n    image: y\n    # last words of b\n\n  stock:\n    build: ./stock\n    environment:\n      A: b\n\n# What is kept.\nvolumes:\n  b-data:\n  stock-data:\n# the end\n",
    );
}

#[test]
fn services_without_blank_lines_between_them_get_none() {
    becomes(
        "services:\n  a:\n    image: x\n  b:\n    image: y\nvolumes: {}\n",
        "services:\n  a:\n    image: x\n  b:\n    image: y\n  stock:\n    build: ./stock\n    environment:\n      A: b\nvolumes: {\"stock-data\": null}\n",
    );
}

#[test]
fn the_indentation_of_the_file_is_followed() {
    becomes(
        "services:\n    a:\n        image: x\n",
        "services:\n    a:\n        image: x\n\n    stock:\n        build: ./stock\n        environment:\n            A: b\n\nvolumes:\n    stock-data:\n",
    );
}

#[test]
fn a_file_without_the_section_gets_it_at_the_end() {
    becomes(
        "name: x\nx-a: 1",
        "name: x\nx-a: 1\n\nservices:\n  stock:\n    build: ./stock\n    environment:\n      A: b\n\nvolumes:\n  stock-data:\n",
    );
    becomes(
        "name: x\nservices: # none yet\nvolumes:\n",
        "name: x\nservices: # none yet\n  stock:\n    build: ./stock\n    environment:\n      A: b\nvolumes:\n  stock-data:\n",
    );
}

#[test]
fn line_ends_marks_and_a_missing_last_end_are_taken_as_they_are() {
    becomes(
        "\u{feff}services:\r\n  a:\r\n    image: x\r\nvolumes:\r\n  v:",
        "\u{feff}services:\r\n  a:\r\n    image: x\r\n\r\n  stock:\r\n    build: ./stock\r\n    environment:\r\n      A: b\r\nvolumes:\r\n  v:\r\n  stock-data:\r\n",
    );
    // Where some lines end in one way and some in the other, each keeps its own.
    assert_eq!(
        wired("services:\r\n  a:\n    image: x\r\nvolumes:\r\n  v:\n").unwrap(),
        "services:\r\n  a:\n    image: x\r\n\r\n  stock:\r\n    build: ./stock\r\n    environment:\r\n      A: b\r\nvolumes:\r\n  v:\n  stock-data:\n",
    );
    let two = wired("services:\n  a:\n    image: x\n---\nname: b\n").unwrap_err();
    assert_eq!(
        two.to_string(),
        "it cannot be read: line 4: a second document begins here"
    );
}

#[test]
fn a_document_with_its_marks_stays_one_document() {
    becomes(
        "%YAML 1.2\n---\nservices:\n  a: {image: x}\n...\n# after\n",
        "%YAML 1.2\n---\nservices:\n  a: {image: x}\n\n  stock:\n    build: ./stock\n    environment:\n      A: b\n\nvolumes:\n  stock-data:\n...\n# after\n",
    );
}

#[test]
fn flow_style_is_added_to_in_flow_style() {
    becomes(
        "services: {a: {image: 'x}'}} # all\nvolumes: { v: }\n",
        "services: {a: {image: 'x}'}, \"stock\": {\"build\": \"./stock\", \"environment\": {\"A\": \"b\"}}} # all\nvolumes: { v: , \"stock-data\": null }\n",
    );
    becomes(
        "{\n  \"services\": {\n    \"a\": {\"image\": \"x\"}\n  }\n}\n",
        "{\n  \"services\": {\n    \"a\": {\"image\": \"x\"},\n    \"stock\": {\n      \"build\": \"./stock\",\n      \"environment\": {\n        \"A\": \"b\"\n      }\n    }\n  },\n  \"volumes\": {\n    \"stock-data\": null\n  }\n}\n",
    );
    becomes(
        "services: {\n  a: {image: it's}, # the \"first\" {\n}\nvolumes: {}\n",
        "services: {\n  a: {image: it's}, # the \"first\" {\n  \"stock\": {\n    \"build\": \"./stock\",\n    \"environment\": {\n      \"A\": \"b\"\n    }\n  },\n}\nvolumes: {\"stock-data\": null}\n",
    );
}

#[test]
fn anchors_and_merges_stay_what_they_were() {
    becomes(
        "x-base: &base\n  restart: always\nservices: &all\n  a:\n    <<: *base\n    image: x\nvolumes:\n  v: &v\n  w: *v\n",
        "x-base: &base\n  restart: always\nservices: &all\n  a:\n    <<: *base\n    image: x\n\n  stock:\n    build: ./stock\n    environment:\n      A: b\nvolumes:\n  v: &v\n  w: *v\n  stock-data:\n",
    );
}

#[test]
fn a_text_that_ends_in_blank_lines_keeps_them() {
    let before = "services:\n  a:\n    image: x\n    labels:\n      l: |+\n        text\n\n\nvolumes:\n  v:\n";
    let after = wired(before).unwrap();
    assert!(after.contains("        text\n\n\n  stock:\n"), "{after}");
}

#[test]
fn what_would_change_something_else_is_refused() {
    for before in [
        // The section is another one's too.
        "x-all: &all\n  a: {image: x}\nservices: *all\n",
        "services: &all\n  a: {image: x}\nx-copy: *all\n",
        "services: ~\n",
        "services: [a]\n",
        "services: text\n",
        "services:\n  stock: {image: x}\n",
        "services:\n  a: {image: x}\nvolumes:\n  stock-data: {}\n",
        "",
        "[]\n",
        "a: 1\n---\nb: 2\n",
    ] {
        assert!(wired(before).is_err(), "{before}\n{:?}", wired(before));
    }
}

#[test]
fn whoever_accepts_has_the_last_word() {
    let additions = additions(FRAGMENT).unwrap();
    let refused = wire(b"services:\n  a: {image: x}\n", &additions, &|_| {
        Err("no".to_owned())
    });
    assert_eq!(refused, Err(WireError::NotTheSame("no".to_owned())));
}
