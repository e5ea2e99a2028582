//! Files that are enormous, or come to something enormous: each ends in an answer or an error, in
//! bounded time and memory, never in a panic or a signal.

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

use support::an_engine_answers;
use support::harmful::{Harmful, each, service};

#[test]
fn a_file_above_ten_megabytes_is_refused_and_one_large_text_too() {
    let large = "x".repeat(9_000_000);
    Harmful::of(service(&format!("    command: {large}\n"))).refused("9000000 bytes");
    Harmful::of(service(&format!(
        "    labels:\n      ? {large}\n      : a\n"
    )))
    .refused("9000000 bytes");
    Harmful::of(service(&format!("    # {large}\n"))).read();
    let above = service(&format!("    # {}\n", "x".repeat(10_000_000)));
    Harmful::of(&above).refused("larger than 10000000 bytes");
    for field in ["env_file: e", "label_file: e"] {
        Harmful::of(service(&format!("    {field}\n")))
            .with("e", format!("A={above}"))
            .refused("larger than 10000000 bytes");
        let most = Harmful::of(service(&format!("    {field}\n")));
        most.with("e", format!("A={}", "x".repeat(9_999_990)))
            .config();
    }
    Harmful::of("include: [b.yaml]\n")
        .with("b.yaml", &above)
        .refused("larger than 10000000 bytes");
    Harmful::of(service(""))
        .with(".env", &above)
        .refused("larger than 10000000 bytes");
}

#[test]
fn any_number_of_lines_in_quotes_far_left_of_their_key_are_read() {
    let head = "services: {a: {image: a}}\nx-a:\n";
    let key = format!("{}key", " ".repeat(5_000));
    for (quote, line) in [('"', "y\n"), ('\'', "\ny\n"), ('"', " y\\\n")] {
        let lines = line.repeat(300_000);
        Harmful::of(format!("{head}{key}: {quote}x\n{lines}z{quote}\n")).read();
    }
    let many = each(90, &format!("{key}#: \"\ny\n\"\n"));
    Harmful::of(format!("{head}{many}")).read();
    let asked = "?y,".repeat(3_000_000);
    Harmful::of(format!("{head} [{asked}]\n")).refused("more than 250000 nodes");
}

#[test]
fn a_file_of_ten_megabytes_of_settings_is_an_answer_or_an_error() {
    let many = each(600_000, "N#=#\n");
    Harmful::of(service("    env_file: e\n"))
        .with("e", &many)
        .refused("more than 20000 settings");
    Harmful::of(service("    env_file: [{path: e, format: raw}]\n"))
        .with("e", &many)
        .refused("more than 20000 settings");
    Harmful::of(service(""))
        .with(".env", &many)
        .refused("more than 20000 settings");
    for text in [
        "A='", "A=\"\\", "#", "A=${", "A=$", "\n", "export ", "A=\"$",
    ] {
        let repeated = text.repeat(9_000_000 / text.len());
        Harmful::of(service("    env_file: e\n"))
            .with("e", repeated)
            .config();
    }
    let fat = "x".repeat(900_000);
    let grown = format!("A={fat}\n{}", each(20_000 - 2, "B#=$A\n"));
    Harmful::of(service("    env_file: e\n"))
        .with("e", &grown)
        .config();
    Harmful::of(service("")).with(".env", &grown).config();
}

#[test]
fn many_services_that_read_one_large_file_of_settings_do_not_add_up() {
    let services = each(20_000, "  s#: {image: a, env_file: e}\n");
    Harmful::of(format!("services:\n{services}"))
        .with("e", each(19_000, &format!("NAME_#={}\n", "x".repeat(400))))
        .config();
    let services = each(2_000, "  s#: {image: a, env_file: e, label_file: e}\n");
    Harmful::of(format!("services:\n{services}"))
        .with("e", format!("# {}\nA=1\n", "x".repeat(9_000_000)))
        .config();
}

