//! Files that mean harm: each ends in an answer or an error, in bounded time
//! and memory, never in a panic or a signal.

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

use std::fmt::Write as _;
use std::os::unix::fs::symlink;

use support::harmful::{Harmful, each, service};

#[test]
fn nine_levels_of_nine_aliases_are_refused_before_they_are_expanded() {
    for (open, close, first) in [("[", "]", "lol"), ("{", "}", "k0: v")] {
        let mut text = format!("x-0: &a0 {open}{first}{close}\n");
        for level in 1..=9 {
            let item = |i| match open {
                "[" => format!("*a{}", level - 1),
                _ => format!("k{i}: *a{}", level - 1),
            };
            let items: Vec<String> = (0..9).map(item).collect();
            writeln!(
                text,
                "x-{level}: &a{level} {open}{}{close}",
                items.join(", ")
            )
            .unwrap();
        }
        Harmful::of(text + "services: {a: {image: a}}\n").refused("aliases expanded");
    }
    let merged = each(30, "x-#: &m#\n  <<: [*m, *m, *m, *m]\n");
    Harmful::of(format!(
        "x: &m {{a: 1}}\n{merged}services: {{a: {{image: a}}}}\n"
    ))
    .config();
    Harmful::of("x: &a [*a]\nservices: {a: {image: a}}\n").refused("stands inside");
}

#[test]
fn ten_thousand_levels_are_refused() {
    for text in [
        "[".repeat(10_000) + &"]".repeat(10_000),
        "[".repeat(10_000),
        "{a: ".repeat(10_000) + &"}".repeat(10_000),
        "- ".repeat(10_000) + "a",
        "? ".repeat(10_000) + "a",
        "[".repeat(5_000_000),
        "!!seq ".repeat(10_000) + "[]",
        "&a ".repeat(10_000) + "[]",
    ] {
        let answer = Harmful::of(format!("x-deep: {text}\n")).config();
        assert_eq!(answer.code, 4);
        let project = Harmful::of(format!(
            "services: {{a: {{image: a}}}}\nx-deep:\n  {text}\n"
        ));
        assert_eq!(project.config().code, 4);
    }
}

#[test]
fn circles_of_files_and_services_are_named() {
    Harmful::of("include: [compose.yaml]\nservices: {a: {image: a}}\n").refused("in a circle");
    Harmful::of("include: [b.yaml]\n")
        .with("b.yaml", "include: [c.yaml]\n")
        .with("c.yaml", "include: [./x/../b.yaml]\n")
        .refused("in a circle");
    Harmful::of("include: [d/one.yaml]\n")
        .with(
            "d/one.yaml",
            "include: [{path: [two.yaml, compose.yaml]}]\n",
        )
        .with("d/two.yaml", "services: {b: {image: b}}\n")
        .with("d/compose.yaml", "include: [one.yaml]\n")
        .refused("in a circle");
    let turned = Harmful::of("include: [d/compose.yaml]\nservices: {a: {image: a}}\n");
    symlink(".", turned.path().join("d")).unwrap();
    // The kernel follows forty of them.
    assert_eq!(turned.config().code, 4);
    Harmful::of("services: {a: {extends: a}}\n").refused("in a circle");
    Harmful::of("services: {a: {extends: {file: b.yaml, service: b}}}\n")
        .with(
            "b.yaml",
            "services: {b: {extends: {file: c/c.yaml, service: c}}}\n",
        )
        .with(
            "c/c.yaml",
            "services: {c: {extends: {file: ../b.yaml, service: b}}}\n",
        )
        .refused("in a circle");
    let turned = Harmful::of("services: {a: {extends: {file: d/compose.yaml, service: a}}}\n");
    symlink(".", turned.path().join("d")).unwrap();
    assert_eq!(turned.config().code, 4);
    let ring = each(2_000, "  s#: {image: a, depends_on: [s#n]}\n");
    let ring = (0..2_000).fold(ring, |ring, i| {
        ring.replacen(&format!("s{i}n"), &format!("s{}", (i + 1) % 2_000), 1)
    });
    Harmful::of(format!("services:\n{ring}")).refused("in a circle");
}

#[test]
fn a_path_that_leaves_through_a_symlink_is_read_where_it_leads_or_is_an_error() {
    let outside = Harmful::of("services: {o: {image: o}}\n").with("e.env", "FROM=outside\n");
    let project = Harmful::of(
        "include: [way/compose.yaml]\nservices: {a: {image: a, env_file: way/e.env, extends: {file: way/compose.yaml, service: o}}}\n",
    );
    symlink(outside.path(), project.path().join("way")).unwrap();
    assert_eq!(
        project.read()["services"]["a"]["environment"]["FROM"],
        "outside"
    );
    let lost = Harmful::of("include: [way/compose.yaml]\n");
    symlink("/nowhere/at/all", lost.path().join("way")).unwrap();
    lost.refused("cannot be read");
    let turning = Harmful::of("include: [way]\n");
    symlink("way", turning.path().join("way")).unwrap();
    turning.refused("cannot be read");
}

