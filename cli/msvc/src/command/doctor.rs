//! `msvc doctor`: what this machine can run, what is missing, and how to mend it. Needs no Compose
//! file, and changes nothing.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use msvc_machine::child::{self, ChildCommand, ChildEnd, ChildLine};
use msvc_machine::shutdown::Shutdown;
use msvc_report::case::{Case, Verdict};
use msvc_report::exit::Exit;
use msvc_report::human;
use msvc_report::report::Report;
use msvc_runtime::docker::Engine;

use crate::cli::{Cli, RuntimeChoice};
use crate::context::run_id;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::outlets;
use crate::place::{self, VARIABLE};
use crate::terminal::Terminal;

/// A program that builds or tests call, with what it is for and Debian's package of it.
const PROGRAMS: [(&str, &str, &str); 9] = [
    ("cargo", "builds Rust services", "rustup, https://rustup.rs"),
    ("cc", "links them", "gcc"),
    (
        "c++",
        "builds librdkafka, which the sample shop uses",
        "g++",
    ),
    ("make", "builds librdkafka", "make"),
    ("git", "`msvc ready` reads history with it", "git"),
    ("python3", "runs services in Python", "python3"),
    ("node", "runs services in JavaScript", "nodejs"),
    ("go", "builds services in Go", "golang-go"),
    (
        "docker",
        "the client; msvc itself needs the engine only",
        "docker.io",
    ),
];

/// Looks at everything and says how it stands.
///
/// # Errors
/// When a report cannot be written.
pub async fn run(cli: &Cli, terminal: &Terminal, shutdown: &Shutdown) -> Result<Ending, Failure> {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
        .collect();
    let began = std::time::Instant::now();
    let engine = engine(&environment).await;
    let processes = host_processes(&environment);
    let chosen = place::chosen(cli.global.runtime, &environment);
    let exit = exit(&chosen, &engine, &processes);
    let can = exit == Exit::Held;
    let mut cases = vec![processes, engine];
    cases.extend(choice(&chosen, cli.global.runtime.is_some(), can));
    cases.push(loopback());
    cases.push(namespaces(&environment, shutdown).await);
    for (program, what, package) in PROGRAMS {
        cases.push(tool((program, what, package), &environment, shutdown).await);
    }
    if shutdown.is_requested() {
        return Err(Failure::interrupted());
    }
    let mut report = Report::over("doctor", "this machine", &run_id(), "", cases);
    report.started = chrono::Local::now().to_rfc3339();
    report.seconds = began.elapsed().as_secs_f64();
    report.exit = exit.code();
    outlets::write(terminal, cli.global.junit.as_deref(), &report);
    if terminal.is_json() {
        terminal.report(&report);
    } else {
        let wanting = |case: &&Case| case.standing.as_deref() != Some(THERE);
        let shown = report
            .cases
            .iter()
            .filter(|case| !terminal.is_quiet() || wanting(case));
        terminal.result(&shown.map(line).collect::<String>());
        terminal.result(match exit {
            Exit::Held => "this machine can run systems",
            Exit::Usage => "no command about a system runs so: mend what is missing above",
            _ => "this machine can run no system so: mend what is missing above",
        });
    }
    Ok(Ending::of(&report))
}

/// 0 when a system can be run where one is to run, 2 when that is nowhere at all.
fn exit(chosen: &Result<RuntimeChoice, Failure>, engine: &Case, processes: &Case) -> Exit {
    let there = |case: &Case| case.standing.as_deref() != Some(MISSING);
    let can = match chosen {
        Err(failure) => return failure.exit,
        Ok(RuntimeChoice::Docker) => there(engine),
        Ok(RuntimeChoice::Process) => there(processes),
        Ok(RuntimeChoice::Auto) => there(engine) || there(processes),
    };
    if can { Exit::Held } else { Exit::CouldNot }
}

/// Where systems are to run, when that is not left open, and whether they can.
fn choice(chosen: &Result<RuntimeChoice, Failure>, by_flag: bool, can: bool) -> Option<Case> {
    const TITLE: &str = "chosen runtime";
    let (what, word) = match chosen {
        Err(failure) => {
            let mend = failure.problems.iter().find_map(|it| it.hint.clone());
            let mend = mend.map(|known| format!("set it to {known}"));
            let saw = failure.sentence();
            return Some(stands("runtime", TITLE, MISSING, saw, mend));
        }
        Ok(RuntimeChoice::Auto) => return None,
        Ok(RuntimeChoice::Docker) => ("container engine", "docker"),
        Ok(RuntimeChoice::Process) => ("host processes", "process"),
    };
    let (by, without) = match by_flag {
        true => (
            format!("`--runtime {word}`"),
            "leave that flag away".to_owned(),
        ),
        false => (format!("{VARIABLE}={word}"), format!("unset {VARIABLE}")),
    };
    if can {
        return Some(stands(
            "runtime",
            TITLE,
            THERE,
            format!("{what}, by {by}"),
            None,
        ));
    }
    let saw = format!("{what}, by {by}, which is missing: no system boots");
    let mend = format!("mend it, or {without}: systems run where they can then");
    Some(stands("runtime", TITLE, MISSING, saw, Some(mend)))
}

const THERE: &str = "there";
const LIMITED: &str = "limited";
const MISSING: &str = "missing";

fn stands(id: &str, title: &str, standing: &str, saw: String, mend: Option<String>) -> Case {
    let mut case = Case::new(format!("doctor/{id}"), title, Verdict::Held).because(saw);
    case.standing = Some(standing.to_owned());
    case.next = mend;
    case
}