#[test]
fn a_hundred_thousand_keys_and_fifty_thousand_services_are_bounded() {
    Harmful::of(each(100_000, "x-#: v\n") + "services: {a: {image: a}}\n").config();
    Harmful::of(each(100_000, "k#: v\n")).config();
    Harmful::of(service(&format!(
        "    environment:\n{}",
        each(100_000, "      K#: v\n")
    )))
    .config();
    Harmful::of(service(&format!(
        "    environment:\n{}",
        each(100_000, "      - K#=v\n")
    )))
    .config();
    Harmful::of(service(&format!(
        "    labels:\n{}",
        each(100_000, "      - K#=$V#\n")
    )))
    .config();
    Harmful::of(service(&each(100_000, "    imag#: v\n"))).config();
    Harmful::of(format!("services:\n{}", each(50_000, "  s#: {image: a}\n"))).config();
    Harmful::of(format!("services:\n{}", each(50_000, "  s#: {}\n"))).config();
    Harmful::of(format!(
        "services:\n{}",
        each(50_000, "  s#: {image: a, depends_on: [t]}\n")
    ))
    .config();
    Harmful::of(format!(
        "services:\n{}",
        each(30_000, "  s#: {image: a, volumes: ['v#:/v']}\n")
    ))
    .config();
    Harmful::of(format!(
        "services:\n{}",
        each(30_000, "  s#: {image: a, networks: [n#]}\n")
    ))
    .config();
    let waits = each(2_000, "s#, ");
    let all = format!(
        "x: &all [{waits}]\nservices:\n{}",
        each(100, "  s#: {image: a, depends_on: *all}\n")
    );
    Harmful::of(all).config();
    Harmful::of(service(&format!(
        "    volumes:\n{}",
        each(80_000, "      - ./d#:/d#\n")
    )))
    .config();
}

#[test]
fn all_ports_many_times_are_bounded() {
    for ports in [
        "1-65535",
        "1-65535:1-65535",
        "127.0.0.1:1-65535:1-65535/udp",
        "1-65535:1",
    ] {
        let list = each(50, &format!("      - '{ports}'\n"));
        Harmful::of(service(&format!("    ports:\n{list}"))).config();
        let services = each(200, &format!("  s#: {{image: a, ports: ['{ports}']}}\n"));
        Harmful::of(format!("services:\n{services}")).config();
    }
    Harmful::of(service(&format!(
        "    expose:\n{}",
        each(50, "      - 1-65535\n")
    )))
    .config();
    Harmful::of(service("    ports: ['1-99999999999999999999']\n")).config();
    Harmful::of(service("    ports: ['65535-1']\n")).config();
    let ranges = each(20_000, "      - '1#-2#:80'\n");
    Harmful::of(service(&format!("    ports:\n{ranges}"))).config();
}

#[test]
fn files_that_include_extend_and_cover_each_other_are_bounded() {
    let mut wide = Harmful::of(format!(
        "include:\n{}services: {{a: {{image: a}}}}\n",
        each(50, "  - i#.yaml\n")
    ));
    for i in 0..50 {
        let inner: String = (0..50).map(|k| format!("  - j{k}.yaml\n")).collect();
        wide = wide
            .with(
                &format!("i{i}.yaml"),
                format!("include:\n{inner}services: {{i{i}: {{image: a}}}}\n"),
            )
            .with(
                &format!("j{i}.yaml"),
                format!("services: {{j{i}: {{image: a}}}}\n"),
            );
    }
    assert_eq!(wide.read()["services"].as_object().unwrap().len(), 101);
    // Each of fifty files includes the next one nine times.
    let mut tower = Harmful::of("include: [l0.yaml]\n");
    for level in 0..40 {
        let next = format!("  - l{}.yaml\n", level + 1).repeat(9);
        tower = tower.with(&format!("l{level}.yaml"), format!("include:\n{next}"));
    }
    let tower = tower.with("l40.yaml", "services: {a: {image: a}}\n");
    assert_eq!(tower.config().code, 4);
    let large = each(40_000, "x-#: v\n");
    Harmful::of(format!(
        "services:\n{}",
        each(20_000, "  s#: {extends: {file: b.yaml, service: a}}\n")
    ))
    .with("b.yaml", format!("services: {{a: {{image: a}}}}\n{large}"))
    .config();
    let included = format!("include:\n{}", "  - {path: b.yaml}\n".repeat(2_000));
    Harmful::of(included)
        .with("b.yaml", "services: {a: {image: a}}\n")
        .with(
            ".env",
            each(19_000, &format!("NAME_#={}\n", "x".repeat(400))),
        )
        .config();
}

