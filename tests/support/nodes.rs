//! Services in containers that are a test's own program: it answers what it is told, calls others,
//! and says what it does.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::System;

/// A system of services, each an image of this very program, whose test `service` calls
/// [`play`]. Each of `services` merges `*node`, which answers at 8080, `*gated`, which does so once
/// the system's folder has a file `gate/open`, or `*caller`, which calls the addresses in the
/// variable `CALLS` over and over; the command `[*w, *x, *y, *z, call-once, ADDRESS…]` calls each once and
/// then answers at 8080.
pub fn nodes(services: &str) -> System {
    let own = std::env::current_exe().unwrap();
    let system = System::compose(&format!(
        "x-words: [&w node, &x \"--exact\", &y \"--nocapture\", &z service]\n\
         x-node: &node\n  build: {{context: ., dockerfile: Dockerfile}}\n  command: [*w, *x, *y, *z, serve, \"8080\"]\n  expose: [8080]\n  restart: always\n  stop_signal: SIGKILL\n  healthcheck: &health {{test: [CMD, *w, *x, *y, *z, check, \"127.0.0.1:8080\"], interval: 1h}}\n\
         x-caller: &caller\n  build: {{context: ., dockerfile: Dockerfile}}\n  command: [*w, *x, *y, *z, call]\n  restart: always\n  stop_signal: SIGKILL\n\
         x-gated: &gated\n  <<: *node\n  command: [*w, *x, *y, *z, serve-after, /gate/open, \"8080\"]\n  volumes: [\"./gate:/gate\", \"data:/data\"]\n\
         services:\n{services}\nvolumes: {{data: {{}}}}\n"
    ));
    std::fs::copy(own, system.directory.join("node")).unwrap();
    std::fs::create_dir(system.directory.join("gate")).unwrap();
    let dockerfile = "FROM scratch\nCOPY node /bin/node\nENV PATH=/bin\n";
    std::fs::write(system.directory.join("Dockerfile"), dockerfile).unwrap();
    system
}

/// Lets the gated services of a system answer.
pub fn open_gate(system: &System) {
    std::fs::write(system.directory.join("gate/open"), "").unwrap();
}

/// Plays the role that the words after `service` name; none in a plain test run.
pub fn play() {
    let words: Vec<String> = std::env::args().collect();
    let Some(at) = words.iter().position(|word| word == "service") else {
        return;
    };
    let role: Vec<&str> = words[at + 1..].iter().map(String::as_str).collect();
    match role.as_slice() {
        ["serve", port] => serve(port),
        ["check", address] => drop(TcpStream::connect(address).unwrap()),
        ["serve-after", gate, port] => {
            while !std::path::Path::new(gate).exists() {
                std::thread::sleep(Duration::from_millis(20));
            }
            serve(port);
        }
        ["obey"] => obey(),
        ["call"] => call(),
        ["call-once", addresses @ ..] => {
            for address in addresses {
                assert!(answers(address), "{address} does not answer");
            }
            serve("8080");
        }
        _ => {}
    }
}

/// Works until it is told to end, and then ends well: as a worker of a queue does.
fn obey() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let kind = tokio::signal::unix::SignalKind::terminate();
        tokio::signal::unix::signal(kind).unwrap().recv().await;
    });
}

/// Calls the addresses in `CALLS` for ever, and says so each time all have answered.
fn call() {
    let addresses = std::env::var("CALLS").unwrap_or_default();
    for number in 0_u64.. {
        if addresses.split(' ').all(answers) {
            say(&format!("all answered, {number}"));
        } else {
            say(&format!("one did not answer, {number}"));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The harness keeps what a test prints; a service writes past it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

fn answers(address: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    let mut answer = [0; 5];
    let asked = stream
        .write_all(b"hello")
        .and_then(|()| stream.read_exact(&mut answer));
    asked.is_ok() && &answer == b"hello"
}

/// Answers what it is told, for ever.
fn serve(port: &str) {
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).unwrap();
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || {
            let (mut read, mut write) = (&stream, &stream);
            let mut buffer = [0; 1024];
            while let Ok(length @ 1..) = read.read(&mut buffer) {
                if write.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
        });
    }
}