/// One case: its standing, what it is, what was seen; below, how to mend it.
fn line(case: &Case) -> String {
    let standing = case.standing.as_deref().unwrap_or_default();
    let saw = case.evidence.first().map_or("", |it| it.what.as_str());
    let mut text = String::new();
    let indent = " ".repeat(9);
    for (number, line) in human::wrap(&format!("{}: {saw}", case.title), human::COLUMNS - 9)
        .iter()
        .enumerate()
    {
        let head = if number == 0 {
            format!("{standing:<9}")
        } else {
            indent.clone()
        };
        text.push_str(&format!("{head}{line}\n"));
    }
    for line in case
        .next
        .iter()
        .flat_map(|next| human::wrap(next, human::COLUMNS - 11))
    {
        text.push_str(&format!("{indent}> {line}\n"));
    }
    text
}

async fn engine(environment: &BTreeMap<String, String>) -> Case {
    const TITLE: &str = "container engine";
    match Engine::find(environment).await {
        Ok(engine) => {
            let saw = format!(
                "version {}, API {}, at {}",
                engine.version, engine.api, engine.place
            );
            match engine.is_local().await {
                Ok(_) => stands("engine", TITLE, THERE, saw, None),
                Err(why) => stands(
                    "engine",
                    TITLE,
                    LIMITED,
                    format!("{saw}; {why}"),
                    why.hint(),
                ),
            }
        }
        Err(why) => {
            let mend =
                "without one, systems can run as host processes only; Debian's engine is docker.io";
            stands(
                "engine",
                TITLE,
                MISSING,
                why.to_string(),
                Some(mend.to_owned()),
            )
        }
    }
}

/// What a supervisor needs: a folder for its socket, and to see its own processes.
fn host_processes(environment: &BTreeMap<String, String>) -> Case {
    const TITLE: &str = "host processes";
    let folder = environment
        .get("XDG_RUNTIME_DIR")
        .map_or_else(std::env::temp_dir, PathBuf::from);
    if let Err(why) = tempfile_in(&folder) {
        let saw = format!("no socket can be made in {}: {why}", folder.display());
        let mend = "set XDG_RUNTIME_DIR to a folder of yours".to_owned();
        return stands("processes", TITLE, MISSING, saw, Some(mend));
    }
    if !Path::new("/proc/self/environ").exists() {
        let saw = "/proc does not show processes: what outlives a crash cannot be found".to_owned();
        return stands(
            "processes",
            TITLE,
            LIMITED,
            saw,
            Some("mount /proc".to_owned()),
        );
    }
    let saw = format!("supervised, with sockets in {}", folder.display());
    stands("processes", TITLE, THERE, saw, None)
}

fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!("msvc-doctor-{}.sock", run_id()));
    let made = std::os::unix::net::UnixListener::bind(&path);
    let _ = std::fs::remove_file(&path);
    made.map(drop)
}

/// Each edge wants a loopback address of its own.
fn loopback() -> Case {
    const TITLE: &str = "loopback addresses";
    match TcpListener::bind((Ipv4Addr::new(127, 77, 3, 1), 0)) {
        Ok(_) => stands(
            "loopback",
            TITLE,
            THERE,
            "all of 127.0.0.0/8".to_owned(),
            None,
        ),
        Err(why) => {
            let saw = format!("only 127.0.0.1 ({why}): ports are rewritten instead of addresses");
            stands("loopback", TITLE, LIMITED, saw, None)
        }
    }
}

async fn namespaces(environment: &BTreeMap<String, String>, shutdown: &Shutdown) -> Case {
    const TITLE: &str = "user namespaces";
    let words = ["--user", "--map-root-user", "--net", "true"];
    match first_line("unshare", &words, environment, shutdown).await {
        Ok(_) => stands("namespaces", TITLE, THERE, "allowed".to_owned(), None),
        Err(why) => {
            let mend = "nothing needs them today; a service that insists on one port of every \
                        address will"
                .to_owned();
            stands(
                "namespaces",
                TITLE,
                LIMITED,
                format!("not allowed ({why})"),
                Some(mend),
            )
        }
    }
}

async fn tool(
    (program, what, package): (&str, &str, &str),
    environment: &BTreeMap<String, String>,
    shutdown: &Shutdown,
) -> Case {
    let flag = if program == "go" {
        "version"
    } else {
        "--version"
    };
    match first_line(program, &[flag], environment, shutdown).await {
        Ok(version) => stands(program, program, THERE, version, None),
        Err(_) => {
            let saw = format!("not on PATH; {what}");
            stands(
                program,
                program,
                MISSING,
                saw,
                Some(format!("install {package}")),
            )
        }
    }
}

/// The first line that a program writes, when it ends well.
async fn first_line(
    program: &str,
    words: &[&str],
    environment: &BTreeMap<String, String>,
    shutdown: &Shutdown,
) -> Result<String, String> {
    let command = ChildCommand {
        program: program.into(),
        arguments: words.iter().map(OsString::from).collect(),
        directory: PathBuf::from("/"),
        environment: environment
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
    };
    let mut lines = Vec::new();
    let ended = child::run(&command, shutdown, |line| match line {
        ChildLine::Out(line) | ChildLine::Err(line) => lines.push(line),
    });
    let first = |lines: Vec<String>| lines.into_iter().next().unwrap_or_default();
    match ended.await {
        Ok(ChildEnd::Exited(status)) if status.success() => Ok(first(lines)),
        Ok(_) => Err(first(lines)),
        Err(why) => Err(why.to_string()),
    }
}