#[test]
fn a_chain_of_extends_is_followed_however_long_and_a_circle_is_told_once() {
    const LAST: usize = 20_000;
    let chain = |service: &dyn Fn(usize) -> String| -> String {
        (1..=LAST)
            .map(|i| format!("  s{i}: {{extends: {}}}\n", service(i)))
            .collect()
    };
    let first = "services:\n  s0: {image: a}\n";
    let down = Harmful::of(format!("{first}{}", chain(&|i| format!("s{}", i - 1)))).read();
    let up = chain(&|i| format!("s{}", (i + 1) % (LAST + 1)));
    let up = Harmful::of(format!("{first}{up}")).read();
    for all in [&down, &up] {
        let services = all["services"].as_object().unwrap();
        assert_eq!(services.len(), LAST + 1);
        assert!(services.values().all(|it| it["image"] == "a"));
    }
    let circle = chain(&|i| format!("s{}", i % LAST + 1));
    let circle = Harmful::of(format!("{first}{circle}")).config();
    assert_eq!(circle.code, 4);
    let told: Vec<&str> = circle
        .stdout
        .split("services extend each other in")
        .collect();
    assert!(matches!(*told, [_, it] if it.starts_with(" a circle: s1 -> s2 -> ")));
    // Two files that extend each other in turn.
    let of = |other: &str, odd: usize| {
        let own = (0..LAST).filter(|i| i % 2 == odd);
        let own = own.map(|i| {
            format!(
                "  s{i}: {{extends: {{file: {other}, service: s{}}}}}\n",
                i + 1
            )
        });
        let last = if odd == 0 {
            format!("  s{LAST}: {{build: .}}\n")
        } else {
            String::new()
        };
        format!("services:\n{}{last}", own.collect::<String>())
    };
    let turn = Harmful::of("services: {a: {extends: {file: sub/a.yaml, service: s0}}}\n");
    let turn = turn.with("sub/a.yaml", of("b/b.yaml", 0));
    let turn = turn.with("sub/b/b.yaml", of("../a.yaml", 1)).read();
    let context = turn["services"]["a"]["build"]["context"].as_str().unwrap();
    assert!(context.ends_with("/sub"), "{context}");
    // What names nothing costs no search for each.
    let nowhere = each(20_000, "  s#: {extends: t#}\n");
    Harmful::of(format!("services:\n{nowhere}")).refused("does not have");
}

#[test]
fn many_files_over_each_other_are_bounded() {
    let mut project = Harmful::of(service(""));
    let names: Vec<String> = (0..200).map(|i| format!("f{i}.yaml")).collect();
    for name in &names {
        let more = each(200, "      - '#:#'\n").replace("'0:0'", "'1:1'");
        let set = each(200, "      K#: v\n");
        project = project.with(
            name,
            service(&format!("    environment:\n{set}    ports:\n{more}")),
        );
    }
    let mut files = vec!["compose.yaml"];
    files.extend(names.iter().map(String::as_str));
    project.config_of(&files);
    let reset = each(50_000, "      K#: !reset null\n");
    let set = each(50_000, "      K#: v\n");
    Harmful::of(service(&format!("    environment:\n{set}")))
        .with("o.yaml", service(&format!("    environment:\n{reset}")))
        .config_of(&["compose.yaml", "o.yaml"]);
}

#[test]
fn a_thousand_documents_of_one_file_are_laid_over_each_other_and_more_are_refused() {
    let document = "services: {s#: {image: a}, a: {image: a, environment: {K#: v}}}\n";
    let read = Harmful::of(each(1_000, &format!("---\n{document}"))).read();
    assert_eq!(read["services"].as_object().unwrap().len(), 1_001);
    let grown = read["services"]["a"]["environment"].as_object().unwrap();
    assert_eq!(grown.len(), 1_000);
    let wrong = each(1_000, "---\nservices: {s#: {imag: a}}\n");
    Harmful::of(wrong).refused("has no key `imag`");
    let more = "--- {}\n".repeat(200_000);
    Harmful::of(more).refused("the file has more than 1000 documents");
    // What is laid over is gone over each time.
    let long = |i: usize| each(1_000, &format!("      - C{i}_#\n"));
    let long = (0..240).map(|i| {
        format!(
            "---\nservices:\n  a:\n    image: a\n    cap_add:\n{}",
            long(i)
        )
    });
    Harmful::of(long.collect::<String>()).refused("so many large files are laid over each other");
}