#[test]
fn what_is_no_regular_file_is_neither_waited_for_nor_read() {
    let inputs = [
        ("services: {a: {image: a, env_file: it}}\n", "compose.yaml"),
        (
            "services: {a: {image: a, env_file: [{path: it, required: false}]}}\n",
            "compose.yaml",
        ),
        (
            "services: {a: {image: a, label_file: it}}\n",
            "compose.yaml",
        ),
        (
            "services: {a: {extends: {file: it, service: a}}}\n",
            "compose.yaml",
        ),
        ("include: [it]\n", "compose.yaml"),
        ("include: [{path: b.yaml, env_file: it}]\n", "compose.yaml"),
        ("services: {a: {image: a}}\n", "it"),
    ];
    for (text, file) in inputs {
        for kind in [
            "fifo",
            "/dev/zero",
            "/dev/stdin",
            "/proc/self/fd/0",
            "/dev",
            "/proc/kmsg",
        ] {
            let project = Harmful::of(text).with("b.yaml", "services: {}\n");
            let it = project.path().join("it");
            match kind {
                "fifo" => nix::unistd::mkfifo(&it, nix::sys::stat::Mode::S_IRWXU).unwrap(),
                device => symlink(device, it).unwrap(),
            }
            let answer = project.config_of(&[file]);
            assert_eq!(answer.code, 4, "{text} {kind}");
            answer.says("cannot be read");
        }
    }
    for dotenv in [".env", "compose.msvc.yaml"] {
        let project = Harmful::of("services: {a: {image: a}}\n");
        symlink("/dev/zero", project.path().join(dotenv)).unwrap();
        assert_eq!(project.config().code, 4);
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_and_marks_and_line_ends_are_not() {
    Harmful::of(b"services:\n  a:\n    image: \xff\xfe\n").refused("compose.yaml:3:12");
    Harmful::of(service("    env_file: e\n"))
        .with("e", b"A=\xc3\x28\n")
        .refused("not UTF-8");
    assert_eq!(Harmful::of(b"\xff\xfes\0e\0r\0v\0").config().code, 4);
    assert_eq!(Harmful::of([0; 4_096]).config().code, 4);
    assert_eq!(
        Harmful::of(service("    command: \"\0\"\n")).config().code,
        4
    );
    let read = Harmful::of("\u{feff}services:\r\n  a:\r\n    image: a\r\n    env_file: e\r\n")
        .with("e", "\u{feff}A=1\r\nB=2\r\n")
        .read();
    assert_eq!(read["services"]["a"]["environment"]["B"], "2");
    Harmful::of("services:\n\ta:\n\t\timage: a\n").refused("compose.yaml:2:");
    let only = Harmful::of("\u{feff}").config();
    assert_eq!(only.code, 4);
}

#[test]
fn variables_in_variables_are_bounded() {
    for form in [":-", "-", ":+", "+", ":?", "?"] {
        for depth in [40, 60, 10_000, 100_000] {
            let text = format!("${{X{form}").repeat(depth) + "e" + &"}".repeat(depth);
            let deep = Harmful::of(service(&format!("    command: '{text}'\n")));
            deep.config();
            deep.command(&["compose.yaml"], &["config", "--variables"]);
            deep.command(&["compose.yaml"], &["config", "--no-interpolate"]);
            let open = format!("${{X{form}").repeat(depth);
            Harmful::of(service(&format!("    command: '{open}'\n"))).config();
        }
        let wide = format!("${{X{form}${{Y{form}$Z}}}}").repeat(60_000);
        Harmful::of(service(&format!("    command: '{wide}'\n"))).config();
    }
    let braces = "${a:-{".repeat(150_000) + "}";
    Harmful::of(service(&format!("    command: '{braces}'\n"))).config();
    Harmful::of(service(&format!(
        "    command: '{}'\n",
        "$".repeat(999_999)
    )))
    .config();
    Harmful::of(service(&format!(
        "    command: '{}'\n",
        "$X ".repeat(300_000)
    )))
    .config();
    // What stands after a sign is worked out whether it is needed or not.
    let fat = format!("A={}\n", "x".repeat(900_000));
    for form in ["${A:-$A}", "${A-$A}", "${B:+$A}", "${A:-${A:-$A}}"] {
        let text = form.repeat(900_000 / form.len());
        Harmful::of(service(&format!("    command: '{text}'\n")))
            .with(".env", &fat)
            .config();
    }
    let many = each(20_000, "      K#: $A\n");
    Harmful::of(service(&format!("    environment:\n{many}")))
        .with(".env", &fat)
        .config();
}
