//! Files that mean harm, or are merely enormous: each ends in an answer or an error, in bounded time
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
use std::path::Path;
use std::process::Command;

/// Most resident memory that `msvc` may ever have had, in KiB.
const MOST_MEMORY: u64 = 400_000;

/// Runs a program with 20 s of processor time and writes how it ended and the most memory it had,
/// as the kernel tells who waits for it.
const CAPPED: &str = r#"
import os, resource, sys
child = os.fork()
if child == 0:
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
with open(sys.argv[1], "w") as told:
    told.write(f"{os.waitstatus_to_exitcode(status)} {usage.ru_maxrss} {usage.ru_utime + usage.ru_stime:.2f}")
"#;

/// A folder of files.
struct Project(tempfile::TempDir);

/// How `msvc config` ended.
struct Answer {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Project {
    fn of(text: impl AsRef<[u8]>) -> Self {
        Self(tempfile::tempdir().unwrap()).with("compose.yaml", text)
    }

    fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// `msvc config` of these files, which must end by itself, within bounds and with 0 or 4.
    #[track_caller]
    fn config_of(&self, files: &[&str]) -> Answer {
        self.command(files, &["--format", "json", "config"])
    }

    #[track_caller]
    fn command(&self, files: &[&str], words: &[&str]) -> Answer {
        let told = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new("python3");
        command.args(["-c", CAPPED]).arg(told.path());
        command.arg(env!("CARGO_BIN_EXE_msvc"));
        for file in files {
            command.arg("-f").arg(self.path().join(file));
        }
        command.args(words);
        let done = command
            .current_dir(self.path())
            .env("NO_COLOR", "1")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&done.stdout), text(&done.stderr));
        let told = std::fs::read_to_string(told.path()).unwrap();
        let numbers: Vec<&str> = told.split(' ').collect();
        let [code, peak, seconds] = numbers[..] else {
            panic!("`{told}`: {stderr}");
        };
        eprintln!(
            "code {code}, {peak} KiB, {seconds} s {}",
            std::panic::Location::caller()
        );
        let (code, peak): (i32, u64) = (code.parse().unwrap(), peak.parse().unwrap());
        let last = stderr.get(..2_000).unwrap_or(&stderr);
        assert!(matches!(code, 0 | 4), "{code} after {seconds} s: {last}");
        assert!(!stderr.contains("panicked"), "{last}");
        assert!(peak <= MOST_MEMORY, "{peak} KiB: {last}");
        Answer {
            code,
            stdout,
            stderr,
        }
    }

    #[track_caller]
    fn config(&self) -> Answer {
        self.config_of(&["compose.yaml"])
    }

    /// The same, which must be refused with these words.
    #[track_caller]
    fn refused(&self, words: &str) {
        let answer = self.config();
        assert_eq!(answer.code, 4, "{words}");
        answer.says(words);
    }

    /// The same, which must be read.
    #[track_caller]
    fn read(&self) -> serde_json::Value {
        let answer = self.config();
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        serde_json::from_str(&answer.stdout).unwrap()
    }
}

impl Answer {
    #[track_caller]
    fn says(&self, words: &str) {
        let said = self.stderr.get(..3_000).unwrap_or(&self.stderr);
        assert!(self.stderr.contains(words), "no `{words}` in {said}");
    }
}

/// `text` so many times, each with its number for `#`.
fn each(count: usize, text: &str) -> String {
    let mut all = String::new();
    for number in 0..count {
        write!(all, "{}", text.replace('#', &number.to_string())).unwrap();
    }
    all
}

fn service(fields: &str) -> String {
    format!("services:\n  a:\n    image: a\n{fields}")
}

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
        Project::of(text + "services: {a: {image: a}}\n").refused("aliases expanded");
    }
    let merged = each(30, "x-#: &m#\n  <<: [*m, *m, *m, *m]\n");
    Project::of(format!(
        "x: &m {{a: 1}}\n{merged}services: {{a: {{image: a}}}}\n"
    ))
    .config();
    Project::of("x: &a [*a]\nservices: {a: {image: a}}\n").refused("stands inside");
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
        let answer = Project::of(format!("x-deep: {text}\n")).config();
        assert_eq!(answer.code, 4);
        let project = Project::of(format!(
            "services: {{a: {{image: a}}}}\nx-deep:\n  {text}\n"
        ));
        assert_eq!(project.config().code, 4);
    }
}