/// Twenty thousand services of which each waits for the next.
fn a_chain_of_services(fields: &str) -> String {
    const LAST: usize = 20_000 - 1;
    let waiting = (0..LAST).map(|i| format!("  s{i}: {{{fields}, depends_on: [s{}]}}\n", i + 1));
    let waiting: String = waiting.collect();
    format!("services:\n{waiting}  s{LAST}: {{{fields}}}\n")
}

#[test]
fn what_config_tells_of_a_chain_of_twenty_thousand_services_is_bounded() {
    let chain = Harmful::of(a_chain_of_services("image: x"));
    for words in [
        &["config", "--quiet"][..],
        &["config"],
        &["config", "--no-interpolate"],
        &["config", "--images"],
        &["config", "--hash", "*"],
        &["config", "--edges"],
        &["config", "--graph", "dot"],
        &["config", "--graph", "mermaid"],
        &["--format", "json", "config", "--edges"],
    ] {
        let answer = chain.command(&["compose.yaml"], words);
        assert_eq!(answer.code, 0, "{words:?}: {}", answer.stderr);
        let is_quiet = words.contains(&"--quiet");
        assert_eq!(answer.stdout.is_empty(), is_quiet, "{words:?}");
    }
}

#[test]
fn two_hundred_thousand_calls_are_counted_in_bounds() {
    let ports = |text: &str| -> String {
        let all = (0..200_000).map(|i| text.replace('#', &(1 + i % 65_535).to_string()));
        all.collect()
    };
    let calls = |callee: &str, calls: &str| {
        Harmful::of(format!(
            "services:\n  a: {{image: a, x-msvc: {{calls: [{calls}]}}}}\n  b: {{image: b{callee}}}\n"
        ))
    };
    let words = ["config", "--edges"];
    calls("", &ports("'b:#',"))
        .command(&["compose.yaml"], &words)
        .says("more than 50000 edges");
    let all = ", expose: [1-65535, 1-65535/udp]";
    calls(all, &ports("'b:#',"))
        .command(&["compose.yaml"], &words)
        .says("more than 50000 edges");
}

#[test]
fn thousands_of_names_that_are_all_but_right_are_told_in_bounds() {
    let text = each(
        8_000,
        "  service-#: {image: a, depends_on: [servce-#], networks: [netwrk-#]}\n",
    );
    let networks = each(8_000, "  network-#: {}\n");
    let short = Harmful::of(format!("services:\n{text}networks:\n{networks}")).config();
    short.says("did you mean `network-99`?");
    let name = "abcdefghij".repeat(5);
    let text = each(
        8_000,
        &format!("  {name}-#: {{image: a, networks: [a{name}-#]}}\n"),
    );
    let networks = each(8_000, &format!("  b{name}-#: {{}}\n"));
    let long = Harmful::of(format!("services:\n{text}networks:\n{networks}")).config();
    long.says(&format!("did you mean `b{name}-1`?"));
}

#[test]
fn what_runs_is_looked_for_in_bounds_whatever_the_number_of_services() {
    let chain = Harmful::of(a_chain_of_services("image: x"));
    for words in [&["ps"][..], &["down"], &["logs"]] {
        let answer = chain.command(&["compose.yaml"], words);
        assert_eq!(answer.code, 0, "{words:?}: {}", answer.stderr);
    }
}

#[test]
fn twenty_thousand_services_are_planned_in_bounds() {
    let up = |runtime: &str, fields: &str| {
        let words = ["--runtime", runtime, "up", "--dry-run"];
        Harmful::of(a_chain_of_services(fields)).command(&["compose.yaml"], &words)
    };
    up("process", "image: x").says("cannot run as a host process");
    if an_engine_answers() {
        let planned = up("docker", "image: x");
        assert_eq!(planned.code, 0, "{}", planned.stderr);
        let starts = planned.stdout.matches("  start ").count();
        assert_eq!(starts, 20_000);
    }
}
