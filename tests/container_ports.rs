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

/// What the host reaches by a port, as `ps` tells it and by what is counted there.
fn leads(system: &System, port: u16) -> String {
    let counted = || {
        let ps = system.ps();
        let edges = ps["edges"].as_array().unwrap().clone();
        let from_host = edges.into_iter().filter(|it| it["caller"] == "@client");
        let counts = from_host.map(|it| {
            let edge = it["edge"].as_str().unwrap().to_owned();
            (edge, it["counts"]["connections"].as_u64().unwrap())
        });
        counts.collect::<Vec<_>>()
    };
    let before = counted();
    assert_eq!(&echoed(port).unwrap(), b"hello", "{port}");
    until("the call to be counted", || {
        let mut more = counted().into_iter().filter(|it| !before.contains(it));
        Some(more.next()?.0)
    })
}

#[test]
fn a_port_of_the_host_leads_to_whoever_asks_for_it_now_and_the_mesh_stays() {
    if engine().is_none() {
        return skipped("a container engine");
    }
    let (one, two) = (free_port(), free_port());
    let nodes_of = |a: &str, b: &str| {
        format!(
            "  a: {{<<: *node, ports: [{a}]}}\n  \
               b: {{<<: *node, ports: [{b}], depends_on: {{a: {{condition: service_started}}}}}}\n"
        )
    };
    let (p, q) = (format!("\"{one}:8080\""), format!("\"{two}:8080\""));
    let first = nodes_of(&p, &q);
    let system = nodes(&first).with_variable("MSVC_RUNTIME", "docker");
    let up = system.up();
    assert!(
        up.stdout
            .contains(&format!("a listens at http://127.0.0.1:{one}\n"))
    );
    let mesh = || {
        let running = system.running();
        let mut meshes = running.into_iter().filter(|it| it.contains("mesh"));
        (meshes.next(), meshes.next())
    };
    let made = mesh();
    let file = system.directory.join("compose.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let both = format!("{p}, {q}");
    let narrow = format!("\"127.0.0.1:{one}:8080\"");
    for (a, b, one_is, two_is, told) in [
        // Each has the other's.
        (q.as_str(), p.as_str(), "b", Some("a"), ""),
        ("", p.as_str(), "b", None, "leads nowhere any more"),
        // Both lead to one.
        ("", both.as_str(), "b", Some("b"), ""),
        (p.as_str(), q.as_str(), "a", Some("b"), ""),
        (
            narrow.as_str(),
            q.as_str(),
            "a",
            Some("b"),
            "not at 127.0.0.1 alone",
        ),
    ] {
        std::fs::write(&file, text.replace(&first, &nodes_of(a, b))).unwrap();
        let dry = system.run(&["up", "--dry-run"]).expect(0);
        assert!(!dry.stderr.contains("is taken"), "{}", dry.stderr);
        let up = system.up();
        assert_eq!(
            up.stderr.contains("host's port"),
            !told.is_empty(),
            "{}",
            up.stderr
        );
        assert!(up.stderr.contains(told), "{}", up.stderr);
        let url = format!("{one_is} listens at http://127.0.0.1:{one}\n");
        assert!(up.stdout.contains(&url), "{}", up.stdout);
        assert_eq!(leads(&system, one), format!("client->{one_is}:8080"));
        match two_is {
            Some(it) => assert_eq!(leads(&system, two), format!("client->{it}:8080")),
            None => assert!(echoed(two).is_err()),
        }
        let rows = system.run(&["ps", "--edges"]).expect(0).stdout;
        let row = format!("client->{one_is}:8080");
        assert_eq!(rows.matches(&row).count(), 1, "{rows}");
        assert_eq!(mesh(), made, "the same, and no further one");
    }
    system.run(&["down"]).expect(0);
    assert!(echoed(one).is_err());
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