#[test]
fn circles_of_files_and_services_are_named() {
    Project::of("include: [compose.yaml]\nservices: {a: {image: a}}\n").refused("in a circle");
    Project::of("include: [b.yaml]\n")
        .with("b.yaml", "include: [c.yaml]\n")
        .with("c.yaml", "include: [./x/../b.yaml]\n")
        .refused("in a circle");
    Project::of("include: [d/one.yaml]\n")
        .with(
            "d/one.yaml",
            "include: [{path: [two.yaml, compose.yaml]}]\n",
        )
        .with("d/two.yaml", "services: {b: {image: b}}\n")
        .with("d/compose.yaml", "include: [one.yaml]\n")
        .refused("in a circle");
    let turned = Project::of("include: [d/compose.yaml]\nservices: {a: {image: a}}\n");
    symlink(".", turned.path().join("d")).unwrap();
    // The kernel follows forty of them.
    assert_eq!(turned.config().code, 4);
    Project::of("services: {a: {extends: a}}\n").refused("in a circle");
    Project::of("services: {a: {extends: {file: b.yaml, service: b}}}\n")
        .with(
            "b.yaml",
            "services: {b: {extends: {file: c/c.yaml, service: c}}}\n",
        )
        .with(
            "c/c.yaml",
            "services: {c: {extends: {file: ../b.yaml, service: b}}}\n",
        )
        .refused("in a circle");
    let turned = Project::of("services: {a: {extends: {file: d/compose.yaml, service: a}}}\n");
    symlink(".", turned.path().join("d")).unwrap();
    assert_eq!(turned.config().code, 4);
    let ring = each(2_000, "  s#: {image: a, depends_on: [s#n]}\n");
    let ring = (0..2_000).fold(ring, |ring, i| {
        ring.replacen(&format!("s{i}n"), &format!("s{}", (i + 1) % 2_000), 1)
    });
    Project::of(format!("services:\n{ring}")).refused("in a circle");
}

