//! Ports in containers: those of the host that lead to services, and those that speak UDP.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

mod support;

use support::nodes::{self, nodes};
use support::{Runtime, System, engine, free_port, skipped, until};

#[test]
fn service() {
    nodes::play();
}

/// What a port of the host answers.
fn echoed(port: u16) -> std::io::Result<[u8; 5]> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"hello")?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).map(|()| answer)
}

#[test]
fn several_ports_of_the_host_lead_to_one_of_a_service_also_one_that_came_later() {
    if engine().is_none() {
        return skipped("a container engine");
    }
    let (first, later) = (free_port(), free_port());
    let published = |ports: &str| format!("  b: {{<<: *node, ports: [{ports}]}}\n");
    let before = published(&format!("\"127.0.0.1:{first}:8080\", \"127.0.0.1::8080\""));
    let after = published(&format!(
        "\"127.0.0.1:{first}:8080\", \"127.0.0.1::8080\", \"127.0.0.1:{later}:8080\""
    ));
    let system = nodes(&before).with_variable("MSVC_RUNTIME", "docker");
    // Layers that no other test shares: one that is removed meanwhile makes another image.
    let dockerfile = system.directory.join("Dockerfile");
    let text = std::fs::read_to_string(&dockerfile).unwrap();
    let own = format!("FROM scratch\nLABEL own={}\n", system.project);
    std::fs::write(&dockerfile, text.replace("FROM scratch\n", &own)).unwrap();
    let up = system.up();
    let told: Vec<u16> = up
        .stdout
        .lines()
        .filter_map(|line| line.rsplit_once(':')?.1.parse().ok())
        .collect();
    assert_eq!(told.len(), 2, "{}", up.stdout);
    for port in &told {
        assert_eq!(&echoed(*port).unwrap(), b"hello", "{port}");
    }
    let mut live = TcpStream::connect(("127.0.0.1", first)).unwrap();
    let file = system.directory.join("compose.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(&before, &after)).unwrap();
    let more = system.up();
    assert!(!more.stderr.contains("ready "), "{}", more.stderr);
    assert_eq!(&echoed(later).unwrap(), b"hello");
    live.write_all(b"still").unwrap();
    let mut answer = [0; 5];
    live.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"still");

    // Without a mesh the ports are the service's own, and nothing of it stays.
    let bare = system.run(&["up", "-d", "--no-mesh"]).expect(0);
    for port in [first, later] {
        let told = bare.stdout.contains(&format!(":{port}\n"));
        assert!(told && echoed(port).is_ok(), "{port}: {}", bare.stdout);
    }
    assert!(
        !system.running().iter().any(|name| name.contains("mesh")),
        "{:?}",
        system.running()
    );
}

/// Answers each datagram at a port with what it holds.
const ECHO: &str = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); \
     s.bind(('0.0.0.0', 8125))\nwhile True: s.sendto(*s.recvfrom(99))";

/// Sends datagrams to the address in `STATS` until one is answered, and serves HTTP then.
const CALL: &str = "import os, socket, http.server as h\n\
     host, port = os.environ['STATS'].split(':')\n\
     s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.2)\n\
     while True:\n  \
       try:\n    \
         s.sendto(b'12345', (host, int(port))); s.recv(9); break\n  \
       except OSError: pass\n\
     h.HTTPServer(('0.0.0.0', 80), h.BaseHTTPRequestHandler).serve_forever()";

/// That setting names a port as any address does: what is spoken there the callee's `expose` says.
#[test]
fn datagrams_are_counted_on_an_edge_that_takes_them_and_nobody_waits_for_a_port_of_tcp() {
    if engine().is_none() {
        return skipped("a container engine");
    }
    let python = |script: &str| serde_json::json!(["python3", "-c", script]);
    let (echo, call) = (python(ECHO), python(CALL));
    let six = free_port();
    let system = System::compose(&format!(
        "x-all: &all {{image: \"${{TOOLS}}\", stop_signal: SIGKILL}}\n\
         services:\n  \
           stats: {{<<: *all, command: {echo}, expose: [8125/udp]}}\n  \
           web: {{<<: *all, command: {call}, environment: {{STATS: \"stats:8125\"}}, ports: [\"[::1]:{six}:80\"]}}\n"
    ))
    .on(Runtime::Containers);
    let up = system.up();
    let url = format!("http://[::1]:{six}");
    let told = format!("web listens at {url}\n");
    assert!(up.stdout.contains(&told), "{}", up.stdout);
    until("web to answer at its published port", || {
        let mut stream = TcpStream::connect(("::1", six)).ok()?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).ok()?;
        (&answer == b"HTTP").then_some(())
    });
    let shown = system.run(&["ps"]).expect(0).stdout;
    assert!(shown.contains(&url), "{shown}");
    let shown = system.run(&["ps", "--edges"]).expect(0).stdout;
    let edge = shown.lines().find(|it| it.starts_with("web->stats:8125"));
    let edge = edge.unwrap_or_else(|| panic!("{shown}"));
    assert!(!edge.contains("refuses"), "{shown}");
    let ps = system.ps();
    let mut edges = ps["edges"].as_array().unwrap().iter();
    let edge = edges.find(|it| it["edge"] == "web->stats:8125").unwrap();
    let counts = &edge["counts"];
    assert_eq!(counts["bytes_from_callee"], 5, "{edge:#}");
}