#[test]
fn a_path_that_leaves_through_a_symlink_is_read_where_it_leads_or_is_an_error() {
    let outside = Project::of("services: {o: {image: o}}\n").with("e.env", "FROM=outside\n");
    let project = Project::of(
        "include: [way/compose.yaml]\nservices: {a: {image: a, env_file: way/e.env, extends: {file: way/compose.yaml, service: o}}}\n",
    );
    symlink(outside.path(), project.path().join("way")).unwrap();
    assert_eq!(
        project.read()["services"]["a"]["environment"]["FROM"],
        "outside"
    );
    let lost = Project::of("include: [way/compose.yaml]\n");
    symlink("/nowhere/at/all", lost.path().join("way")).unwrap();
    lost.refused("cannot be read");
    let turning = Project::of("include: [way]\n");
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
            let project = Project::of(text).with("b.yaml", "services: {}\n");
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
        let project = Project::of("services: {a: {image: a}}\n");
        symlink("/dev/zero", project.path().join(dotenv)).unwrap();
        assert_eq!(project.config().code, 4);
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_and_marks_and_line_ends_are_not() {
    Project::of(b"services:\n  a:\n    image: \xff\xfe\n").refused("compose.yaml:3:12");
    Project::of(service("    env_file: e\n"))
        .with("e", b"A=\xc3\x28\n")
        .refused("not UTF-8");
    assert_eq!(Project::of(b"\xff\xfes\0e\0r\0v\0").config().code, 4);
    assert_eq!(Project::of([0; 4_096]).config().code, 4);
    assert_eq!(
        Project::of(service("    command: \"\0\"\n")).config().code,
        4
    );
    let read = Project::of("\u{feff}services:\r\n  a:\r\n    image: a\r\n    env_file: e\r\n")
        .with("e", "\u{feff}A=1\r\nB=2\r\n")
        .read();
    assert_eq!(read["services"]["a"]["environment"]["B"], "2");
    Project::of("services:\n\ta:\n\t\timage: a\n").refused("compose.yaml:2:");
    let only = Project::of("\u{feff}").config();
    assert_eq!(only.code, 4);
}

#[test]
fn a_file_above_ten_megabytes_is_refused_and_one_large_text_too() {
    let large = "x".repeat(9_000_000);
    Project::of(service(&format!("    command: {large}\n"))).refused("9000000 bytes");
    Project::of(service(&format!(
        "    labels:\n      ? {large}\n      : a\n"
    )))
    .refused("9000000 bytes");
    Project::of(service(&format!("    # {large}\n"))).read();
    let above = service(&format!("    # {}\n", "x".repeat(10_000_000)));
    Project::of(&above).refused("larger than 10000000 bytes");
    for field in ["env_file: e", "label_file: e"] {
        Project::of(service(&format!("    {field}\n")))
            .with("e", format!("A={above}"))
            .refused("larger than 10000000 bytes");
        let most = Project::of(service(&format!("    {field}\n")));
        most.with("e", format!("A={}", "x".repeat(9_999_990)))
            .config();
    }
    Project::of("include: [b.yaml]\n")
        .with("b.yaml", &above)
        .refused("larger than 10000000 bytes");
    Project::of(service(""))
        .with(".env", &above)
        .refused("larger than 10000000 bytes");
}

#[test]
fn a_file_of_ten_megabytes_of_settings_is_an_answer_or_an_error() {
    let many = each(600_000, "N#=#\n");
    Project::of(service("    env_file: e\n"))
        .with("e", &many)
        .refused("more than 20000 settings");
    Project::of(service("    env_file: [{path: e, format: raw}]\n"))
        .with("e", &many)
        .refused("more than 20000 settings");
    Project::of(service(""))
        .with(".env", &many)
        .refused("more than 20000 settings");
    for text in [
        "A='", "A=\"\\", "#", "A=${", "A=$", "\n", "export ", "A=\"$",
    ] {
        let repeated = text.repeat(9_000_000 / text.len());
        Project::of(service("    env_file: e\n"))
            .with("e", repeated)
            .config();
    }
    let fat = "x".repeat(900_000);
    let grown = format!("A={fat}\n{}", each(20_000 - 2, "B#=$A\n"));
    Project::of(service("    env_file: e\n"))
        .with("e", &grown)
        .config();
    Project::of(service("")).with(".env", &grown).config();
}

#[test]
fn many_services_that_read_one_large_file_of_settings_do_not_add_up() {
    let services = each(20_000, "  s#: {image: a, env_file: e}\n");
    Project::of(format!("services:\n{services}"))
        .with("e", each(19_000, &format!("NAME_#={}\n", "x".repeat(400))))
        .config();
    let services = each(2_000, "  s#: {image: a, env_file: e, label_file: e}\n");
    Project::of(format!("services:\n{services}"))
        .with("e", format!("# {}\nA=1\n", "x".repeat(9_000_000)))
        .config();
}

#[test]
fn a_hundred_thousand_keys_and_fifty_thousand_services_are_bounded() {
    Project::of(each(100_000, "x-#: v\n") + "services: {a: {image: a}}\n").config();
    Project::of(each(100_000, "k#: v\n")).config();
    Project::of(service(&format!(
        "    environment:\n{}",
        each(100_000, "      K#: v\n")
    )))
    .config();
    Project::of(service(&format!(
        "    environment:\n{}",
        each(100_000, "      - K#=v\n")
    )))
    .config();
    Project::of(service(&format!(
        "    labels:\n{}",
        each(100_000, "      - K#=$V#\n")
    )))
    .config();
    Project::of(service(&each(100_000, "    imag#: v\n"))).config();
    Project::of(format!("services:\n{}", each(50_000, "  s#: {image: a}\n"))).config();
    Project::of(format!("services:\n{}", each(50_000, "  s#: {}\n"))).config();
    Project::of(format!(
        "services:\n{}",
        each(50_000, "  s#: {image: a, depends_on: [t]}\n")
    ))
    .config();
    Project::of(format!(
        "services:\n{}",
        each(30_000, "  s#: {image: a, volumes: ['v#:/v']}\n")
    ))
    .config();
    Project::of(format!(
        "services:\n{}",
        each(30_000, "  s#: {image: a, networks: [n#]}\n")
    ))
    .config();
    let waits = each(2_000, "s#, ");
    let all = format!(
        "x: &all [{waits}]\nservices:\n{}",
        each(100, "  s#: {image: a, depends_on: *all}\n")
    );
    Project::of(all).config();
    Project::of(service(&format!(
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
        Project::of(service(&format!("    ports:\n{list}"))).config();
        let services = each(200, &format!("  s#: {{image: a, ports: ['{ports}']}}\n"));
        Project::of(format!("services:\n{services}")).config();
    }
    Project::of(service(&format!(
        "    expose:\n{}",
        each(50, "      - 1-65535\n")
    )))
    .config();
    Project::of(service("    ports: ['1-99999999999999999999']\n")).config();
    Project::of(service("    ports: ['65535-1']\n")).config();
    let ranges = each(20_000, "      - '1#-2#:80'\n");
    Project::of(service(&format!("    ports:\n{ranges}"))).config();
}

#[test]
fn variables_in_variables_are_bounded() {
    for form in [":-", "-", ":+", "+", ":?", "?"] {
        for depth in [40, 60, 10_000, 100_000] {
            let text = format!("${{X{form}").repeat(depth) + "e" + &"}".repeat(depth);
            let deep = Project::of(service(&format!("    command: '{text}'\n")));
            deep.config();
            deep.command(&["compose.yaml"], &["config", "--variables"]);
            deep.command(&["compose.yaml"], &["config", "--no-interpolate"]);
            let open = format!("${{X{form}").repeat(depth);
            Project::of(service(&format!("    command: '{open}'\n"))).config();
        }
        let wide = format!("${{X{form}${{Y{form}$Z}}}}").repeat(60_000);
        Project::of(service(&format!("    command: '{wide}'\n"))).config();
    }
    let braces = "${a:-{".repeat(150_000) + "}";
    Project::of(service(&format!("    command: '{braces}'\n"))).config();
    Project::of(service(&format!(
        "    command: '{}'\n",
        "$".repeat(999_999)
    )))
    .config();
    Project::of(service(&format!(
        "    command: '{}'\n",
        "$X ".repeat(300_000)
    )))
    .config();
    // What stands after a sign is worked out whether it is needed or not.
    let fat = format!("A={}\n", "x".repeat(900_000));
    for form in ["${A:-$A}", "${A-$A}", "${B:+$A}", "${A:-${A:-$A}}"] {
        let text = form.repeat(900_000 / form.len());
        Project::of(service(&format!("    command: '{text}'\n")))
            .with(".env", &fat)
            .config();
    }
    let many = each(20_000, "      K#: $A\n");
    Project::of(service(&format!("    environment:\n{many}")))
        .with(".env", &fat)
        .config();
}

#[test]
fn files_that_include_extend_and_cover_each_other_are_bounded() {
    let mut wide = Project::of(format!(
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
    let mut tower = Project::of("include: [l0.yaml]\n");
    for level in 0..40 {
        let next = format!("  - l{}.yaml\n", level + 1).repeat(9);
        tower = tower.with(&format!("l{level}.yaml"), format!("include:\n{next}"));
    }
    let tower = tower.with("l40.yaml", "services: {a: {image: a}}\n");
    assert_eq!(tower.config().code, 4);
    let large = each(40_000, "x-#: v\n");
    Project::of(format!(
        "services:\n{}",
        each(20_000, "  s#: {extends: {file: b.yaml, service: a}}\n")
    ))
    .with("b.yaml", format!("services: {{a: {{image: a}}}}\n{large}"))
    .config();
    let included = format!("include:\n{}", "  - {path: b.yaml}\n".repeat(2_000));
    Project::of(included)
        .with("b.yaml", "services: {a: {image: a}}\n")
        .with(
            ".env",
            each(19_000, &format!("NAME_#={}\n", "x".repeat(400))),
        )
        .config();
}

#[test]
fn many_files_over_each_other_are_bounded() {
    let mut project = Project::of(service(""));
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
    Project::of(service(&format!("    environment:\n{set}")))
        .with("o.yaml", service(&format!("    environment:\n{reset}")))
        .config_of(&["compose.yaml", "o.yaml"]);
}
